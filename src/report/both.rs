//! The result of a call whose both sides we played, and of many such calls.

use super::build::{Attempt, build, call_report};
use super::model::{
    CallReport, ExpectationReport, ExpectationStatus, ExplorationReport, FindingReport, Report, VerdictWord,
};
use super::outcome::combined;
use crate::plan::Plan;

/// One call from what both sides know of it: each side tells of itself, and what both were asked is told once.
#[must_use]
pub fn both(caller: (&Plan, &Attempt), callee: (&Plan, &Attempt)) -> CallReport {
    let [caller, callee] = [caller, callee].map(|(plan, attempt)| {
        let mut call = call_report(plan, &attempt.facts, &attempt.verdicts);
        call.peers.retain(|peer| peer.role == plan.leg.role);
        call
    });
    joined(caller, callee)
}

/// One result from those of both sides, of which each holds its own peer alone.
#[must_use]
pub fn joined(caller: CallReport, callee: CallReport) -> CallReport {
    let (mut call, other) = (caller, callee);
    call.peers.extend(other.peers);
    let verdict = combined([call.verdict, other.verdict]);
    if verdict != call.verdict {
        (call.verdict, call.reason) = (other.verdict, other.reason);
    }
    other.expectations.into_iter().for_each(|row| add(&mut call.expectations, row));
    for finding in other.findings {
        // Both sides see the same fault, each in its own events; the surer one counts.
        let same = |known: &&mut FindingReport| known.id == finding.id && known.peer == finding.peer;
        match call.findings.iter_mut().find(same) {
            Some(known) if known.confidence != "certain" && finding.confidence == "certain" => {
                *known = finding
            }
            Some(_) => {}
            None => call.findings.push(finding),
        }
    }
    for note in other.notes {
        if !call.notes.contains(&note) {
            call.notes.push(note);
        }
    }
    call
}

/// Of two answers to the same question the worse one counts.
fn add(rows: &mut Vec<ExpectationReport>, row: ExpectationReport) {
    match rows.iter_mut().find(|known| known.subject == row.subject && known.expected == row.expected) {
        Some(known) if badness(row.status) > badness(known.status) => *known = row,
        Some(_) => {}
        None => rows.push(row),
    }
}

fn badness(status: ExpectationStatus) -> u8 {
    match status {
        ExpectationStatus::Passed => 0,
        ExpectationStatus::Unknown => 1,
        ExpectationStatus::Failed => 2,
    }
}

/// The result of many seeds; `calls` holds the first of each group that did not pass.
#[must_use]
pub fn explored(calls: Vec<CallReport>, exploration: ExplorationReport) -> Report {
    let report = build(calls);
    let wrong = exploration.played - exploration.passed;
    let (verdict, reason) = match report.verdict {
        _ if exploration.played == 0 => (VerdictWord::NotRun, Some("no seed was played".to_owned())),
        _ if wrong == 0 => (VerdictWord::Passed, None),
        verdict => (verdict, Some(format!("{wrong} of {} seeds did not pass", exploration.played))),
    };
    Report { verdict, reason, exploration: Some(exploration), ..report }
}
