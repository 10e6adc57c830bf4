//! Signals that are late, early, lost, repeated or out of order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callcheck::jsep::Role;
use callcheck::server::Path;
use callcheck::sim::{Outcome, SimCall};
use callcheck::world::World;
use rand::RngExt;

use crate::calls::{among_others, call, faults, played};

/// What becomes of a signal: who sends it, which one of that kind it is (from 0), the kind, and a chance of 0..1.
type Rule = fn(Role, usize, Signal, f64) -> Vec<u64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Offer,
    Answer,
    Candidate,
    EndOfCandidates,
    /// Joining, probes, and what ends a call.
    Other,
}

fn kind(text: &str) -> Signal {
    let message: serde_json::Value = serde_json::from_str(text).unwrap();
    match message["type"].as_str().unwrap() {
        "offer" => Signal::Offer,
        "answer" => Signal::Answer,
        "candidate" => Signal::Candidate,
        "end-of-candidates" => Signal::EndOfCandidates,
        _ => Signal::Other,
    }
}

struct Ruled<F> {
    role: Role,
    rule: Rule,
    seen: Mutex<Vec<Signal>>,
    chance: Mutex<F>,
}

impl<F: FnMut() -> f64 + Send> Path for Ruled<F> {
    fn carry(&self, _: Instant, text: &str) -> Vec<Duration> {
        let kind = kind(text);
        let mut seen = self.seen.lock().unwrap();
        let number = seen.iter().filter(|before| **before == kind).count();
        seen.push(kind);
        let chance = (self.chance.lock().unwrap())();
        (self.rule)(self.role, number, kind, chance).into_iter().map(Duration::from_millis).collect()
    }
}

fn ruled(rule: Rule) -> SimCall {
    let mut call = call(|plan| {
        plan.leg.answer_timeout = Duration::from_secs(10);
        plan.leg.timeout = Duration::from_secs(10);
    });
    call.path = Some(Arc::new(move |world: &dyn World, role| {
        let mut rng = world.rng(&format!("signals {role}"));
        let chance = Mutex::new(move || rng.random());
        Arc::new(Ruled { role, rule, seen: Mutex::default(), chance })
    }));
    call
}

fn passes_with_every_seed(rule: Rule) {
    let _machine = among_others();
    let call = ruled(rule);
    for seed in 0..50 {
        assert_eq!(faults(&played(&call, seed)), Vec::<String>::new(), "seed {seed}");
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of some milliseconds")]
fn up_to(ms: f64, chance: f64) -> Vec<u64> {
    vec![(ms * chance) as u64]
}

#[test]
fn signals_may_overtake_each_other() {
    passes_with_every_seed(|_, _, kind, chance| match kind {
        // Two answers would be in disorder; there is one of each.
        Signal::Other => vec![5],
        _ => up_to(60.0, chance),
    });
}

#[test]
fn candidates_may_come_before_descriptions() {
    passes_with_every_seed(|_, _, kind, chance| match kind {
        Signal::Offer | Signal::Answer => vec![200],
        Signal::Other => vec![5],
        _ => up_to(5.0, chance),
    });
}

#[test]
fn candidates_may_come_twice_and_late() {
    passes_with_every_seed(|_, _, kind, chance| match kind {
        Signal::Candidate | Signal::EndOfCandidates => [up_to(900.0, chance), vec![1000]].concat(),
        _ => vec![1],
    });
}

#[test]
fn an_answer_may_be_late() {
    passes_with_every_seed(|_, _, kind, chance| match kind {
        Signal::Answer => up_to(8_000.0, chance),
        _ => vec![1],
    });
}

fn outcome(rule: Rule) -> Outcome {
    played(&ruled(rule), 1)
}

#[test]
fn candidates_that_reach_one_side_only_still_make_a_pair() {
    // The side without candidates learns the other's address from its checks (RFC 8445 §7.3.1.3).
    let outcome = outcome(|role, _, kind, _| match (role, kind) {
        (Role::Callee, Signal::Candidate) => vec![],
        _ => vec![1],
    });
    let faults = faults(&outcome);
    assert!(faults.iter().all(|fault| fault.starts_with("caller.candidates.received")), "{faults:?}");
    assert!(!faults.is_empty(), "that none came is told");
    let pair = &outcome.caller.facts.own().pair.as_ref().unwrap().1;
    assert_eq!(pair.remote.candidate_type, "prflx");
}

#[test]
fn without_any_candidate_nothing_connects() {
    let outcome = outcome(|_, _, kind, _| if kind == Signal::Candidate { vec![] } else { vec![1] });
    for side in [&outcome.caller, &outcome.callee] {
        let ice = side.facts.own().timing.ice;
        assert!(ice.is_none() && !side.passed());
    }
}

#[test]
fn a_lost_offer_or_answer_is_told_and_ends_in_time() {
    for (lost, says) in [(Signal::Offer, "no offer"), (Signal::Answer, "did not answer")] {
        let rule: Rule = match lost {
            Signal::Offer => |_, _, kind, _| if kind == Signal::Offer { vec![] } else { vec![1] },
            _ => |_, _, kind, _| if kind == Signal::Answer { vec![] } else { vec![1] },
        };
        let outcome = outcome(rule);
        let faults = faults(&outcome);
        assert!(faults.iter().any(|fault| fault.contains(says)), "{lost:?}: {faults:#?}");
        assert!(outcome.took < Duration::from_secs(30), "{:?}", outcome.took);
    }
}
