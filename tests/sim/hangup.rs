//! Somebody hangs up at every moment at which something happens.

use std::collections::BTreeSet;
use std::time::Duration;

use callcheck::jsep::Role;
use callcheck::runner::Played;
use callcheck::sim::Stage;
use callcheck::timeline::Kind;
use callcheck::world::{Simulated, World};
use futures::FutureExt;
use futures::future::join;

use crate::calls::{among_others, call, never, played};

/// What both sides saw when `who` is interrupted at that time.
fn interrupted(who: Role, at: Duration) -> (Played, Played) {
    let (world, call) = (Simulated::new(1), call(|plan| plan.leg.timeout = Duration::from_secs(5)));
    let stage = Stage::simulated(&world);
    let interrupt = |role| if role == who { world.sleep(at).shared() } else { never() };
    let caller = stage.play(call.caller, interrupt(Role::Caller));
    let callee = stage.play(call.callee, interrupt(Role::Callee));
    let run = world.run(async move { join(caller.result(), callee.result()).await });
    world.stop();
    let (caller, callee) = run.unwrap_or_else(|error| panic!("{who} at {at:?}: {error}"));
    let only = |run: Result<callcheck::runner::Run, _>| run.unwrap().calls.pop().unwrap();
    (only(caller), only(callee))
}

/// The times at which something happens in the good call, and just after.
fn moments() -> Vec<Duration> {
    let mut call = call(|_| {});
    call.path = None;
    let timeline = played(&call, 1).timeline.unwrap();
    let settled = |kind: &Kind| matches!(kind, Kind::Media { .. } | Kind::ClockOffset { .. });
    let events = timeline.events.iter().filter(|event| !settled(&event.kind));
    let at: BTreeSet<u64> = events.flat_map(|event| [event.at_us, event.at_us + 1]).collect();
    at.into_iter().map(Duration::from_micros).collect()
}

#[test]
fn whoever_hangs_up_whenever_both_sides_end_and_nobody_is_told_that_all_was_well() {
    let _machine = among_others();
    let moments = moments();
    assert!(moments.len() > 20, "{moments:?}");
    for who in [Role::Caller, Role::Callee] {
        for at in &moments {
            let (caller, callee) = interrupted(who, *at);
            let (own, other) = if who == Role::Caller { (&caller, &callee) } else { (&callee, &caller) };
            let both_done = own.facts.own().done && own.facts.other().done;
            if own.facts.interrupted.is_some() && !both_done {
                assert!(!own.passed() && !other.passed(), "{who} at {at:?}");
            }
            for side in [own, other] {
                assert!(side.facts.ended.is_some(), "{who} at {at:?}");
                assert!(side.facts.tester_defects.is_empty(), "{:?}", side.facts.tester_defects);
                assert!(side.facts.engine_limits.is_empty(), "{:?}", side.facts.engine_limits);
            }
        }
    }
}
