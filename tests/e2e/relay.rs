//! Calls through a real TURN server: coturn on ports of its own.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

use crate::harness::{Ended, Process, callcheck, free_port, free_room, one_call_at_a_time};

/// A running coturn. Killed when dropped.
struct Coturn {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Coturn {
    /// None, with the reason on standard error, where it is not installed.
    fn start() -> Option<Self> {
        if Command::new("turnserver")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            let must = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!must, "coturn (turnserver) is not installed, and CALLCHECK_REQUIRE_ALL=1");
            // cargo shows it with --nocapture; `make test` has said the same.
            eprintln!("skipped: coturn (turnserver) is not installed; `make test` installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new("turnserver");
        command
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay", "--lt-cred-mech"])
            .args(["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--allow-loopback-peers"])
            .args(["--user", "me:hush-right", "--realm", "test", "--simple-log", "--log-file", "stdout"])
            .args(["--listening-port", &port.to_string(), "--pidfile", &file("pid"), "--db", &file("db")])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("turnserver starts");
        let turn = Self { child, port, _folder: folder };
        turn.wait_until_it_answers();
        Some(turn)
    }

    /// Sends Binding requests (RFC 8489 §2) until one is answered.
    fn wait_until_it_answers(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 12]);
        let answered = (0..100).any(|_| {
            let _ = socket.send_to(&request, ("127.0.0.1", self.port));
            socket.recv(&mut [0; 200]).is_ok()
        });
        assert!(answered, "turnserver does not answer on port {}", self.port);
    }

    fn side(&self, room: &str, command: &str, credential: &str, more: &[&str]) -> Process {
        let url = format!("turn:127.0.0.1:{}", self.port);
        let relayed =
            ["--bind", "127.0.0.1", "--ice-policy", "relay", "--ice-server", &url, "--username", "me"];
        let mut process = callcheck(room, &[&[command, "demo"], &relayed[..], more].concat());
        process.env("CALLCHECK_CREDENTIAL", credential);
        Process::start(process)
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_relayed_call_carries_stamped_media() {
    let _turn = one_call_at_a_time();
    let Some(turn) = Coturn::start() else { return };
    let room = free_room();
    let expect = ["--expect", "pair=relay", "--json"];
    let caller = turn.side(&room, "call", "hush-right", &[&["--duration", "2s"], &expect[..]].concat());
    let callee = turn.side(&room, "answer", "hush-right", &expect);
    for side in [caller.end(), callee.end()] {
        let side = side.exits(0);
        let report = side.report();
        let pair = &report["calls"][0]["peers"][0]["selected_pair"];
        assert_eq!(pair["local"]["type"], "relay", "{pair}");
        assert_no_secret(&side, "hush-right");
    }
}

#[test]
fn a_wrong_credential_fails_the_call_and_does_not_show() {
    let _turn = one_call_at_a_time();
    let Some(turn) = Coturn::start() else { return };
    let room = free_room();
    let limits = ["--answer-timeout", "10s", "--timeout", "3s", "-v"];
    let caller = turn.side(&room, "call", "hush-wrong", &limits);
    let callee = turn.side(&room, "answer", "hush-wrong", &limits);
    for side in [caller.end(), callee.end()] {
        assert_no_secret(&side.exits(1), "hush-wrong");
    }
}

#[track_caller]
fn assert_no_secret(ended: &Ended, secret: &str) {
    assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "a secret shows");
}
