//! What the reports for machines say alike.

use super::model::{
    CallReport, ExpectationReport, ExpectationStatus, FindingReport, PlaceReport, ScenarioReport, VerdictWord,
};

/// Text that every reader can show: what a terminal would obey is replaced, lines stay lines.
pub(crate) fn printable(text: &str) -> String {
    // XML and YAML forbid what is no character, and older YAML takes two more for line ends.
    let shown = |c: char| match c {
        '\n' => c,
        '\t' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// The same in a single line.
pub(crate) fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `calls/late.toml:12:3`.
pub(super) fn at(place: &PlaceReport) -> String {
    format!("{}:{}:{}", place.file, place.line, place.column)
}

/// The expectations of that status.
pub(super) fn of_status(
    call: &CallReport,
    status: ExpectationStatus,
) -> impl Iterator<Item = &ExpectationReport> {
    call.expectations.iter().filter(move |row| row.status == status)
}

/// The expectations that did not hold, then those that could not be measured.
pub(super) fn open_ends(call: &CallReport) -> impl Iterator<Item = &ExpectationReport> {
    of_status(call, ExpectationStatus::Failed).chain(of_status(call, ExpectationStatus::Unknown))
}

/// Why the verdict is not `passed`, in a line.
pub(super) fn why(call: &CallReport) -> String {
    if let Some(reason) = &call.reason {
        return one_line(reason);
    }
    let missed: Vec<String> =
        open_ends(call).map(|row| one_line(&format!("{}: {}", row.subject, row.observed))).collect();
    match call.findings.first() {
        _ if !missed.is_empty() => missed.join("; "),
        Some(finding) => one_line(&finding.observed),
        None => call.verdict.as_str().to_owned(),
    }
}

/// `(probable, blocker, the callee's)`, as the screen has it.
pub(super) fn sure(finding: &FindingReport) -> String {
    let of = finding.peer.map(|peer| format!(", the {peer}'s")).unwrap_or_default();
    format!("({}, {}{of})", finding.confidence, finding.severity)
}

/// The file of the scenario; none for a call without one.
pub(super) fn file(call: &CallReport) -> Option<&str> {
    call.scenario.as_ref().map(|scenario| scenario.file.as_str())
}

/// How long the call took, in milliseconds; none unless that is known and makes sense.
pub(super) fn took_ms(call: &CallReport) -> Option<f64> {
    let took = call.scenario.as_ref()?.took_ms?;
    (took.is_finite() && took >= 0.0).then_some(took)
}

/// How a call was played, as names and values.
pub(super) fn played(scenario: &ScenarioReport) -> Vec<(String, String)> {
    let mut rows = vec![
        ("seed".to_owned(), scenario.seed.to_string()),
        ("clock".to_owned(), scenario.clock.clone()),
        ("tries".to_owned(), scenario.tries.to_string()),
    ];
    if !scenario.tags.is_empty() {
        rows.push(("tags".to_owned(), scenario.tags.join(" ")));
    }
    rows.extend(scenario.cell.iter().map(|(name, value)| (format!("cell.{name}"), value.clone())));
    rows
}

/// The earlier tries of a flaky call that did not pass: the verdict of each, and its note.
pub(super) fn earlier_tries(call: &CallReport) -> Vec<(VerdictWord, &str)> {
    // The model keeps them as notes such as `try 1 of 2 failed: no video`.
    let verdicts = [VerdictWord::Failed, VerdictWord::Unknown, VerdictWord::NotRun];
    let read = |note: &str| {
        let (_, rest) = note.strip_prefix("try ")?.split_once(" of ")?;
        let (_, said) = rest.split_once(' ')?;
        verdicts.into_iter().find(|verdict| said.starts_with(verdict.as_str()))
    };
    call.notes.iter().filter_map(|note| Some((read(note)?, note.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testcalls::{failed, flaky, not_run};
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            printable("a\u{1b}[31m\r\n\tb\u{ffff}\u{9b}\u{2028}"),
            "a\u{fffd}[31m\n b\u{fffd}\u{fffd} "
        );
        assert_eq!(one_line(" a \n\n b\u{0} "), "a b\u{fffd}");
    }

    #[test]
    fn there_is_always_a_reason() {
        let mut call = failed();
        call.reason = None;
        assert_eq!(why(&call), "callee.tracks: audio only; latency: nobody measured it");
        call.expectations.clear();
        assert_eq!(why(&call), "the answer's m-section 1 (video) is recvonly");
        call.findings.clear();
        assert_eq!(why(&call), "failed");
        assert_eq!(why(&not_run()), "the room could not be opened");
    }

    #[test]
    fn the_tries_of_a_flaky_call_that_did_not_pass_are_found_among_its_notes() {
        let call = flaky();
        let tries: Vec<_> = earlier_tries(&call).into_iter().map(|(verdict, _)| verdict).collect();
        assert_eq!(tries, [VerdictWord::Failed, VerdictWord::NotRun]);
        assert!(earlier_tries(&failed()).is_empty());
    }
}
