//! What timelines written by hand come to.

use proptest::prelude::*;

use super::testcall::{CALLCHECK, TestCall, candidate, good, missing_video, row};
use super::*;
use crate::jsep::{
    ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpType, Side,
    SignalingState,
};
use crate::timeline::{CandidatePair, Capabilities, Event, Kind, PeerInfo, Signal};

#[test]
fn a_good_call_is_known_whole() {
    let facts = good(Role::Caller).hung_up(Role::Callee).facts();
    let own = facts.own();
    assert!(facts.both_met() && facts.answered() && facts.vanished().is_none());
    assert_eq!(own.negotiations, 1);
    assert_eq!(own.tracks().map(|(mid, _)| mid).collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!((own.candidates.sent, own.candidates.received), (1, 1));
    assert_eq!(own.candidates.received_in_sdp, 0);
    let ice: Vec<IceState> = own.states.ice.iter().map(|reached| reached.state).collect();
    assert_eq!(ice, [IceState::Checking, IceState::Connected]);
    assert_eq!(own.timing.since_zero_ms(own.timing.answer), Some(2.8));
    assert_eq!(facts.hang_up.as_ref().map(|hang_up| hang_up.by), Some(Role::Callee));
    assert!(!facts.other().known);
}

#[test]
fn the_callees_time_begins_with_the_offer() {
    let facts = good(Role::Callee).facts();
    let offer = facts.own().timing.zero.expect("an offer came");
    let answer = facts.own().timing.answer.expect("it was answered");
    assert!(offer < answer);
}

#[test]
fn a_track_needs_its_event_and_its_media() {
    let sections = [(MediaKind::Audio, Direction::Sendrecv)];
    let negotiated = || TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&sections);
    let rtp = |mid: &str| Kind::FirstRtp { mid: mid.into(), kind: MediaKind::Audio };
    for (call, tracks) in
        [(negotiated(), 0), (negotiated().with(rtp("0")), 1), (negotiated().with(rtp("7")), 0)]
    {
        assert_eq!(call.facts().own().tracks().count(), tracks);
    }
}

#[test]
fn states_after_hang_up_do_not_count() {
    let facts = good(Role::Caller).hung_up(Role::Caller).with(Kind::IceState(IceState::Closed)).facts();
    assert_eq!(facts.own().states.ice.last().map(|reached| reached.state), Some(IceState::Connected));
    assert_eq!(facts.dtls_closed_by_peer, None);
    let facts = good(Role::Caller).with(Kind::DtlsState(DtlsState::Closed)).facts();
    assert!(facts.dtls_closed_by_peer.is_some());
}

#[test]
fn a_report_fills_the_other_side_once() {
    let report = good(Role::Callee).reported();
    let facts = missing_video().with(report.clone()).with(report).facts();
    let callee = facts.peer(Role::Callee);
    assert!(callee.known);
    assert_eq!(callee.negotiations, 1);
    assert_eq!(callee.tracks().count(), 2);
    assert_eq!(facts.own().tracks().count(), 1);
    assert_eq!(callee.name.as_deref(), Some("callee"));
}

#[test]
fn the_others_times_are_mapped_where_the_clocks_are_known() {
    let report = |events| Kind::PeerReport { role: Role::Callee, epoch_us: 5_000_000, events };
    let mut facts = Facts::new(Role::Caller).with_epoch(4_000_000);
    facts.apply(&Event { id: "caller:1".into(), at_us: 1, kind: report(Vec::new()) });
    assert_eq!(facts.callee.shift_us, None);
    let offset = Kind::ClockOffset { offset_us: 300_000, error_us: 100 };
    facts.apply(&Event { id: "caller:2".into(), at_us: 2, kind: offset });
    facts.apply(&Event { id: "caller:3".into(), at_us: 3, kind: report(Vec::new()) });
    assert_eq!(facts.callee.shift_us, Some(700_000));
}

#[test]
fn who_vanished_and_who_left_in_order() {
    let vanished = |call: TestCall| call.facts().vanished().is_some();
    assert!(vanished(good(Role::Caller).left("connection lost")));
    assert!(!vanished(good(Role::Caller).hung_up(Role::Callee).left("left")));
    // Who came back is not gone.
    assert!(!vanished(TestCall::joined(Role::Caller).met(CALLCHECK).left("left").met(CALLCHECK)));
}

#[test]
fn a_peer_of_our_own_role_is_not_the_other_side() {
    let info = PeerInfo { name: "x".into(), role: Some(Role::Caller), number: 3, capabilities: CALLCHECK };
    let facts = TestCall::joined(Role::Caller).with(Kind::PeerJoined(info)).facts();
    assert!(!facts.both_met());
}

#[test]
fn candidates_in_descriptions_are_counted_apart() {
    let sdp = "v=0\na=group:BUNDLE 0\nm=audio 9 RTP 0\na=mid:0\na=candidate:1 1 udp 1 10.0.0.2 5 typ host\n";
    let set = || Kind::DescriptionSet {
        side: Side::Remote,
        sdp_type: SdpType::Answer,
        sdp: sdp.into(),
        engine_sdp: None,
    };
    // The second description repeats the candidate of the first.
    let facts = TestCall::joined(Role::Caller).with(set()).with(set()).facts();
    assert_eq!((facts.own().candidates.received, facts.own().candidates.received_in_sdp), (0, 1));
}

/// Events of every kind that carries meaning, in any order and on any mid.
fn any_kind() -> impl Strategy<Value = Kind> {
    let info = |role| PeerInfo {
        name: "p".into(),
        role,
        number: 1,
        capabilities: Capabilities { stamps: true, end_of_call: true },
    };
    let sdp = "v=0\nm=audio 0 RTP 0\na=mid:0\nm=video 9 RTP 96\na=sendonly\n";
    let fixed = vec![
        Kind::PeerJoined(info(None)),
        Kind::PeerLeft { name: "p".into(), reason: "no pong".into() },
        Kind::CallStarted { call: "c".into(), peer: info(Some(Role::Callee)) },
        Kind::ClockOffset { offset_us: i64::MIN, error_us: u64::MAX },
        Kind::SignalSent { seq: 0, signal: Signal::HangUp { reason: String::new() } },
        Kind::SignalReceived { from: "p".into(), seq: None, signal: Signal::Done },
        Kind::RoomLost { reason: "gone".into() },
        Kind::Operation { name: "createOffer".into(), arguments: String::new(), error: None },
        Kind::SelectedPair(CandidatePair {
            local: candidate("a", "host"),
            remote: candidate("b", "prflx"),
            rtt_ms: None,
        }),
        Kind::Transceivers(vec![row("1", MediaKind::Video, Direction::Stopped, None)]),
        Kind::Track { mid: "0".into(), kind: MediaKind::Audio, streams: Vec::new() },
        Kind::FirstRtp { mid: "0".into(), kind: MediaKind::Video },
        Kind::FirstFrame { mid: "9".into(), kind: MediaKind::Audio },
        Kind::MediaProven { mid: "0".into(), kind: MediaKind::Audio, proof: Proof::Decoded },
        Kind::MediaWrong { mid: "1".into(), kind: MediaKind::Audio, wrong: "our own echo".into() },
        Kind::Media {
            outbound: Vec::new(),
            inbound: vec![InboundMedia { mid: "0".into(), packets: u64::MAX / 4, ..InboundMedia::default() }],
        },
        Kind::EngineLimit { limit: "dtls".into(), detail: String::new() },
        Kind::TesterDefect { what: "x".into(), expected: String::new(), observed: String::new() },
        Kind::Interrupted,
        Kind::Ended { reason: "over".into() },
        Kind::Closed,
        Kind::Unknown(serde_json::json!({ "newer": 1 })),
    ];
    let described = (0..2usize, 0..4usize).prop_map(move |(side, sdp_type)| Kind::DescriptionSet {
        side: Side::ALL[side],
        sdp_type: SdpType::ALL[sdp_type],
        sdp: sdp.into(),
        engine_sdp: None,
    });
    prop_oneof![
        4 => proptest::sample::select(fixed),
        1 => described,
        1 => proptest::sample::select(IceState::ALL).prop_map(Kind::IceState),
        1 => proptest::sample::select(DtlsState::ALL).prop_map(Kind::DtlsState),
        1 => proptest::sample::select(ConnectionState::ALL).prop_map(Kind::ConnectionState),
        1 => proptest::sample::select(SignalingState::ALL).prop_map(Kind::SignalingState),
        1 => proptest::sample::select(GatheringState::ALL).prop_map(Kind::GatheringState),
    ]
}

/// Timelines in any order, with times in any order and reports inside.
pub(crate) fn any_timeline() -> impl Strategy<Value = Vec<Event>> {
    let events = || {
        proptest::collection::vec((any::<u64>(), any_kind()), 0..40).prop_map(|kinds| {
            let event = |(id, (at_us, kind))| Event { id: format!("x:{id}"), at_us, kind };
            kinds.into_iter().enumerate().map(event).collect::<Vec<Event>>()
        })
    };
    (events(), events(), any::<u64>()).prop_map(|(mut own, others, epoch_us)| {
        let kind = Kind::PeerReport { role: Role::Callee, epoch_us, events: others };
        own.insert(own.len() / 2, Event { id: "x:report".into(), at_us: 0, kind });
        own
    })
}

proptest! {
    #[test]
    fn any_order_of_events_folds(events in any_timeline(), epoch_us in any::<u64>()) {
        let mut facts = Facts::new(Role::Caller).with_epoch(epoch_us);
        events.iter().for_each(|event| facts.apply(event));
        prop_assert!(facts.own().known && facts.other().known);
        prop_assert_eq!(facts.answered(), facts.own().last_answer().is_some());
        prop_assert!(facts.own().tracks().all(|(_, mid)| mid.track.is_some() && mid.received()));
    }
}
