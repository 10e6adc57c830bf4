//! Plays one scenario once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::placed::{finished, not_played, place};
use super::{Done, Settings, elsewhere, foreign, script};
use crate::expect::was_found;
use crate::plan::{Expectation, Op, Plan, Value};
use crate::report::{
    self, Attempt, CallReport, ExpectationReport, ExpectationStatus, PlaceReport, VerdictWord,
};
use crate::runner::{Interrupt, Played, StepOutcome};
use crate::scenario::{InScript, Scenario};
use crate::sim::{self, SimCall, SimError};
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
    if let Some(elsewhere) = &settings.elsewhere {
        return match elsewhere::unfit(scenario, is_virtual) {
            Some(why) => not_played(scenario, settings, VerdictWord::Skipped, why.to_owned()),
            None => elsewhere::play(scenario, settings, elsewhere, seed, interrupt).await,
        };
    }
    if let Some(other) = &scenario.foreign {
        return foreign::play(scenario, settings, other, (is_virtual, seed), interrupt).await;
    }
    if scenario.script.is_some() {
        let outcome = script::play(scenario, is_virtual, seed).await;
        return finished(scenario, outcome, None, (is_virtual, seed, world.now() - begun));
    }
    let call = SimCall { caller: scenario.caller.clone(), callee: scenario.callee.clone(), path: None };
    let live = Live::new(seed);
    let outcome = if is_virtual {
        let (call, interrupt) = (call.clone(), interrupt.clone());
        match live.aside(move || sim::play(&call, seed, true, interrupt)).await {
            Some(played) => played,
            None => Err(SimError::Panicked("in a thread of its own".to_owned())),
        }
    } else {
        sim::play_live(&call, Arc::new(live), true, interrupt.clone()).await
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
    let report = call_report(call, outcome);
    if could_not_start(outcome).is_some() {
        return report;
    }
    let report = step_rows(&call.caller, report, &outcome.caller.steps);
    let report = step_rows(&call.callee, report, &outcome.callee.steps);
    let cut_short = |played: &Played| played.facts.interrupted.is_some();
    let interrupted = cut_short(&outcome.caller) || cut_short(&outcome.callee);
    judged_together(scenario, report, interrupted.then(|| "interrupted".to_owned()))
}

/// What the scenario demands of the call as a whole, once it is known what both sides and their steps have shown.
/// `untold` is why that is not all: then what was not seen need not be missing, and nothing passes.
pub(super) fn judged_together(scenario: &Scenario, call: CallReport, untold: Option<String>) -> CallReport {
    let mut report = call;
    let (mut steps, mut rows): (Vec<_>, Vec<_>) =
        std::mem::take(&mut report.expectations).into_iter().partition(|row| step_number(row).is_some());
    steps.sort_by_key(step_number);
    steps.iter_mut().for_each(|row| row.place = place_of_step(scenario, row));
    if scenario.only_stated {
        rows = only_stated(scenario, rows);
        rows.extend(steps);
        report = report.judged_by(rows);
    } else {
        rows.extend(steps);
        report.expectations = rows;
    }
    if let Some(why) = untold.as_ref().filter(|_| report.verdict != VerdictWord::Failed) {
        // What held so far need not have held to the end, or on the other side.
        (report.verdict, report.reason) = (VerdictWord::Unknown, Some(why.clone()));
    }
    for demanded in &scenario.of_the_call {
        let mut row = finding(&report, demanded);
        if untold.is_some() {
            // Whoever was not heard may have found it, or something else.
            row.status = ExpectationStatus::Unknown;
        }
        if row.status == ExpectationStatus::Failed && report.verdict != VerdictWord::Failed {
            (report.verdict, report.reason) = (VerdictWord::Failed, Some(row.observed.clone()));
        }
        report.expectations.push(row);
    }
    report
}

/// Adds what the steps of a side have shown.
pub(super) fn step_rows(plan: &Plan, call: CallReport, shown: &[StepOutcome]) -> CallReport {
    let mut report = call;
    for one in shown {
        let row = step_row(plan, one);
        let word = match row.status {
            ExpectationStatus::Passed => VerdictWord::Passed,
            ExpectationStatus::Failed => VerdictWord::Failed,
            ExpectationStatus::Unknown => VerdictWord::Unknown,
        };
        let is_worse = match report.verdict {
            VerdictWord::Passed => word != VerdictWord::Passed,
            VerdictWord::Unknown => word == VerdictWord::Failed,
            _ => false,
        };
        if is_worse {
            let why = format!("{}: expected {}, observed {}", row.subject, row.expected, row.observed);
            (report.verdict, report.reason) = (word, Some(why));
        }
        report.expectations.push(row);
    }
    report
}

fn step_row(plan: &Plan, shown: &StepOutcome) -> ExpectationReport {
    let of = if shown.subject.is_empty() { String::new() } else { format!(" {}", shown.subject) };
    let number = plan.steps.get(shown.step).map_or(shown.step + 1, |step| step.number);
    ExpectationReport {
        subject: format!("step {number}{of}"),
        status: match shown.holds {
            Some(true) => ExpectationStatus::Passed,
            Some(false) => ExpectationStatus::Failed,
            None => ExpectationStatus::Unknown,
        },
        expected: shown.expected.clone(),
        observed: shown.observed.clone(),
        place: None,
    }
}

/// Of which step a row tells.
fn step_number(row: &ExpectationReport) -> Option<usize> {
    row.subject.strip_prefix("step ")?.split(' ').next()?.parse().ok()
}

fn place_of_step(scenario: &Scenario, row: &ExpectationReport) -> Option<PlaceReport> {
    let number = step_number(row)?;
    let index = scenario.caller.steps.iter().position(|step| step.number == number)?;
    Some(place(scenario, &scenario.place_in_script(InScript::Step(index))?))
}

/// What both sides of a call come to together.
#[must_use]
pub fn call_report(call: &SimCall, outcome: &sim::Outcome) -> CallReport {
    let attempt =
        |played: &Played| Attempt { facts: played.facts.clone(), verdicts: played.verdicts.clone() };
    let (caller, callee) = (attempt(&outcome.caller), attempt(&outcome.callee));
    let mut report = report::both((&call.caller, &caller), (&call.callee, &callee));
    if let Some(why) = could_not_start(outcome) {
        // Nothing was tested, so nothing can have failed.
        (report.verdict, report.reason) = (VerdictWord::Unknown, Some(why.to_owned()));
    }
    report
}

fn could_not_start(outcome: &sim::Outcome) -> Option<&str> {
    [&outcome.caller, &outcome.callee].into_iter().find_map(|side| side.could_not_start.as_deref())
}

/// Without what every call is asked.
fn only_stated(scenario: &Scenario, rows: Vec<ExpectationReport>) -> Vec<ExpectationReport> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let is_stated = |row: &ExpectationReport| {
        let number = seen.entry(row.subject.clone()).or_insert(0);
        *number += 1;
        scenario.place_of(&row.subject, *number - 1).is_some()
    };
    rows.into_iter().filter(is_stated).collect()
}

/// A finding that is demanded of the call, whichever side finds it.
fn finding(report: &CallReport, demanded: &Expectation) -> ExpectationReport {
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    // Invariant: a finding is compared with a word, as the table of subjects says.
    let Value::Word(wanted) = &demanded.value else { unreachable!("a finding is demanded by its name") };
    let (holds, observed) = was_found(demanded.op, wanted, &ids);
    ExpectationReport {
        subject: demanded.subject.info().name.to_owned(),
        status: if holds { ExpectationStatus::Passed } else { ExpectationStatus::Failed },
        expected: format!("{}{wanted}", if demanded.op == Op::Eq { "" } else { "not " }),
        observed,
        place: None,
    }
}
