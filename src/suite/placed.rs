//! Results with their place in the file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::play::is_virtual;
use super::{Done, Settings, milliseconds};
use crate::diagnostic::Diagnostic;
use crate::report::{
    CallReport, ExpectationReport, ExpectationStatus, PlaceReport, ScenarioReport, VerdictWord,
};
use crate::scenario::{Placing, Scenario};
use crate::timeline::Timeline;

/// What was played, with all that the scenario adds. `how` are the clock, the seed, and how long it took.
pub(super) fn finished(
    scenario: &Scenario,
    mut call: CallReport,
    timeline: Option<Timeline>,
    how: (bool, u64, Duration),
) -> Done {
    let (on_simulated_time, seed, took) = how;
    call.name.clone_from(&scenario.name);
    let mut told = scenario_report(scenario, on_simulated_time, seed);
    told.took_ms = Some(milliseconds(took));
    told.tries = 1;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut complaints = Vec::new();
    let first_finding = call.findings.first().map(|one| one.id.clone());
    for row in &mut call.expectations {
        let number = seen.entry(row.subject.clone()).or_insert(0);
        // A script knows its places by itself.
        if row.place.is_none() {
            row.place = scenario.place_of(&row.subject, *number).map(|placing| place(scenario, &placing));
        }
        *number += 1;
        if row.status != ExpectationStatus::Passed {
            // A step that was refused has a cause of its own.
            let is_bare_step = row.subject.starts_with("step ") && row.subject.split(' ').count() == 2;
            let finding = first_finding.as_deref().filter(|_| !is_bare_step);
            complaints.extend(complaint(scenario, row, finding));
        }
    }
    call.scenario = Some(told);
    Done { call, timeline, had_its_turn: true, complaints }
}

/// One that was left out, or that could not be played.
pub(super) fn not_played(
    scenario: &Scenario,
    settings: &Settings,
    verdict: VerdictWord,
    why: String,
) -> Done {
    let seed = settings.seed.or(scenario.seed).unwrap_or_default();
    let mut call = CallReport::bare(&scenario.name, verdict, why);
    call.scenario = Some(scenario_report(scenario, is_virtual(scenario, settings), seed));
    Done { call, timeline: None, had_its_turn: false, complaints: Vec::new() }
}

fn scenario_report(scenario: &Scenario, on_simulated_time: bool, seed: u64) -> ScenarioReport {
    ScenarioReport {
        file: scenario.sources[0].name.clone(),
        title: scenario.title.clone(),
        cell: scenario.cell.clone(),
        tags: scenario.tags.clone(),
        clock: if on_simulated_time { "virtual" } else { "real" }.to_owned(),
        seed,
        tries: 0,
        took_ms: None,
        ladder: None,
    }
}

pub(super) fn place(scenario: &Scenario, placing: &Placing) -> PlaceReport {
    PlaceReport {
        file: scenario.sources[placing.file].name.clone(),
        line: placing.line,
        column: placing.column,
    }
}

/// An expectation that did not hold looks like a fault of the file: the line, a caret, what was seen, what to do.
fn complaint(scenario: &Scenario, row: &ExpectationReport, finding: Option<&str>) -> Option<Diagnostic> {
    let place = row.place.as_ref()?;
    let source = scenario.sources.iter().find(|source| source.name == place.file)?;
    let verb = if row.status == ExpectationStatus::Failed { "did not hold" } else { "could not be measured" };
    Some(Diagnostic {
        source: source.name.clone(),
        text: source.text.clone(),
        span: source.rest_of_line(place.line, place.column),
        title: format!("`{}` {verb}: expected {}", row.subject, row.expected),
        label: row.observed.clone(),
        help: finding.map(|id| format!("`callcheck explain --about {id}` has the cause and the fix")),
    })
}
