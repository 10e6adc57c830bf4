//! Calls between two networks: what a relay is for, and what is said where one is missing.

use serde_json::Value;

use crate::harness::{Ended, Process, one_call_at_a_time};
use crate::lab::{Lab, SERVER, TURN};

/// Where both sides meet: at the server, which both reach.
const ROOM: &str = "ws://203.0.113.10:2255";

fn room(lab: &Lab) -> Process {
    let mut server = lab.callcheck("server", &["serve", "--listen", &format!("{SERVER}:2255")]);
    server.says("room server at ");
    server
}

/// A call from `inside` to whoever is at `callee`, both with these options. How the two ended.
fn call(lab: &Lab, callee: &str, more: &[&str]) -> [Ended; 2] {
    let common = ["demo", "--signal", ROOM, "--json"];
    let caller = lab.callcheck("inside", &[&["call"], &common[..], &["--duration", "500ms"], more].concat());
    let callee = lab.callcheck(callee, &[&["answer"], &common[..], more].concat());
    [caller.end(), callee.end()]
}

/// The types of the two candidates of the pair that the caller used.
fn pair(ended: &Ended) -> [Value; 2] {
    let report = ended.report();
    let peers = report["calls"][0]["peers"].as_array().unwrap();
    let pair = &peers.iter().find(|peer| peer["role"] == "caller").unwrap()["selected_pair"];
    [pair["local"]["type"].clone(), pair["remote"]["type"].clone()]
}

const STUN: [&str; 2] = ["--ice-server", "stun:203.0.113.10"];

#[test]
fn a_relay_carries_a_call_between_two_symmetric_nats() {
    let _turn = one_call_at_a_time();
    let Some(lab) = Lab::up("symmetric") else { return };
    let Some(_coturn) = lab.coturn(&[]) else { return };
    let _room = room(&lab);
    let [caller, callee] = call(&lab, "inside2", &["--ice-server", TURN, "--username", "me"]);
    for side in [caller.exits(0), callee.exits(0)] {
        let pair = pair(&side);
        assert!(pair.contains(&"relay".into()), "{pair:?}");
    }
}

#[test]
fn without_a_relay_two_symmetric_nats_keep_a_call_apart_and_it_is_said_why() {
    let _turn = one_call_at_a_time();
    let Some(lab) = Lab::up("symmetric") else { return };
    let Some(_coturn) = lab.coturn(&[]) else { return };
    let _room = room(&lab);
    let [caller, callee] = call(&lab, "inside2", &[&STUN[..], &["--timeout", "8s"]].concat());
    for side in [caller, callee] {
        let side = side.exits(1).says(&["ice-udp-blackholed", "symmetric", "TURN"]);
        let report = side.report();
        assert_eq!(report["calls"][0]["findings"][0]["id"], "ice-udp-blackholed", "{report:#}");
    }
}

#[test]
fn two_cones_need_no_relay() {
    let _turn = one_call_at_a_time();
    let Some(lab) = Lab::up("cone") else { return };
    let Some(_coturn) = lab.coturn(&[]) else { return };
    let _room = room(&lab);
    let [caller, callee] = call(&lab, "inside2", &STUN);
    for side in [caller.exits(0), callee.exits(0)] {
        let pair = pair(&side);
        assert!(!pair.contains(&"relay".into()) && !pair.contains(&Value::Null), "{pair:?}");
    }
}

#[test]
fn turn_over_tls_carries_a_call_out_of_a_network_that_allows_tcp_443_alone() {
    let _turn = one_call_at_a_time();
    let Some(lab) = Lab::up("tcp-443") else { return };
    let Some(coturn) = lab.coturn(&[]) else { return };
    // The room is reached on the second address, where no TURN server has that port.
    let mut server = lab.callcheck("server", &["serve", "--listen", "203.0.113.11:443"]);
    server.says("room server at ");
    let common = ["demo", "--signal", "ws://203.0.113.11:443", "--json"];
    let ca = coturn.ca();
    let relay = ["--ice-server", "turns:203.0.113.10:443", "--username", "me", "--ca", &ca];
    let turns = [&relay[..], &["--expect", "pair=relay"]].concat();
    let caller =
        lab.callcheck("inside", &[&["call"], &common[..], &["--duration", "500ms"], &turns].concat());
    let callee = lab.callcheck("outside", &[&["answer"], &common[..]].concat());
    for ended in [caller.end().exits(0), callee.end().exits(0)] {
        assert_eq!(pair(&ended), ["relay", "host"]);
    }
}
