//! The result as TAP 14, which test harnesses read line by line.

use super::model::{CallReport, ExpectationStatus, FindingReport, Report, VerdictWord};
use super::words::{at, file, one_line, open_ends, played, printable, sure, took_ms, why};

/// A run as TAP 14: a test point for each call, in order. What did not pass, and what passed on a later try only, has
/// its reasons as a YAML block.
#[must_use]
pub fn tap(report: &Report) -> String {
    let mut text = "TAP version 14\n".to_owned();
    if report.calls.is_empty() {
        let reason = report.reason.as_deref().unwrap_or("there was no call");
        return text + &format!("1..0 # SKIP {}\n", escaped(reason));
    }
    text += &format!("1..{}\n", report.calls.len());
    for (index, call) in report.calls.iter().enumerate() {
        text += &point(index + 1, call);
    }
    text
}

fn point(number: usize, call: &CallReport) -> String {
    let name = escaped(&call.name);
    match call.verdict {
        VerdictWord::Passed => format!("ok {number} - {name}\n"),
        VerdictWord::Skipped => format!("ok {number} - {name} # SKIP {}\n", escaped(&why(call))),
        VerdictWord::Flaky => format!("ok {number} - {name}\n{}", diagnostic(call)),
        VerdictWord::Failed | VerdictWord::Unknown | VerdictWord::NotRun => {
            format!("not ok {number} - {name}\n{}", diagnostic(call))
        }
    }
}

/// A description: `#` would begin a directive.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn diagnostic(call: &CallReport) -> String {
    let mut yaml = Yaml("  ---\n".to_owned());
    yaml.pair(2, "message", &why(call));
    yaml.pair(2, "severity", call.verdict.as_str());
    if let Some(file) = file(call) {
        yaml.pair(2, "file", file);
    }
    if let Some(took) = took_ms(call) {
        yaml.line(2, &format!("duration_ms: {took}"));
    }
    yaml.expectations(call);
    yaml.findings(&call.findings);
    if !call.notes.is_empty() {
        yaml.line(2, "notes:");
        call.notes.iter().for_each(|note| yaml.line(4, &format!("- {}", quoted(note))));
    }
    if let Some(scenario) = &call.scenario {
        yaml.line(2, "played:");
        played(scenario).iter().for_each(|(name, value)| yaml.line(4, &member(name, value)));
        if let Some(ladder) = &scenario.ladder {
            yaml.block(2, "ladder", ladder);
        }
    }
    yaml.0 + "  ...\n"
}

struct Yaml(String);

impl Yaml {
    fn line(&mut self, indent: usize, text: &str) {
        self.0 += &format!("{}{text}\n", " ".repeat(indent));
    }

    fn pair(&mut self, indent: usize, key: &str, value: &str) {
        self.line(indent, &format!("{key}: {}", quoted(value)));
    }

    /// Lines as they are, below their key.
    fn block(&mut self, indent: usize, key: &str, text: &str) {
        // The figure says where lines begin, so that the first one may be indented itself.
        self.line(indent, &format!("{key}: |2"));
        for line in printable(text).lines() {
            let line =
                if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(indent + 2)) };
            self.line(0, &line);
        }
    }

    fn expectations(&mut self, call: &CallReport) {
        let mut rows = open_ends(call).peekable();
        if rows.peek().is_some() {
            self.line(2, "expectations:");
        }
        for row in rows {
            self.line(4, &format!("- subject: {}", quoted(&row.subject)));
            let failed = row.status == ExpectationStatus::Failed;
            self.pair(6, "status", if failed { "failed" } else { "unknown" });
            if let Some(place) = &row.place {
                self.pair(6, "at", &at(place));
            }
            self.pair(6, "expected", &row.expected);
            self.pair(6, "observed", &row.observed);
        }
    }

    fn findings(&mut self, findings: &[FindingReport]) {
        if !findings.is_empty() {
            self.line(2, "findings:");
        }
        for finding in findings {
            self.line(4, &format!("- id: {}", quoted(&finding.id)));
            self.pair(6, "sure", sure(finding).trim_matches(['(', ')']));
            self.pair(6, "title", &finding.title);
            self.pair(6, "observed", &finding.observed);
            self.pair(6, "cause", &finding.cause);
            self.block(6, "fix", &finding.remedy);
        }
    }
}

/// Every string of JSON is one of YAML as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(printable(text)).to_string()
}

/// A key that people chose, and its value.
fn member(key: &str, value: &str) -> String {
    format!("{}: {}", quoted(key), quoted(value))
}

#[cfg(test)]
mod tests {
    use super::super::build;
    use super::super::testcalls::{failed, failed_without_a_place, flaky, passed, run, skipped};
    use super::*;

    #[test]
    fn every_verdict() {
        insta::assert_snapshot!(tap(&run()));
    }

    #[test]
    fn a_name_begins_no_directive_and_no_line() {
        let mut call = skipped();
        call.name = "a # TODO\\b\nnot ok 2".into();
        call.reason = Some("see\n#12".into());
        assert_eq!(point(1, &call), "ok 1 - a \\# TODO\\\\b not ok 2 # SKIP see \\#12\n");
    }

    #[test]
    fn no_text_ends_the_block_early() {
        let mut call = failed();
        call.findings[0].remedy = "  ...\n---\n\nok 7 - x".into();
        call.findings[0].cause = "  ...\n---".into();
        if let Some(scenario) = &mut call.scenario {
            scenario.ladder = Some("...\n  ---\n".into());
        }
        let text = point(1, &call);
        assert_eq!(text.lines().filter(|line| *line == "  ...").count(), 1, "{text}");
        assert!(text.ends_with("\n  ...\n"), "{text}");
        assert!(text.lines().skip(1).all(|line| line.is_empty() || line.starts_with("  ")), "{text}");
    }

    #[test]
    fn the_block_shows_no_control_characters() {
        let text = point(1, &failed_without_a_place());
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains(r#"observed: "100%:\n"#), "{text}");
    }

    #[test]
    fn only_what_did_not_simply_pass_has_a_block() {
        assert_eq!(point(3, &passed()), "ok 3 - both-ways\n");
        assert!(point(3, &flaky()).starts_with("ok 3 - glare\n  ---\n  message: \"passed on try 4 only\"\n"));
    }

    #[test]
    fn a_run_without_calls_says_so() {
        assert_eq!(tap(&build(Vec::new())), "TAP version 14\n1..0 # SKIP there was no call\n");
    }
}
