//! Rules that no script of the data shows: errors by name, stop and re-use of sections, rollback, data, codecs.

use callcheck::jsep::{
    Association, Direction, ErrorName, KnownCodec, LocalDescription, MediaKind, Peer, PeerEvent, Role,
    SdpFacts, SdpType, Side, SignalingState, TransceiverId, TransceiverInit, W3cError,
};
use callcheck::plan::{Operation, Step};

use crate::driver::{Driver, rows};
use crate::render::render;

const AUDIO: MediaKind = MediaKind::Audio;
const VIDEO: MediaKind = MediaKind::Video;

fn peer() -> Peer {
    Peer::new(Association::Jsep)
}

fn facts(description: &LocalDescription) -> SdpFacts {
    SdpFacts::parse(&render(description, "side", 1))
}

fn offer(peer: &mut Peer) -> SdpFacts {
    let offer = peer.create_offer().unwrap();
    peer.set_local_description(&offer).unwrap();
    facts(&offer)
}

fn answer(peer: &mut Peer) -> SdpFacts {
    let answer = peer.create_answer().unwrap();
    peer.set_local_description(&answer).unwrap();
    facts(&answer)
}

fn negotiate(offerer: &mut Peer, answerer: &mut Peer) {
    answerer.set_remote_description(SdpType::Offer, &offer(offerer)).unwrap();
    offerer.set_remote_description(SdpType::Answer, &answer(answerer)).unwrap();
}

fn name<T>(result: Result<T, W3cError>) -> Option<ErrorName> {
    result.err().map(|error| error.name)
}

fn mids(peer: &Peer) -> Vec<Option<&str>> {
    peer.transceivers().map(|transceiver| transceiver.mid()).collect()
}

#[test]
fn nothing_works_after_close() {
    let mut peer = peer();
    let id = peer.add_track(AUDIO, "a", &[]).unwrap();
    let made = peer.create_offer().unwrap();
    peer.close();
    let refused = [
        name(peer.add_track(AUDIO, "b", &[])),
        name(peer.add_transceiver(AUDIO, None, TransceiverInit::default())),
        name(peer.set_direction(id, Direction::Inactive)),
        name(peer.replace_track(id, None)),
        name(peer.set_streams(id, &[])),
        name(peer.remove_track(id)),
        name(peer.stop(id)),
        name(peer.create_data_channel()),
        name(peer.create_offer()),
        name(peer.create_answer()),
        name(peer.set_local_description(&made)),
        name(peer.set_remote_description(SdpType::Offer, &facts(&made))),
        name(peer.rollback(Side::Local)),
    ];
    assert_eq!(refused, [Some(ErrorName::InvalidStateError); 13]);
    assert_eq!(peer.restart_ice(), Ok(()), "without an effect (W3C webrtc §4.4.2)");
    assert!(peer.is_closed() && !peer.negotiation_needed());
}

#[test]
fn a_stopped_transceiver_refuses_by_name() {
    let (mut caller, mut callee) = (peer(), peer());
    let id = caller.add_track(AUDIO, "a", &[]).unwrap();
    negotiate(&mut caller, &mut callee);
    for gone in [false, true] {
        caller.stop(id).unwrap();
        if gone {
            negotiate(&mut caller, &mut callee);
            assert_eq!(caller.transceivers().count(), 0);
        }
        assert_eq!(name(caller.set_direction(id, Direction::Sendrecv)), Some(ErrorName::InvalidStateError));
        assert_eq!(name(caller.replace_track(id, Some((AUDIO, "b")))), Some(ErrorName::InvalidStateError));
        assert_eq!(name(caller.remove_track(id)), None);
        assert_eq!(name(caller.stop(id)), None);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut peer = peer();
    let id = peer.add_track(AUDIO, "a", &[]).unwrap();
    let foreign = TransceiverId(7);
    assert_eq!(name(peer.add_track(AUDIO, "a", &[])), Some(ErrorName::InvalidAccessError));
    assert_eq!(name(peer.remove_track(foreign)), Some(ErrorName::InvalidAccessError));
    assert_eq!(name(peer.set_direction(foreign, Direction::Inactive)), Some(ErrorName::InvalidAccessError));
    assert_eq!(name(peer.set_direction(id, Direction::Stopped)), Some(ErrorName::TypeError));
    assert_eq!(name(peer.replace_track(id, Some((VIDEO, "v")))), Some(ErrorName::TypeError));
    let init = TransceiverInit { direction: Direction::Stopped, streams: Vec::new() };
    assert_eq!(name(peer.add_transceiver(AUDIO, None, init)), Some(ErrorName::TypeError));
    assert_eq!(name(peer.rollback(Side::Local)), Some(ErrorName::InvalidStateError));
    assert_eq!(name(peer.create_answer()), Some(ErrorName::InvalidStateError));
    let first = peer.create_offer().unwrap();
    peer.add_track(VIDEO, "v", &[]).unwrap();
    peer.create_offer().unwrap();
    assert_eq!(name(peer.set_local_description(&first)), Some(ErrorName::InvalidModificationError));
}

#[test]
fn a_remote_description_must_fit() {
    let mut caller = peer();
    caller.add_track(AUDIO, "a", &[]).unwrap();
    caller.add_track(VIDEO, "v", &[]).unwrap();
    let offered = caller.create_offer().unwrap();
    caller.set_local_description(&offered).unwrap();
    let good = render(&LocalDescription { sdp_type: SdpType::Answer, ..offered }, "callee", 1);
    for (from, to, error) in [
        ("", "", None),
        ("a=mid:1", "a=mid:7", Some(ErrorName::InvalidAccessError)),
        ("a=mid:1", "a=mid:0", Some(ErrorName::InvalidAccessError)),
        ("m=video", "m=audio", Some(ErrorName::InvalidAccessError)),
        ("m=video", "a=video", Some(ErrorName::InvalidAccessError)),
        ("BUNDLE 0 1", "BUNDLE 0 1 2", Some(ErrorName::InvalidAccessError)),
        ("a=fingerprint", "a=print", Some(ErrorName::InvalidAccessError)),
        ("a=ice-ufrag", "a=print", Some(ErrorName::InvalidAccessError)),
        ("a=ice-pwd", "a=print", Some(ErrorName::InvalidAccessError)),
        // BUNDLE names mids that nobody has.
        ("a=mid:", "a=middle:", Some(ErrorName::InvalidAccessError)),
    ] {
        let mut caller = caller.clone();
        let text = if from.is_empty() { good.clone() } else { good.replace(from, to) };
        assert_eq!(
            name(caller.set_remote_description(SdpType::Answer, &SdpFacts::parse(&text))),
            error,
            "{from}"
        );
        let state = if error.is_none() { SignalingState::Stable } else { SignalingState::HaveLocalOffer };
        assert_eq!(caller.signaling_state(), state, "{from}");
    }
    let nonsense = SdpFacts::parse("hello");
    assert_eq!(
        name(caller.set_remote_description(SdpType::Answer, &nonsense)),
        Some(ErrorName::OperationError)
    );
    let unbundled = SdpFacts::parse(&good.replace("a=mid:", "a=x:").replace("a=group:", "a=x:"));
    assert_eq!(name(caller.set_remote_description(SdpType::Answer, &unbundled)), None, "mids may be missing");
}

#[test]
fn a_rejected_section_is_given_to_the_next_transceiver() {
    let (mut caller, mut callee) = (peer(), peer());
    let first = caller.add_track(AUDIO, "a", &[]).unwrap();
    caller.add_track(AUDIO, "kept", &[]).unwrap();
    negotiate(&mut caller, &mut callee);
    caller.stop(first).unwrap();
    negotiate(&mut caller, &mut callee);
    assert_eq!(mids(&caller), [Some("1")]);
    // The place is free; its new section has a new mid and may be of another kind.
    callee.add_transceiver(VIDEO, None, TransceiverInit::default()).unwrap();
    negotiate(&mut callee, &mut caller);
    let sections: Vec<_> = caller
        .local_description()
        .unwrap()
        .sections
        .iter()
        .map(|section| (section.mid.as_str(), section.media.word(), section.rejected))
        .collect();
    assert_eq!(sections, [("2", "video", false), ("1", "audio", false)]);
    assert_eq!(mids(&caller), [Some("1"), Some("2")]);
    assert!(!caller.negotiation_needed() && !callee.negotiation_needed());
}

#[test]
fn a_rollback_leads_back_to_what_was_negotiated() {
    let (mut caller, mut callee) = (peer(), peer());
    let id = caller.add_track(AUDIO, "a", &["s".to_owned()]).unwrap();
    negotiate(&mut caller, &mut callee);
    callee.take_events();
    let before = rows(&callee);
    caller.set_direction(id, Direction::Inactive).unwrap();
    caller.add_track(VIDEO, "v", &[]).unwrap();
    callee.set_remote_description(SdpType::Offer, &offer(&mut caller)).unwrap();
    let muted = callee.take_events().iter().any(|event| matches!(event, PeerEvent::Muted { .. }));
    assert!(muted && callee.transceivers().count() == 2);
    callee.rollback(Side::Remote).unwrap();
    assert_eq!(rows(&callee), before);
    // It receives again, so the track event is fired again.
    let again: Vec<_> =
        callee.take_events().into_iter().filter(|event| matches!(event, PeerEvent::Track { .. })).collect();
    assert!(
        matches!(&again[..], [PeerEvent::Track { mid, streams, .. }] if mid == "0" && streams == &["s"]),
        "{again:?}"
    );
    caller.rollback(Side::Local).unwrap();
    assert_eq!(mids(&caller), [Some("0"), None]);
    assert!(caller.negotiation_needed());
}

#[test]
fn a_pranswer_sets_directions_and_an_answer_ends_it() {
    let (mut caller, mut callee) = (peer(), peer());
    caller.add_track(AUDIO, "a", &[]).unwrap();
    callee.set_remote_description(SdpType::Offer, &offer(&mut caller)).unwrap();
    let mut made = callee.create_answer().unwrap();
    made.sdp_type = SdpType::Pranswer;
    callee.set_local_description(&made).unwrap();
    caller.set_remote_description(SdpType::Pranswer, &facts(&made)).unwrap();
    assert_eq!(callee.signaling_state(), SignalingState::HaveLocalPranswer);
    assert_eq!(caller.signaling_state(), SignalingState::HaveRemotePranswer);
    assert_eq!(caller.transceivers().next().unwrap().current_direction(), Some(Direction::Sendonly));
    assert_eq!(name(caller.rollback(Side::Local)), Some(ErrorName::InvalidStateError));
    callee.add_track(AUDIO, "b", &[]).unwrap();
    caller.set_remote_description(SdpType::Answer, &answer(&mut callee)).unwrap();
    assert_eq!(caller.transceivers().next().unwrap().current_direction(), Some(Direction::Sendrecv));
    assert_eq!(callee.signaling_state(), SignalingState::Stable);
}

#[test]
fn an_ice_restart_is_offered_once_and_survives_a_rollback() {
    let (mut caller, mut callee) = (peer(), peer());
    caller.restart_ice().unwrap();
    assert!(!caller.negotiation_needed(), "there is nothing to replace");
    caller.add_track(AUDIO, "a", &[]).unwrap();
    negotiate(&mut caller, &mut callee);
    caller.restart_ice().unwrap();
    assert!(caller.negotiation_needed());
    let made = caller.create_offer().unwrap();
    assert!(made.ice_restart);
    caller.set_local_description(&made).unwrap();
    caller.rollback(Side::Local).unwrap();
    assert!(caller.negotiation_needed() && caller.create_offer().unwrap().ice_restart);
    let made = caller.create_offer().unwrap();
    caller.set_local_description(&made).unwrap();
    let restarted = SdpFacts::parse(&render(&made, "side", 2));
    callee.set_remote_description(SdpType::Offer, &restarted).unwrap();
    let answer = callee.create_answer().unwrap();
    assert!(answer.ice_restart, "new credentials are answered with new ones");
    callee.set_local_description(&answer).unwrap();
    caller.set_remote_description(SdpType::Answer, &facts(&answer)).unwrap();
    assert!(!caller.negotiation_needed() && !caller.create_offer().unwrap().ice_restart);
}

#[test]
fn a_data_channel_needs_one_section() {
    let (mut caller, mut callee) = (peer(), peer());
    caller.create_data_channel().unwrap();
    caller.add_track(AUDIO, "a", &[]).unwrap();
    let offered = caller.create_offer().unwrap();
    let words: Vec<_> = offered.sections.iter().map(|section| section.media.word()).collect();
    assert_eq!(words, ["audio", "application"]);
    negotiate(&mut caller, &mut callee);
    caller.create_data_channel().unwrap();
    callee.create_data_channel().unwrap();
    assert!(!caller.negotiation_needed() && !callee.negotiation_needed());
    assert_eq!(callee.create_offer().unwrap().sections.len(), 2);
}

#[test]
fn a_section_without_a_codec_of_ours_is_rejected() {
    let mut caller = peer();
    caller.add_track(AUDIO, "a", &[]).unwrap();
    caller.add_track(VIDEO, "v", &[]).unwrap();
    caller.create_data_channel().unwrap();
    let known = |kind, name, clock_rate, channels| KnownCodec { kind, name, clock_rate, channels };
    let mut callee = peer().with_codecs(&[known(AUDIO, "opus", 48_000, 2), known(VIDEO, "vp8", 90_000, 1)]);
    negotiate(&mut caller, &mut callee);
    // The rendered audio is PCMU; data has no codec.
    let rejected: Vec<_> =
        callee.local_description().unwrap().sections.iter().map(|section| section.rejected).collect();
    assert_eq!(rejected, [true, false, false]);
    assert_eq!((mids(&caller), mids(&callee)), (vec![Some("1")], vec![Some("1")]));
}

#[test]
fn by_kind_takes_any_transceiver_of_the_kind() {
    let mut driver = Driver::new(Association::ByKind);
    let add = Operation::AddTransceiver {
        kind: AUDIO,
        with_track: true,
        direction: None,
        streams: vec!["s".into()],
    };
    driver.run(&[
        Step { who: Some(Role::Caller), operation: add.clone() },
        Step { who: Some(Role::Callee), operation: add },
        Step { who: Some(Role::Caller), operation: Operation::Negotiate },
    ]);
    assert_eq!(driver.rejected, []);
    let [row] = &rows(&driver.callee.peer)[..] else { panic!("one transceiver") };
    assert_eq!((row.mid.as_deref(), row.current_direction), (Some("0"), Some(Direction::Sendrecv)));
    assert_eq!(driver.caller.ontrack.len(), 1);
}
