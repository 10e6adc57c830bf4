use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::chain::{Row, UNANSWERED, blank};
use super::finding::NO_STREAM;
use super::model::{Cause, Path, ServerReport, Status, Step, StepName, TurnReport, Verdict};
use super::{Target, screen, summary, verdict};
use crate::plan::{IceTransport, Secret, parse_ice_url};
use crate::stun::Credentials;

fn target(username: &str) -> Target {
    let credentials = Credentials { username: username.to_owned(), credential: Secret::new("hunter2") };
    let name = "turn:turn.test".to_owned();
    let url = parse_ice_url(&name).unwrap();
    Target { name, url, credentials: Some(credentials) }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn step(name: StepName, status: Status, cause: Option<Cause>, code: Option<u16>) -> Step {
    let reason = (status != Status::Ok).then(|| "as the test says".to_owned());
    Step { step: name, status, ms: (status != Status::Skipped).then_some(1.5), code, reason, cause }
}

/// A path on which everything before `name` is well.
fn fails_at(
    transport: IceTransport,
    required: bool,
    name: StepName,
    cause: Cause,
    code: Option<u16>,
) -> Path {
    let mut path = well(transport, required);
    for step in path.steps.iter_mut().filter(|step| step.step >= name) {
        (step.status, step.ms, step.reason) = (Status::Skipped, None, Some("not reached".to_owned()));
    }
    path.steps.retain(|step| step.step != name);
    path.steps.push(step(name, Status::Failed, Some(cause), code));
    path.steps.sort_by_key(|step| step.step);
    path
}

fn well(transport: IceTransport, required: bool) -> Path {
    let address = SocketAddr::from(([203, 0, 113, 10], if transport.is_secure() { 5349 } else { 3478 }));
    let mut path = blank(Row { transport, address, required, demanded: false });
    path.relayed = Some(SocketAddr::from(([203, 0, 113, 10], 50_000)));
    let skipped = [StepName::Srv, StepName::Load, StepName::Hold, StepName::AllocateV6, StepName::Engine];
    let secure = |name: &StepName| *name != StepName::Handshake || transport.is_secure();
    let taken = StepName::ALL.into_iter().filter(|name| !skipped.contains(name)).filter(secure);
    path.steps = taken.map(|name| step(name, Status::Ok, None, None)).collect();
    path
}

fn judged(username: &str, paths: Vec<Path>) -> ServerReport {
    verdict::server(&target(username), paths, now())
}

#[test]
fn each_failure_has_its_id_and_its_remedy() {
    use IceTransport::{Dtls, Tcp, Tls, Udp};
    let code = Cause::Code;
    let rows = [
        (Udp, StepName::Resolve, Cause::Unresolved, None, "turn-unreachable", "AAAA"),
        (Udp, StepName::Binding, Cause::Silent, None, "turn-unreachable", "tls-listening-port=443"),
        (Udp, StepName::Binding, Cause::Refused, None, "turn-unreachable", "no-udp"),
        (Tcp, StepName::Connect, Cause::Refused, None, "turn-unreachable", "no-tcp"),
        (Tls, StepName::Connect, Cause::Refused, None, "turn-unreachable", "no-tls"),
        (Dtls, StepName::Handshake, Cause::Refused, None, "turn-unreachable", "no-dtls"),
        (Tcp, StepName::Connect, Cause::Silent, None, "turn-unreachable", "443"),
        (Udp, StepName::Binding, Cause::Unreachable, None, "turn-unreachable", "Allow UDP"),
        (Tcp, StepName::Binding, Cause::Reset, None, "turn-unreachable", "turns:"),
        (Tcp, StepName::Binding, Cause::Closed, None, "turn-unreachable", "turns:"),
        (Tcp, StepName::Binding, Cause::NotStun, None, "turn-not-turn", "turn.test"),
        (Tls, StepName::Handshake, Cause::Handshake, None, "turn-tls-failed", "pkey="),
        (Tls, StepName::Handshake, Cause::CertificateExpired, None, "turn-tls-cert", "Renew"),
        (Tls, StepName::Handshake, Cause::CertificateName, None, "turn-tls-cert", "turn.test"),
        (Tls, StepName::Handshake, Cause::CertificateIssuer, None, "turn-tls-cert", "full chain"),
        (Tls, StepName::Handshake, Cause::CertificateOther, None, "turn-tls-cert", "another"),
        (Udp, StepName::Challenge, Cause::OpenRelay, None, "turn-open-relay", "no-auth"),
        (Udp, StepName::Binding, Cause::Nonsense, None, "turn-not-turn", "Update"),
        (Udp, StepName::Allocate, code, Some(401), "turn-401", "lt-cred-mech"),
        (Udp, StepName::Allocate, code, Some(441), "turn-401", "lt-cred-mech"),
        (Udp, StepName::Allocate, code, Some(442), "turn-rejected", "no-udp-relay"),
        (Udp, StepName::Allocate, code, Some(486), "turn-quota", "user-quota"),
        (Udp, StepName::Allocate, code, Some(508), "turn-quota", "min-port"),
        (Udp, StepName::Allocate, code, Some(500), "turn-rejected", "log"),
        (Udp, StepName::Permission, code, Some(403), "turn-403-peer", "allowed-peer-ip"),
        (Udp, StepName::StaleNonce, code, Some(438), "turn-stale-nonce", "load balancer"),
        (Udp, StepName::Inbound, Cause::Lost, None, "turn-relay-ports-closed", "inbound"),
        (Udp, StepName::Outbound, Cause::Lost, None, "turn-relay-ports-closed", "send UDP"),
        (Udp, StepName::Echo, Cause::Lost, None, "turn-relay-ports-closed", "hairpin"),
        (Udp, StepName::Load, Cause::Lost, None, "media-loss", "max-bps"),
        (Udp, StepName::Connect, Cause::System, None, "turn-unreachable", "this machine"),
    ];
    for (transport, name, cause, code, id, remedy) in rows {
        let server = judged("me", vec![fails_at(transport, true, name, cause, code)]);
        let row = format!("{transport:?} {name:?} {cause:?} {code:?}");
        assert_eq!(server.verdict, Verdict::Failed, "{row}");
        let [finding] = server.findings.as_slice() else { panic!("{row}: {:?}", server.findings) };
        assert_eq!(finding.id, id, "{row}");
        assert!(finding.remedy.contains(remedy), "{row}: {}", finding.remedy);
        assert!(!finding.calls.is_empty() && !finding.title.is_empty(), "{row}");
    }
}

#[test]
fn a_refused_credential_is_explained_by_what_can_be_seen_of_it() {
    let refused = || vec![fails_at(IceTransport::Udp, true, StepName::Allocate, Cause::Code, Some(401))];
    for (username, id, says) in [
        ("me", "turn-401", "wrong password"),
        ("1789990000:me", "turn-expired", "2 h ago"),
        ("1790000600000:me", "turn-401", "milliseconds"),
    ] {
        let server = judged(username, refused());
        assert_eq!(server.findings[0].id, id, "{username}");
        assert!(server.findings[0].cause.contains(says), "{username}: {}", server.findings[0].cause);
        assert!(!format!("{server:?}").contains("hunter2"));
    }
    let good = judged("1789990000:me", vec![well(IceTransport::Udp, true)]);
    assert!(good.findings.is_empty(), "what the server takes is no fault");
}

#[test]
fn udp_that_is_blocked_leads_to_what_answers() {
    let blocked = fails_at(IceTransport::Udp, true, StepName::Binding, Cause::Silent, None);
    let server = judged("me", vec![blocked, well(IceTransport::Tls, false)]);
    assert_eq!(server.findings[0].id, "turn-no-tcp-fallback");
    assert!(server.findings[0].remedy.contains("turns:turn.test:5349?transport=tcp"));
}

#[test]
fn what_is_only_explored_is_a_note_and_never_a_finding() {
    let closed = fails_at(IceTransport::Tcp, false, StepName::Connect, Cause::Refused, None);
    let server = judged("me", vec![well(IceTransport::Udp, true), closed]);
    assert_eq!((server.verdict, server.findings.len()), (Verdict::Passed, 0));
    assert!(server.notes.iter().any(|note| note.starts_with("explored tcp")), "{:?}", server.notes);
    assert!(server.notes.iter().any(|note| note == NO_STREAM), "{:?}", server.notes);
}

#[test]
fn what_was_not_measured_is_not_passed() {
    for name in [StepName::Inbound, StepName::Outbound, StepName::Permission, StepName::StaleNonce] {
        let mut path = well(IceTransport::Tls, true);
        let skipped = path.steps.iter_mut().find(|step| step.step == name).unwrap();
        skipped.status = Status::Skipped;
        assert_eq!(judged("me", vec![path]).verdict, Verdict::Unknown, "{name:?}");
    }
    let mut path = well(IceTransport::Tls, true);
    path.steps.retain(|step| step.step != StepName::Echo);
    assert_eq!(judged("me", vec![path]).verdict, Verdict::Passed, "an echo inside the server proves less");
}

#[test]
fn a_private_relay_is_the_cause_of_what_it_loses() {
    let mut path = fails_at(IceTransport::Udp, true, StepName::Inbound, Cause::Lost, None);
    path.relayed = Some(SocketAddr::from(([10, 9, 0, 10], 50_000)));
    let server = judged("me", vec![path]);
    assert_eq!(server.findings.len(), 1);
    assert_eq!(server.findings[0].id, "turn-private-relay");
    assert!(server.findings[0].remedy.contains("external-ip=203.0.113.10/10.9.0.10"));
}

#[test]
fn a_redirection_is_as_good_as_where_it_leads() {
    let mut first = well(IceTransport::Udp, true);
    first.steps.retain(|step| step.step < StepName::Challenge);
    let mut second = well(IceTransport::Udp, true);
    second.address = Some(SocketAddr::from(([203, 0, 113, 11], 3478)));
    first.redirected_to = second.address;
    assert_eq!(judged("me", vec![first.clone(), second]).verdict, Verdict::Passed);
    assert_eq!(judged("me", vec![first]).verdict, Verdict::Unknown);
}

#[test]
fn an_address_of_a_family_that_we_have_not_counts_only_where_there_is_no_other() {
    let without = || {
        let mut path = well(IceTransport::Udp, true);
        path.address = Some("[2001:db8::1]:3478".parse().unwrap());
        path.steps.iter_mut().for_each(|step| {
            (step.status, step.reason) = (Status::Skipped, Some("not reached".to_owned()));
        });
        let connect = path.steps.iter_mut().find(|step| step.step == StepName::Connect).unwrap();
        connect.reason = Some("this machine has no IPv6".to_owned());
        path
    };
    let server = judged("me", vec![without(), well(IceTransport::Udp, true)]);
    assert_eq!(server.verdict, Verdict::Passed);
    assert!(server.notes.iter().any(|note| note.contains("this machine has no IPv6")), "{:?}", server.notes);
    assert_eq!(judged("me", vec![without()]).verdict, Verdict::Unknown);
}

#[test]
fn a_release_that_nobody_answered_is_a_note() {
    let mut path = well(IceTransport::Udp, true);
    let release = path.steps.iter_mut().find(|step| step.step == StepName::Release).unwrap();
    (release.status, release.reason) = (Status::Skipped, Some(format!("{UNANSWERED}: no answer")));
    let server = judged("me", vec![path]);
    assert_eq!((server.verdict, server.findings.len()), (Verdict::Passed, 0));
    assert!(server.notes.iter().any(|note| note.contains("not answered")), "{:?}", server.notes);
}

#[test]
fn redirections_are_followed_to_their_end_and_a_circle_leads_nowhere() {
    let at = |port: u16, to: Option<u16>| {
        let mut path = well(IceTransport::Udp, true);
        let address = |port| SocketAddr::from(([203, 0, 113, 10], port));
        (path.address, path.redirected_to) = (Some(address(port)), to.map(address));
        path.steps.retain(|step| to.is_none() || step.step < StepName::Challenge);
        path
    };
    let server = judged("me", vec![at(1, Some(2)), at(2, Some(3)), at(3, None)]);
    assert_eq!(server.verdict, Verdict::Passed);
    let circle = judged("me", vec![at(1, Some(2)), at(2, Some(1))]);
    assert_eq!(circle.verdict, Verdict::Unknown);
}

#[test]
fn a_verdict_fits_a_screen() {
    let paths = vec![
        fails_at(IceTransport::Udp, true, StepName::Inbound, Cause::Lost, None),
        well(IceTransport::Tcp, false),
        fails_at(IceTransport::Tls, false, StepName::Handshake, Cause::CertificateExpired, None),
        fails_at(IceTransport::Dtls, false, StepName::Handshake, Cause::CertificateExpired, None),
    ];
    let servers = vec![judged("me", paths)];
    let report = TurnReport {
        schema_version: 1,
        kind: "turn",
        verdict: Verdict::Failed,
        expectations: super::judge(&[], &servers),
        servers,
    };
    let text = screen(&report, false, false);
    assert!(text.lines().all(|line| line.chars().count() <= 80) && text.lines().count() <= 24, "{text}");
    insta::assert_snapshot!(text);
    assert_eq!(summary(&report, false).lines().next().unwrap().split(' ').next(), Some("FAILED"));
}
