//! `callcheck turn` from inside networks that translate or block something, with real coturn outside: a good server passes
//! behind every NAT, and what is blocked is named with its remedy.

use serde_json::{Value, json};

use crate::lab::{Lab, TURN, TWO_ADDRESSES};
use crate::turn::{failed, findings, step};

/// A good server over every transport from this lab: all is well, and the network is named for what it is.
fn a_good_server_passes(lab: &'static str, nat: &str, mapping: &str, filtering: &str) {
    let Some(lab) = Lab::up(lab) else { return };
    let Some(turn) = lab.coturn(&TWO_ADDRESSES) else { return };
    let urls = [
        TURN,
        "turn:203.0.113.10?transport=tcp",
        "turns:203.0.113.10:443",
        "turns:203.0.113.10?transport=udp",
    ];
    let (ended, report) = lab.turn(&[&urls[..], &["--ca", &turn.ca()]].concat());
    let ended = ended.exits(0);
    for server in report["servers"].as_array().unwrap() {
        assert_eq!(server["verdict"], "passed", "{server:#}");
        assert_eq!(server["findings"], json!([]));
        for name in ["allocate", "permission", "inbound", "channel", "outbound", "echo", "stale-nonce"] {
            let steps = server["paths"][0]["steps"].as_array().unwrap();
            let step = steps.iter().find(|step| step["step"] == name).unwrap();
            assert_eq!(step["status"], "ok", "{} {step:#}", server["url"]);
        }
    }
    let measured = json!({ "mapping": mapping, "filtering": filtering, "measured": true });
    assert_eq!(report["servers"][0]["nat_behavior"], measured);
    let told = report["servers"][0]["nat"].as_str().unwrap();
    assert!(told.starts_with(nat), "{told}");
    ended.says(&[&format!("mapping {mapping}, filtering {filtering} (RFC 5780)")]);
}

/// How lax a network is, as RFC 4787 calls it.
const ALL: &str = "endpoint-independent";
const NONE: &str = "address-and-port-dependent";

#[test]
fn a_good_server_passes_where_nothing_is_between() {
    a_good_server_passes("open", "none; the server sees the address that we have", ALL, ALL);
}

#[test]
fn a_good_server_passes_behind_a_cone() {
    a_good_server_passes("cone", "NAT as 192.0.2.2", ALL, NONE);
}

#[test]
fn a_good_server_passes_behind_a_full_cone() {
    a_good_server_passes("full-cone", "NAT as 192.0.2.2", ALL, ALL);
}

#[test]
fn a_good_server_passes_behind_a_symmetric_nat() {
    a_good_server_passes("symmetric", "symmetric NAT: one socket is seen as 192.0.2.2:", NONE, NONE);
}

#[test]
fn a_good_server_passes_behind_two_nats() {
    a_good_server_passes("double", "NAT as 192.0.2.10", ALL, NONE);
}

#[test]
fn a_good_server_passes_behind_two_nats_that_hairpin() {
    a_good_server_passes("double-hairpin", "NAT as 192.0.2.10", ALL, NONE);
}

#[test]
fn a_symmetric_nat_is_told_by_one_server_with_one_address() {
    let Some(lab) = Lab::up("symmetric") else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(0).says(&["symmetric NAT", "(inferred)"]);
    let inferred = json!({ "mapping": NONE, "filtering": null, "measured": false });
    assert_eq!(report["servers"][0]["nat_behavior"], inferred);
    // From the same server nothing can be inferred of a mapping that is kept.
    let Some(lab) = Lab::up("cone") else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(0).says(&["the mapping does not depend on the port"]);
    assert_eq!(report["servers"][0]["nat_behavior"], Value::Null);
}

#[test]
fn a_server_without_tls_is_named_where_the_network_is_good() {
    let Some(lab) = Lab::up("cone") else { return };
    let Some(_turn) = lab.coturn(&["--no-tls", "--no-dtls"]) else { return };
    let (ended, report) = lab.turn(&["turns:203.0.113.10"]);
    ended.exits(1).says(&["nothing listens on TCP port 5349", "tls-listening-port=5349", "without `no-tls`"]);
    assert_eq!(first(&report), "connect: refused");
    assert_eq!(findings(&report), ["turn-unreachable"]);
    // What it has no TLS for is no fault of what it does without.
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(0);
    assert!(findings(&report).is_empty());
}

#[test]
fn udp_that_is_dropped_calls_for_another_url() {
    let Some(lab) = Lab::up("udp-dropped") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(1).says(&["turn:203.0.113.10:3478?transport=tcp"]);
    assert_eq!(first(&report), "binding: silent");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);
    let (ended, _) = lab.turn(&[TURN, "--ca", &turn.ca()]);
    ended.exits(1).says(&["turns:203.0.113.10:5349?transport=tcp"]);
    // DTLS is UDP, too: that no handshake comes about is not the server's fault.
    let (ended, report) = lab.turn(&["turns:203.0.113.10?transport=udp", "--ca", &turn.ca()]);
    ended.exits(1).says(&["turns:203.0.113.10:5349?transport=tcp"]);
    assert_eq!(first(&report), "handshake: silent");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);

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
fn udp_that_is_dropped_leaves_nothing_of_a_server_that_speaks_udp_alone() {
    let Some(lab) = Lab::up("udp-dropped") else { return };
    let Some(_turn) = lab.coturn(&["--no-tcp", "--no-tls", "--no-dtls"]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(1).says(&["open UDP port 3478", "tls-listening-port=443"]);
    assert_eq!(first(&report), "binding: silent");
    assert_eq!(findings(&report), ["turn-unreachable"]);
}

#[test]
fn udp_that_is_rejected_is_told_from_udp_that_is_dropped() {
    let Some(lab) = Lab::up("udp-rejected") else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended
        .exits(1)
        .says(&["a firewall rejects UDP (ICMP says so at once)", "turn:203.0.113.10:3478?transport=tcp"]);
    assert_eq!(first(&report), "binding: unreachable");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);
    let (ended, report) = lab.turn(&["turn:203.0.113.10?transport=tcp"]);
    ended.exits(3).says(&["inbound was not tested: UDP does not pass"]);
    assert!(findings(&report).is_empty());
}

#[test]
fn only_tcp_443_leaves_tls_443() {
    let Some(lab) = Lab::up("tcp-443") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    let ca = turn.ca();
    let (ended, report) = lab.turn(&[TURN, "--also-443", "--ca", &ca]);
    ended.exits(1).says(&["turns:203.0.113.10:443?transport=tcp"]);
    assert_eq!(first(&report), "binding: silent");
    assert_eq!(findings(&report), ["turn-no-tcp-fallback"]);
    let (ended, report) = lab.turn(&["turns:203.0.113.10:443", "--ca", &ca, "--expect", "tls.echo=ok"]);
    ended.exits(0);
    assert_eq!(step(&report, "inbound")["status"], "skipped");
    let start = std::time::Instant::now();
    let (ended, report) = lab.turn(&[TURN, "turns:203.0.113.10:5349"]);
    ended.exits(1).says(&["turn-unreachable"]);
    assert_eq!(failed(&report).1, "silent");
    assert!(start.elapsed() < std::time::Duration::from_secs(9), "took {:?}", start.elapsed());
}

#[test]
fn only_tcp_443_leaves_no_tls_to_a_server_without() {
    let Some(lab) = Lab::up("tcp-443") else { return };
    let Some(_turn) = lab.coturn(&["--no-tls", "--no-dtls"]) else { return };
    let (ended, report) = lab.turn(&["turns:203.0.113.10:443"]);
    ended.exits(1);
    assert_eq!(failed(&report).0, "handshake");
    let (ended, _) = lab.turn(&["turn:203.0.113.10:443?transport=tcp", "--expect", "tcp.echo=ok"]);
    ended.exits(0);
}

#[test]
fn where_dns_alone_passes_nothing_can_be_relayed() {
    let Some(lab) = Lab::up("dns-only") else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN, "turns:203.0.113.10:443"]);
    ended.exits(1).says(&["UDP is dropped on the way", "or a firewall says so"]);
    assert_eq!(first(&report), "binding: silent");
    assert_eq!(findings(&report), ["turn-unreachable"]);
    let tls = &report["servers"][1];
    let steps = tls["paths"][0]["steps"].as_array().unwrap();
    let refused = steps.iter().find(|step| step["status"] == "failed").unwrap();
    assert_eq!((&refused["step"], &refused["cause"]), (&json!("connect"), &json!("refused")));
    assert_eq!(tls["findings"][0]["id"], "turn-unreachable");
}

#[test]
fn relay_ports_that_are_closed_inbound_are_found() {
    let Some(lab) = Lab::up("relay-in-blocked") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    for url in [TURN, "turns:203.0.113.10"] {
        let (ended, report) = lab.turn(&[url, "--ca", &turn.ca()]);
        ended.exits(1).says(&["closed inbound", "min-port"]);
        assert_eq!(first(&report), "inbound: lost");
        assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
        // An echo inside the server shows nothing.
        for name in ["allocate", "echo"] {
            assert_eq!(step(&report, name)["status"], "ok", "{url} {name}");
        }
    }
}

#[test]
fn relay_ports_that_are_closed_outbound_are_found() {
    let Some(lab) = Lab::up("relay-out-blocked") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    for url in [TURN, "turns:203.0.113.10"] {
        let (ended, report) = lab.turn(&[url, "--ca", &turn.ca()]);
        ended.exits(1).says(&["closed outbound"]);
        assert_eq!(first(&report), "outbound: lost");
        assert_eq!(step(&report, "inbound")["status"], "ok");
        assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
    }
}

#[test]
fn a_private_relayed_address_on_a_public_server_is_named() {
    let Some(lab) = Lab::up("private-relay") else { return };
    let Some(_turn) = lab.coturn(&[]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(1).says(&["external-ip=203.0.113.10/10.9.0.10"]);
    assert_eq!(first(&report), "inbound: lost");
    assert_eq!(step(&report, "echo")["status"], "ok", "an echo inside the server shows nothing");
    assert_eq!(findings(&report), ["turn-private-relay"]);
}

#[test]
fn a_narrow_way_shows_by_the_largest_payload() {
    let Some(lab) = Lab::up("narrow") else { return };
    let Some(_turn) = lab.coturn(&["--no-tls", "--no-dtls"]) else { return };
    let (ended, report) = lab.turn(&[TURN, "--duration", "300ms"]);
    let told = ended.exits(0).stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("largest payload 1200 bytes in one piece"), "{told}");
    // 28 bytes of headers of IP and UDP, and 4 of the channel: the 1300 that were tried do not fit.
    let load = &report["servers"][0]["paths"][0]["load"];
    assert_eq!((&load["largest_payload"], &load["in_one_piece"]), (&json!(1200), &json!(true)));
}

#[test]
fn a_good_server_is_not_failed_by_lost_datagrams() {
    let Some(lab) = Lab::up("loss-every-fifth") else { return };
    let Some(_turn) = lab.coturn(&["--no-tls", "--no-dtls"]) else { return };
    let (ended, report) = lab.turn(&[TURN]);
    ended.exits(0);
    assert!(findings(&report).is_empty());
    // What was lost shows: as time, as a count of what was sent, or of what arrived.
    let steps = report["servers"][0]["paths"][0]["steps"].as_array().unwrap();
    let lossy = |step: &Value| {
        let reason = step["reason"].as_str().unwrap_or_default();
        reason.contains("; sent ") || reason.contains(" of 5 datagrams") || step["ms"].as_f64() > Some(300.0)
    };
    assert!(steps.iter().any(lossy), "{steps:#?}");
}

/// The first step that failed, and its cause.
#[track_caller]
fn first(report: &Value) -> String {
    let (step, cause, _) = failed(report);
    format!("{step}: {cause}")
}
