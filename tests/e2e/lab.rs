//! Networks that are bad on purpose, as `tests/lab.sh` makes them: processes in their namespaces, and coturn at the server.
//! As root on Linux only.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::coturn::{CREDENTIAL, Coturn, valid_for};
use crate::harness::{Ended, Process, callcheck, free_room};
use crate::turn::report_of;

/// The server's address, and a second one of it.
pub(crate) const SERVER: &str = "203.0.113.10";
pub(crate) const SECOND: &str = "203.0.113.11";

/// The URL of the server's relay over UDP.
pub(crate) const TURN: &str = "turn:203.0.113.10";

/// A second listening address, so that the server can test the network by RFC 5780.
pub(crate) const TWO_ADDRESSES: [&str; 4] = ["--listening-ip", SECOND, "--relay-ip", SECOND];

/// A network. Gone when dropped, with everything that runs in it.
pub(crate) struct Lab {
    name: &'static str,
    prefix: String,
}

impl Lab {
    /// The lab of that name. None, with the reason on standard error, where none can be made.
    pub(crate) fn up(name: &'static str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("cc{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lab = Self { name, prefix };
        let made = script(&["up", name, &lab.prefix]);
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            let must = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!must, "the lab {name} cannot be made, and CALLCHECK_REQUIRE_ALL=1: {why}");
            eprintln!("skipped: no lab can be made; run as root on Linux with iproute2 and nftables: {why}");
            return None;
        }
        Some(lab)
    }

    /// `program` in the namespace of `side`.
    pub(crate) fn command(&self, side: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}-{side}", self.prefix), program]);
        command
    }

    /// coturn at the server on 3478, 5349 and 443, with what this lab wants of it and these options.
    pub(crate) fn coturn(&self, options: &[&str]) -> Option<Coturn> {
        let command = self.command("server", "turnserver");
        let user = format!("me:{CREDENTIAL}");
        let own = String::from_utf8(script(&["coturn", self.name]).stdout).unwrap();
        let own: Vec<&str> = own.lines().collect();
        let common =
            ["--lt-cred-mech", "--user", &user, "--aux-server", "203.0.113.10:443", "--min-port", "49152"];
        let options = [&common, &own[..], options].concat();
        let turn = Coturn::spawn(command, SERVER, (3478, 5349), valid_for(&[SERVER]), &options)?;
        self.wait_until_it_answers();
        Some(turn)
    }

    /// Until the server answers a Binding request (RFC 8489 §2), asked beside it, where nothing is in the way.
    fn wait_until_it_answers(&self) {
        let request = r"\x00\x01\x00\x00\x21\x12\xa4\x42callcheck-la";
        let ask =
            format!("exec 3<>/dev/udp/{SERVER}/3478 && printf '{request}' >&3 && read -rN 1 -t 0.1 -u 3");
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut probe = self.command("server", "bash");
        probe.args(["-c", &ask]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        while !probe.status().unwrap().success() {
            assert!(Instant::now() < deadline, "turnserver does not answer in its namespace");
        }
    }

    /// `callcheck` in the namespace of `side`, as the user `me`.
    pub(crate) fn callcheck(&self, side: &str, arguments: &[&str]) -> Process {
        let plain = callcheck(&free_room(), &[]);
        let mut command = self.command(side, plain.get_program().to_str().unwrap());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.args(arguments).env("CALLCHECK_CREDENTIAL", CREDENTIAL);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::start(command)
    }

    /// `callcheck turn` on the inside, and its report.
    pub(crate) fn turn(&self, arguments: &[&str]) -> (Ended, Value) {
        let more = ["--username", "me", "--json"];
        let ended = self.callcheck("inside", &[&["turn"], arguments, &more].concat()).end();
        assert!(!ended.stderr.contains(CREDENTIAL) && !ended.stdout.contains(CREDENTIAL), "a secret shows");
        let report = report_of(&ended);
        (ended, report)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        script(&["down", &self.prefix]);
    }
}

/// Runs the script that makes the networks.
pub(crate) fn script(arguments: &[&str]) -> Output {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab.sh");
    let mut command = Command::new("bash");
    command.arg(path).args(arguments).stdin(Stdio::null());
    command.output().expect("bash runs")
}
