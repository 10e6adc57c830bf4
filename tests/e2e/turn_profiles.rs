//! `callcheck turn` and coturn with options that make it odd: what still relays passes, and what does not is named.

use serde_json::json;

use crate::coturn::Coturn;
use crate::turn::{failed, findings, step, turn};

#[test]
fn a_relay_that_answers_no_binding_is_a_relay() {
    let Some(server) = Coturn::with_user(&["--no-stun"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(0).says(&["it answers no Binding (for coturn: `no-stun`)"]);
    assert_eq!(step(&report, "binding")["status"], "skipped");
    assert_eq!(findings(&report), [""; 0]);
    // For whoever looks for an address of its own it is of no use.
    let (ended, report) = turn(&[&format!("stun:127.0.0.1:{}", server.port)]);
    ended.exits(1);
    assert_eq!(failed(&report).0, "binding");
}

#[test]
fn a_server_that_answers_binding_to_users_alone_relays_and_is_no_stun_server() {
    let Some(server) = Coturn::with_user(&["--secure-stun"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(0);
    assert_eq!(findings(&report), [""; 0]);
    let (ended, report) = turn(&[&format!("stun:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["remove `secure-stun`"]);
    assert_eq!(findings(&report), ["turn-rejected"]);
}

#[test]
fn a_relayed_address_that_leads_elsewhere_is_named() {
    let Some(server) = Coturn::with_user(&["--external-ip", "127.0.0.5"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["the relayed address 127.0.0.5", "`external-ip`", "hears nothing of anybody"]);
    assert_eq!(findings(&report), ["turn-relay-ports-closed"]);
}

#[test]
fn a_server_that_ignores_turn_is_no_relay() {
    let Some(server) = Coturn::with_user(&["--stun-only"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(1).says(&["it answers STUN and ignores TURN", "`stun-only`"]);
    assert_eq!(failed(&report).0, "challenge");
}

#[test]
fn a_second_allocation_that_is_refused_is_noted() {
    let Some(server) = Coturn::with_user(&["--user-quota=1"]) else { return };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", server.port)]);
    ended.exits(0).says(&["a second allocation beside the first is refused: 486"]);
    assert_eq!(step(&report, "echo")["status"], "skipped");
    assert_eq!(report["servers"][0]["findings"], json!([]));
}
