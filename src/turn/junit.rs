//! The result as JUnit XML: a suite for each server, a case for each path and for each expectation that was stated.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::expect::observed;
use super::model::{Path, ServerReport, TurnReport, Verdict};
use crate::report::{one_line, printable};

/// The result for CI servers. What failed is a failure, what could not be measured is an error, and a path that did not
/// come out well and need not is skipped: it was only explored, or something that was stated takes its place.
#[must_use]
pub fn junit(report: &TurnReport) -> String {
    let mut run = quick_junit::Report::new("callcheck turn");
    for server in &report.servers {
        let mut suite = TestSuite::new(one_line(&server.url));
        suite
            .add_test_cases(server.paths.iter().map(|path| case(server, path, report.demands(server, path))));
        run.add_test_suite(suite);
    }
    let mut stated = report.stated().peekable();
    if stated.peek().is_some() {
        let mut suite = TestSuite::new("expectations");
        suite.add_test_cases(stated.map(|row| {
            TestCase::new(one_line(&row.expected), status(row.status, true, &row.observed, &row.observed))
        }));
        run.add_test_suite(suite);
    }
    // Invariant: memory takes every byte, and names are no XML that could be wrong.
    run.to_string().expect("XML can be written into memory")
}

fn case(server: &ServerReport, path: &Path, demanded: bool) -> TestCase {
    let findings = server.findings.iter().filter(|finding| finding.paths.contains(&path.name()));
    let details: String = findings
        .map(|finding| {
            format!(
                "{}: {}\ncause: {}\nfix: {}\n",
                finding.id, finding.observed, finding.cause, finding.remedy
            )
        })
        .collect();
    let why = observed(path);
    let details = if details.is_empty() { why.clone() } else { details };
    let mut case = TestCase::new(one_line(&path.name()), status(path.verdict, demanded, &why, &details));
    case.set_classname(one_line(&server.url));
    let took: f64 = path.steps.iter().filter_map(|step| step.ms).sum();
    case.set_time(Duration::try_from_secs_f64(took / 1e3).unwrap_or_default());
    case
}

fn status(verdict: Verdict, demanded: bool, why: &str, details: &str) -> TestCaseStatus {
    let mut status = match (verdict, demanded) {
        (Verdict::Passed, _) => return TestCaseStatus::success(),
        (_, false) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(one_line(why));
            return status;
        }
        (Verdict::Failed, true) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (Verdict::Unknown, true) => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(one_line(why));
    status.set_type(verdict.as_str());
    status.set_description(printable(details));
    status
}
