//! The result as Markdown, for the summary of a job.

use std::fmt::Write;

use super::expect::observed;
use super::model::{TurnReport, Verdict};
use crate::report::one_line;

/// The result as Markdown as GitHub reads it.
#[must_use]
pub fn markdown(report: &TurnReport) -> String {
    let mut text = format!("## callcheck turn: {}\n", report.verdict.as_str());
    text += "\n| server | path | verdict | what was seen |\n|---|---|---|---|\n";
    for server in &report.servers {
        for path in &server.paths {
            let explored = if path.required { "" } else { " (explored)" };
            let seen = if path.verdict == Verdict::Passed { String::new() } else { escaped(&observed(path)) };
            let (url, name, verdict) = (escaped(&server.url), escaped(&path.name()), path.verdict.as_str());
            let _ = writeln!(text, "| {url} | {name}{explored} | {verdict} | {seen} |");
        }
    }
    for server in &report.servers {
        for finding in &server.findings {
            let (title, url) = (escaped(&finding.title), escaped(&server.url));
            let _ = write!(text, "\n**`{}`** {title} ({url})\n\n", finding.id);
            for (label, words) in [
                ("observed", &finding.observed),
                ("cause", &finding.cause),
                ("fix", &finding.remedy),
                ("calls", &finding.calls),
            ] {
                let _ = writeln!(text, "- {label}: {}", escaped(words));
            }
        }
    }
    let stated: Vec<_> = report.stated().collect();
    if !stated.is_empty() {
        text += "\n| expected | verdict | observed |\n|---|---|---|\n";
        for row in stated {
            let (expected, seen) = (escaped(&row.expected), escaped(&row.observed));
            let _ = writeln!(text, "| {expected} | {} | {seen} |", row.status.as_str());
        }
    }
    text
}

/// Text of others must not become markup; options of servers in backticks stay what they are.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for letter in one_line(text).chars() {
        match letter {
            '|' | '\\' | '*' | '[' | ']' => shown.extend(['\\', letter]),
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            other => shown.push(other),
        }
    }
    shown
}
