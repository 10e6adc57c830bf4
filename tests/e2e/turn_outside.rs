//! `callcheck turn --outside`: the peer outside is a socket of a second machine, here another namespace or another process.

use serde_json::Value;

use crate::coturn::Coturn;
use crate::harness::{Ended, free_room, serve, start};
use crate::lab::{Lab, SECOND};
use crate::turn::{findings, step, turn};

#[test]
fn a_second_process_plays_the_outside() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (_room, signal) = serve(&[]);
    let place = ["--outside", "yard", "--signal", &signal];
    let mut outside = start(&free_room(), &[&["turn"], &place[..]].concat());
    outside.says("playing the outside in room yard");
    let url = format!("turn:127.0.0.1:{}", server.port);
    let (ended, report) = turn(&[&[&*url], &place[..]].concat());
    ended.exits(0);
    for name in ["inbound", "outbound"] {
        assert_eq!(step(&report, name)["status"], "ok", "{name}");
    }
    let reason = step(&report, "inbound")["reason"].as_str().unwrap();
    assert!(reason.starts_with("the peer is on another machine, seen as 127.0.0.1:"), "{reason}");
    // What its socket shows says nothing of the network that we are in.
    assert_eq!(report["servers"][0]["nat_behavior"], Value::Null);
    outside.end().exits(0).says(&["all who asked have left"]);
}

#[test]
fn where_nobody_plays_the_outside_nothing_is_passed() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let (_room, signal) = serve(&[]);
    let url = format!("turn:127.0.0.1:{}", server.port);
    let (ended, report) = turn(&[&url, "--outside", "yard", "--signal", &signal, "--wait", "300ms"]);
    ended.exits(3).says(&["callcheck turn --outside yard --signal ws://"]);
    for name in ["inbound", "outbound"] {
        assert_eq!(step(&report, name)["status"], "skipped");
        assert_eq!(step(&report, name)["reason"], "nobody plays the outside in room yard (waited 300ms)");
    }
    assert_eq!(step(&report, "echo")["status"], "ok");
    let arguments = ["turn", "--outside", "yard", "--signal", &signal, "--wait", "300ms"];
    start(&free_room(), &arguments).end().exits(3).says(&["nobody asked for the outside in room yard"]);
}

#[test]
fn the_outside_needs_a_room_that_another_machine_can_find() {
    start(&free_room(), &["turn", "--outside", "yard"]).end().exits(2).says(&["--signal <URL>"]);
    let arguments = ["turn", "--outside", "yard", "--signal", &free_room()];
    start(&free_room(), &arguments).end().exits(3);
}

/// `callcheck turn` on the inside, while the outside is played where nothing is blocked.
fn from_both_sides(lab: &Lab, arguments: &[&str]) -> (Ended, Value) {
    // The only port that this lab lets out, where no TURN server is.
    let address = format!("{SECOND}:443");
    let mut room = lab.callcheck("server", &["serve", "--listen", &address]);
    room.says("room server at ");
    let signal = format!("ws://{address}");
    let place = ["--outside", "yard", "--signal", &signal];
    let mut outside = lab.callcheck("outside", &[&["turn"], &place[..]].concat());
    outside.says("playing the outside");
    let (ended, report) = lab.turn(&[arguments, &place[..]].concat());
    outside.end().exits(0);
    (ended, report)
}

#[test]
fn udp_that_is_blocked_here_hides_nothing_of_a_good_relay() {
    let Some(lab) = Lab::up("tcp-443") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    let arguments = ["turns:203.0.113.10:443", "--ca", &turn.ca()];
    let (ended, report) = lab.turn(&arguments);
    ended.exits(3);
    assert_eq!(step(&report, "inbound")["status"], "skipped");
    let (ended, report) = from_both_sides(&lab, &arguments);
    ended.exits(0);
    assert!(findings(&report).is_empty());
    for name in ["inbound", "channel", "outbound", "echo"] {
        assert_eq!(step(&report, name)["status"], "ok", "{name}");
    }
    let reason = step(&report, "inbound")["reason"].as_str().unwrap();
    assert!(reason.contains("seen as 198.51.100.5:"), "{reason}");
}

#[test]
fn relay_ports_that_are_closed_are_found_from_the_outside() {
    let Some(lab) = Lab::up("relay-in-blocked") else { return };
    let Some(turn) = lab.coturn(&[]) else { return };
    let (ended, report) = from_both_sides(&lab, &["turns:203.0.113.10:443", "--ca", &turn.ca()]);
    ended.exits(1).says(&["closed inbound"]);
    assert_eq!(step(&report, "inbound")["status"], "failed");
    assert_eq!(step(&report, "outbound")["status"], "ok");
    assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
}
