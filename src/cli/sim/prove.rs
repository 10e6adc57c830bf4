//! `callcheck sim --prove`: the proof of the diagnosis, as a table.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::output;
use crate::runner::Interrupt;
use crate::sim::{Named, Proof, Provoked, prove};
use crate::world::{Live, World};

/// What is demanded of the proof.
const RECALL: f64 = 0.95;

/// Commits the faults whose names begin with `filter`, and prints what was told of them.
///
/// # Errors
/// When standard output does not take the table.
pub(super) fn run(filter: &str, seeds: u64, threads: usize, interrupt: &Interrupt) -> anyhow::Result<Exit> {
    let world = Live::new(0);
    let begun = world.now();
    let proof = prove(filter, seeds, threads, interrupt);
    let table = table(&proof, world.now() - begun);
    output::to_stdout(table.as_bytes()).map_err(|error| CliError::lost("the table", &error))?;
    Ok(if proof.recall() >= RECALL && proof.false_alarms() == 0 { Exit::Passed } else { Exit::Failed })
}

/// What went wrong row by row, then the figures.
fn table(proof: &Proof, took: Duration) -> String {
    let mut text = String::new();
    for row in proof.provoked.iter().filter(|row| row.named != Named::First) {
        let _ = writeln!(text, "{:12} {:34} by the {}: {}", word(row.named), row.id, row.by, told(row));
    }
    for row in proof.provoked.iter().filter(|row| !row.told_faulty.is_empty()) {
        let _ = writeln!(
            text,
            "{:12} {:34} by the {}, which was told {}",
            "note",
            row.id,
            row.by,
            row.told_faulty.join(", ")
        );
    }
    for good in proof.good.iter().filter(|good| !good.alarms.is_empty()) {
        for (seed, told) in &good.alarms {
            let _ = writeln!(text, "{:12} {:34} seed {seed}: {}", "false alarm", good.name, told.join(", "));
        }
    }
    let modes = |named: Option<Named>| {
        let rows = proof.provoked.iter().filter(|row| named.is_none_or(|named| row.named == named));
        rows.map(|row| row.id).collect::<std::collections::BTreeSet<_>>().len()
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let provoked = proof.provoked.len() - proof.count(Named::NotProvoked);
    let _ = writeln!(text, "faults          {:5}  in {} modes", proof.provoked.len(), modes(None));
    let _ = writeln!(text, "provoked        {provoked:5}");
    let _ = writeln!(
        text,
        "found           {:5}  told first: {:.1} %",
        proof.count(Named::First),
        proof.recall() * 1e2
    );
    let _ = writeln!(text, "found later     {:5}", proof.count(Named::Later));
    let _ = writeln!(text, "missed          {:5}", proof.count(Named::Missed));
    let _ = writeln!(text, "wrongly named   {:5}", proof.count(Named::Wrongly));
    if !proof.good.is_empty() {
        let calls: usize = proof.good.iter().map(|good| good.played).sum();
        let _ = writeln!(
            text,
            "false alarms    {:5}  in {calls} good calls of {} shapes",
            proof.false_alarms(),
            proof.good.len()
        );
    }
    let _ = writeln!(text, "took            {:5.1} s", took.as_secs_f64());
    text
}

fn told(row: &Provoked) -> String {
    if row.told.is_empty() { "nothing was told".to_owned() } else { row.told.join(", ") }
}

const fn word(named: Named) -> &'static str {
    match named {
        Named::First => "found",
        Named::Later => "found later",
        Named::Wrongly => "wrongly",
        Named::Missed => "missed",
        Named::NotProvoked => "not provoked",
    }
}
