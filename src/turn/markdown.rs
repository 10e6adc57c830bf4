//! The result as Markdown, for the summary of a job.

use std::fmt::Write;

use super::expect::observed;
use super::model::{TurnReport, Verdict};
use crate::report::{escaped, with_code};

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
                let _ = writeln!(text, "- {label}: {}", with_code(words));
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

#[cfg(test)]
mod tests {
    use super::super::model::{Finding, ServerReport, TurnReport};
    use super::*;

    #[test]
    fn text_of_others_is_no_markup_and_options_are_code() {
        let finding = Finding {
            id: "turn-quota",
            severity: "major".into(),
            title: "none | left".into(),
            paths: Vec::new(),
            observed: "<b>486</b> [x](y)".into(),
            cause: "*".into(),
            remedy: "raise `user-quota_`".into(),
            calls: String::new(),
        };
        let (paths, notes) = (Vec::new(), Vec::new());
        let (url, verdict) = ("turn:a".to_owned(), Verdict::Failed);
        let server = ServerReport {
            url,
            verdict,
            paths,
            nat: None,
            nat_behavior: None,
            findings: vec![finding],
            notes,
        };
        let (servers, expectations) = (vec![server], Vec::new());
        let text = markdown(&TurnReport { schema_version: 1, kind: "turn", verdict, servers, expectations });
        for shown in ["none \\| left", "&lt;b&gt;486", "\\[x\\](y)", "cause: \\*", "raise `user-quota_`"] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
    }
}
