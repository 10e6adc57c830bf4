//! Calls to play, and what to ask of them.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use callcheck::expect::Status;
use callcheck::jsep::Role;
use callcheck::plan::{Act, Expectation, Impairment, Later, Plan};
use callcheck::runner::{Interrupt, Played};
use callcheck::sim::{Latency, Outcome, SimCall, play, write_merged};
use futures::FutureExt;

pub(crate) fn never() -> Interrupt {
    futures::future::pending().boxed().shared()
}

/// The good call, changed on both sides.
pub(crate) fn call(change: impl Fn(&mut Plan)) -> SimCall {
    let plan = |role| {
        let mut plan = Plan::good(role);
        if role == Role::Caller {
            plan.leg.duration = Some(Duration::from_secs(2));
        }
        change(&mut plan);
        plan
    };
    SimCall { caller: plan(Role::Caller), callee: plan(Role::Callee), path: Some(Latency::default().path()) }
}

/// The same, over a network that is bad in both directions.
pub(crate) fn call_over(network: &str) -> SimCall {
    let bad = impairment(network);
    call(|plan| {
        plan.network.caller = bad.clone();
        plan.network.callee = bad.clone();
    })
}

pub(crate) fn impairment(text: &str) -> Impairment {
    Impairment::parse(text, "--network").unwrap_or_else(|error| panic!("{}", error.render(false)))
}

pub(crate) fn expect(plan: &mut Plan, text: &str) {
    plan.expectations.push(Expectation::parse(text, plan.leg.role).unwrap());
}

pub(crate) fn at(ms: u64, act: Act) -> Later {
    Later { after: Duration::from_millis(ms), act }
}

pub(crate) fn played(call: &SimCall, seed: u64) -> Outcome {
    play(call, seed, true, never()).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// The merged timeline of the call, as it is written to a file.
pub(crate) fn file(call: &SimCall, seed: u64) -> String {
    let timeline = played(call, seed).timeline.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    write_merged(&timeline, Box::new(file.reopen().unwrap())).unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}

static MACHINE: RwLock<()> = RwLock::new(());

/// The machine for a call on the real clock: no other test may keep it busy meanwhile.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The machine for calls on simulated time, which do not care who else is on it.
pub(crate) fn among_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// What did not pass.
pub(crate) fn faults(outcome: &Outcome) -> Vec<String> {
    let of = |played: &Played| -> Vec<String> {
        let bad = played.verdicts.iter().filter(|verdict| verdict.status != Status::Passed);
        let verdicts =
            bad.map(|verdict| format!("{} {:?}: {}", verdict.name(), verdict.status, verdict.observed));
        let defects = played
            .facts
            .tester_defects
            .iter()
            .map(|defect| format!("defect {}: {}", defect.what, defect.detail));
        verdicts.chain(defects).collect()
    };
    [&outcome.caller, &outcome.callee].into_iter().flat_map(of).collect()
}
