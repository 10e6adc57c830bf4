//! What a dialect did not understand.

use super::*;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good};
use crate::jsep::Direction;
use crate::timeline::{Capabilities, Kind};

fn strange(code: &str, text: &str) -> Kind {
    Kind::RoomError { code: code.into(), message: text.into() }
}

fn unknown() -> Kind {
    strange(
        "unknown-message",
        "no rule of the dialect knows this (1 so far): {\"type\":\"svar\",\"sdp\":\"v=0\"}",
    )
}

#[test]
fn an_answer_that_no_rule_knows_is_no_fault_of_the_app() {
    let call =
        TestCall::joined(Role::Caller).met(Capabilities::default()).offered().with(unknown()).after(12);
    let call = call.ended("no answer");
    let finding = first(&call, "sig-message-not-understood", None);
    assert_eq!(of(&call).findings.len(), 1, "{:?}", ids(&of(&call)));
    assert!(finding.alternatives.contains(&"sig-no-answer"), "{finding:?}");
    assert!(finding.settle.unwrap().contains("when = { type = \"svar\" }"));
    assert!(finding.shown[0].contains("svar"));
    assert_eq!(finding.severity, Severity::Major);
}

#[test]
fn a_rule_that_finds_nothing_counts_like_no_rule() {
    let trouble = strange("dialect", "the rule at mine.toml:9 applies, but `$.sdp` is not in the message");
    let call = TestCall::joined(Role::Caller).met(Capabilities::default()).offered().with(trouble).after(12);
    first(&call.ended("no answer"), "sig-message-not-understood", None);
}

#[test]
fn what_the_room_refuses_is_not_the_silence_of_the_app() {
    let refusal = strange("refused", "User bob is not registered");
    let call = TestCall::joined(Role::Caller).met(Capabilities::default()).offered().with(refusal).after(12);
    let call = call.ended("no answer");
    let finding = first(&call, "sig-message-not-understood", None);
    assert_eq!(of(&call).findings.len(), 1, "{:?}", ids(&of(&call)));
    assert!(finding.observed.contains("User bob is not registered"), "{finding:?}");
}

#[test]
fn what_mattered_to_nobody_is_told_by_nobody() {
    let call = good(Role::Caller).with(unknown()).hung_up(Role::Callee);
    assert_eq!(ids(&of(&call)), Vec::<&str>::new());
    // What a room of our own refuses is another matter.
    let refused = strange("peer-absent", "nobody is there");
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().with(refused).after(12);
    assert!(!ids(&of(&call.ended("no answer"))).contains(&"sig-message-not-understood"));
}

#[test]
fn what_breaks_the_call_for_another_reason_is_told_before_it() {
    let one_way = BOTH_WAYS.map(|(kind, _)| (kind, Direction::Recvonly));
    let call = TestCall::joined(Role::Caller).met(Capabilities::default()).offered().answered(&one_way);
    let findings = of(&call.connected().with(unknown()).after(30).hung_up(Role::Caller));
    let found = ids(&findings);
    assert!(found.len() > 1 && found.last() == Some(&"sig-message-not-understood"), "{found:?}");
    assert_eq!(findings.findings.last().unwrap().severity, Severity::Minor);
}
