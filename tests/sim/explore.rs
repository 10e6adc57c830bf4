//! Many seeds of calls of several shapes: none may fail.

use std::time::Duration;

use callcheck::jsep::{MediaKind, Role};
use callcheck::plan::{Act, Attach, AttachAt};
use callcheck::sim::{SimCall, explore};

use crate::calls::{among_others, at, call, expect, impairment, never};

fn short(mut call: SimCall) -> SimCall {
    call.caller.leg.duration = Some(Duration::from_millis(100));
    call
}

fn all_pass(what: &str, call: SimCall, seeds: u64) {
    let _machine = among_others();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = explore(&short(call), 1..=seeds, threads, &never(), &|_| {});
    let groups: Vec<String> = found
        .groups
        .iter()
        .map(|group| format!("{} x {} {:?}", group.seeds.len(), group.cause, group.seeds))
        .collect();
    assert_eq!((found.passed, found.played), (seeds, seeds), "{what}: {groups:#?}");
}

fn over(network: &str) -> impl Fn(&mut callcheck::plan::Plan) {
    let bad = impairment(network);
    move |plan| (plan.network.caller, plan.network.callee) = (bad.clone(), bad.clone())
}

#[test]
fn good_calls() {
    all_pass("a good network", call(|_| {}), 500);
    all_pass("a far network", call(over("delay=150ms,jitter=30ms")), 200);
}

#[test]
fn calls_over_bad_networks() {
    all_pass("loss", call(over("loss=5%,jitter=20ms")), 300);
    all_pass("bursts", call(over("loss=3%,burst=5")), 200);
    all_pass(
        "everything",
        call(over("loss=2%,delay=20ms,jitter=10ms,reorder=2%,duplicate=2%,rate=4Mbps")),
        200,
    );
}

#[test]
fn calls_that_renegotiate() {
    let late = |plan: &mut callcheck::plan::Plan| {
        if plan.leg.role == Role::Callee {
            (plan.leg.habits.attach, plan.leg.habits.attach_at) = (Attach::AddTrack, AttachAt::AfterAnswer);
        }
    };
    all_pass("tracks with a second offer", call(late), 200);
    let cured = |plan: &mut callcheck::plan::Plan| {
        if plan.leg.role == Role::Callee {
            plan.leg.habits.attach = Attach::AddTransceiver;
        }
    };
    all_pass("the founding bug and its cure", call(cured), 200);
    let held = |plan: &mut callcheck::plan::Plan| {
        if plan.leg.role == Role::Caller {
            plan.leg.habits.later = vec![at(200, Act::Hold), at(500, Act::Resume), at(800, Act::RestartIce)];
        }
    };
    all_pass("hold, resume, restart", call(held), 200);
}

#[test]
fn calls_of_one_kind() {
    let audio = |plan: &mut callcheck::plan::Plan| {
        plan.leg.send.retain(|track| track.kind == MediaKind::Audio);
        plan.leg.receive = vec![MediaKind::Audio];
        plan.leg.trickle = plan.leg.role == Role::Caller;
        expect(plan, "tracks=audio");
    };
    all_pass("sound alone", call(audio), 200);
}
