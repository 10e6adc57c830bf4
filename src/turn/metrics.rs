//! The result as Prometheus reads it, and what changed since the last one in lines for people.

use std::fmt::Write;

use super::expect::observed;
use super::model::{Path, ServerReport, Status, TurnReport, Verdict};
use crate::report::one_line;

/// The exposition format of Prometheus, version 0.0.4. A path whose verdict is unknown has no `callcheck_turn_up`: nothing
/// that was not measured counts as up or down.
#[must_use]
pub fn metrics(report: &TurnReport, rounds: u64) -> String {
    let mut text = "# HELP callcheck_turn_rounds_total How often the servers were probed.\n\
                    # TYPE callcheck_turn_rounds_total counter\n"
        .to_owned();
    let _ = writeln!(text, "callcheck_turn_rounds_total {rounds}");
    text += "# HELP callcheck_turn_up Whether data is relayed both ways over a path.\n# TYPE callcheck_turn_up gauge\n";
    for (labels, path) in paths(report) {
        match path.verdict {
            Verdict::Passed => _ = writeln!(text, "callcheck_turn_up{{{labels}}} 1"),
            Verdict::Failed => _ = writeln!(text, "callcheck_turn_up{{{labels}}} 0"),
            Verdict::Unknown => {}
        }
    }
    text += "# HELP callcheck_turn_step_seconds How long a step took that came out well.\n\
             # TYPE callcheck_turn_step_seconds gauge\n";
    for (labels, path) in paths(report) {
        for step in path.steps.iter().filter(|step| step.status == Status::Ok) {
            let seconds = step.ms.unwrap_or_default() / 1e3;
            let name = step.step.as_str();
            let _ = writeln!(text, "callcheck_turn_step_seconds{{{labels},step=\"{name}\"}} {seconds}");
        }
    }
    text += "# HELP callcheck_turn_certificate_days Whole days until the certificate expires.\n\
             # TYPE callcheck_turn_certificate_days gauge\n";
    for (labels, path) in paths(report) {
        if let Some(days) = path.certificate.as_ref().and_then(|certificate| certificate.days_left) {
            let _ = writeln!(text, "callcheck_turn_certificate_days{{{labels}}} {days}");
        }
    }
    text
}

/// Each once: a URL that is named twice would be two samples of one series, which Prometheus refuses.
fn paths(report: &TurnReport) -> Vec<(String, &Path)> {
    let mut paths: Vec<(String, &Path)> = Vec::new();
    for server in &report.servers {
        for path in &server.paths {
            let labels = labels(server, path);
            if !paths.iter().any(|(known, _)| *known == labels) {
                paths.push((labels, path));
            }
        }
    }
    paths
}

fn labels(server: &ServerReport, path: &Path) -> String {
    let url = one_line(&server.url).replace('\\', "\\\\").replace('"', "\\\"");
    let address = path.address.map(|address| address.to_string()).unwrap_or_default();
    let (transport, required) = (path.transport.as_str(), path.required);
    format!("url=\"{url}\",transport=\"{transport}\",address=\"{address}\",required=\"{required}\"")
}

/// What changed between two results: a line for each path that came to something else, or fails for another
/// reason, and one for each expectation that holds no more or holds now.
#[must_use]
pub fn changes(before: &TurnReport, now: &TurnReport) -> Vec<String> {
    let mut lines = Vec::new();
    for server in &now.servers {
        let old = before.servers.iter().find(|old| old.url == server.url);
        for path in &server.paths {
            let same = |old: &&Path| old.transport == path.transport && old.address == path.address;
            let old = old.and_then(|old| old.paths.iter().find(same));
            let was = old.map_or("not there", |old| old.verdict.as_str());
            let failing = |path: &Path| path.failed().map(|step| (step.step, step.cause, step.code));
            let changed = old.is_none_or(|old| old.verdict != path.verdict || failing(old) != failing(path));
            if changed {
                let is = path.verdict.as_str();
                let why = if path.verdict == Verdict::Passed {
                    String::new()
                } else {
                    format!(": {}", observed(path))
                };
                lines.push(format!("{} {}: {was} → {is}{why}", one_line(&server.url), path.name()));
            }
        }
    }
    // The same ones in the same order each time.
    for (old, new) in before.stated().zip(now.stated()).filter(|(old, new)| old.status != new.status) {
        let (was, is) = (old.status.as_str(), new.status.as_str());
        lines.push(format!("expected {}: {was} → {is}: {}", one_line(&new.expected), new.observed));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::chain::{Row, blank};
    use super::super::model::{Cause, Step, StepName};
    use super::super::report;
    use super::*;
    use crate::plan::IceTransport;

    fn result(verdict: Verdict, status: Status) -> TurnReport {
        let address = SocketAddr::from(([192, 0, 2, 1], 3478));
        let mut path = blank(Row { transport: IceTransport::Udp, address, required: true, demanded: false });
        path.verdict = verdict;
        let cause = (status == Status::Failed).then_some(Cause::Silent);
        let reason = cause.map(|_| "no answer".to_owned());
        path.steps = vec![Step { step: StepName::Binding, status, ms: Some(1.5), code: None, reason, cause }];
        let (findings, notes) = (Vec::new(), Vec::new());
        let url = "turn:a\"b".to_owned();
        report(
            &[],
            vec![ServerReport {
                url,
                verdict,
                paths: vec![path],
                nat: None,
                nat_behavior: None,
                findings,
                notes,
            }],
        )
    }

    #[test]
    fn what_is_unknown_is_neither_up_nor_down() {
        let up = metrics(&result(Verdict::Passed, Status::Ok), 3);
        let labels = r#"url="turn:a\"b",transport="udp",address="192.0.2.1:3478",required="true""#;
        assert!(up.contains(&format!("callcheck_turn_up{{{labels}}} 1\n")), "{up}");
        assert!(
            up.contains(&format!("callcheck_turn_step_seconds{{{labels},step=\"binding\"}} 0.0015\n")),
            "{up}"
        );
        assert!(up.contains("callcheck_turn_rounds_total 3\n"), "{up}");
        let mut twice = result(Verdict::Passed, Status::Ok);
        twice.servers.push(twice.servers[0].clone());
        assert_eq!(metrics(&twice, 3), up, "a URL that is named twice is one series");
        assert!(metrics(&result(Verdict::Failed, Status::Failed), 1).contains("} 0\n"));
        assert!(!metrics(&result(Verdict::Unknown, Status::Skipped), 1).contains("callcheck_turn_up{"));
    }

    #[test]
    fn an_expectation_that_changes_has_a_line_of_its_own() {
        let stated = [super::super::parse_turn_expectation("udp=ok").unwrap()];
        let of = |verdict, status| report(&stated, result(verdict, status).servers);
        let lines = changes(&of(Verdict::Passed, Status::Ok), &of(Verdict::Failed, Status::Failed));
        let told = lines.iter().any(|line| line.starts_with("expected udp=ok: passed → failed: udp"));
        assert!(told && lines.len() == 2, "{lines:?}");
    }

    #[test]
    fn a_line_for_each_change_and_none_without() {
        let (good, bad) = (result(Verdict::Passed, Status::Ok), result(Verdict::Failed, Status::Failed));
        assert!(changes(&good, &good).is_empty() && changes(&bad, &bad).is_empty());
        assert_eq!(
            changes(&good, &bad),
            ["turn:a\"b udp 192.0.2.1:3478: passed → failed: binding failed: no answer"]
        );
    }
}
