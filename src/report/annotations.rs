//! The result as workflow commands of GitHub Actions, which show it beside the lines of a pull request.

use super::model::{CallReport, ExpectationReport, ExpectationStatus, PlaceReport, Report, VerdictWord};
use super::words::{file, of_status, one_line, printable, why};

/// A run as workflow commands, one a line: an error for each expectation that did not hold, a warning for what could
/// not be tested and for what passed on a later try only. Empty if everything passed. Places are relative to where
/// scenarios were looked for; GitHub finds only those that are relative to the root of the repository.
#[must_use]
pub fn annotations(report: &Report) -> String {
    report.calls.iter().map(of_call).collect()
}

fn of_call(call: &CallReport) -> String {
    let (level, status) = match call.verdict {
        VerdictWord::Failed => ("error", Some(ExpectationStatus::Failed)),
        VerdictWord::Unknown => ("warning", Some(ExpectationStatus::Unknown)),
        VerdictWord::Flaky | VerdictWord::NotRun => ("warning", None),
        VerdictWord::Passed | VerdictWord::Skipped => return String::new(),
    };
    let rows: Vec<&ExpectationReport> =
        status.map(|status| of_status(call, status).collect()).unwrap_or_default();
    // Files that were explained have findings, but nothing was expected of them.
    if rows.is_empty() {
        let title = format!("{}: {}", call.name, call.verdict.as_str());
        return command(level, call, None, &title, &(why(call) + &because(call)));
    }
    let rows = rows.into_iter().map(|row| {
        let title = format!("{}: {}", call.name, row.subject);
        let message = format!("expected {}\nobserved {}{}", row.expected, row.observed, because(call));
        command(level, call, row.place.as_ref(), &title, &message)
    });
    rows.collect()
}

/// Where the cause is known, its name leads to the fix.
fn because(call: &CallReport) -> String {
    let Some(finding) = call.findings.first() else { return String::new() };
    let title = one_line(&finding.title);
    format!("\nwhy: {title}\nfix: callcheck explain --about {}", finding.id)
}

fn command(
    level: &str,
    call: &CallReport,
    place: Option<&PlaceReport>,
    title: &str,
    message: &str,
) -> String {
    let mut properties = Vec::new();
    match (place, file(call)) {
        (Some(place), _) => properties.extend([
            ("file", place.file.clone()),
            ("line", place.line.to_string()),
            ("col", place.column.to_string()),
        ]),
        (None, Some(file)) => properties.extend([("file", file.to_owned()), ("line", "1".to_owned())]),
        (None, None) => {}
    }
    properties.push(("title", one_line(title)));
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(&printable(message)))
}

/// What follows `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::build;
    use super::super::testcalls::{failed, failed_without_a_place, passed, run, skipped, without_a_scenario};
    use super::*;

    #[test]
    fn every_verdict() {
        insta::assert_snapshot!(annotations(&run()));
    }

    #[test]
    fn nothing_is_annotated_where_nothing_is_wrong() {
        assert_eq!(annotations(&build(vec![passed(), skipped()])), "");
    }

    #[test]
    fn no_text_ends_a_command_or_begins_another_one() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("C:\\a,b%\n"), "C%3A\\a%2Cb%25%0A");
        let mut call = failed_without_a_place();
        call.name = "a,b: c\n::error::d".into();
        let text = annotations(&build(vec![call]));
        let title = "title=a%2Cb%3A c %3A%3Aerror%3A%3Ad%3A hangup::";
        assert!(text.contains(title), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn a_call_without_a_scenario_has_no_place() {
        let text = annotations(&build(vec![without_a_scenario(VerdictWord::NotRun)]));
        assert_eq!(text, "::warning title=demo%3A not run::not run\n");
    }

    #[test]
    fn what_fails_without_an_expectation_is_told_by_its_finding() {
        let mut call = failed();
        call.expectations.clear();
        let text = annotations(&build(vec![call]));
        assert!(text.starts_with("::error file=calls/nat/late.toml,line=1,title="), "{text}");
        assert!(text.contains("%0Afix: callcheck explain --about sdp-answer-without-track"), "{text}");
    }
}
