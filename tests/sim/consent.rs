//! Consent and what follows when it expires (RFC 7675), and calls that last for an hour.

use std::time::Duration;

use callcheck::jsep::{IceState, Role};
use callcheck::plan::Act;
use callcheck::runner::Played;
use callcheck::sim::Outcome;

use crate::calls::{among_others, at, call, expect, faults, impairment, played};

fn ice(side: &Played) -> Vec<(IceState, f64)> {
    let reached = side.facts.own().states.ice.iter();
    reached.map(|reached| (reached.state, reached.at_us as f64 / 1e6)).collect()
}

/// A call of `seconds` in which nothing gets through from 2 s on, for so long.
fn blocked(seconds: u64, during: &str, restart_ms: [Option<u64>; 2]) -> Outcome {
    let _machine = among_others();
    let call = call(|plan| {
        let block = impairment(&format!("block@{during}"));
        (plan.network.caller, plan.network.callee) = (block.clone(), block);
        if plan.leg.role == Role::Caller {
            plan.leg.duration = Some(Duration::from_secs(seconds));
        }
        let restart = restart_ms[usize::from(plan.leg.role == Role::Callee)];
        plan.leg.habits.later = restart.into_iter().map(|ms| at(ms, Act::RestartIce)).collect();
    });
    played(&call, 5)
}

fn find(path: &[(IceState, f64)], wanted: IceState) -> f64 {
    path.iter().find(|(state, _)| *state == wanted).unwrap_or_else(|| panic!("no {wanted} in {path:?}")).1
}

#[test]
fn without_consent_ice_is_disconnected_and_then_fails() {
    let outcome = blocked(60, "2s..", [None, None]);
    for side in [&outcome.caller, &outcome.callee] {
        let path = ice(side);
        let (disconnected, failed) = (find(&path, IceState::Disconnected), find(&path, IceState::Failed));
        // The last response came up to 2 s before the block; the engine waits 5 s and then 25 s.
        assert!((4.0..9.0).contains(&disconnected), "{path:?}");
        assert!((failed - disconnected - 25.0).abs() < 1.0, "{path:?}");
        assert!(!side.passed());
    }
    assert!(faults(&outcome).iter().any(|fault| fault.contains("ice Failed")), "{:?}", faults(&outcome));
}

#[test]
fn a_block_that_is_over_in_time_is_recovered_from() {
    let outcome = blocked(15, "2s..10s", [None, None]);
    for side in [&outcome.caller, &outcome.callee] {
        let states: Vec<IceState> = ice(side).into_iter().map(|(state, _)| state).collect();
        let end = &states[states.len() - 2..];
        assert_eq!(end, [IceState::Disconnected, IceState::Connected], "{states:?}");
        let inbound = side.facts.own().inbound.as_ref().unwrap();
        // 15 s of sound at 50 packets a second, without the 8 s of the block.
        assert!(inbound[0].packets > 300, "{inbound:?}");
    }
}

#[test]
fn an_ice_restart_brings_a_failed_call_back() {
    // Failed after 30 s. Who means to restart waits for that; the other side waits a little for such an offer.
    for (during, restarts) in [
        ("2s..40s", [Some(42_000), Some(55_000)]),
        ("2s..32s", [Some(33_000), None]),
        ("2s..32s", [None, Some(33_000)]),
    ] {
        comes_back(&blocked(45, during, restarts));
    }
}

fn comes_back(outcome: &Outcome) {
    for side in [&outcome.caller, &outcome.callee] {
        let path = ice(side);
        find(&path, IceState::Failed);
        assert_eq!(path.last().unwrap().0, IceState::Connected, "{path:?}");
        let back = path.iter().rev().find(|(state, _)| *state == IceState::Connected).unwrap().1;
        assert!(back > 33.0, "{path:?}");
    }
}

#[test]
fn an_idle_hour_changes_nothing() {
    let _machine = among_others();
    let call = call(|plan| {
        if plan.leg.role == Role::Caller {
            plan.leg.habits.later = vec![at(0, Act::Hold), at(3_600_000, Act::Resume)];
        }
        expect(plan, "ice=connected");
    });
    let outcome = played(&call, 1);
    assert_eq!(faults(&outcome), Vec::<String>::new());
    assert!(outcome.took > Duration::from_secs(3600));
    for side in [&outcome.caller, &outcome.callee] {
        assert!(ice(side).iter().all(|(_, at)| *at < 60.0), "{:?}", ice(side));
    }
}
