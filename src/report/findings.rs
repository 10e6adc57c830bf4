//! Findings as results, and for people.

use anstyle::{AnsiColor, Style};

use super::model::FindingReport;
use super::text::{block, wrapped};
use crate::diagnose::{Finding, Findings};
use crate::facts::{Facts, TesterFault};

/// Where the text of a row begins.
const INDENT: usize = 14;

/// So many findings are told; the rest is counted.
const TOLD: usize = 3;

/// The engine's and our own faults first, then what is wrong with the call.
pub(super) fn reports(facts: &Facts, found: &Findings) -> Vec<FindingReport> {
    let limits = facts.engine_limits.iter().map(|fault| tester("engine-limit", fault));
    let defects = facts.tester_defects.iter().map(|fault| tester("tester-defect", fault));
    limits.chain(defects).chain(found.findings.iter().map(report)).collect()
}

/// What is worth knowing and no fault.
pub(super) fn notes(found: &Findings) -> impl Iterator<Item = String> {
    found.notes.iter().map(|note| format!("{} ({})", note.observed, note.id))
}

fn report(finding: &Finding) -> FindingReport {
    FindingReport {
        id: finding.id.to_owned(),
        layer: finding.layer.as_str().to_owned(),
        confidence: finding.confidence.to_string(),
        severity: finding.severity.to_string(),
        peer: finding.peer,
        title: finding.title.to_owned(),
        observed: finding.observed.clone(),
        cause: finding.cause.to_owned(),
        remedy: finding.remedy.join("\n"),
        spec: finding.spec.map(str::to_owned),
        alternatives: finding.alternatives.iter().map(|id| (*id).to_owned()).collect(),
        settle: finding.settle.clone(),
        shown: finding.shown.clone(),
        evidence: finding.evidence.clone(),
    }
}

fn tester(id: &str, fault: &TesterFault) -> FindingReport {
    let (title, remedy) = if id == "engine-limit" {
        ("a known limit of callcheck's WebRTC engine, not of the peer", "try again with --retry 2")
    } else {
        (
            "callcheck did not follow its own model; not the peer's fault",
            "report it with the file of --record",
        )
    };
    FindingReport {
        id: id.into(),
        layer: "tester".into(),
        confidence: "certain".into(),
        severity: "major".into(),
        peer: Some(fault.by),
        title: title.into(),
        observed: format!("{}: {}", fault.what, fault.detail),
        cause: "This is callcheck's own, so that what it touches is unknown.".into(),
        remedy: remedy.into(),
        spec: None,
        alternatives: Vec::new(),
        settle: None,
        shown: Vec::new(),
        evidence: vec![fault.id.clone()],
    }
}

/// Findings for people: the first one whole, the next ones in short. Lines of code may be longer than the screen.
pub(super) fn text(findings: &[FindingReport], color: bool) -> String {
    let mut text = String::new();
    for (number, finding) in findings.iter().take(TOLD).enumerate() {
        text.push('\n');
        text += &head(finding, color);
        if number == 0 { whole(&mut text, finding, color) } else { short(&mut text, finding, color) }
    }
    if findings.len() > TOLD {
        text += &row("", &format!("and {} more with --json", findings.len() - TOLD), color);
    }
    text
}

/// What could not be decided, and what would settle it.
pub(super) fn open(found: &Findings, color: bool) -> String {
    found.open.iter().map(|open| row("open", &format!("{}: {}", open.id, open.settle), color)).collect()
}

fn head(finding: &FindingReport, color: bool) -> String {
    let of = finding.peer.map(|peer| format!(", the {peer}'s")).unwrap_or_default();
    let id = painted(&finding.id, Style::new().bold().fg_color(Some(AnsiColor::Red.into())), color);
    let label = if finding.severity == "minor" { "minor" } else { "why" };
    let label = painted(&format!("{label:<width$}", width = INDENT - 2), Style::new().dimmed(), color);
    let sure = format!("({}, {}{of})", finding.confidence, finding.severity);
    // The id is not wrapped: people search for it.
    format!("  {label}{id} {sure}\n{}{}\n", " ".repeat(INDENT), wrapped(&finding.title, INDENT))
}

fn whole(text: &mut String, finding: &FindingReport, color: bool) {
    *text += &row("  observed", &finding.observed, color);
    for (number, line) in finding.shown.iter().enumerate() {
        *text += &row(if number == 0 { "  lines" } else { "" }, line, color);
    }
    *text += &row("  cause", &finding.cause, color);
    evidence(text, finding, color);
    if let Some(spec) = &finding.spec {
        *text += &row("  clause", spec, color);
    }
    if !finding.alternatives.is_empty() {
        *text += &row("  or", &finding.alternatives.join(", "), color);
    }
    if let Some(settle) = &finding.settle {
        *text += &row("  settle", settle, color);
    }
    // Code needs the width of the screen.
    if finding.remedy.contains('\n') || finding.remedy.starts_with(' ') {
        *text += &row("  fix", "", color);
        *text += &block(&finding.remedy, 4);
    } else {
        *text += &row("  fix", &finding.remedy, color);
    }
}

fn short(text: &mut String, finding: &FindingReport, color: bool) {
    *text += &row("  observed", &finding.observed, color);
    evidence(text, finding, color);
    *text += &row("  fix", &format!("callcheck explain --about {}", finding.id), color);
}

fn evidence(text: &mut String, finding: &FindingReport, color: bool) {
    if !finding.evidence.is_empty() {
        *text += &row("  evidence", &finding.evidence.join(", "), color);
    }
}

pub(super) fn row(label: &str, text: &str, color: bool) -> String {
    let width = if text.is_empty() { label.len() } else { INDENT - 2 };
    let padded = format!("{label:<width$}");
    let label = if label.is_empty() { padded } else { painted(&padded, Style::new().dimmed(), color) };
    format!("  {label}{}\n", wrapped(text, INDENT))
}

pub(super) fn painted(text: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
