//! What people see of a run: failures first, each at its place in the file, then a line for each scenario, then totals.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::cli::say::{View, say};
use crate::report::{self, CallReport, VerdictWord};
use crate::scenario::Scenario;
use crate::suite::Done;

/// So many of the slowest are named.
const SLOWEST: usize = 3;

/// A scenario in a line.
pub(super) fn line(call: &CallReport) -> String {
    let took = call.scenario.as_ref().and_then(|scenario| scenario.took_ms);
    let took = took.map(|ms| format!("  {:.1} s", ms / 1e3)).unwrap_or_default();
    let reason = match call.verdict {
        VerdictWord::Passed => String::new(),
        _ => call.reason.as_ref().map(|reason| format!(": {}", first_line(reason))).unwrap_or_default(),
    };
    format!("{}  {}{took}{reason}", word(call.verdict), call.name)
}

/// Everything, once all were run.
pub(super) fn result(all: &[Done], took: Duration, interrupted: bool, view: View) {
    if view != View::Nothing {
        for done in all.iter().filter(|done| is_wrong(done)) {
            say(&failure(done));
        }
        // Lines were printed as they came, where nothing moves.
        if view == View::Moving {
            say("");
            all.iter().filter(|done| is_told(done)).for_each(|done| say(&line(&done.call)));
        }
        slowest(all);
    }
    say(&totals(all, took, interrupted));
}

/// Whether it has a line of its own.
pub(super) fn is_told(done: &Done) -> bool {
    done.had_its_turn || done.call.verdict == VerdictWord::Skipped
}

/// What the run never came to is counted, and not shown one by one.
fn is_wrong(done: &Done) -> bool {
    let wrong = matches!(done.call.verdict, VerdictWord::Failed | VerdictWord::Unknown | VerdictWord::NotRun);
    done.had_its_turn && wrong
}

/// One that did not pass, with all that is known.
fn failure(done: &Done) -> String {
    let call = &done.call;
    let mut text = format!("\n{}  {}", word(call.verdict), call.name);
    if let Some(title) = call.scenario.as_ref().and_then(|scenario| scenario.title.as_ref()) {
        let _ = write!(text, ": {title}");
    }
    text.push('\n');
    for complaint in &done.complaints {
        let _ = write!(text, "\n{}\n", complaint.render(true));
    }
    let unplaced = call.expectations.iter().filter(|row| row.place.is_none());
    for row in unplaced.filter(|row| row.status != report::ExpectationStatus::Passed) {
        let _ = writeln!(text, "  {}: expected {}, observed {}", row.subject, row.expected, row.observed);
    }
    if done.complaints.is_empty()
        && call.expectations.is_empty()
        && let Some(reason) = &call.reason
    {
        let _ = writeln!(text, "  {reason}");
    }
    text += &report::render_findings(call, true);
    for note in &call.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    if let Some(ladder) = call.scenario.as_ref().and_then(|scenario| scenario.ladder.as_ref()) {
        let _ = write!(text, "\n{}", indented(ladder));
    }
    text.trim_end().to_owned()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn slowest(all: &[Done]) {
    let took = |done: &Done| done.call.scenario.as_ref().and_then(|scenario| scenario.took_ms);
    let mut slow: Vec<(f64, &str)> =
        all.iter().filter_map(|done| Some((took(done)?, &*done.call.name))).collect();
    slow.sort_by(|a, b| b.0.total_cmp(&a.0));
    if slow.len() > SLOWEST {
        let named: Vec<String> =
            slow.iter().take(SLOWEST).map(|(ms, name)| format!("{name} {:.1} s", ms / 1e3)).collect();
        say(&format!("\nslowest  {}", named.join(", ")));
    }
}

fn totals(all: &[Done], took: Duration, interrupted: bool) -> String {
    let count = |verdict: VerdictWord| all.iter().filter(|done| done.call.verdict == verdict).count();
    let words = [
        VerdictWord::Failed,
        VerdictWord::Unknown,
        VerdictWord::Flaky,
        VerdictWord::NotRun,
        VerdictWord::Skipped,
        VerdictWord::Passed,
    ];
    let counts: Vec<String> = words
        .iter()
        .filter(|verdict| count(**verdict) > 0)
        .map(|verdict| format!("{} {}", count(*verdict), verdict.as_str()))
        .collect();
    let seconds = took.as_secs_f64();
    let word = if interrupted { "interrupted, " } else { "" };
    let scenarios = if all.len() == 1 { "scenario" } else { "scenarios" };
    format!("\n{} {scenarios} in {seconds:.1} s: {word}{}", all.len(), counts.join(", "))
}

fn word(verdict: VerdictWord) -> String {
    let (text, color) = match verdict {
        VerdictWord::Passed => ("ok", AnsiColor::Green),
        VerdictWord::Failed => ("FAILED", AnsiColor::Red),
        VerdictWord::Unknown => ("UNKNOWN", AnsiColor::Yellow),
        VerdictWord::Flaky => ("FLAKY", AnsiColor::Yellow),
        VerdictWord::Skipped => ("skipped", AnsiColor::Yellow),
        VerdictWord::NotRun => ("NOT RUN", AnsiColor::Yellow),
    };
    let style = Style::new().bold().fg_color(Some(color.into()));
    format!("{style}{text:<7}{style:#}")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `--list`: names, tags and titles.
pub(super) fn list(scenarios: &[Scenario]) -> String {
    let width = scenarios.iter().map(|one| one.name.chars().count()).max().unwrap_or_default();
    let one = |one: &Scenario| {
        let tags = if one.tags.is_empty() { String::new() } else { format!("  [{}]", one.tags.join(", ")) };
        let skip = one.skip.as_ref().map(|why| format!("  (skipped: {why})")).unwrap_or_default();
        let line = format!("{:width$}  {}{tags}{skip}", one.name, one.title.as_deref().unwrap_or("-"));
        format!("{}\n", line.trim_end())
    };
    scenarios.iter().map(one).collect()
}

/// `--dry-run`: the resolved plans, as JSON lines; secrets are not shown.
pub(super) fn plans(scenarios: &[Scenario]) -> String {
    let one = |one: &Scenario| {
        let script = one.script.as_ref().map(|script| &script.steps);
        let of_the_call: Vec<&str> = one.of_the_call.iter().map(|demanded| demanded.text.as_str()).collect();
        let plan = serde_json::json!({
            "name": one.name,
            "title": one.title,
            "tags": one.tags,
            "skip": one.skip,
            "clock": one.is_virtual.map(|is_virtual| if is_virtual { "virtual" } else { "real" }),
            "seed": one.seed,
            "caller": one.caller,
            "callee": one.callee,
            "expect": of_the_call,
            "steps": script,
        });
        format!("{plan}\n")
    };
    scenarios.iter().map(one).collect()
}
