//! Calls through real coturn over TCP, TLS and DTLS, and what is told of servers that do not do what is asked.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

use serde_json::Value;

use crate::coturn::{CREDENTIAL, Coturn};
use crate::harness::{Ended, Process, callcheck, free_port, free_room, one_call_at_a_time};

fn side(room: &str, command: &str, url: &str, credential: &str, more: &[&str]) -> Process {
    let bind = if url.contains("[::1]") { "::1" } else { "127.0.0.1" };
    let relayed = ["--bind", bind, "--ice-policy", "relay", "--ice-server", url, "--username", "me"];
    let mut process = callcheck(room, &[&[command, "demo"], &relayed[..], more].concat());
    process.env("CALLCHECK_CREDENTIAL", credential);
    Process::start(process)
}

fn both(url: &str, credential: &str, more: &[&str]) -> [Ended; 2] {
    let room = free_room();
    let caller = side(&room, "call", url, credential, &[&["--duration", "2s"], more].concat());
    let callee = side(&room, "answer", url, credential, more);
    [caller.end(), callee.end()]
}

/// A call that cannot connect, with the reason in its findings.
fn fails(url: &str, credential: &str, more: &[&str], finding: &str) -> Ended {
    let limits = ["--answer-timeout", "20s", "--timeout", "3s", "--json"];
    let [caller, callee] = both(url, credential, &[&limits, more].concat());
    callee.exits(1);
    let caller = caller.exits(1);
    let report = caller.report();
    let findings = report["calls"][0]["findings"].as_array().unwrap();
    assert_eq!(findings[0]["id"], finding, "{url}: {findings:#?}\n{}", caller.stderr);
    caller
}

#[test]
fn a_call_is_relayed_whatever_carries_it_to_the_server() {
    let _machine = one_call_at_a_time();
    let Some(turn) = Coturn::with_user(&[]) else { return };
    let ca = turn.ca();
    let trusted = ["--expect", "pair=relay", "--json", "--ca", ca.as_str()];
    for (url, protocol) in ways(&turn) {
        for ended in both(&url, CREDENTIAL, &trusted) {
            let ended = ended.exits(0);
            let report = ended.report();
            let local = &report["calls"][0]["peers"][0]["selected_pair"]["local"];
            assert_eq!(
                (local["type"].as_str(), local["relay_protocol"].as_str()),
                (Some("relay"), Some(protocol))
            );
            assert_eq!(report["calls"][0]["findings"], Value::Array(Vec::new()), "{url}");
            assert!(!ended.stderr.contains(CREDENTIAL) && !ended.stdout.contains(CREDENTIAL));
        }
    }
}

#[test]
fn several_servers_may_be_given_and_one_that_fails_does_not_stop_the_others() {
    let _machine = one_call_at_a_time();
    let Some(turn) = Coturn::with_user(&[]) else { return };
    let (ca, dead) = (turn.ca(), free_port());
    let (mute, folder) = (UdpSocket::bind("127.0.0.1:0").unwrap(), tempfile::tempdir().unwrap());
    let mute = mute.local_addr().unwrap().port();
    let [(udp, _), (tcp, _), (tls, _), (dtls, _)] = ways(&turn);
    for (bad, why, good) in [
        (format!("turns:127.0.0.1:{dead}"), "connection refused", &tcp),
        (format!("turn:127.0.0.1:{dead}"), "connection refused", &tls),
        (format!("turn:127.0.0.1:{mute}"), "no answer over UDP within 4 s", &dtls),
        (format!("turn:127.0.0.1:{}?transport=tcp", web_server()), "HTTP", &udp),
    ] {
        let record = folder.path().join(why).display().to_string();
        let more =
            ["--ice-server", good, "--username", "me", "--expect", "pair=relay", "--json", "--ca", &ca];
        let room = free_room();
        let caller = [&more[..], &["--duration", "5s", "--record", &record]].concat();
        let caller = side(&room, "call", &bad, CREDENTIAL, &caller);
        let callee = side(&room, "answer", &bad, CREDENTIAL, &more);
        for ended in [caller.end(), callee.end()] {
            let ended = ended.exits(0);
            // It was not needed, so nothing is found wrong.
            assert_eq!(ended.report()["calls"][0]["findings"], Value::Array(Vec::new()));
        }
        let events = std::fs::read_to_string(&record).unwrap();
        let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told: Vec<Value> = events.map(|event| event["kind"]["server-error"].clone()).collect();
        let told: Vec<&Value> = told.iter().filter(|error| !error.is_null()).collect();
        let [error] = told[..] else { panic!("{bad}: {told:#?}") };
        assert_eq!((error["url"].as_str(), error["code"].as_u64()), (Some(&*bad), Some(701)));
        assert!(error["text"].as_str().unwrap().contains(why), "{error}");
    }
}

/// The port of one that answers whoever says anything, and knows no STUN.
fn web_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let heard = stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0);
            assert!(heard && stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_ok());
        }
    });
    port
}

#[test]
fn a_server_on_ipv6_relays_whatever_carries_it() {
    let _machine = one_call_at_a_time();
    let Some(turn) = Coturn::on_ipv6() else { return };
    let ca = turn.ca();
    let more = ["--expect", "pair=relay", "--json", "--ca", ca.as_str()];
    let (plain, secure) = (turn.port, turn.secure);
    for url in [
        format!("turn:[::1]:{plain}"),
        format!("turn:[::1]:{plain}?transport=tcp"),
        format!("turns:[::1]:{secure}"),
        format!("turns:[::1]:{secure}?transport=udp"),
    ] {
        for ended in both(&url, CREDENTIAL, &more) {
            let report = ended.exits(0).report();
            let local = &report["calls"][0]["peers"][0]["selected_pair"]["local"];
            assert_eq!((local["type"].as_str(), local["url"].as_str()), (Some("relay"), Some(&*url)));
        }
    }
}

#[test]
fn what_keeps_a_server_from_relaying_is_named() {
    let _machine = one_call_at_a_time();
    let Some(turn) = Coturn::with_user(&[]) else { return };
    let (plain, secure) = (turn.port, turn.secure);
    fails(&format!("turn:127.0.0.1:{plain}"), "hush-wrong", &[], "turn-401");
    fails(&format!("turn:127.0.0.1:{plain}?transport=tcp"), "hush-wrong", &[], "turn-401");
    fails(&format!("turn:127.0.0.1:{}?transport=tcp", free_port()), CREDENTIAL, &[], "turn-unreachable");
    fails(&format!("turns:localhost:{secure}"), CREDENTIAL, &[], "turn-tls-cert");
    let insecure = side(
        &free_room(),
        "call",
        &format!("turns:localhost:{secure}"),
        CREDENTIAL,
        &["--insecure", "--wait", "100ms", "--json"],
    );
    insecure.end().exits(3);
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_and_believed_only_where_that_was_asked_for() {
    let _machine = one_call_at_a_time();
    let Some(turn) = Coturn::with_user(&[]) else { return };
    let url = format!("turns:localhost:{}", turn.secure);
    for ended in both(&url, CREDENTIAL, &["--insecure", "--expect", "pair=relay", "--json"]) {
        ended
            .exits(0)
            .says(&["warning: --insecure: certificates of the room and of TURN servers are not checked"]);
    }
}

/// The four ways to one server, with the protocol that candidates name.
fn ways(turn: &Coturn) -> [(String, &'static str); 4] {
    let (plain, secure) = (turn.port, turn.secure);
    [
        (format!("turn:127.0.0.1:{plain}"), "udp"),
        (format!("turn:127.0.0.1:{plain}?transport=tcp"), "tcp"),
        (format!("turns:localhost:{secure}"), "tls"),
        (format!("turns:localhost:{secure}?transport=udp"), "udp"),
    ]
}

#[test]
fn calls_outlive_nonces_and_allocations() {
    let _machine = one_call_at_a_time();
    // Each allocation must be refreshed four times, and each time the nonce is stale.
    let Some(turn) = Coturn::with_user(&["--stale-nonce=8", "--max-allocate-lifetime=20"]) else { return };
    let (seconds, ca) = (48_u32, turn.ca());
    let (duration, packets) = (format!("{seconds}s"), f64::from(seconds) * 50.0 * 0.97);
    // Small, since eight processes share the machine.
    let more =
        ["--expect", "pair=relay", "--expect", "loss<2%", "--json", "--ca", &ca, "--send", "audio=tone"];
    let more = [&more[..], &["--expect", "tracks=audio"]].concat();
    let calls = ways(&turn).map(|(url, _)| {
        let room = free_room();
        let caller = side(&room, "call", &url, CREDENTIAL, &[&["--duration", &duration], &more[..]].concat());
        let callee = side(&room, "answer", &url, CREDENTIAL, &more);
        (url, [caller, callee])
    });
    for (url, sides) in calls {
        for ended in sides.map(Process::end) {
            let ended = ended.exits(0);
            let report = ended.report();
            let call = &report["calls"][0];
            let received = call["peers"][0]["tracks"][0]["packets"].as_f64().unwrap_or_default();
            assert!(received > packets, "{url}: {received} of {packets} packets\n{}", ended.stdout);
            assert_eq!(call["findings"], Value::Array(Vec::new()), "{url}");
        }
    }
}

#[test]
fn a_call_gives_its_allocations_back_when_it_ends() {
    let _machine = one_call_at_a_time();
    // One for each side. Those of a call that kept them would be missing to the next one for ten minutes.
    let Some(turn) = Coturn::with_user(&["--user-quota=2", "-v"]) else { return };
    let mut ended = 0;
    let ca = turn.ca();
    let more = ["--expect", "pair=relay", "--ca", ca.as_str(), "--duration", "500ms"];
    for (url, _) in ways(&turn) {
        for _ in 0..2 {
            let room = free_room();
            let caller = side(&room, "call", &url, CREDENTIAL, &more);
            let callee = side(&room, "answer", &url, CREDENTIAL, &more[..4]);
            for side in [caller, callee] {
                side.end().exits(0);
            }
            // It takes a second to clear away what it was given back.
            ended += 2;
            turn.has_said("lifetime=0", ended);
            turn.has_said("delete: realm=<test>", ended);
        }
    }
}
