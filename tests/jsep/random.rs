//! Random operations on two peers never reach an illegal state, and negotiation converges.

use callcheck::jsep::{
    Association, Direction, PeerEvent, Role, SdpFacts, SdpType, SignalingState, State, Transceiver,
    legal_path,
};
use callcheck::plan::{Operation, Step};
use proptest::prelude::*;

use crate::cases::arbitrary::{script, whole_rounds};
use crate::driver::{Driver, End};

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
