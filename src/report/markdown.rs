//! The result as Markdown, for the summary of a job or a comment on a pull request.

use super::model::{
    CallReport, ExpectationReport, ExpectationStatus, ExplorationReport, FindingReport, Report, VerdictWord,
};
use super::words::{at, file, one_line, open_ends, played, printable, sure, took_ms, why};

/// In the order in which they are told: the worst first.
const VERDICTS: [VerdictWord; 6] = [
    VerdictWord::Failed,
    VerdictWord::Unknown,
    VerdictWord::NotRun,
    VerdictWord::Flaky,
    VerdictWord::Skipped,
    VerdictWord::Passed,
];

/// More rows than this nobody reads, and GitHub cuts what is too long.
const MAX_ROWS: usize = 100;

/// So many calls are told in full, for the same reason.
const MAX_DETAILS: usize = 20;

/// A reason longer than this makes a row of the table hard to read; it stands below in full.
const MAX_WHY: usize = 160;

/// So many of the slowest calls are told.
const SLOWEST: usize = 5;

/// A run as Markdown as GitHub reads it: the totals, what did not pass, each failure in full behind a fold, and the
/// slowest calls.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!("## callcheck: {}\n\n", report.verdict.as_str());
    text += &match &report.exploration {
        Some(exploration) => explored(exploration),
        None => format!("**{}**\n", totals(report)),
    };
    let mut wrong: Vec<&CallReport> =
        report.calls.iter().filter(|call| call.verdict != VerdictWord::Passed).collect();
    wrong.sort_by_key(|call| VERDICTS.iter().position(|verdict| *verdict == call.verdict));
    text += &table(&wrong);
    let told = [VerdictWord::Failed, VerdictWord::Unknown, VerdictWord::Flaky];
    let told: Vec<&CallReport> = wrong.into_iter().filter(|call| told.contains(&call.verdict)).collect();
    told.iter().take(MAX_DETAILS).for_each(|call| text += &details(call));
    if told.len() > MAX_DETAILS {
        text += &format!("\nand {} more with --json\n", told.len() - MAX_DETAILS);
    }
    text + &slowest(&report.calls)
}

/// `7 calls: 1 failed, 6 passed, in 3.2 s`.
fn totals(report: &Report) -> String {
    let calls = &report.calls;
    if calls.is_empty() {
        return escaped(report.reason.as_deref().unwrap_or("there was no call"));
    }
    let counts = VERDICTS.iter().filter_map(|verdict| {
        let count = calls.iter().filter(|call| call.verdict == *verdict).count();
        (count > 0).then(|| format!("{count} {}", verdict.as_str()))
    });
    let counts: Vec<String> = counts.collect();
    let took: f64 = calls.iter().filter_map(took_ms).sum();
    let took = if took > 0.0 { format!(", in {}", seconds(took)) } else { String::new() };
    let noun = if calls.len() == 1 { "call" } else { "calls" };
    format!("{} {noun}: {}{took}", calls.len(), counts.join(", "))
}

fn seconds(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

fn explored(exploration: &ExplorationReport) -> String {
    let ExplorationReport { first_seed, last_seed, played, passed, virtual_ms, .. } = exploration;
    let simulated = seconds(*virtual_ms);
    let mut text = format!(
        "**seeds {first_seed} to {last_seed}: {passed} of {played} passed, in {simulated} of simulated time**\n"
    );
    if exploration.groups.is_empty() {
        return text;
    }
    text += "\n| seeds | what went wrong | replay |\n|---|---|---|\n";
    for group in exploration.groups.iter().take(MAX_ROWS) {
        let (cause, replay) = (escaped(&group.cause), escaped(&group.replay));
        text += &format!("| {} | {cause} | {replay} |\n", group.seeds.len());
    }
    text
}

/// What did not pass.
fn table(calls: &[&CallReport]) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let mut text = "\n| scenario | verdict | why |\n|---|---|---|\n".to_owned();
    for call in calls.iter().take(MAX_ROWS) {
        let mut reason = escaped(&shortened(&why(call)));
        let ids: Vec<String> = call.findings.iter().map(|finding| code(&finding.id)).collect();
        if !ids.is_empty() {
            reason += &format!(" ({})", ids.join(", "));
        }
        text += &format!("| {} | {} | {reason} |\n", escaped(&call.name), call.verdict.as_str());
    }
    if calls.len() > MAX_ROWS {
        text += &format!("\nand {} more with --json\n", calls.len() - MAX_ROWS);
    }
    text
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_WHY) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// All that is known of a call, behind a fold.
fn details(call: &CallReport) -> String {
    // GitHub reads no Markdown in a line of HTML.
    let name = html(&one_line(&call.name));
    let mut text =
        format!("\n<details>\n<summary>{name}: {}</summary>\n\n{}\n", call.verdict.as_str(), facts(call));
    if call.verdict == VerdictWord::Flaky {
        text += &format!("\n{}\n\n", escaped(&why(call)));
        call.notes.iter().for_each(|note| text += &format!("- {}\n", escaped(note)));
    }
    let rows: Vec<String> = open_ends(call).map(expectation).collect();
    if rows.is_empty() && call.verdict != VerdictWord::Flaky {
        text += &format!("\n{}\n", escaped(&why(call)));
    } else if !rows.is_empty() {
        text += &format!("\n{}", rows.concat());
    }
    for (number, finding) in call.findings.iter().enumerate() {
        text += &if number == 0 { whole(finding) } else { short(finding) };
    }
    if let Some(ladder) = call.scenario.as_ref().and_then(|scenario| scenario.ladder.as_ref()) {
        text += &format!("\n{}", fenced(ladder));
    }
    text + "\n</details>\n"
}

/// Where the scenario stands, and how it was played.
fn facts(call: &CallReport) -> String {
    let Some(scenario) = &call.scenario else { return "no scenario".to_owned() };
    let title = scenario.title.iter().map(|title| escaped(title));
    let file = file(call).map(code);
    let played = played(scenario).into_iter().map(|(name, value)| escaped(&format!("{name} {value}")));
    let took = took_ms(call).map(seconds);
    title.chain(file).chain(played).chain(took).collect::<Vec<_>>().join(", ")
}

fn expectation(row: &ExpectationReport) -> String {
    let place = row.place.as_ref().map(|place| format!(" ({})", code(&at(place)))).unwrap_or_default();
    let status = if row.status == ExpectationStatus::Failed { "failed" } else { "unknown" };
    let (expected, observed) = (escaped(&row.expected), escaped(&row.observed));
    format!(
        "- {status}: **{}**{place}\n  - expected: {expected}\n  - observed: {observed}\n",
        escaped(&row.subject)
    )
}

fn whole(finding: &FindingReport) -> String {
    let told = fenced(&format!("{}\n\n{}", finding.cause, finding.remedy));
    format!("{}\n{told}", head(finding))
}

fn short(finding: &FindingReport) -> String {
    format!("{}\n{}\n", head(finding), code(&format!("callcheck explain --about {}", finding.id)))
}

fn head(finding: &FindingReport) -> String {
    let (title, observed) = (escaped(&finding.title), escaped(&finding.observed));
    format!("\n**{}** {}: {title}\n\n{observed}\n", escaped(&finding.id), escaped(&sure(finding)))
}

fn slowest(calls: &[CallReport]) -> String {
    let mut timed: Vec<(f64, &CallReport)> =
        calls.iter().filter_map(|call| Some((took_ms(call)?, call))).collect();
    // The slowest of one or two calls says nothing.
    if timed.len() < 3 {
        return String::new();
    }
    timed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let rows = timed
        .iter()
        .take(SLOWEST)
        .map(|(took, call)| format!("| {} | {} |\n", escaped(&call.name), seconds(*took)));
    format!("\n| slowest | took |\n|---|---|\n{}", rows.collect::<String>())
}

/// Text in a line, or in a cell of a table, that means nothing else in Markdown.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (index, c) in html(&one_line(text)).chars().enumerate() {
        // At its beginning a line could be a heading or an item of a list.
        let begins = index == 0 && matches!(c, '#' | '-' | '+' | '=');
        if begins || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The same, but for what stands between backticks: that is shown as it is.
#[cfg(feature = "engine")]
pub(crate) fn with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let shown = pieces.map(|(index, piece)| match index % 2 {
        1 if !piece.is_empty() => code(piece),
        // A line is trimmed, and a piece of one must not be.
        _ => [gap(piece.starts_with(' ')), &escaped(piece), gap(piece.ends_with(' '))].concat(),
    });
    shown.collect()
}

#[cfg(feature = "engine")]
const fn gap(is: bool) -> &'static str {
    if is { " " } else { "" }
}

/// Text in a line, as it is.
fn code(text: &str) -> String {
    let text = one_line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    // One space at each end is taken away again.
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Lines as they are. The fence is longer than any that stands among them.
fn fenced(text: &str) -> String {
    let text = printable(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::model::SeedGroupReport;
    use super::super::testcalls::{failed, failed_without_a_place, passed, run, without_a_scenario};
    use super::super::{build, explored as explored_report};
    use super::*;

    #[test]
    fn every_verdict() {
        insta::assert_snapshot!(markdown(&run()));
    }

    #[test]
    fn all_passed() {
        insta::assert_snapshot!(markdown(&build(vec![passed(), passed(), passed()])));
    }

    #[test]
    fn many_seeds() {
        let exploration = ExplorationReport {
            first_seed: 1,
            last_seed: 100,
            played: 100,
            passed: 98,
            virtual_ms: 500_000.0,
            groups: vec![SeedGroupReport {
                cause: "callee.tracks: audio | nothing".into(),
                seeds: vec![3, 77],
                replay: "callcheck sim --seed 3".into(),
            }],
        };
        insta::assert_snapshot!(markdown(&explored_report(vec![failed_without_a_place()], exploration)));
    }

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(escaped("a|b <i>\nc_d `e`\\"), "a\\|b &lt;i&gt; c\\_d \\`e\\`\\\\");
        let mut call = failed();
        call.name = "a | b\n| c".into();
        call.reason = Some("x\r\n|y|".into());
        let text = markdown(&build(vec![call]));
        let row = text.lines().find(|line| line.starts_with("| a")).unwrap();
        assert!(row.starts_with("| a \\| b \\| c | failed | x \\|y\\| ("), "{row}");
    }

    #[test]
    fn a_fence_is_longer_than_what_stands_in_it() {
        assert_eq!(fenced("a\n````js\nb\n"), "`````text\na\n````js\nb\n`````\n");
        assert_eq!(fenced("a `b`"), "```text\na `b`\n```\n");
        assert_eq!(code("`a``b"), "``` `a``b ```");
    }

    #[test]
    fn a_line_begins_nothing() {
        assert_eq!(escaped("# a - b"), "\\# a - b");
    }

    #[test]
    fn nobody_ends_the_fold_from_within() {
        let mut call = failed();
        call.name = "</summary></details>".into();
        call.expectations[1].observed = "</details>\n\n# hello".into();
        let text = markdown(&build(vec![call]));
        assert_eq!(text.matches("</details>").count(), 1, "{text}");
        assert!(!text.contains("\n# "), "{text}");
    }

    #[test]
    fn many_failures_are_cut() {
        let text = markdown(&build(vec![failed(); MAX_ROWS + 1]));
        assert_eq!(text.matches("<details>").count(), MAX_DETAILS);
        assert!(text.contains("\nand 1 more with --json\n") && text.contains("\nand 81 more with --json\n"));
        assert_eq!(text.lines().filter(|line| line.starts_with("| late")).count(), MAX_ROWS + SLOWEST);
    }

    #[test]
    fn a_call_without_a_scenario_is_told_as_well() {
        let mut call = without_a_scenario(VerdictWord::Failed);
        call.reason = Some("x".repeat(MAX_WHY + 1));
        let text = markdown(&build(vec![call]));
        assert!(text.contains("**1 call: 1 failed**"), "{text}");
        assert!(text.contains(&format!("| {}... |", "x".repeat(MAX_WHY))), "{text}");
        assert!(text.contains(&"x".repeat(MAX_WHY + 1)), "{text}");
    }
}
