//! Good calls, calls that lack something, and peers that go away.

use futures::future::join;

use super::support::{Stage, expecting, plan};
use crate::expect::Status;
use crate::jsep::{MediaKind, Role};
use crate::plan::{Plan, Subject};
use crate::runner::{Played, Run};
use crate::world::Simulated;

fn call(caller: Plan, callee: Plan) -> (Played, Played) {
    let world = Simulated::new(1);
    let stage = Stage::new(&world);
    let (caller, callee) = (stage.play(caller), stage.play(callee));
    let (caller, callee) = world.run(async { join(caller.result(), callee.result()).await }).unwrap();
    (only(caller), only(callee))
}

fn only(mut run: Run) -> Played {
    assert_eq!(run.calls.len(), 1);
    run.calls.remove(0)
}

fn failures(played: &Played) -> Vec<String> {
    let bad = played.verdicts.iter().filter(|verdict| verdict.status != Status::Passed);
    bad.map(|verdict| format!("{} {:?}: {}", verdict.name(), verdict.status, verdict.observed)).collect()
}

#[test]
fn a_good_call_passes_on_both_sides_without_tokio() {
    let (caller, callee) = call(plan(Role::Caller), plan(Role::Callee));
    assert_eq!((failures(&caller), failures(&callee)), (vec![], vec![]));
    for side in [&caller, &callee] {
        assert!(side.facts.other().known, "both sides have told what they saw");
        let inbound = side.facts.own().inbound.as_ref().expect("media was counted");
        assert_eq!(inbound.len(), 2);
        assert!(
            inbound.iter().all(|media| media.stamped_frames > 50 && media.frames_lost == 0),
            "{inbound:?}"
        );
    }
}

#[test]
fn without_trickle_the_candidates_are_in_the_descriptions() {
    let mut silent = plan(Role::Caller);
    silent.leg.trickle = false;
    let (caller, callee) = call(silent, plan(Role::Callee));
    assert_eq!((failures(&caller), failures(&callee)), (vec![], vec![]));
    assert_eq!(caller.facts.own().candidates.sent, 0);
    assert!(caller.facts.own().candidates.sent_in_sdp > 0);
}

#[test]
fn a_callee_that_sends_audio_only_fails_the_caller_and_says_why() {
    let mut audio_only = plan(Role::Callee);
    audio_only.leg.send.retain(|track| track.kind == MediaKind::Audio);
    let (caller, callee) = call(plan(Role::Caller), audio_only.clone());
    assert_eq!(failures(&callee), Vec::<String>::new());
    let tracks = caller.verdicts.iter().find(|verdict| verdict.subject == Subject::Tracks).unwrap();
    assert_eq!(tracks.status, Status::Failed);
    assert!(tracks.observed.contains("video") && tracks.observed.contains("recvonly"), "{}", tracks.observed);

    let (caller, _) = call(expecting(plan(Role::Caller), "tracks=audio"), audio_only);
    assert_eq!(failures(&caller), Vec::<String>::new());
}

#[test]
fn a_caller_that_sends_nothing_still_gets_what_it_expects() {
    let mut quiet = plan(Role::Caller);
    quiet.leg.send.clear();
    let (caller, callee) = call(quiet, expecting(plan(Role::Callee), "tracks=none"));
    assert_eq!((failures(&caller), failures(&callee)), (vec![], vec![]));
}

#[test]
fn an_interrupt_hangs_up_and_tells_the_other_side() {
    let world = Simulated::new(1);
    let stage = Stage::new(&world);
    let (mut caller, callee) = (stage.play(plan(Role::Caller)), stage.play(plan(Role::Callee)));
    let interrupt = caller.interrupt.take().unwrap();
    let clock = world.clone();
    let played = world.run(async move {
        crate::world::World::sleep(&clock, std::time::Duration::from_secs(1)).await;
        interrupt.send(()).unwrap();
        join(caller.result(), callee.result()).await
    });
    let (caller, callee) = played.unwrap();
    assert!(only(caller).facts.interrupted.is_some());
    let callee = only(callee);
    assert_eq!(callee.facts.hang_up.as_ref().map(|hang_up| hang_up.by), Some(Role::Caller));
    let cut_short = "caller hung up before it was done: interrupted";
    assert!(failures(&callee).iter().any(|failure| failure.contains(cut_short)), "{:?}", failures(&callee));
}

#[test]
fn a_peer_that_never_comes_is_not_a_failed_call() {
    let world = Simulated::new(1);
    let alone = Stage::new(&world).play(plan(Role::Caller));
    let played = only(world.run(alone.result()).unwrap());
    assert!(!played.facts.both_met());
    assert!(!played.passed());
}
