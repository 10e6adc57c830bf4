//! The verdict on one screen, for people: failures first, then what held, then what is worth knowing of the call.

use anstyle::{AnsiColor, Style};

use super::findings;
use super::model::{
    CallReport, CandidateReport, ExpectationReport, ExpectationStatus, PeerReport, TrackReport, VerdictWord,
};
use super::next::next_step;
use super::text::{columns, listed, wrapped};
use crate::diagnose::{Context, diagnose};
use crate::facts::Facts;
use crate::jsep::{Direction, Role};
use crate::plan::Plan;

/// More rows of a table than this do not fit on one screen.
const MAX_ROWS: usize = 6;

/// Where the text of a row begins.
const INDENT: usize = 14;

/// The verdict of a call on one screen: at most 80 columns, with a newline at the end. `facts` are those of the last
/// try. Without `color` it holds no escape sequence and says the same.
#[must_use]
pub fn render(plan: &Plan, facts: &Facts, call: &CallReport, color: bool) -> String {
    screen(format!("the {}", facts.own), plan, facts, call, color)
}

/// The same for a call whose both sides we played; `plan` and `facts` are the caller's.
#[must_use]
pub fn render_both(plan: &Plan, facts: &Facts, call: &CallReport, color: bool) -> String {
    screen("both sides".to_owned(), plan, facts, call, color)
}

/// What could not be decided and what would settle it, for those who want to know more; empty where nothing is open.
#[must_use]
pub fn render_open(plan: &Plan, facts: &Facts, color: bool) -> String {
    findings::open(&diagnose(&Context::of_plan(plan), facts, true), color)
}

/// The findings of a call, for people.
#[must_use]
pub fn render_findings(call: &CallReport, color: bool) -> String {
    findings::text(&call.findings, color)
}

fn screen(whose: String, plan: &Plan, facts: &Facts, call: &CallReport, color: bool) -> String {
    let mut screen = Screen { text: String::new(), color, whose };
    screen.headline(facts, call);
    screen.judged(facts.own, call);
    screen.text += &findings::text(&call.findings, color);
    // Where the cause is known, its remedy is the next step.
    let explained =
        call.findings.iter().any(|finding| finding.layer != "tester" && finding.severity != "minor");
    if let Some(step) = next_step(plan, facts, call).filter(|_| !explained) {
        screen.row("next", &step);
    }
    screen.call(call);
    screen.text
}

struct Screen {
    text: String,
    color: bool,
    /// Whose expectations were judged.
    whose: String,
}

impl Screen {
    fn headline(&mut self, facts: &Facts, call: &CallReport) {
        let (title, color) = title(facts, call);
        self.text += &self.painted(title, Style::new().bold().fg_color(Some(color.into())));
        let line = wrapped(&format!("{}: {}", call.name, summary(&self.whose, facts, call)), title.len() + 2);
        self.text += &format!("  {line}\n");
    }

    /// What did not hold with all that is known of it, and what held in short.
    fn judged(&mut self, own: Role, call: &CallReport) {
        for status in [ExpectationStatus::Failed, ExpectationStatus::Unknown] {
            for group in same_cause(call.expectations.iter().filter(|row| row.status == status)) {
                self.text.push('\n');
                self.cause(own, &group);
            }
        }
        let held = call.expectations.iter().filter(|row| row.status == ExpectationStatus::Passed);
        let held: Vec<&str> = held.map(|row| short(own, row)).collect();
        if !held.is_empty() {
            self.text.push('\n');
            self.row("held", &held.join(", "));
        }
    }

    fn cause(&mut self, own: Role, group: &[&ExpectationReport]) {
        let Some(first) = group.first() else { return };
        let (label, color) = match first.status {
            ExpectationStatus::Failed => ("failed", AnsiColor::Red),
            _ => ("unknown", AnsiColor::Yellow),
        };
        let names: Vec<&str> = group.iter().map(|row| short(own, row)).collect();
        self.styled_row(label, &names.join(", "), Style::new().bold().fg_color(Some(color.into())));
        if group.len() == 1 {
            self.row("  expected", &first.expected);
        }
        self.row("  observed", &first.observed);
    }

    fn call(&mut self, call: &CallReport) {
        if call.peers.iter().any(|peer| has_timing(peer) || !peer.transceivers.is_empty()) {
            self.text.push('\n');
        }
        for peer in &call.peers {
            self.peer(peer);
        }
        self.transceivers(&call.peers);
        for note in call.notes.iter().take(MAX_ROWS) {
            self.row("note", note);
        }
        if call.notes.len() > MAX_ROWS {
            self.row("note", &format!("and {} more with --json", call.notes.len() - MAX_ROWS));
        }
    }

    fn peer(&mut self, peer: &PeerReport) {
        let label = peer.role.as_str();
        let mut lines = Vec::new();
        if has_timing(peer) {
            lines.push(timing(peer));
        }
        lines.extend(peer.tracks.iter().take(MAX_ROWS).map(track));
        if let Some(pair) = &peer.selected_pair {
            let rtt = pair.rtt_ms.map(|rtt| format!(", rtt {rtt:.1} ms")).unwrap_or_default();
            lines.push(format!("over {} to {}{rtt}", end(&pair.local), end(&pair.remote)));
        }
        for (index, line) in lines.iter().enumerate() {
            self.row(if index == 0 { label } else { "" }, line);
        }
    }

    /// The transceiver tables of both sides, next to each other.
    fn transceivers(&mut self, peers: &[PeerReport]) {
        let tables: Vec<Vec<String>> =
            peers.iter().filter(|peer| !peer.transceivers.is_empty()).map(table).collect();
        for (index, line) in columns(&tables, MAX_ROWS + 1).iter().enumerate() {
            let label = self.label(if index == 0 { "directions" } else { "" }, Style::new().dimmed());
            self.text += &format!("{label}{line}\n");
        }
    }

    fn row(&mut self, label: &str, text: &str) {
        self.styled_row(label, text, Style::new().dimmed());
    }

    fn styled_row(&mut self, label: &str, text: &str, style: Style) {
        let label = self.label(label, style);
        self.text += &format!("{label}{}\n", wrapped(text, INDENT));
    }

    fn label(&self, label: &str, style: Style) -> String {
        let padded = format!("{label:<width$}", width = INDENT - 2);
        if label.is_empty() { " ".repeat(INDENT) } else { format!("  {}", self.painted(&padded, style)) }
    }

    fn painted(&self, text: &str, style: Style) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn title(facts: &Facts, call: &CallReport) -> (&'static str, AnsiColor) {
    match call.verdict {
        _ if facts.interrupted.is_some() => ("INTERRUPTED", AnsiColor::Yellow),
        VerdictWord::Passed => ("PASSED", AnsiColor::Green),
        VerdictWord::Failed => ("FAILED", AnsiColor::Red),
        VerdictWord::Flaky => ("FLAKY", AnsiColor::Yellow),
        VerdictWord::Unknown if !facts.answered() => ("COULD NOT TEST", AnsiColor::Yellow),
        VerdictWord::Unknown => ("UNKNOWN", AnsiColor::Yellow),
        VerdictWord::Skipped => ("SKIPPED", AnsiColor::Yellow),
        VerdictWord::NotRun => ("NOT RUN", AnsiColor::Yellow),
    }
}

fn summary(whose: &str, facts: &Facts, call: &CallReport) -> String {
    let total = call.expectations.len();
    let count = |status| call.expectations.iter().filter(|row| row.status == status).count();
    let (failed, unknown) = (count(ExpectationStatus::Failed), count(ExpectationStatus::Unknown));
    match call.verdict {
        VerdictWord::Passed if total == 0 => "nothing was expected".into(),
        VerdictWord::Passed => format!("all {total} expectations of {whose} held"),
        VerdictWord::Failed if unknown == 0 => format!("{failed} of {total} expectations did not hold"),
        VerdictWord::Failed => {
            format!("{failed} of {total} expectations did not hold, {unknown} could not be measured")
        }
        VerdictWord::Unknown if facts.answered() => {
            format!("{unknown} of {total} expectations could not be measured")
        }
        _ => call.reason.clone().unwrap_or_else(|| call.verdict.as_str().into()),
    }
}

/// Neighbours that failed for the same observed reason are one row.
fn same_cause<'a>(rows: impl Iterator<Item = &'a ExpectationReport>) -> Vec<Vec<&'a ExpectationReport>> {
    let mut groups: Vec<Vec<&ExpectationReport>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group.iter().any(|first| first.observed == row.observed)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// The subject without our own side's prefix, as it would be written with `--expect`.
fn short(own: Role, row: &ExpectationReport) -> &str {
    row.subject.strip_prefix(own.as_str()).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&row.subject)
}

fn has_timing(peer: &PeerReport) -> bool {
    peer.timing_ms.answer.is_some() || peer.timing_ms.ice.is_some()
}

fn timing(peer: &PeerReport) -> String {
    let timing = &peer.timing_ms;
    let phases = [
        ("answer", timing.answer),
        ("ICE", timing.ice),
        ("DTLS", timing.dtls),
        ("RTP", timing.first_rtp),
        ("frame", timing.first_frame),
    ];
    let reached: Vec<String> =
        phases.iter().filter_map(|(name, ms)| Some(format!("{name} {:.1}", (*ms)?))).collect();
    format!("{} ms", reached.join(", "))
}

fn track(track: &TrackReport) -> String {
    let kind = track.kind.map_or("media", |kind| kind.as_str());
    let counts = [(track.packets, "packets"), (track.frames, "frames"), (track.stamped_frames, "stamped")];
    let counts: Vec<String> =
        counts.iter().filter_map(|(count, what)| Some(format!("{} {what}", (*count)?))).collect();
    if counts.is_empty() {
        return format!("receives {kind} (mid {})", track.mid);
    }
    format!("receives {kind} (mid {}): {}", track.mid, listed(&counts))
}

fn end(candidate: &CandidateReport) -> String {
    let relayed =
        candidate.relay_protocol.as_ref().map(|protocol| format!(" by {protocol}")).unwrap_or_default();
    format!("{} {}{relayed}", candidate.candidate_type, candidate.address)
}

fn table(peer: &PeerReport) -> Vec<String> {
    let row = |row: &crate::timeline::TransceiverRow| {
        let current = row.current_direction.map_or("-", Direction::as_str);
        format!("{} {} {}/{current}", row.mid.as_deref().unwrap_or("-"), row.kind, row.direction)
    };
    std::iter::once(peer.role.to_string()).chain(peer.transceivers.iter().map(row)).collect()
}
