//! The result for people: a table of paths and steps that fits a screen, then what is wrong and what to change.

use std::fmt::Write;

use super::expect::observed;
use super::model::{Finding, Path, ServerReport, Status, Step, StepName, TurnReport, Verdict};
use crate::report::wrapped;

/// The steps that have a column, and its head.
const COLUMNS: [(StepName, &str); 12] = [
    (StepName::Resolve, "dns"),
    (StepName::Connect, "conn"),
    (StepName::Handshake, "tls"),
    (StepName::Binding, "bind"),
    (StepName::Challenge, "auth"),
    (StepName::Allocate, "aloc"),
    (StepName::Permission, "perm"),
    (StepName::Inbound, "in"),
    (StepName::Channel, "chan"),
    (StepName::Outbound, "out"),
    (StepName::Echo, "echo"),
    (StepName::StaleNonce, "438"),
];

/// The width of what stands before the columns.
const LABEL: usize = 18;

/// So many notes of a server are told without `-v`.
const NOTES: usize = 3;

/// The whole result. `verbose` tells every step.
#[must_use]
pub fn screen(report: &TurnReport, verbose: bool, color: bool) -> String {
    let mut text = String::new();
    if report.stated().next().is_some() {
        text += &whole(report, color);
        text += "\n\n";
    }
    for (index, server) in report.servers.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text += &one(report, server, verbose, color);
    }
    for row in report.stated() {
        let line = format!("{}: {}", row.expected, row.observed);
        let _ = write!(text, "\n  {:<8}  {}\n", row.status.as_str(), wrapped(&line, 12));
    }
    text
}

/// A line for each server, or one for all of them where something was stated.
#[must_use]
pub fn summary(report: &TurnReport, color: bool) -> String {
    if report.stated().next().is_some() {
        return whole(report, color);
    }
    let lines = report.servers.iter().map(|server| head(report, server, color));
    lines.collect::<Vec<_>>().join("\n")
}

/// The verdict that the exit code has too: of what was stated, and of what still counts beside it.
fn whole(report: &TurnReport, color: bool) -> String {
    let rows = &report.expectations;
    let worst = rows.iter().find(|row| row.status == report.verdict && report.verdict != Verdict::Passed);
    let count = rows.iter().filter(|row| row.status == report.verdict).count();
    let line = match worst {
        None => format!("all {} expectations held", rows.len()),
        Some(row) => {
            let server = row.server.as_ref().map(|server| format!("{server}: ")).unwrap_or_default();
            let how = if report.verdict == Verdict::Failed { "did not hold" } else { "could not be tested" };
            format!(
                "{count} of {} expectations {how}: {server}{}: {}",
                rows.len(),
                row.expected,
                row.observed
            )
        }
    };
    format!("{}  {}", word(report.verdict, color), wrapped(&line, 9))
}

fn word(verdict: Verdict, color: bool) -> String {
    let style = match verdict {
        Verdict::Passed => anstyle::AnsiColor::Green,
        Verdict::Unknown => anstyle::AnsiColor::Yellow,
        Verdict::Failed => anstyle::AnsiColor::Red,
    };
    let style = style.on_default().bold();
    let word = verdict.as_str().to_uppercase();
    if color { format!("{style}{word}{style:#}") } else { word }
}

/// Where something was stated, what a server comes to is no verdict, and is not told as one.
fn head(report: &TurnReport, server: &ServerReport, color: bool) -> String {
    let line = format!("{}: {}", server.url, why(server));
    match report.stated().next() {
        None => format!("{}  {}", word(server.verdict, color), wrapped(&line, 9)),
        Some(_) => format!("  server    {}", wrapped(&line, 12)),
    }
}

/// Why a server is as it is, in a line.
fn why(server: &ServerReport) -> String {
    let required: Vec<&Path> = server.paths.iter().filter(|path| path.required).collect();
    let wrong =
        required.iter().find(|path| path.verdict == server.verdict && path.verdict != Verdict::Passed);
    match wrong {
        Some(path) => format!("{}: {}", path.name(), observed(path)),
        None => match server.paths.iter().any(|path| path.required && path.relayed.is_some()) {
            true => format!(
                "relays both ways over {}",
                required.iter().map(|path| path.name()).collect::<Vec<_>>().join(", ")
            ),
            false => "answers".to_owned(),
        },
    }
}

fn one(report: &TurnReport, server: &ServerReport, verbose: bool, color: bool) -> String {
    let mut text = head(report, server, color) + "\n\n";
    let heads: String = COLUMNS.iter().map(|(_, head)| format!("{head:>5}")).collect();
    let _ = writeln!(text, "{:LABEL$}{heads}", "  ms");
    for path in &server.paths {
        let cells: String =
            COLUMNS.iter().map(|(name, _)| format!("{:>5}", cell(path.step(*name)))).collect();
        let _ = writeln!(text, "{:<LABEL$}{}", label(path), cells.trim_end());
    }
    if server.paths.iter().any(|path| !path.required) {
        text += "  (explored: not what the URL names)  - not tested  . not reached\n";
    }
    let open = |path: &&Path| path.verdict == Verdict::Unknown && report.demands(server, path);
    for path in server.paths.iter().filter(open) {
        let _ =
            write!(text, "\n  unknown   {}\n", wrapped(&format!("{}: {}", path.name(), observed(path)), 12));
    }
    let said = why(server);
    server.findings.iter().for_each(|finding| text += &told(finding, &said));
    let long = [StepName::Load, StepName::Hold, StepName::Engine];
    for path in server.paths.iter().filter(|path| path.required) {
        for step in long.iter().filter_map(|name| path.step(*name)) {
            let reason = step.reason.as_deref().unwrap_or_default();
            let ms = step.ms.filter(|_| step.step == StepName::Engine);
            let ms = ms.map(|ms| format!("connected in {ms:.0} ms: ")).unwrap_or_default();
            let line = format!("{}: {ms}{reason}", path.name());
            let _ = write!(text, "\n  {:<8}  {}\n", step.step.as_str(), wrapped(&line, 12));
        }
    }
    let notes = server.nat.iter().map(|nat| format!("NAT: {nat}")).chain(server.notes.iter().cloned());
    let notes: Vec<String> = notes.collect();
    let most = if verbose { usize::MAX } else { NOTES };
    for (index, note) in notes.iter().take(most).enumerate() {
        let before = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{before}  note      {}", wrapped(note, 12));
    }
    if notes.len() > most {
        let _ = writeln!(text, "            and {} more with -v", notes.len() - most);
    }
    if verbose {
        server.paths.iter().for_each(|path| text += &steps(path));
    }
    text
}

fn label(path: &Path) -> String {
    let port = path.address.map(|address| format!(" {}", address.port())).unwrap_or_default();
    let family = if path.address.is_some_and(|address| address.is_ipv6()) { " v6" } else { "" };
    let name = format!("{}{port}{family}", path.transport.as_str());
    if path.required { format!("  {name}") } else { format!("  ({name})") }
}

fn cell(step: Option<&Step>) -> String {
    let Some(step) = step else { return String::new() };
    match (step.status, step.ms) {
        (Status::Failed, _) => "FAIL".to_owned(),
        (Status::Skipped, _) if step.reason.as_deref().is_some_and(|why| why.starts_with("not reached")) => {
            ".".to_owned()
        }
        (Status::Skipped, _) => "-".to_owned(),
        (Status::Ok, Some(ms)) if ms < 10.0 => format!("{ms:.1}"),
        (Status::Ok, Some(ms)) if ms < 1000.0 => format!("{ms:.0}"),
        (Status::Ok, Some(ms)) => format!("{:.1}s", ms / 1000.0),
        (Status::Ok, None) => "ok".to_owned(),
    }
}

/// A finding; what the head of the server has `said` is not said again.
fn told(finding: &Finding, said: &str) -> String {
    let Finding { id, severity, title, paths, observed, cause, remedy, calls } = finding;
    let mut text = format!("\n  why       {}\n", wrapped(&format!("{id} ({severity}): {title}"), 12));
    let more = if paths.len() > 1 { format!("; so do {}", paths[1..].join(", ")) } else { String::new() };
    let known = observed == said && more.is_empty();
    let observed = if known { String::new() } else { format!("{observed}{more}") };
    for (label, words) in [("observed", &observed), ("cause", cause), ("fix", remedy), ("calls", calls)] {
        if !words.is_empty() {
            let _ = writeln!(text, "  {label:<8}  {}", wrapped(words, 12));
        }
    }
    text
}

fn steps(path: &Path) -> String {
    let mut text = format!("\n  {}\n", path.name());
    for step in &path.steps {
        let ms = step.ms.map(|ms| format!("{ms:.1} ms")).unwrap_or_default();
        let reason = wrapped(step.reason.as_deref().unwrap_or_default(), 36);
        let line = format!("    {:<11} {:<7} {ms:>10}  {reason}", step.step.as_str(), step.status.as_str());
        text += line.trim_end();
        text.push('\n');
    }
    text
}
