//! `callcheck turn` from inside networks that block something: three network namespaces, a router between two of them. What
//! is blocked is blocked by routing rules, which need nothing but iproute2. As root only.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::coturn::{CREDENTIAL, Coturn, valid_for};
use crate::harness::{Ended, Process, callcheck, free_room};
use crate::turn::{failed, findings, step};

const SERVER: &str = "203.0.113.10";

/// `inside` 198.51.100.2, `router` .1 of both networks, `server` 203.0.113.10. Gone when dropped.
struct Lab {
    name: String,
}

impl Lab {
    /// With these rules at the router, each the words after `ip rule add`. None, with the reason on standard error, where
    /// namespaces cannot be made.
    fn up(rules: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cc{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lab = Self { name };
        if !ip(&["netns", "add", &lab.ns("router")]) {
            let must = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!must, "no network namespace can be made, and CALLCHECK_REQUIRE_ALL=1");
            eprintln!("skipped: no network namespace can be made; run as root on Linux with iproute2");
            return None;
        }
        for (side, near, far) in [
            ("inside", "198.51.100.2/24", "198.51.100.1/24"),
            ("server", "203.0.113.10/24", "203.0.113.1/24"),
        ] {
            let (ns, router) = (lab.ns(side), lab.ns("router"));
            lab.must(&["netns", "add", &ns]);
            lab.must(&[
                "link", "add", "eth0", "netns", &ns, "type", "veth", "peer", "name", side, "netns", &router,
            ]);
            for (ns, device, address) in [(&ns, "eth0", near), (&router, side, far)] {
                lab.must(&["-n", ns, "addr", "add", address, "dev", device]);
                lab.must(&["-n", ns, "link", "set", device, "up"]);
                lab.must(&["-n", ns, "link", "set", "lo", "up"]);
            }
            lab.must(&["-n", &ns, "route", "add", "default", "via", far.split('/').next().unwrap()]);
        }
        let router = lab.ns("router");
        lab.must(&["netns", "exec", &router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        for (index, rule) in rules.iter().enumerate() {
            let priority = (100 + index).to_string();
            let words: Vec<&str> = rule.split(' ').collect();
            lab.must(&[&["-n", &router, "rule", "add", "priority", &priority], &words[..]].concat());
        }
        Some(lab)
    }

    fn ns(&self, side: &str) -> String {
        format!("{}-{side}", self.name)
    }

    fn must(&self, words: &[&str]) {
        assert!(ip(words), "ip {}", words.join(" "));
    }

    /// coturn on the server's side, on 3478, 5349 and 443.
    fn coturn(&self, options: &[&str]) -> Option<Coturn> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.ns("server"), "turnserver"]);
        let user = format!("me:{CREDENTIAL}");
        let common =
            ["--lt-cred-mech", "--user", &user, "--aux-server", "203.0.113.10:443", "--min-port", "49152"];
        let turn =
            Coturn::spawn(command, SERVER, (3478, 5349), valid_for(&[SERVER]), &[&common, options].concat())?;
        let (ns, probe) = (self.ns("server"), format!("exec 3<>/dev/tcp/{SERVER}/3478"));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !ip(&["netns", "exec", &ns, "bash", "-c", &probe]) {
            assert!(std::time::Instant::now() < deadline, "turnserver does not answer in its namespace");
        }
        Some(turn)
    }

    /// `callcheck turn` on the inside.
    fn turn(&self, arguments: &[&str]) -> (Ended, Value) {
        let plain = callcheck(&free_room(), &[]);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.ns("inside")]).arg(plain.get_program());
        command.arg("turn").args(arguments).args(["--username", "me", "--json"]);
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("CALLCHECK_CREDENTIAL", CREDENTIAL);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = Process::start(command).end();
        let report = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", ended.stdout, ended.stderr));
        (ended, report)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for side in ["inside", "server", "router"] {
            ip(&["netns", "del", &self.ns(side)]);
        }
    }
}

fn ip(words: &[&str]) -> bool {
    let mut command = Command::new("ip");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn an_open_network_passes_with_public_addresses() {
    let Some(lab) = Lab::up(&[]) else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(0);
    assert_eq!(report["servers"][0]["nat"], "none; the server sees the address that we have");
}

#[test]
fn udp_that_is_dropped_calls_for_another_url() {
    let Some(lab) = Lab::up(&["iif inside ipproto udp blackhole"]) else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(1).says(&["turn:203.0.113.10:3478?transport=tcp"]);
    assert_eq!(failed(&report).1, "silent");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);

    // Silence is no fault of the server's certificate or of its DTLS.
    let (ended, report) = lab.turn(&["turns:203.0.113.10?transport=udp"]);
    ended.exits(1).says(&["handshake failed: no answer"]);
    assert_eq!(failed(&report).1, "silent");
    assert!(!findings(&report).contains(&"turn-tls-failed"), "{:?}", findings(&report));

    // Over TCP the relay works, and whether peers reach it cannot be seen from here.
    let (ended, report) = lab.turn(&["turn:203.0.113.10?transport=tcp"]);
    ended.exits(3).says(&["inbound was not tested: UDP does not pass"]);
    assert_eq!(step(&report, "echo")["status"], "ok");
    assert_eq!(step(&report, "inbound")["status"], "skipped");
    assert!(findings(&report).is_empty());
    let (ended, _) = lab.turn(&["turn:203.0.113.10?transport=tcp", "--expect", "tcp.echo=ok"]);
    ended.exits(0);
}

#[test]
fn udp_that_is_rejected_is_told_from_udp_that_is_dropped() {
    let Some(lab) = Lab::up(&["iif inside ipproto udp prohibit"]) else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(1).says(&["a firewall rejects UDP", "turn:203.0.113.10:3478?transport=tcp"]);
    assert_eq!(failed(&report).1, "unreachable");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);
}

#[test]
fn only_tcp_443_leaves_tls_443() {
    let rules = ["iif inside ipproto tcp dport 443 lookup main", "iif inside blackhole"];
    let Some(lab) = Lab::up(&rules) else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    let ca = turn.ca();
    let (ended, report) = lab.turn(&["turn:203.0.113.10", "--also-443", "--ca", &ca]);
    ended.exits(1).says(&["turns:203.0.113.10:443?transport=tcp"]);
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);
    let (ended, report) = lab.turn(&["turns:203.0.113.10:443", "--ca", &ca, "--expect", "tls.echo=ok"]);
    ended.exits(0);
    assert_eq!(step(&report, "inbound")["status"], "skipped");
    let start = std::time::Instant::now();
    let (ended, report) = lab.turn(&["turn:203.0.113.10", "turns:203.0.113.10:5349"]);
    ended.exits(1).says(&["turn-unreachable"]);
    assert_eq!(failed(&report).1, "silent");
    assert!(start.elapsed() < std::time::Duration::from_secs(9), "took {:?}", start.elapsed());
}

#[test]
fn relay_ports_that_are_closed_inbound_are_found() {
    let Some(lab) = Lab::up(&["iif inside ipproto udp dport 49152-65534 blackhole"]) else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(1).says(&["closed inbound", "min-port"]);
    assert_eq!(failed(&report), ("inbound".into(), "lost".into(), Value::Null));
    assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
    for name in ["allocate", "outbound", "echo"] {
        assert_eq!(step(&report, name)["status"], "ok", "{name}: an echo inside the server shows nothing");
    }
}

#[test]
fn relay_ports_that_are_closed_outbound_are_found() {
    let Some(lab) = Lab::up(&["iif server ipproto udp sport 49152-65534 blackhole"]) else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(1).says(&["closed outbound"]);
    assert_eq!(failed(&report), ("outbound".into(), "lost".into(), Value::Null));
    assert_eq!(step(&report, "inbound")["status"], "ok");
    assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
}

#[test]
fn a_private_relayed_address_on_a_public_server_is_named() {
    let Some(lab) = Lab::up(&[]) else { return };
    let Some(_turn) = lab.coturn(&["--external-ip", "10.9.0.10"]) else { return };
    let (ended, report) = lab.turn(&["turn:203.0.113.10"]);
    ended.exits(1).says(&["external-ip=203.0.113.10/10.9.0.10"]);
    assert_eq!(findings(&report), ["turn-private-relay"]);
}
