//! Calls that are right: nothing is said of them.

use super::*;
use crate::facts::Proof;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, candidate, good, row, sdp};
use crate::jsep::{Direction, IceState, MediaKind, SdpType, Side, SignalingState};
use crate::timeline::{CandidatePair, Capabilities, Kind, Signal};

#[track_caller]
fn nothing(call: &TestCall) {
    let findings = of(call);
    assert_eq!(ids(&findings), [""; 0], "{:#?}", findings.findings);
}

#[test]
fn a_good_call_has_no_finding_and_no_note() {
    for own in [Role::Caller, Role::Callee] {
        for by in [Role::Caller, Role::Callee] {
            let call = good(own).with(good(own.other()).reported()).hung_up(by);
            nothing(&call);
            assert_eq!(notes(&of(&call)), [""; 0]);
        }
    }
}

#[test]
fn no_moment_of_a_good_call_has_a_finding() {
    let call = good(Role::Caller).hung_up(Role::Callee);
    for count in 0..call.events.len() {
        let mut facts = Facts::new(Role::Caller);
        call.events[..count].iter().for_each(|event| facts.apply(event));
        let findings = diagnose(&Context::of_plan(&plan(Role::Caller)), &facts, false);
        assert_eq!(ids(&findings), [""; 0], "after {count} events");
    }
}

#[test]
fn a_side_that_means_to_receive_only_does_nothing_wrong() {
    let one_way = [(MediaKind::Audio, Direction::Recvonly), (MediaKind::Video, Direction::Recvonly)];
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&one_way).connected();
    let call = call.media(&[], Proof::Stamped).hung_up(Role::Callee);
    let facts = call.facts();
    let stated = crate::expect::testplan::expecting(Role::Caller, &["tracks=none"]);
    assert_eq!(ids(&diagnose(&Context::of_plan(&stated), &facts, true)), [""; 0]);
    let any = crate::expect::testplan::expecting(Role::Caller, &["tracks=any"]);
    assert_eq!(ids(&diagnose(&Context::of_plan(&any), &facts, true)), [""; 0]);
}

/// Another exchange after a good call, offered by `offerer`.
pub(super) fn renegotiated(
    call: TestCall,
    offerer: Role,
    offered: &[(MediaKind, Direction)],
    answered: &[(MediaKind, Direction)],
) -> TestCall {
    let own = call.own();
    let side = |author: Role| if author == own { Side::Local } else { Side::Remote };
    // Each side keeps its session and its credentials, and its DTLS role.
    let by = |author: Role, sdp_type: SdpType, sections: &[(MediaKind, Direction)]| {
        let as_first = if author == Role::Caller { SdpType::Offer } else { SdpType::Answer };
        let text =
            sdp(as_first, sections).replace(" 2 IN IP4", &format!(" {} IN IP4", 3 + call.events.len()));
        let setup = match sdp_type {
            SdpType::Offer => "actpass",
            _ if author == Role::Callee => "active",
            _ => "passive",
        };
        let lines = text.lines().map(|line| {
            if line.starts_with("a=setup:") { format!("a=setup:{setup}\r\n") } else { format!("{line}\r\n") }
        });
        lines.collect::<String>()
    };
    let offer = by(offerer, SdpType::Offer, offered);
    let answer = by(offerer.other(), SdpType::Answer, answered);
    let set = |author, sdp_type, sdp: &str| Kind::DescriptionSet {
        side: side(author),
        sdp_type,
        sdp: sdp.into(),
        engine_sdp: None,
    };
    let signal = |author: Role, sdp_type, sdp: &str| {
        let signal = Signal::Description { sdp_type, sdp: sdp.into() };
        if author == own {
            Kind::SignalSent { seq: 5, signal }
        } else {
            Kind::SignalReceived { from: author.to_string(), seq: None, signal }
        }
    };
    let state = if offerer == own { SignalingState::HaveLocalOffer } else { SignalingState::HaveRemoteOffer };
    let kinds = if offerer == own {
        [
            set(offerer, SdpType::Offer, &offer),
            Kind::SignalingState(state),
            signal(offerer, SdpType::Offer, &offer),
            signal(offerer.other(), SdpType::Answer, &answer),
            set(offerer.other(), SdpType::Answer, &answer),
            Kind::SignalingState(SignalingState::Stable),
        ]
    } else {
        [
            signal(offerer, SdpType::Offer, &offer),
            set(offerer, SdpType::Offer, &offer),
            Kind::SignalingState(state),
            set(offerer.other(), SdpType::Answer, &answer),
            signal(offerer.other(), SdpType::Answer, &answer),
            Kind::SignalingState(SignalingState::Stable),
        ]
    };
    kinds.into_iter().fold(call, TestCall::with)
}

#[test]
fn hold_and_resume_are_no_fault() {
    let held = [(MediaKind::Audio, Direction::Inactive), (MediaKind::Video, Direction::Inactive)];
    let half = [(MediaKind::Audio, Direction::Recvonly), (MediaKind::Video, Direction::Recvonly)];
    let other = [(MediaKind::Audio, Direction::Sendonly), (MediaKind::Video, Direction::Sendonly)];
    for offerer in [Role::Caller, Role::Callee] {
        nothing(&renegotiated(good(Role::Caller), offerer, &held, &held).hung_up(Role::Callee));
        nothing(&renegotiated(good(Role::Caller), offerer, &other, &half).hung_up(Role::Callee));
        // The other side holds while this one offers again.
        nothing(&renegotiated(good(Role::Caller), offerer, &BOTH_WAYS, &half).hung_up(Role::Callee));
        nothing(&renegotiated(good(Role::Caller), offerer, &BOTH_WAYS, &held).hung_up(Role::Callee));
        let call = renegotiated(good(Role::Caller), offerer, &held, &held);
        nothing(&renegotiated(call, offerer, &BOTH_WAYS, &BOTH_WAYS).hung_up(Role::Callee));
    }
}

#[test]
fn a_selected_peer_reflexive_pair_is_normal() {
    let pair = CandidatePair {
        local: candidate("10.0.0.1:5000", "host"),
        remote: candidate("10.0.0.2:6000", "prflx"),
        rtt_ms: None,
    };
    nothing(&good(Role::Caller).with(Kind::SelectedPair(pair)).hung_up(Role::Callee));
}

#[test]
fn a_foreign_peer_that_just_leaves_hangs_up_by_leaving() {
    let foreign = Capabilities { stamps: false, end_of_call: false };
    let call = TestCall::joined(Role::Caller).met(foreign).offered().answered(&BOTH_WAYS).connected();
    let call = call.media(&[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Decoded);
    nothing(&call.left("left").ended("the callee left"));
}

#[test]
fn an_outage_that_heals_is_a_note() {
    let call = good(Role::Caller)
        .with(Kind::IceState(IceState::Disconnected))
        .with(Kind::IceState(IceState::Connected))
        .hung_up(Role::Callee);
    nothing(&call);
    assert_eq!(notes(&of(&call)), ["ice-transient-disconnect"]);
}

#[test]
fn a_failure_that_was_asked_for_is_none() {
    let mut call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    call.trickled();
    let call = call.with(Kind::IceState(IceState::Failed)).ended("not connected");
    let stated = crate::expect::testplan::expecting(Role::Caller, &["ice=failed", "tracks=none"]);
    assert_eq!(ids(&diagnose(&Context::of_plan(&stated), &call.facts(), true)), [""; 0]);
    assert_eq!(of(&call).findings.len(), 1);
}

#[test]
fn our_own_faults_are_not_the_peers() {
    let limit = Kind::EngineLimit { limit: "dtls-handshake-under-loss".into(), detail: String::new() };
    let mut call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    call.trickled();
    let call = call.with(Kind::IceState(IceState::Connected)).after(20).with(limit).ended("not connected");
    nothing(&call);
    let table = vec![row("0", MediaKind::Audio, Direction::Sendrecv, None)];
    nothing(&good(Role::Caller).with(Kind::Transceivers(table)).hung_up(Role::Caller));
}
