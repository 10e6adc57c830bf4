//! Many seeds of calls of several shapes: none may fail.

use std::time::Duration;

use callcheck::diagnose::{Context, diagnose};
use callcheck::jsep::{MediaKind, Role};
use callcheck::plan::{Act, Attach, AttachAt};
use callcheck::sim::{SimCall, explore};

use crate::calls::{among_others, at, call, expect, faults, impairment, never, played};

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

/// What was done on purpose is nobody's fault, however bad it is.
#[test]
fn nobody_is_blamed_for_a_network_that_is_bad_on_purpose() {
    let _machine = among_others();
    for network in [
        "loss=30%",
        "loss=60%",
        "block",
        "block@2s..4s",
        "block@2s..20s",
        "delay=900ms",
        "rate=100kbps",
        "mtu=300",
    ] {
        let mut call = call(over(network));
        call.caller.leg.duration = Some(Duration::from_secs(8));
        for seed in 1..=5 {
            let outcome = played(&call, seed);
            for side in [&outcome.caller, &outcome.callee] {
                let plan = if side.facts.own == Role::Caller { &call.caller } else { &call.callee };
                let found = diagnose(&Context::of_plan(plan), &side.facts, true);
                let found: Vec<&str> = found.ids().collect();
                assert_eq!(found, Vec::<&str>::new(), "{network}, seed {seed}, the {}", side.facts.own);
            }
        }
    }
}

#[test]
fn a_call_of_many_holds_has_no_finding() {
    let _machine = among_others();
    let call = call(|plan| {
        if plan.leg.role == Role::Caller {
            let minute = |minute: u64| {
                [at(minute * 60_000 + 3_000, Act::Hold), at(minute * 60_000 + 60_000, Act::Resume)]
            };
            plan.leg.habits.later = (0u64..60).flat_map(minute).collect();
        }
        expect(plan, "finding=none");
    });
    assert_eq!(faults(&played(&call, 1)), Vec::<String>::new());
}
