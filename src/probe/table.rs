//! The table for people, at most 80 columns.

use anstyle::{AnsiColor, Style};

use super::{ProbeOutcome, ProbeReport, ProbeRow};
use crate::report::{VerdictWord, printable, wrapped};

/// Where the second and the third column begin.
const OUTCOME: usize = 20;
const TEXT: usize = 32;

/// The result as text, with a newline at the end.
#[must_use]
pub fn table(room: &str, report: &ProbeReport, color: bool) -> String {
    let (title, paint) = match report.verdict {
        VerdictWord::Passed => ("PASSED", AnsiColor::Green),
        VerdictWord::Failed => ("FAILED", AnsiColor::Red),
        _ => ("UNKNOWN", AnsiColor::Yellow),
    };
    let mut text = painted(title, paint, color);
    let reason = report.reason.as_deref().unwrap_or_default();
    text += &format!("  {}\n\n", wrapped(&printable(&format!("{room}: {reason}")), title.len() + 2));
    for row in &report.probes {
        text += &line(row, color);
    }
    if let Some(id) = report.probes.iter().find_map(|row| row.finding.as_deref()) {
        text += &format!("\n  why, and how to mend it: callcheck explain --about {id}\n");
    }
    text
}

fn line(row: &ProbeRow, color: bool) -> String {
    let (word, paint, what) = match row.outcome {
        ProbeOutcome::Ok => ("ok", AnsiColor::Green, &row.seen),
        ProbeOutcome::Wrong => ("WRONG", AnsiColor::Red, &row.seen),
        ProbeOutcome::NotTested => ("not tested", AnsiColor::Yellow, &row.reason),
    };
    let gap = " ".repeat(TEXT.saturating_sub(OUTCOME + word.len()));
    let outcome = painted(word, paint, color) + &gap;
    let what = wrapped(&printable(what.as_deref().unwrap_or_default()), TEXT);
    let mut text = format!("  {:<width$}{outcome}{what}\n", row.probe, width = OUTCOME - 2);
    if row.outcome == ProbeOutcome::Wrong {
        let did = wrapped(&format!("when callcheck {}", row.did), TEXT);
        text += &format!("{}{did}\n", " ".repeat(TEXT));
        if let Some(id) = &row.finding {
            text += &format!("{}{id}\n", " ".repeat(TEXT));
        }
    }
    text
}

fn painted(text: &str, paint: AnsiColor, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let style = Style::new().bold().fg_color(Some(paint.into()));
    format!("{style}{text}{style:#}")
}
