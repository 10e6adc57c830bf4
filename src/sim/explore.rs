//! The same call with many seeds: which of them do not pass, and what those have in common.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Outcome, SimCall, SimError, play};
use crate::expect::Status;
use crate::runner::Interrupt;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Exploration {
    /// How many were played.
    pub played: u64,
    /// How many of them passed.
    pub passed: u64,
    /// The virtual time of all calls.
    pub virtual_time: Duration,
    /// Those that did not pass, by what they have in common; the largest group first.
    pub groups: Vec<Group>,
    /// Somebody interrupted it before all seeds were played.
    pub interrupted: bool,
}

/// Seeds that went wrong in the same way.
#[derive(Debug)]
pub struct Group {
    /// What went wrong, without figures.
    pub cause: String,
    /// In order.
    pub seeds: Vec<u64>,
    /// The outcome of the first of them; none where it was not even played to its end.
    pub first: Result<Box<Outcome>, SimError>,
}

/// One seed that was played.
#[derive(Debug)]
pub struct Explored<'a> {
    /// Which.
    pub seed: u64,
    /// Its outcome.
    pub outcome: &'a Result<Outcome, SimError>,
}

/// Plays `call` once for each seed, on `threads` threads. `watch` sees every outcome, in no particular order.
pub fn explore(
    call: &SimCall,
    seeds: RangeInclusive<u64>,
    threads: usize,
    interrupt: &Interrupt,
    watch: &(dyn Fn(Explored<'_>) + Sync),
) -> Exploration {
    let next = AtomicU64::new(*seeds.start());
    let all_taken = AtomicBool::new(seeds.is_empty());
    let take = || {
        if all_taken.load(Ordering::Acquire) || interrupt.peek().is_some() {
            return None;
        }
        let seed = next.fetch_add(1, Ordering::AcqRel);
        if seed >= *seeds.end() {
            // Also keeps the counter from running over its end.
            all_taken.store(true, Ordering::Release);
        }
        (seed <= *seeds.end()).then_some(seed)
    };
    let found = Mutex::new(Found::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(seed) = take() {
                    let outcome = play(call, seed, false, interrupt.clone());
                    watch(Explored { seed, outcome: &outcome });
                    found.lock().expect("no panic while held").add(seed, outcome);
                }
            });
        }
    });
    let found = found.into_inner().expect("no panic while held");
    found.into_exploration(interrupt.peek().is_some())
}

#[derive(Default)]
struct Found {
    exploration: Exploration,
    groups: BTreeMap<String, Group>,
}

impl Found {
    fn add(&mut self, seed: u64, outcome: Result<Outcome, SimError>) {
        if outcome.as_ref().is_ok_and(Outcome::was_interrupted) {
            return;
        }
        let exploration = &mut self.exploration;
        exploration.played += 1;
        exploration.virtual_time += outcome.as_ref().map_or(Duration::ZERO, |outcome| outcome.took);
        if outcome.as_ref().is_ok_and(Outcome::passed) {
            exploration.passed += 1;
            return;
        }
        let cause = cause(&outcome);
        let first = outcome.map(Box::new);
        match self.groups.get_mut(&cause) {
            None => drop(self.groups.insert(cause.clone(), Group { cause, seeds: vec![seed], first })),
            Some(group) => {
                // Threads finish in any order; the smallest seed stands for its group.
                if seed < group.seeds[0] {
                    group.first = first;
                }
                group.seeds.push(seed);
                group.seeds.sort_unstable();
            }
        }
    }

    fn into_exploration(self, interrupted: bool) -> Exploration {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by(|a, b| b.seeds.len().cmp(&a.seeds.len()).then_with(|| a.cause.cmp(&b.cause)));
        Exploration { groups, interrupted, ..self.exploration }
    }
}

impl Outcome {
    fn was_interrupted(&self) -> bool {
        [&self.caller, &self.callee].iter().any(|played| played.facts.interrupted.is_some())
    }
}

/// What went wrong, in words that are the same for calls that went wrong in the same way.
fn cause(outcome: &Result<Outcome, SimError>) -> String {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return without_figures(&error.to_string()),
    };
    let played = [&outcome.caller, &outcome.callee];
    let faults = |limits: bool| {
        played.iter().flat_map(move |played| {
            let facts = &played.facts;
            if limits { &facts.engine_limits } else { &facts.tester_defects }
        })
    };
    if let Some(defect) = faults(false).next() {
        return format!("tester-defect: {}", without_figures(&defect.what));
    }
    if let Some(limit) = faults(true).next() {
        return format!("engine-limit: {}", limit.what);
    }
    let verdicts = || played.iter().flat_map(|played| &played.verdicts);
    let failed = verdicts().find(|verdict| verdict.status == Status::Failed);
    let unknown = || verdicts().find(|verdict| matches!(verdict.status, Status::Unknown(_)));
    match failed.or_else(unknown) {
        Some(verdict) => format!("{}: {}", verdict.name(), without_figures(&verdict.observed)),
        None => "no verdict".to_owned(),
    }
}

/// Figures differ from seed to seed.
fn without_figures(text: &str) -> String {
    let mut words = String::new();
    for letter in text.chars() {
        if !letter.is_ascii_digit() {
            words.push(letter);
        } else if !words.ends_with('#') {
            words.push('#');
        }
    }
    words.replace("#.#", "#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_do_not_tell_causes_apart() {
        assert_eq!(
            without_figures("received after 12.5 ms on 3 of 40"),
            without_figures("received after 9 ms on 17 of 2")
        );
        assert_ne!(without_figures("a 1"), without_figures("b 1"));
    }
}
