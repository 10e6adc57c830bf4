//! Rows as text.

use super::super::text::lines;
use super::signals::Arrow;
use super::{Row, What};
use crate::jsep::Role;

/// The width of a side.
pub(super) const LANE: usize = 30;

/// The width of what is between them.
const BETWEEN: usize = 24;

/// More lines than this are counted.
const MAX_LINES: usize = 60;

/// A text longer than this many lines is cut.
const MAX_WRAPPED: usize = 4;

/// All rows with their head; empty without rows.
pub(super) fn text(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = line("ms", "caller", "", "callee");
    let mut told = 1;
    for (index, row) in rows.iter().enumerate() {
        let lines = row_lines(row);
        if told + lines.len() > MAX_LINES {
            return text + &format!("... {} more\n", rows.len() - index);
        }
        told += lines.len();
        text += &lines.concat();
    }
    text
}

fn row_lines(row: &Row) -> Vec<String> {
    let (from, between, sender, receiver) = match &row.what {
        What::On { role, text, marked, times } => {
            let mark = if *marked { "! " } else { "" };
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            (*role, String::new(), format!("{mark}{text}{times}"), String::new())
        }
        What::Arrow { arrow, label, said } => (arrow.from, drawn(arrow, label), said.clone(), came(arrow)),
        What::Candidates { arrow, count, ended, .. } => {
            let noun = if *count == 1 { "candidate" } else { "candidates" };
            let label = match (count, ended) {
                (0, _) => "end of candidates".to_owned(),
                (_, true) => format!("{count} {noun}, end"),
                (_, false) => format!("{count} {noun}"),
            };
            (arrow.from, drawn(arrow, &label), String::new(), String::new())
        }
    };
    let [sender, receiver] = [sender, receiver].map(|text| cut(&text));
    let (left, right) = if from == Role::Caller { (sender, receiver) } else { (receiver, sender) };
    let height = left.len().max(right.len());
    let part = |lines: &[String], index: usize| lines.get(index).cloned().unwrap_or_default();
    let one = |index: usize| {
        let (time, between) = if index == 0 { (ms(row.at_us), between.as_str()) } else { Default::default() };
        line(&time, &part(&left, index), between, &part(&right, index))
    };
    (0..height).map(one).collect()
}

fn cut(text: &str) -> Vec<String> {
    let mut lines = lines(text, LANE);
    if lines.len() > MAX_WRAPPED {
        lines.truncate(MAX_WRAPPED);
        let last: String = lines[MAX_WRAPPED - 1].chars().take(LANE - 3).collect();
        lines[MAX_WRAPPED - 1] = last + "...";
    }
    lines
}

fn line(time: &str, left: &str, between: &str, right: &str) -> String {
    let line = format!("{time:>9}  {left:<LANE$} |{between:<BETWEEN$}| {right}");
    format!("{}\n", line.trim_end())
}

fn ms(us: u64) -> String {
    format!("{}.{}", us / 1000, us % 1000 / 100)
}

/// From the sender to the receiver; a cross where it was lost.
fn drawn(arrow: &Arrow, label: &str) -> String {
    let label: String = format!(" {label} ").chars().take(BETWEEN - 3).collect();
    match (arrow.from, arrow.lost) {
        (Role::Caller, false) => format!("{label:-^width$}>", width = BETWEEN - 1),
        (Role::Caller, true) => format!("{label:-^width$}x ", width = BETWEEN - 2),
        (Role::Callee, false) => format!("<{label:-^width$}", width = BETWEEN - 1),
        (Role::Callee, true) => format!(" x{label:-^width$}", width = BETWEEN - 2),
    }
}

/// What the receiver has to say of it.
fn came(arrow: &Arrow) -> String {
    // Clocks that were set apart may make it negative, which is worth seeing.
    let took = arrow.took_us.filter(|took| took.abs() >= 100);
    let took = took.map(|took| format!("{:+.1} ms", took as f64 / 1000.0));
    let words = [(arrow.lost, "never came"), (arrow.changed, "changed"), (arrow.again, "again")];
    let words = words.into_iter().filter(|(so, _)| *so).map(|(_, word)| word.to_owned());
    took.into_iter().chain(words).collect::<Vec<_>>().join(", ")
}
