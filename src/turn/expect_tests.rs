use std::net::SocketAddr;

use super::chain::{Row, blank};
use super::model::{Cause, CertificateReport, Path, ServerReport, Status, Step, StepName, Verdict};
use super::{judge, parse_turn_expectation};
use crate::plan::IceTransport;

fn path(transport: IceTransport, required: bool, verdict: Verdict) -> Path {
    let address = SocketAddr::from(([192, 0, 2, 1], 3478));
    Path { verdict, ..blank(Row { transport, address, required }) }
}

fn step(name: StepName, status: Status, ms: f64) -> Step {
    let cause = (status == Status::Failed).then_some(Cause::Silent);
    Step { step: name, status, ms: Some(ms), code: None, reason: None, cause }
}

fn servers(paths: Vec<Path>) -> Vec<ServerReport> {
    let verdict = Verdict::worst(paths.iter().filter(|path| path.required).map(|path| path.verdict));
    let (findings, notes) = (Vec::new(), Vec::new());
    vec![ServerReport { url: "turn:a".into(), verdict, paths, nat: None, findings, notes }]
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
    assert_eq!(defaults(&["tls.echo=ok"]), [Verdict::Failed]);
    assert_eq!(defaults(&["time.echo<1s"]), [Verdict::Failed, Verdict::Unknown]);
    assert!(defaults(&["finding=turn-401"]).is_empty());
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
        ("cert.days>x", "number of days"),
        ("finding=turn-402", "did you mean `turn-401`"),
        ("", "such as"),
        ("=", "unknown subject"),
    ] {
        let error = parse_turn_expectation(text).unwrap_err().render(false);
        assert!(error.contains(says), "{text}: {error}");
    }
}
