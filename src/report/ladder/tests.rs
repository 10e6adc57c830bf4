//! Ladders as people see them.

use serde_json::Value;

use super::*;
use crate::facts::testcall::{candidate, good};
use crate::jsep::{DtlsState, IceState, MediaKind, SdpType, Side, SignalingState};
use crate::timeline::{CandidatePair, Header, SCHEMA_VERSION};

/// A timeline of both sides; events are told in order, with their side and their time in microseconds.
fn timeline(events: Vec<(Role, u64, Kind)>) -> Timeline {
    let header = Header {
        schema_version: SCHEMA_VERSION,
        tool_version: String::new(),
        call: None,
        role: Caller,
        name: "caller".into(),
        epoch_us: 0,
        clock: "virtual".into(),
        seed: 1,
        plan: Value::Null,
        legs: None,
    };
    let event = |(index, (role, at_us, kind)): (usize, (Role, u64, Kind))| Event {
        id: format!("{role}:{}", index + 1),
        at_us,
        kind,
    };
    Timeline { header, events: events.into_iter().enumerate().map(event).collect(), torn: false }
}

fn drawn(events: Vec<(Role, u64, Kind)>) -> String {
    let text = ladder(&timeline(events));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.lines().count() <= 61, "{text}");
    text
}

const SECRET: &str = "v=0\r\na=ice-ufrag:uf\r\na=ice-pwd:topsecretpassword\r\n";

fn description(sdp_type: SdpType) -> Signal {
    Signal::Description { sdp_type, sdp: SECRET.into() }
}

fn trickled(number: u32) -> Signal {
    Signal::Candidate {
        candidate: format!("candidate:{number} 1 udp 1 10.0.0.2 5000 typ host ufrag uf"),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}

fn sent(seq: u64, signal: Signal) -> Kind {
    Kind::SignalSent { seq, signal }
}

fn came(seq: u64, signal: Signal) -> Kind {
    Kind::SignalReceived { from: "peer".into(), seq: Some(seq), signal }
}

/// A signal that takes two milliseconds.
fn signal(from: Role, at_us: u64, seq: u64, signal: Signal) -> [(Role, u64, Kind); 2] {
    [(from, at_us, sent(seq, signal.clone())), (from.other(), at_us + 2000, came(seq, signal))]
}

use Role::{Callee, Caller};

fn call() -> Vec<(Role, u64, Kind)> {
    let joined = || Kind::Note("waiting".into());
    let mut events = vec![(Caller, 0, joined()), (Callee, 0, joined())];
    events.push((Caller, 500, Kind::SignalingState(SignalingState::HaveLocalOffer)));
    events.extend(signal(Caller, 600, 1, description(SdpType::Offer)));
    events.push((Callee, 2700, Kind::SignalingState(SignalingState::HaveRemoteOffer)));
    events.push((Callee, 2800, Kind::Track { mid: "0".into(), kind: MediaKind::Audio, streams: Vec::new() }));
    events.push((Callee, 3300, Kind::SignalingState(SignalingState::Stable)));
    events.extend(signal(Callee, 3400, 1, description(SdpType::Answer)));
    for number in 0..5 {
        events.extend(signal(
            Caller,
            4000 + u64::from(number) * 100,
            2 + u64::from(number),
            trickled(number),
        ));
        events.extend(signal(
            Callee,
            4050 + u64::from(number) * 100,
            2 + u64::from(number),
            trickled(number),
        ));
    }
    events.extend(signal(Callee, 4600, 9, Signal::EndOfCandidates { username_fragment: None }));
    events.push((Caller, 5500, Kind::SignalingState(SignalingState::Stable)));
    for role in [Caller, Callee] {
        events.push((role, 6000, Kind::IceState(IceState::Checking)));
        events.push((role, 9000, Kind::IceState(IceState::Connected)));
        events.push((role, 9100, Kind::DtlsState(DtlsState::Connecting)));
    }
    events.push((
        Caller,
        9200,
        Kind::SelectedPair(CandidatePair {
            local: candidate("10.0.0.1:5000", "host"),
            remote: candidate("10.0.0.2:5000", "relay"),
            rtt_ms: None,
        }),
    ));
    events.push((Callee, 12_000, Kind::FirstRtp { mid: "0".into(), kind: MediaKind::Audio }));
    events.push((
        Callee,
        52_000,
        Kind::MediaProven { mid: "0".into(), kind: MediaKind::Audio, proof: Proof::Stamped },
    ));
    for second in 1..5 {
        events.push((Callee, second * 1_000_000, Kind::Media { outbound: Vec::new(), inbound: Vec::new() }));
    }
    events.push((Callee, 5_000_000, sent(20, Signal::HangUp { reason: "both sides are done".into() })));
    events.push((Callee, 5_000_000, Kind::Ended { reason: "both sides are done".into() }));
    events
}

#[test]
fn a_good_call() {
    insta::assert_snapshot!(drawn(call()));
}

#[test]
fn what_goes_wrong_is_marked() {
    let mut events = vec![(Callee, 100, Kind::Fault { id: "signaling-answer-lost".into() })];
    // Both offer at once.
    events.extend(signal(Caller, 600, 1, description(SdpType::Offer)));
    events.extend(signal(Callee, 700, 1, description(SdpType::Offer)));
    events.push((
        Caller,
        2750,
        Kind::DescriptionRejected {
            side: Side::Remote,
            sdp_type: SdpType::Offer,
            sdp: SECRET.into(),
            error: format!("InvalidStateError: an offer is pending; it said {SECRET}"),
        },
    ));
    events.push((Callee, 3000, sent(2, description(SdpType::Answer))));
    for at_us in [3100, 3200, 3300] {
        let error = "OperationError: no remote description".into();
        events.push((Caller, at_us, Kind::CandidateRefused { candidate: "candidate:1".into(), error }));
    }
    events.push((Caller, 4000, sent(3, description(SdpType::Offer))));
    let other = Signal::Description { sdp_type: SdpType::Offer, sdp: "v=0\r\n".into() };
    events.push((Callee, 4000, came(3, other.clone())));
    events.push((Callee, 4500, came(3, other)));
    events.push((Caller, 5000, Kind::PeerLeft { name: "callee".into(), reason: "connection lost".into() }));
    let text = drawn(events);
    assert!(!text.contains("topsecret"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn no_secret_and_no_description_is_shown() {
    for error in [
        SECRET.to_owned(),
        format!("SyntaxError: a=ice-pwd:topsecretpassword in line 3 {SECRET}"),
        format!("SyntaxError: {SECRET:?}"),
        "cannot parse \"a=crypto:1 AES inline:topsecret\"".to_owned(),
    ] {
        let rejected = Kind::DescriptionRejected {
            side: Side::Remote,
            sdp_type: SdpType::Offer,
            sdp: SECRET.into(),
            error: error.clone(),
        };
        let failed =
            Kind::Operation { name: "addTrack".into(), arguments: String::new(), error: Some(error) };
        let text = drawn(vec![(Caller, 0, rejected), (Callee, 0, failed)]);
        assert!(!text.contains("topsecret") && !text.contains("ice-ufrag"), "{text}");
    }
}

#[test]
fn candidates_after_a_description_or_after_long_are_another_run() {
    let mut events = Vec::new();
    events.extend(signal(Caller, 0, 1, trickled(1)));
    events.extend(signal(Caller, 100, 2, description(SdpType::Offer)));
    events.extend(signal(Caller, 200, 3, trickled(2)));
    events.extend(signal(Caller, 300, 4, trickled(3)));
    events.extend(signal(Caller, 2_000_300, 5, trickled(4)));
    let text = drawn(events);
    let told: Vec<&str> = text.lines().filter(|line| line.contains("candidate")).collect();
    assert_eq!(told.len(), 3, "{text}");
    assert!(told[1].contains("- 2 candidates -"), "{text}");
}

#[test]
fn sixty_lines_and_the_rest_is_counted() {
    let states = [SignalingState::HaveLocalOffer, SignalingState::Stable];
    let events = (0..100_u64)
        .map(|number| (Caller, number * 5000, Kind::SignalingState(states[usize::from(number % 2 == 1)])));
    let text = drawn(events.collect());
    assert_eq!(text.lines().count(), 61);
    assert!(text.ends_with("\n... 41 more\n"), "{text}");
}

#[test]
fn one_side_alone_has_its_arrows() {
    let own = good(Callee).hung_up(Caller);
    let text = ladder(&Timeline { events: own.events, ..timeline(Vec::new()) });
    assert!(text.contains("------- offer -------"), "{text}");
    assert!(!text.contains("never came"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_to_tell_is_an_empty_ladder() {
    assert_eq!(drawn(vec![(Caller, 0, Kind::NegotiationNeeded)]), "");
}

#[test]
fn long_texts_stay_in_their_lane_and_show_no_control_characters() {
    let text = drawn(vec![(
        Callee,
        50_000_000,
        Kind::RoomLost { reason: format!("a\u{1b}[31m {}", "x".repeat(300)) },
    )]);
    assert!(!text.contains('\u{1b}') && text.contains("..."), "{text}");
}
