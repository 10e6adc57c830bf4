//! Random operations on two peers never reach an illegal state, and negotiation converges.

use callcheck::jsep::{
    Association, Direction, MediaKind, PeerEvent, Role, SdpFacts, SdpType, Side, SignalingState, State,
    Transceiver, legal_path,
};
use callcheck::plan::{Operation, Step};
use proptest::prelude::*;

use crate::driver::{Driver, End};

fn kind() -> impl Strategy<Value = MediaKind> {
    prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)]
}

fn direction() -> impl Strategy<Value = Direction> {
    proptest::sample::select(Direction::ALL)
}

fn streams() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(prop_oneof![Just("s1".to_owned()), Just("s2".to_owned())], 0..3)
}

fn operation() -> impl Strategy<Value = Operation> {
    let index = 0..4usize;
    prop_oneof![
        (kind(), streams()).prop_map(|(kind, streams)| Operation::AddTrack { kind, streams }),
        (kind(), any::<bool>(), proptest::option::of(direction()), streams()).prop_map(
            |(kind, with_track, direction, streams)| Operation::AddTransceiver {
                kind,
                with_track,
                direction,
                streams
            }
        ),
        (index.clone(), direction())
            .prop_map(|(transceiver, direction)| Operation::SetDirection { transceiver, direction }),
        (index.clone(), proptest::option::of(kind()))
            .prop_map(|(transceiver, track)| Operation::ReplaceTrack { transceiver, track }),
        (index.clone(), streams())
            .prop_map(|(transceiver, streams)| Operation::SetStreams { transceiver, streams }),
        index.clone().prop_map(|sender| Operation::RemoveTrack { sender }),
        index.prop_map(|transceiver| Operation::Stop { transceiver }),
        Just(Operation::CreateDataChannel),
        Just(Operation::RestartIce),
        Just(Operation::SetLocalOffer),
        Just(Operation::Deliver),
        Just(Operation::CreateAnswer),
        Just(Operation::ApplyKeptAnswer),
        Just(Operation::Answer),
        Just(Operation::Negotiate),
        Just(Operation::Negotiate),
        prop_oneof![Just(Side::Local), Just(Side::Remote)].prop_map(|side| Operation::Rollback { side }),
    ]
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let who = prop_oneof![Just(Role::Caller), Just(Role::Callee)];
    let step = (who, operation()).prop_map(|(who, operation)| Step { who: Some(who), operation });
    proptest::collection::vec(step, 0..40)
}

/// Operations between rounds that are carried through, taken back or collide: no description is lost for good.
fn whole_rounds() -> impl Strategy<Value = Vec<Step>> {
    use Operation::{Answer, Deliver, Negotiate, Offer, Rollback, SetLocalOffer};
    let is_local = |operation: &Operation| {
        !matches!(operation, SetLocalOffer | Deliver | Answer | Negotiate | Rollback { .. })
            && !matches!(operation, Operation::CreateAnswer | Operation::ApplyKeptAnswer)
    };
    let local = operation().prop_filter("no round", is_local).boxed();
    let round = (0..4usize, local.clone()).prop_map(|(round, between)| {
        let (local, remote) = (Rollback { side: Side::Local }, Rollback { side: Side::Remote });
        match round {
            0 => vec![(true, Offer), (false, between), (false, Answer)],
            1 => vec![(true, SetLocalOffer), (true, between), (true, local)],
            2 => vec![(true, Offer), (false, between), (false, remote), (true, local)],
            _ => vec![
                (true, SetLocalOffer),
                (false, SetLocalOffer),
                (true, Deliver),
                (false, between),
                (false, Answer),
            ],
        }
    });
    let part = prop_oneof![3 => local.prop_map(|operation| vec![(true, operation)]), 2 => round];
    let part = (any::<bool>(), part).prop_map(|(caller, steps)| {
        let who = |first| if caller == first { Role::Caller } else { Role::Callee };
        steps
            .into_iter()
            .map(move |(first, operation)| Step { who: Some(who(first)), operation })
            .collect::<Vec<_>>()
    });
    proptest::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_script_reaches_an_illegal_state(script in script(), by_kind in any::<bool>()) {
        let mut driver = Driver::new(policy(by_kind));
        for step in &script {
            // Refused or not: the states stay legal.
            let _ = driver.step(step);
            check(&driver.caller)?;
            check(&driver.callee)?;
        }
    }

    #[test]
    fn negotiation_converges(script in whole_rounds(), by_kind in any::<bool>()) {
        let mut driver = Driver::new(policy(by_kind));
        driver.run(&script);
        prop_assert_eq!(driver.caller.peer.signaling_state(), SignalingState::Stable);
        prop_assert_eq!(driver.callee.peer.signaling_state(), SignalingState::Stable);
        for round in 0.. {
            let needy = [Role::Caller, Role::Callee].into_iter().find(|role| driver.end(*role).peer.negotiation_needed());
            let Some(who) = needy else { break };
            prop_assert!(round < 8, "{:?} still needs negotiation", who);
            let step = Step { who: Some(who), operation: Operation::Negotiate };
            prop_assert_eq!(driver.step(&step), Ok(()));
        }
        mirrored(&driver)?;
    }

    #[test]
    fn no_text_makes_a_peer_panic(script in script(), text in "v=0\no=- 1 1 IN IP4 0\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:x y\n(m=(audio|video|application|text) [09] (RTP|UDP/DTLS/SCTP) 0\n|a=mid:[0-3]\n|a=(sendonly|recvonly|inactive)\n|a=msid:[-s] t\n|a=bundle-only\n){0,12}") {
        let mut driver = Driver::new(Association::Jsep);
        driver.run(&script);
        for sdp_type in SdpType::ALL {
            let _ = driver.caller.peer.set_remote_description(*sdp_type, &SdpFacts::parse(&text));
            driver.caller.note();
            check(&driver.caller)?;
        }
    }
}

fn policy(by_kind: bool) -> Association {
    if by_kind { Association::ByKind } else { Association::Jsep }
}

fn check(end: &End) -> Result<(), TestCaseError> {
    prop_assert_eq!(legal_path(end.signaling_states.iter().copied()), Ok(()));
    prop_assert_eq!(
        end.signaling_states.last().copied().unwrap_or(State::INITIAL),
        end.peer.signaling_state()
    );
    let mut mids: Vec<&str> = end.peer.transceivers().filter_map(Transceiver::mid).collect();
    let all = mids.len();
    mids.sort_unstable();
    mids.dedup();
    prop_assert_eq!(mids.len(), all, "two transceivers in one section");
    for transceiver in end.peer.transceivers() {
        prop_assert_eq!(transceiver.is_stopping(), transceiver.direction() == Direction::Stopped);
        prop_assert_eq!(
            transceiver.is_stopped(),
            transceiver.current_direction() == Some(Direction::Stopped)
        );
        prop_assert!(
            transceiver.mid().is_some()
                || transceiver.current_direction().is_none()
                || transceiver.is_stopped()
        );
    }
    if let Some(description) = end.peer.local_description() {
        for section in &description.sections {
            prop_assert!(section.direction != Direction::Stopped);
            prop_assert_eq!(
                section.msid.is_some(),
                section.transceiver.is_some() && section.direction.sends()
            );
        }
    }
    // A track event comes only where the track was not there.
    let mut receives = std::collections::BTreeMap::new();
    for event in &end.events {
        match event {
            PeerEvent::Track { transceiver, .. } => {
                prop_assert_eq!(receives.insert(*transceiver, true).unwrap_or(false), false)
            }
            PeerEvent::Muted { transceiver, .. } => {
                prop_assert_eq!(receives.insert(*transceiver, false), Some(true))
            }
            _ => {}
        }
    }
    Ok(())
}

/// Both ends have the same sections, each seen from its side.
fn mirrored(driver: &Driver) -> Result<(), TestCaseError> {
    let of = |end: &End| -> Vec<(String, Direction)> {
        let negotiated = |transceiver: &Transceiver| {
            Some((transceiver.mid()?.to_owned(), transceiver.current_direction()?))
        };
        let mut rows: Vec<_> = end.peer.transceivers().filter_map(negotiated).collect();
        rows.sort();
        rows
    };
    let theirs: Vec<_> =
        of(&driver.callee).into_iter().map(|(mid, direction)| (mid, direction.reversed())).collect();
    prop_assert_eq!(of(&driver.caller), theirs);
    Ok(())
}
