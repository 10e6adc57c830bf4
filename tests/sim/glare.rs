//! Both sides offer at once, at every distance in time, whoever is first and whoever is polite.

use callcheck::jsep::Role;
use callcheck::plan::Act;
use callcheck::sim::{Latency, SimCall};

use crate::calls::{among_others, at, call, faults, played};

/// The first offer of the first side comes so long after the answer.
const FIRST_MS: u64 = 400;

fn glare(first: Role, polite: Role, offset_ms: u64, act: Act) -> SimCall {
    let mut call = call(|plan| {
        let role = plan.leg.role;
        plan.leg.habits.polite = role == polite;
        let after = if role == first { FIRST_MS } else { FIRST_MS + offset_ms };
        plan.leg.habits.later = vec![at(after, act)];
        if act == Act::Hold {
            // Both get their directions back, again almost at once.
            plan.leg.habits.later.push(at(after + 600, Act::Resume));
        }
        plan.leg.duration = plan.leg.duration.map(|_| std::time::Duration::from_millis(500));
    });
    // About as far away as the offers are from each other.
    let ms = std::time::Duration::from_millis;
    call.path = Some(Latency { least: ms(20), most: ms(30) }.path());
    call
}

fn every_offset(act: Act) {
    let _machine = among_others();
    let (mut wrong, mut collided, mut limited) = (Vec::new(), 0, 0);
    for first in [Role::Caller, Role::Callee] {
        for polite in [Role::Caller, Role::Callee] {
            for offset in 0..=50 {
                let outcome = played(&glare(first, polite, offset, act), offset + 1);
                let sides = [&outcome.caller, &outcome.callee];
                let limit = sides.iter().any(|side| !side.facts.engine_limits.is_empty());
                let ignored = |note: &String| note.contains("an offer came while ours was open");
                collided += u32::from(sides.iter().any(|side| side.facts.notes.iter().any(ignored)));
                limited += u32::from(limit);
                let faults = faults(&outcome);
                if !limit && !faults.is_empty() {
                    wrong.push(format!("{first} first, {polite} polite, {offset} ms: {faults:?}"));
                }
            }
        }
    }
    assert!(collided >= 80, "only {collided} of 204 offers met");
    assert!(limited <= 4, "{limited} of 204 ended with a limit of the engine");
    assert!(wrong.is_empty(), "{} of 204:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ice_restarts_that_collide_end_with_media_both_ways() {
    every_offset(Act::RestartIce);
}

#[test]
fn holds_that_collide_end_with_media_both_ways() {
    every_offset(Act::Hold);
}
