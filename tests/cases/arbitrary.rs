//! Scripts at random.

use callcheck::jsep::{Direction, MediaKind, Role, Side};
use callcheck::plan::{Operation, Step};
use proptest::prelude::*;

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

/// Any operations at all.
pub(crate) fn script() -> impl Strategy<Value = Vec<Step>> {
    let who = prop_oneof![Just(Role::Caller), Just(Role::Callee)];
    let step = (who, operation()).prop_map(|(who, operation)| Step { who: Some(who), operation });
    proptest::collection::vec(step, 0..40)
}

/// Operations between rounds that are carried through, taken back or collide: no description is lost for good.
pub(crate) fn whole_rounds() -> impl Strategy<Value = Vec<Step>> {
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
