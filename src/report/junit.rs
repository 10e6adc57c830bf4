//! The result as JUnit XML, which every CI server reads.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::model::{CallReport, ExpectationReport, ExpectationStatus, FindingReport, Report, VerdictWord};
use super::words::{at, earlier_tries, file, one_line, open_ends, played, printable, sure, took_ms, why};

/// The name of the run, and of the suite for calls that stand in no folder.
const NAME: &str = "callcheck";

/// A run as JUnit XML: a suite for each file of scenarios, a test case for each call. What failed is a failure, what
/// could not be tested is an error, and what passed on a later try carries the tries before it.
#[must_use]
pub fn junit(report: &Report) -> String {
    let mut suites: Vec<(String, TestSuite, Duration)> = Vec::new();
    for call in &report.calls {
        let file = file(call).unwrap_or(NAME);
        let index = suites.iter().position(|(name, ..)| name == file).unwrap_or_else(|| {
            suites.push((file.to_owned(), TestSuite::new(one_line(file)), Duration::ZERO));
            suites.len() - 1
        });
        let (_, suite, took) = &mut suites[index];
        suite.add_test_case(case(call));
        for property in properties(call) {
            suite.add_property(property);
        }
        *took += time(call).unwrap_or_default();
    }
    let mut run = quick_junit::Report::new(NAME);
    run.set_time(suites.iter().map(|(_, _, took)| *took).sum());
    for (_, mut suite, took) in suites {
        suite.set_time(took);
        run.add_test_suite(suite);
    }
    // Invariant: memory takes every byte, and names are no XML that could be wrong.
    without_skipped(run.to_string().expect("XML can be written into memory"))
}

/// The schemas know no count of what was skipped for the whole run, only for each suite.
fn without_skipped(xml: String) -> String {
    let Some(start) = xml.find("<testsuites ") else { return xml };
    let end = xml[start..].find('>').map_or(xml.len(), |at| start + at);
    let Some(at) = xml[start..end].find(" skipped=\"").map(|at| start + at) else { return xml };
    let quote = at + " skipped=\"".len();
    let close = xml[quote..end].find('"').map_or(end, |len| quote + len + 1);
    format!("{}{}", &xml[..at], &xml[close..])
}

/// How a call was played. The schemas know properties of suites alone, so that those of a cell of a matrix name it.
fn properties(call: &CallReport) -> Vec<Property> {
    let Some(scenario) = &call.scenario else { return Vec::new() };
    let cell: Vec<String> = scenario.cell.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let of = if cell.is_empty() { String::new() } else { format!(" [{}]", cell.join(", ")) };
    let title = scenario.title.iter().map(|title| ("title".to_owned(), title.clone()));
    let rows = title.chain(played(scenario));
    rows.map(|(name, value)| Property::new(one_line(&format!("{name}{of}")), one_line(&value))).collect()
}

fn case(call: &CallReport) -> TestCase {
    let mut case = TestCase::new(one_line(&call.name), status(call));
    case.set_classname(one_line(file(call).unwrap_or(NAME)));
    if let Some(time) = time(call) {
        case.set_time(time);
    }
    let output = output(call);
    if !output.is_empty() {
        case.set_system_out(printable(&output));
    }
    case
}

fn time(call: &CallReport) -> Option<Duration> {
    Duration::try_from_secs_f64(took_ms(call)? / 1000.0).ok()
}

fn status(call: &CallReport) -> TestCaseStatus {
    let mut status = match call.verdict {
        VerdictWord::Passed | VerdictWord::Flaky => return success(call),
        VerdictWord::Skipped => TestCaseStatus::skipped(),
        VerdictWord::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        VerdictWord::Unknown | VerdictWord::NotRun => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(why(call));
    if call.verdict != VerdictWord::Skipped {
        status.set_type(call.verdict.as_str());
        status.set_description(printable(&details(call)));
    }
    status
}

fn success(call: &CallReport) -> TestCaseStatus {
    let mut status = TestCaseStatus::success();
    if call.verdict != VerdictWord::Flaky {
        return status;
    }
    let mut tries: Vec<TestRerun> =
        earlier_tries(call).into_iter().map(|(verdict, note)| earlier(verdict, note)).collect();
    // Without any, the servers would count it as a plain pass.
    if tries.is_empty() {
        tries.push(earlier(VerdictWord::Failed, &why(call)));
    }
    status.add_reruns(tries);
    status
}

fn earlier(verdict: VerdictWord, note: &str) -> TestRerun {
    let kind = match verdict {
        VerdictWord::Failed => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let mut rerun = TestRerun::new(kind);
    // Surefire demands a type.
    rerun.set_type(verdict.as_str());
    rerun.set_message(one_line(note));
    rerun.set_stack_trace(printable(note));
    rerun
}

/// What is read first: what was expected, what came, and what to do.
fn details(call: &CallReport) -> String {
    let mut text = String::new();
    open_ends(call).for_each(|row| text += &missed(row));
    for finding in &call.findings {
        text += &format!("\n{} {}\n", finding.id, sure(finding));
        text += &rows(&[("observed", &finding.observed), ("fix", &finding.remedy)]);
    }
    if text.is_empty() { why(call) } else { text.trim_start_matches('\n').to_owned() }
}

fn missed(row: &ExpectationReport) -> String {
    let place = row.place.as_ref().map(|place| format!("{}: ", at(place))).unwrap_or_default();
    let status = if row.status == ExpectationStatus::Failed { "failed" } else { "unknown" };
    let head = format!("\n{place}{} {status}\n", row.subject);
    head + &rows(&[("expected", &row.expected), ("observed", &row.observed)])
}

/// What is read by those who want to know all of it.
fn output(call: &CallReport) -> String {
    let mut parts: Vec<String> = call.findings.iter().map(whole).collect();
    if !call.notes.is_empty() {
        parts.push(call.notes.iter().map(|note| format!("note: {}\n", one_line(note))).collect());
    }
    parts.extend(call.scenario.as_ref().and_then(|scenario| scenario.ladder.clone()));
    parts.join("\n")
}

fn whole(finding: &FindingReport) -> String {
    let or = finding.alternatives.join(", ");
    let evidence = finding.evidence.join(", ");
    let shown = finding.shown.join("\n");
    let head = format!("{} {}\n{}\n", finding.id, sure(finding), finding.title);
    head + &rows(&[
        ("observed", &finding.observed),
        ("lines", &shown),
        ("cause", &finding.cause),
        ("evidence", &evidence),
        ("clause", finding.spec.as_deref().unwrap_or_default()),
        ("or", &or),
        ("settle", finding.settle.as_deref().unwrap_or_default()),
        ("fix", &finding.remedy),
    ])
}

/// Labels and their texts, whose lines stand below each other; without those that say nothing.
fn rows(rows: &[(&str, &str)]) -> String {
    let said = rows.iter().filter(|(_, text)| !text.is_empty());
    let lines = said.flat_map(|(label, text)| {
        text.lines().enumerate().map(move |(number, line)| {
            let label = if number == 0 { label } else { "" };
            format!("  {label:<8}  {line}\n")
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::build;
    use super::super::testcalls::{failed, failed_without_a_place, flaky, run, without_a_scenario};
    use super::*;

    #[test]
    fn every_verdict() {
        insta::assert_snapshot!(junit(&run()));
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        let text = junit(&run());
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
        assert_eq!((read.tests, read.failures, read.errors), (8, 2, 2));
        assert_eq!(read.test_suites.iter().map(|suite| suite.skipped).sum::<usize>(), 1);
        let head = text.lines().find(|line| line.starts_with("<testsuites ")).unwrap();
        assert!(!head.contains("skipped"), "{head}");
        assert!(text.contains("<properties>"), "{text}");
    }

    #[test]
    fn xml_holds_no_character_that_it_must_not() {
        let mut call = failed_without_a_place();
        call.name = "a\u{0}\u{8}\u{ffff}\u{1b}[31m<&\"".into();
        let text = junit(&build(vec![call]));
        let forbidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}');
        assert!(!text.contains(forbidden), "{text:?}");
        assert!(text.contains("&lt;&amp;&quot;"), "{text}");
    }

    #[test]
    fn times_are_never_negative() {
        for took in [-3.0, f64::NAN, f64::INFINITY, f64::MAX] {
            let mut call = failed();
            call.scenario.as_mut().unwrap().took_ms = Some(took);
            let text = junit(&build(vec![call]));
            assert_eq!(text.matches("time=\"0.000\"").count(), 2, "{text}");
        }
    }

    #[test]
    fn a_flaky_call_is_one_even_if_nothing_is_known_of_its_tries() {
        let call = CallReport { notes: Vec::new(), ..flaky() };
        let text = junit(&build(vec![call]));
        assert!(text.contains("<flakyFailure message=\"passed on try 4 only\" type=\"failed\">"), "{text}");
    }

    #[test]
    fn calls_without_a_scenario_are_one_suite() {
        let text = junit(&build(vec![without_a_scenario(VerdictWord::Passed)]));
        assert!(text.contains("<testsuite name=\"callcheck\" tests=\"1\""), "{text}");
        assert!(text.contains("classname=\"callcheck\""), "{text}");
    }

    #[test]
    fn a_run_without_calls_is_an_empty_report() {
        assert!(junit(&build(Vec::new())).contains("tests=\"0\""));
    }
}
