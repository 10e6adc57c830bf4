//! Signaling and the end of a call.

use super::*;
use crate::facts::Proof;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good, sdp};
use crate::jsep::{DtlsState, IceState, MediaKind, SdpType, Side};
use crate::timeline::{Kind, Signal};

const CALLEE: Option<Role> = Some(Role::Callee);

#[test]
fn nobody_is_there() {
    let call = TestCall::joined(Role::Caller).after(20).ended("nobody joined");
    let findings = of(&call);
    assert_eq!(ids(&findings), ["sig-peer-silent"]);
}

#[test]
fn the_offer_is_not_answered() {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().after(12).ended("no answer");
    first(&call, "sig-no-answer", CALLEE);
    // Nothing that stands on it is told.
    assert_eq!(of(&call).findings.len(), 1);
}

#[test]
fn an_answer_comes_twice() {
    let text = sdp(SdpType::Answer, &BOTH_WAYS);
    let signal = Signal::Description { sdp_type: SdpType::Answer, sdp: text };
    let again = Kind::SignalReceived { from: "callee".into(), seq: None, signal };
    let call = good(Role::Caller).with(again).hung_up(Role::Callee);
    let finding = first(&call, "sig-answer-in-stable", CALLEE);
    assert_eq!(finding.severity, Severity::Minor);
}

#[test]
fn our_own_offer_comes_back() {
    let signal = Signal::Description { sdp_type: SdpType::Offer, sdp: sdp(SdpType::Offer, &BOTH_WAYS) };
    let echo = Kind::SignalReceived { from: "callee".into(), seq: None, signal };
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().with(echo).after(12);
    first(&call.ended("no answer"), "sig-self-echo", None);
}

fn candidate(text: &str, mid: Option<&str>, ufrag: Option<&str>) -> Kind {
    let signal = Signal::Candidate {
        candidate: text.into(),
        sdp_mid: mid.map(str::to_owned),
        sdp_m_line_index: None,
        username_fragment: ufrag.map(str::to_owned),
    };
    Kind::SignalReceived { from: "callee".into(), seq: None, signal }
}

#[test]
fn candidates_of_a_wrong_shape_or_call() {
    const GOOD: &str = "candidate:1 1 udp 1 10.0.0.2 5000 typ host";
    for (kind, id, peer) in [
        (candidate(GOOD, None, None), "sig-candidate-shape", CALLEE),
        (
            candidate("a=candidate:1 1 udp 1 10.0.0.2 5 typ host", Some("0"), None),
            "sig-candidate-shape",
            CALLEE,
        ),
        (candidate(GOOD, Some("9"), None), "sig-candidate-shape", CALLEE),
        (candidate(GOOD, Some("0"), Some("zzzz")), "sig-crossed-sessions", None),
        (candidate(GOOD, Some("0"), Some("uf11")), "sig-self-echo", None),
        (
            candidate("candidate:1 1 udp 1 10.0.0.2 9 typ host", Some("0"), None),
            "ice-candidate-invalid",
            CALLEE,
        ),
    ] {
        let call = good(Role::Caller).with(kind).hung_up(Role::Callee);
        let findings = of(&call);
        let found = findings.findings.iter().find(|finding| finding.id == id);
        let found = found.unwrap_or_else(|| panic!("{id}: {:?}", ids(&findings)));
        assert_eq!(found.peer, peer, "{id}");
    }
}

#[test]
fn the_room_goes_while_the_media_runs() {
    let call = good(Role::Caller).with(Kind::RoomLost { reason: "closed".into() }).ended("over");
    first(&call, "sig-socket-lost-midcall", None);
    // A room that closes when the call is over was not lost in mid-call.
    let closes = |after| {
        let call = good(Role::Caller).with(Kind::RoomLost { reason: "closed".into() }).after(after);
        call.with(Kind::DtlsState(DtlsState::Closed)).ended("over")
    };
    assert!(!ids(&of(&closes(0))).contains(&"sig-socket-lost-midcall"));
    first(&closes(4), "sig-socket-lost-midcall", None);
}

#[test]
fn a_description_is_changed_on_the_way() {
    let changed = sdp(SdpType::Offer, &BOTH_WAYS).replace("a=rtcp-mux", "a=rtcp-mux\r\na=x");
    let set = Kind::DescriptionSet {
        side: Side::Remote,
        sdp_type: SdpType::Offer,
        sdp: changed.clone(),
        engine_sdp: None,
    };
    let signal = Signal::Description { sdp_type: SdpType::Offer, sdp: changed };
    let came = Kind::SignalReceived { from: "caller".into(), seq: None, signal };
    let callee = TestCall::joined(Role::Callee).met(CALLCHECK).with(came).with(set);
    let call = good(Role::Caller).with(callee.reported()).hung_up(Role::Callee);
    first(&call, "sig-rewritten-sdp", None);
}

#[test]
fn the_peer_leaves_without_a_word() {
    let call =
        good(Role::Caller).with(Kind::DtlsState(DtlsState::Closed)).after(3).left("left").ended("left");
    first(&call, "end-no-hangup-message", CALLEE);
    // A crash is no fault of the application.
    let call = good(Role::Caller).left("connection lost").ended("gone");
    assert_eq!((ids(&of(&call)), notes(&of(&call))), (vec![], vec!["end-abrupt"]));
}

#[test]
fn the_peer_closes_as_soon_as_ice_is_disconnected() {
    let call =
        good(Role::Caller).with(Kind::IceState(IceState::Disconnected)).after(1).hung_up_early(Role::Callee);
    first(&call, "end-closed-on-disconnected", CALLEE);
}

#[test]
fn media_goes_on_after_the_hang_up() {
    let call = good(Role::Caller).hung_up_early(Role::Callee).after(3);
    let call = call.media_from(20, &[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Stamped);
    first(&call, "end-hangup-media-continues", CALLEE);
}
