//! Good calls of every shape: nobody must find anything wrong with them.

use std::time::Duration;

use super::{Latency, SimCall};
use crate::jsep::{Direction, MediaKind, Role};
use crate::plan::{Act, Attach, AttachAt, Expectation, Impairment, Later, Plan, Streams};

/// A good call that is special in some way.
#[derive(Debug)]
pub struct Shape {
    /// What is special about it.
    pub name: &'static str,
    /// The call.
    pub call: SimCall,
}

/// What one side's plan is made to be.
type Change = fn(&mut Plan);

/// Each with a name, what is changed on both sides, and what is on the caller's and on the callee's.
const SHAPES: &[(&str, Change, Change, Change)] = &[
    ("as it comes", same, same, same),
    ("tracks added after the offer", same, same, |plan| plan.leg.habits.attach_at = AttachAt::AfterOffer),
    ("transceivers reused", same, same, |plan| {
        plan.leg.habits.attach = Attach::Reuse;
        plan.leg.habits.attach_at = AttachAt::AfterOffer;
        plan.leg.habits.streams = Streams::Set;
    }),
    ("tracks with a second offer", same, same, |plan| plan.leg.habits.attach_at = AttachAt::AfterAnswer),
    ("sound only", only_audio, same, same),
    ("pictures only", only_video, same, same),
    (
        "one way, from the caller",
        same,
        |plan| direct(plan, Direction::Sendonly, "none"),
        |plan| {
            plan.leg.send.clear();
        },
    ),
    (
        "one way, from the callee",
        same,
        |plan| {
            plan.leg.send.clear();
            expect(plan, "callee.tracks=none");
        },
        |plan| expect(plan, "callee.tracks=none"),
    ),
    ("no trickle", |plan| plan.leg.trickle = false, same, same),
    ("one side trickles", same, |plan| plan.leg.trickle = false, same),
    (
        "hold and resume",
        same,
        |plan| plan.leg.habits.later = vec![at(500, Act::Hold), at(1_500, Act::Resume)],
        same,
    ),
    ("the callee holds", same, same, |plan| {
        plan.leg.habits.later = vec![at(500, Act::Hold), at(1_500, Act::Resume)];
    }),
    (
        "ICE restarts",
        same,
        |plan| plan.leg.habits.later = vec![at(800, Act::RestartIce)],
        |plan| {
            plan.leg.habits.later = vec![at(2_000, Act::RestartIce)];
        },
    ),
    (
        "both offer at once",
        same,
        |plan| plan.leg.habits.later = vec![at(1_000, Act::RestartIce)],
        |plan| {
            plan.leg.habits.later = vec![at(1_005, Act::RestartIce)];
        },
    ),
    ("a far network", |plan| over(plan, "delay=120ms,jitter=20ms"), same, same),
    ("losses of 5 %", |plan| over(plan, "loss=5%,jitter=10ms"), same, same),
    ("disorder and doubles", |plan| over(plan, "reorder=2%,duplicate=2%,jitter=10ms"), same, same),
    ("data beside media", |plan| plan.leg.data = true, same, same),
    (
        "data only",
        |plan| {
            plan.leg.data = true;
            plan.leg.send.clear();
            plan.leg.receive.clear();
            expect(plan, "caller.tracks=none");
            expect(plan, "callee.tracks=none");
        },
        same,
        same,
    ),
];

/// All of them, three seconds of media each.
#[must_use]
pub fn shapes() -> Vec<Shape> {
    let made = SHAPES.iter().map(|(name, both, caller, callee)| {
        let mut plans = [Plan::good(Role::Caller), Plan::good(Role::Callee)];
        plans.iter_mut().for_each(both);
        let [mut for_caller, mut for_callee] = plans;
        caller(&mut for_caller);
        callee(&mut for_callee);
        for_caller.leg.duration = Some(Duration::from_secs(3));
        let path = Some(Latency::default().path());
        Shape { name, call: SimCall { caller: for_caller, callee: for_callee, path } }
    });
    made.collect()
}

fn same(_: &mut Plan) {}

fn at(ms: u64, act: Act) -> Later {
    Later { after: Duration::from_millis(ms), act }
}

fn only(plan: &mut Plan, kind: MediaKind) {
    plan.leg.send.retain(|track| track.kind == kind);
    plan.leg.receive = vec![kind];
    for side in ["caller", "callee"] {
        expect(plan, &format!("{side}.tracks={kind}"));
    }
}

fn only_audio(plan: &mut Plan) {
    only(plan, MediaKind::Audio);
}

fn only_video(plan: &mut Plan) {
    only(plan, MediaKind::Video);
}

fn direct(plan: &mut Plan, direction: Direction, own_tracks: &str) {
    plan.leg.habits.directions = MediaKind::ALL.iter().map(|kind| (*kind, direction)).collect();
    let own = plan.leg.role;
    expect(plan, &format!("{own}.tracks={own_tracks}"));
}

fn over(plan: &mut Plan, network: &str) {
    // Invariant: those texts are ours, and a test reads them all.
    let bad = Impairment::parse(network, "a shape").expect("a network of ours is well written");
    (plan.network.caller, plan.network.callee) = (bad.clone(), bad);
}

fn expect(plan: &mut Plan, text: &str) {
    // Invariant: as above.
    let stated = Expectation::parse(text, plan.leg.role).expect("an expectation of ours is well written");
    plan.expectations.push(stated);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_well_written() {
        assert_eq!(shapes().len(), SHAPES.len());
    }
}
