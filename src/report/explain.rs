//! What files say, as a result and for people; and the catalogue of findings.

use anstyle::{AnsiColor, Style};

use super::build::{SCHEMA_VERSION, peer};
use super::findings::{self, painted, row};
use super::model::{
    BrowserReport, CallReport, ExplainedReport, FiredReport, LintReport, Report, ReportKind, VerdictWord,
};
use super::text::{block, columns, listed, wrapped};
use crate::diagnose::{Entry, entries, entry};
use crate::diagnostic::nearest;
use crate::explain::{Browser, Explanation, Level, Row};
use crate::jsep::Direction;
use crate::timeline::TransceiverRow;

/// More complaints than this do not help on a screen.
const LINTS: usize = 8;

/// The result of explaining files: failed if a finding is major or worse, and unknown if callcheck itself was at fault.
#[must_use]
pub fn explain_report(name: &str, explained: &Explanation) -> Report {
    let facts = &explained.facts;
    let found = &explained.findings;
    let own_fault = facts.engine_limits.iter().chain(&facts.tester_defects).next();
    // As in a call, a failure outweighs what is unknown.
    let verdict = match own_fault {
        _ if found.is_serious() => VerdictWord::Failed,
        Some(_) => VerdictWord::Unknown,
        None => VerdictWord::Passed,
    };
    let reason = match verdict {
        VerdictWord::Failed => found.findings.first().map(|finding| finding.observed.clone()),
        _ => own_fault.map(|fault| format!("{}: {}", fault.what, fault.detail)),
    };
    let known = [facts.own, facts.own.other()].into_iter().filter(|role| {
        let peer = facts.peer(*role);
        peer.known && peer.timing.zero.is_some()
    });
    let mut peers: Vec<_> = known.map(|role| peer(facts.peer(role))).collect();
    peers.sort_by_key(|peer| peer.role);
    let call = CallReport {
        scenario: None,
        name: name.to_owned(),
        verdict,
        reason: reason.clone(),
        peers,
        expectations: Vec::new(),
        findings: findings::reports(facts, found),
        notes: facts.notes.iter().cloned().chain(findings::notes(found)).collect(),
        explained: Some(ExplainedReport {
            said: explained.said.clone(),
            browsers: explained.browsers.iter().map(browser).collect(),
            lints: explained.lints.iter().map(lint).collect(),
        }),
    };
    Report {
        schema_version: SCHEMA_VERSION,
        kind: ReportKind::Explain,
        verdict,
        reason,
        calls: vec![call],
        exploration: None,
    }
}

fn browser(browser: &Browser) -> BrowserReport {
    let row = |row: &Row| TransceiverRow {
        mid: row.mid.clone(),
        kind: row.kind,
        direction: row.direction,
        current_direction: row.current,
    };
    let fired = browser.fired.iter().map(|fired| FiredReport {
        by: fired.by.clone(),
        mid: fired.mid.clone(),
        kind: fired.kind,
        streams: fired.streams.clone(),
    });
    BrowserReport {
        role: browser.role,
        transceivers: browser.transceivers.iter().map(row).collect(),
        ontrack: fired.collect(),
        refused: browser
            .refused
            .iter()
            .map(|refused| format!("{}: {}", refused.name, refused.error))
            .collect(),
        offer_due: browser.offer_due,
        lost: browser.lost.clone(),
    }
}

fn lint(lint: &crate::explain::Lint) -> LintReport {
    let diagnostic = &lint.diagnostic;
    LintReport {
        level: if lint.level == Level::Error { "error" } else { "warning" }.to_owned(),
        source: diagnostic.source.clone(),
        line: diagnostic.text[..diagnostic.span.start].matches('\n').count() + 1,
        title: diagnostic.title.clone(),
        clause: diagnostic.label.clone(),
        help: diagnostic.help.clone(),
    }
}

/// What files say, for people: what each browser would have done, the findings, and the complaints with their carets.
/// With `verbose`, what could not be decided as well.
#[must_use]
pub fn render_explanation(name: &str, explained: &Explanation, verbose: bool, color: bool) -> String {
    let report = explain_report(name, explained);
    let call = &report.calls[0];
    let mut text = headline(name, call, color);
    for said in &explained.said {
        text += &row("read", said, color);
    }
    if !explained.browsers.is_empty()
        && explained.browsers.iter().any(|browser| !browser.transceivers.is_empty())
    {
        text.push('\n');
        browsers(&mut text, &explained.browsers, color);
    }
    text += &findings::text(&call.findings, color);
    for note in &call.notes {
        text += &row("note", note, color);
    }
    if verbose {
        text += &findings::open(&explained.findings, color);
    }
    for lint in explained.lints.iter().take(LINTS) {
        let level = match lint.level {
            Level::Error => crate::diagnostic::Severity::Error,
            Level::Warning => crate::diagnostic::Severity::Warning,
        };
        text += &format!("\n{}\n", lint.diagnostic.render_as(level, color));
    }
    if explained.lints.len() > LINTS {
        text += &format!("\nand {} more complaints with --json\n", explained.lints.len() - LINTS);
    }
    text
}

fn headline(name: &str, call: &CallReport, color: bool) -> String {
    let (title, paint) = match (call.verdict, call.findings.is_empty()) {
        (VerdictWord::Unknown, _) => ("UNKNOWN", AnsiColor::Yellow),
        (VerdictWord::Failed, _) => ("BROKEN", AnsiColor::Red),
        (_, false) => ("MINOR", AnsiColor::Yellow),
        (_, true) => ("NOTHING FOUND", AnsiColor::Green),
    };
    let ids: Vec<String> = call.findings.iter().map(|finding| finding.id.clone()).collect();
    let what = if ids.is_empty() { "nothing is wrong as far as this shows".to_owned() } else { listed(&ids) };
    let line = wrapped(&format!("{name}: {what}"), title.len() + 2);
    format!("{}  {line}\n", painted(title, Style::new().bold().fg_color(Some(paint.into())), color))
}

/// The tables next to each other, then what was fired, and whether an offer is due.
fn browsers(text: &mut String, browsers: &[Browser], color: bool) {
    let tables: Vec<Vec<String>> = browsers.iter().map(table).collect();
    for (number, line) in columns(&tables, 12).iter().enumerate() {
        let label = if number == 0 { "browsers" } else { "" };
        let label = format!("{label:<12}");
        *text += &format!("  {}{line}\n", painted(&label, Style::new().dimmed(), color));
    }
    for browser in browsers {
        let fired: Vec<String> = browser
            .fired
            .iter()
            .map(|fired| {
                let streams = fired.streams.len();
                let plural = if streams == 1 { "" } else { "s" };
                format!("{} on mid {} ({streams} stream{plural})", fired.kind, fired.mid)
            })
            .collect();
        let fired =
            if fired.is_empty() { "never fires".to_owned() } else { format!("fires for {}", listed(&fired)) };
        *text += &row("ontrack", &format!("at the {}: {fired}", browser.role), color);
    }
    for browser in browsers.iter().filter(|browser| browser.offer_due) {
        *text += &row("offer due", &format!("the {} must offer again", browser.role), color);
    }
    for browser in browsers {
        for refused in &browser.refused {
            *text += &row(
                "refused",
                &format!("by the {}: {}: {}", browser.role, refused.name, refused.error),
                color,
            );
        }
        if let Some(lost) = &browser.lost {
            *text += &row("uncertain", &format!("the {} from {lost}", browser.role), color);
        }
    }
}

fn table(browser: &Browser) -> Vec<String> {
    let row = |row: &Row| {
        let current = row.current.map_or("-", Direction::as_str);
        format!("{} {} {}/{current}", row.mid.as_deref().unwrap_or("-"), row.kind, row.direction)
    };
    std::iter::once(browser.role.to_string()).chain(browser.transceivers.iter().map(row)).collect()
}

/// Every finding that there can be, a line each, by layer.
#[must_use]
pub fn catalogue_list(color: bool) -> String {
    let mut text = String::new();
    let mut layer = None;
    for entry in entries() {
        if layer.replace(entry.layer) != Some(entry.layer) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{}\n", painted(entry.layer.as_str(), Style::new().bold(), color));
        }
        let yet = if entry.detected { "" } else { " (not detected yet)" };
        text += &format!("  {:<36} {:<8} {}{yet}\n", entry.id, entry.severity, entry.title);
    }
    text
}

/// What a finding means; None if there is none of that id. [`closest_finding`] helps then.
#[must_use]
pub fn catalogue_about(id: &str, color: bool) -> Option<String> {
    let Entry { id, layer, severity, title, cause, remedy, spec, detected } = entry(id)?;
    let mut text = painted(id, Style::new().bold(), color);
    text += &format!("  {title}\n");
    text += &row("layer", layer.as_str(), color);
    if !detected {
        text += &row("detected", "not yet: nothing tells this of a call so far", color);
    }
    text += &row("severity", severity.as_str(), color);
    text += &row("cause", cause, color);
    if let Some(spec) = spec {
        text += &row("clause", spec, color);
    }
    text += &row("fix", "", color);
    text += &block(&remedy.join("\n"), 4);
    Some(text)
}

/// The id that is nearest to what was written, if one is near.
#[must_use]
pub fn closest_finding(written: &str) -> Option<&'static str> {
    nearest(written, entries().iter().map(|entry| entry.id.as_str()))
}
