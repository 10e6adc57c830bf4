use std::net::SocketAddr;

use super::chain::{Row, blank};
use super::model::{Cause, CertificateReport, Load, Path, ServerReport, Status, Step, StepName, Verdict};
use super::{judge, junit, parse_turn_expectation, report, screen, summary};
use crate::plan::IceTransport;

fn path(transport: IceTransport, required: bool, verdict: Verdict) -> Path {
    let address = SocketAddr::from(([192, 0, 2, 1], 3478));
    Path { verdict, ..blank(Row { transport, address, required, demanded: false }) }
}

fn step(name: StepName, status: Status, ms: f64) -> Step {
    let cause = (status == Status::Failed).then_some(Cause::Silent);
    Step { step: name, status, ms: Some(ms), code: None, reason: None, cause }
}

fn servers(paths: Vec<Path>) -> Vec<ServerReport> {
    let verdict = Verdict::worst(paths.iter().filter(|path| path.required).map(|path| path.verdict));
    let (findings, notes) = (Vec::new(), Vec::new());
    vec![ServerReport {
        url: "turn:a".into(),
        verdict,
        paths,
        nat: None,
        nat_behavior: None,
        findings,
        notes,
    }]
}

fn status(text: &str, servers: &[ServerReport]) -> Verdict {
    judge(&[parse_turn_expectation(text).unwrap()], servers).last().unwrap().status
}

#[test]
fn expectations_are_held_against_paths() {
    let mut udp = path(IceTransport::Udp, true, Verdict::Failed);
    udp.steps =
        vec![step(StepName::Connect, Status::Ok, 5.0), step(StepName::Binding, Status::Failed, 3000.0)];
    let mut tls = path(IceTransport::Tls, true, Verdict::Passed);
    tls.steps = vec![step(StepName::Allocate, Status::Ok, 100.0)];
    let certificate = CertificateReport {
        names: vec![],
        issuer: String::new(),
        days_left: Some(14),
        chain: 1,
        problem: None,
    };
    tls.certificate = Some(certificate);
    let servers = servers(vec![udp, tls, path(IceTransport::Tcp, false, Verdict::Unknown)]);
    for (text, expected) in [
        ("tls=ok", Verdict::Passed),
        ("udp=ok", Verdict::Failed),
        ("udp=failed", Verdict::Passed),
        ("tcp=ok", Verdict::Unknown),
        ("tcp=skipped", Verdict::Passed),
        ("dtls=ok", Verdict::Unknown),
        ("udp.connect=ok", Verdict::Passed),
        ("udp.binding=failed", Verdict::Passed),
        ("udp.allocate=ok", Verdict::Unknown),
        ("time.allocate<200ms", Verdict::Passed),
        ("time.allocate<50ms", Verdict::Failed),
        ("time.echo<50ms", Verdict::Unknown),
        ("cert.days>13", Verdict::Passed),
        ("cert.days>14", Verdict::Failed),
        ("finding=none", Verdict::Passed),
        ("finding=turn-401", Verdict::Failed),
    ] {
        assert_eq!(status(text, &servers), expected, "{text}");
    }
}

#[test]
fn what_is_stated_replaces_the_default_of_its_paths() {
    let servers = servers(vec![
        path(IceTransport::Udp, true, Verdict::Failed),
        path(IceTransport::Tls, true, Verdict::Unknown),
    ]);
    let defaults = |texts: &[&str]| {
        let stated: Vec<_> = texts.iter().map(|text| parse_turn_expectation(text).unwrap()).collect();
        let rows = judge(&stated, &servers);
        rows.into_iter().filter(|row| row.default).map(|row| row.status).collect::<Vec<_>>()
    };
    assert_eq!(defaults(&[]), [Verdict::Failed, Verdict::Unknown]);
    assert_eq!(defaults(&["udp=failed"]), [Verdict::Unknown]);
    assert_eq!(defaults(&["tls.echo=ok"]), [Verdict::Failed], "content with less than all");
    assert_eq!(defaults(&["udp.echo=ok"]), [Verdict::Failed, Verdict::Unknown], "what failed still fails");
    assert_eq!(defaults(&["time.echo<1s"]), [Verdict::Failed, Verdict::Unknown]);
    assert_eq!(defaults(&["finding=turn-401"]), [Verdict::Failed, Verdict::Unknown], "nobody shows it");
}

fn failing(transport: IceTransport, names: &[StepName]) -> Path {
    let mut path = path(transport, true, Verdict::Failed);
    path.steps = names.iter().map(|name| step(*name, Status::Failed, 1.0)).collect();
    path
}

#[test]
fn a_finding_that_is_expected_excuses_the_paths_that_show_it_and_no_others() {
    let mut servers = servers(vec![failing(IceTransport::Udp, &[StepName::Allocate])]);
    let shown = servers[0].paths[0].name();
    servers[0].findings.push(super::Finding {
        id: "turn-401",
        severity: "blocker".into(),
        title: String::new(),
        paths: vec![shown],
        observed: String::new(),
        cause: String::new(),
        remedy: String::new(),
        calls: String::new(),
    });
    let stated = [parse_turn_expectation("finding=turn-401").unwrap()];
    assert_eq!(report(&stated, servers.clone()).verdict, Verdict::Passed);
    let mut other = servers[0].clone();
    (other.url, other.findings) = ("turn:b".into(), Vec::new());
    servers.push(other);
    let report = report(&stated, servers);
    assert_eq!(report.verdict, Verdict::Failed, "the other server fails, and nobody expects it");
    assert_eq!(report.expectations[0].server.as_deref(), Some("turn:b"));
}

#[test]
fn a_failure_that_is_expected_excuses_no_other_failure() {
    let stated = [parse_turn_expectation("inbound=failed").unwrap()];
    let verdict = |names: &[StepName]| {
        let servers = servers(vec![failing(IceTransport::Udp, names)]);
        report(&stated, servers).verdict
    };
    assert_eq!(verdict(&[StepName::Inbound]), Verdict::Passed);
    assert_eq!(verdict(&[StepName::Inbound, StepName::Outbound]), Verdict::Failed);
}

#[test]
fn what_is_shown_is_what_the_exit_code_says() {
    let told = |text: &str, path: Path| {
        let stated = [parse_turn_expectation(text).unwrap()];
        let report = report(&stated, servers(vec![path]));
        (report.verdict, screen(&report, false, false), summary(&report, false), junit(&report))
    };
    let broken = || failing(IceTransport::Udp, &[StepName::Binding]);
    let (verdict, screen, summary, junit) = told("udp=failed", broken());
    assert_eq!(verdict, Verdict::Passed);
    assert!(screen.starts_with("PASSED") && !screen.contains("FAILED"), "{screen}");
    assert!(summary.starts_with("PASSED") && summary.lines().count() == 1, "{summary}");
    assert!(!junit.contains("<failure") && !junit.contains("<error"), "{junit}");
    let mut good = path(IceTransport::Udp, true, Verdict::Passed);
    good.steps = vec![step(StepName::Binding, Status::Ok, 1.0)];
    let (verdict, screen, summary, junit) = told("time.binding<1ms", good);
    assert_eq!(verdict, Verdict::Failed);
    assert!(screen.starts_with("FAILED") && !screen.contains("PASSED"), "{screen}");
    assert!(summary.starts_with("FAILED"), "{summary}");
    assert!(junit.contains("<failure"), "{junit}");
}

#[test]
fn loss_at_the_rate_of_media_is_measured_in_percent() {
    let mut udp = path(IceTransport::Udp, true, Verdict::Passed);
    let (sent, loss_percent, none) = (300, 66.0, None);
    udp.load = Some(Load {
        sent,
        loss_percent,
        round_trip_ms: none,
        round_trip_p95_ms: none,
        jitter_ms: none,
        largest_payload: None,
        in_one_piece: false,
    });
    let servers = servers(vec![udp]);
    for (text, expected) in [
        ("load.loss<70%", Verdict::Passed),
        ("load.loss<2%", Verdict::Failed),
        ("load.loss>50.5%", Verdict::Passed),
    ] {
        assert_eq!(status(text, &servers), expected, "{text}");
    }
}

#[test]
fn nonsense_is_refused_with_a_caret() {
    for (text, says) in [
        ("tsl=ok", "did you mean `tls`"),
        ("tls", "such as"),
        ("tls=fine", "`ok`, `failed` or `skipped`"),
        ("tls<3", "write `=`"),
        ("time.alocate<1s", "unknown subject"),
        ("time.allocate<200", "needs a unit"),
        ("time.allocate=1s", "`<` or `>`"),
        ("load.loss<2", "not a percentage"),
        ("load.loss<101%", "not a percentage"),
        ("load.loss=2%", "`<` or `>`"),
        ("cert.days>x", "number of days"),
        ("finding=turn-402", "did you mean `turn-401`"),
        ("", "such as"),
        ("=", "unknown subject"),
    ] {
        let error = parse_turn_expectation(text).unwrap_err().render(false);
        assert!(error.contains(says), "{text}: {error}");
    }
}
