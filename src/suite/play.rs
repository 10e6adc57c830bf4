//! Plays one scenario once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::placed::{finished, not_played};
use super::{Done, Settings, script};
use crate::plan::{Expectation, Op, Plan, Value};
use crate::report::{self, Attempt, CallReport, ExpectationReport, ExpectationStatus, VerdictWord};
use crate::runner::{Interrupt, Played};
use crate::scenario::Scenario;
use crate::sim::{self, SimCall};
use crate::world::{Live, World};

/// Where random choices start on simulated time, if nobody says.
const FIRST_SEED: u64 = 1;

pub(super) async fn play(
    scenario: &Scenario,
    settings: &Settings,
    world: &Arc<dyn World>,
    interrupt: &Interrupt,
) -> Done {
    let is_virtual = is_virtual(scenario, settings);
    let stated = settings.seed.or(scenario.seed);
    let seed = stated.unwrap_or_else(|| if is_virtual { FIRST_SEED } else { Live::random_seed() });
    let begun = world.now();
    if scenario.script.is_some() {
        let outcome = script::play(scenario, is_virtual, seed).await;
        return finished(scenario, outcome, None, (is_virtual, seed, world.now() - begun));
    }
    let call = SimCall { caller: scenario.caller.clone(), callee: scenario.callee.clone(), path: None };
    let outcome = if is_virtual {
        let (call, interrupt) = (call.clone(), interrupt.clone());
        // Simulated time computes, and must not keep real calls from their sockets.
        let played = tokio::task::spawn_blocking(move || sim::play(&call, seed, true, interrupt)).await;
        match played {
            Ok(played) => played,
            Err(_) => {
                return not_played(scenario, settings, VerdictWord::NotRun, "callcheck has a defect".into());
            }
        }
    } else {
        let live: Arc<dyn World> = Arc::new(Live::new(seed));
        sim::play_live(&call, live, true, interrupt.clone()).await
    };
    match outcome {
        Ok(mut outcome) => {
            let timeline = outcome.timeline.take();
            let report = judged(scenario, &call, &outcome);
            finished(scenario, report, timeline, (is_virtual, seed, world.now() - begun))
        }
        Err(error) => Done {
            had_its_turn: true,
            ..not_played(scenario, settings, VerdictWord::NotRun, error.to_string())
        },
    }
}

pub(super) fn is_virtual(scenario: &Scenario, settings: &Settings) -> bool {
    settings.is_virtual.or(scenario.is_virtual).unwrap_or(false)
}

fn judged(scenario: &Scenario, call: &SimCall, outcome: &sim::Outcome) -> CallReport {
    let attempt =
        |played: &Played| Attempt { facts: played.facts.clone(), verdicts: played.verdicts.clone() };
    let (caller, callee) = (attempt(&outcome.caller), attempt(&outcome.callee));
    let with = |plan: &Plan, attempt: &Attempt| (plan.clone(), attempt.clone());
    let (first, second) = (with(&call.caller, &caller), with(&call.callee, &callee));
    let mut report = report::both((&first.0, &first.1), (&second.0, &second.1));
    let why = [&outcome.caller, &outcome.callee].into_iter().find_map(|side| side.could_not_start.clone());
    if let Some(why) = why {
        // Nothing was tested, so nothing can have failed.
        (report.verdict, report.reason) = (VerdictWord::Unknown, Some(why));
        return report;
    }
    if scenario.only_stated {
        only_stated(scenario, &mut report);
    }
    let cut_short = |played: &Played| played.facts.interrupted.is_some();
    if (cut_short(&outcome.caller) || cut_short(&outcome.callee)) && report.verdict != VerdictWord::Failed {
        // What held so far need not have held to the end.
        (report.verdict, report.reason) = (VerdictWord::Unknown, Some("interrupted".to_owned()));
    }
    for demanded in &scenario.of_the_call {
        let row = finding(&report, demanded);
        if row.status == ExpectationStatus::Failed && report.verdict != VerdictWord::Failed {
            (report.verdict, report.reason) = (VerdictWord::Failed, Some(row.observed.clone()));
        }
        report.expectations.push(row);
    }
    report
}

/// Leaves what every call is asked out of the verdict.
fn only_stated(scenario: &Scenario, report: &mut CallReport) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    report.expectations.retain(|row| {
        let number = seen.entry(row.subject.clone()).or_insert(0);
        *number += 1;
        scenario.place_of(&row.subject, *number - 1).is_some()
    });
    let worst = |status| report.expectations.iter().find(|row| row.status == status);
    let (verdict, row) = match (worst(ExpectationStatus::Failed), worst(ExpectationStatus::Unknown)) {
        (Some(row), _) => (VerdictWord::Failed, Some(row)),
        (None, Some(row)) => (VerdictWord::Unknown, Some(row)),
        (None, None) => (VerdictWord::Passed, None),
    };
    (report.verdict, report.reason) = (verdict, row.map(|row| row.observed.clone()));
}

/// A finding that is demanded of the call, whichever side finds it.
fn finding(report: &CallReport, demanded: &Expectation) -> ExpectationReport {
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    let wanted = match &demanded.value {
        Value::Word(word) => word.as_str(),
        _ => "none",
    };
    let has = if wanted == "none" { ids.is_empty() } else { ids.contains(&wanted) };
    let holds = has == (demanded.op == Op::Eq);
    ExpectationReport {
        subject: demanded.subject.info().name.to_owned(),
        status: if holds { ExpectationStatus::Passed } else { ExpectationStatus::Failed },
        expected: format!("{}{wanted}", if demanded.op == Op::Eq { "" } else { "not " }),
        observed: if ids.is_empty() { "none".to_owned() } else { ids.join(", ") },
        place: None,
    }
}
