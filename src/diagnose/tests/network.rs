//! ICE, TURN and DTLS.

use super::*;
use crate::facts::Proof;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good};
use crate::jsep::{DtlsState, IceState, MediaKind};
use crate::timeline::{DtlsError, IceCandidate, IceChecks, Kind, ServerError, Signal};

const CALLEE: Option<Role> = Some(Role::Callee);

fn negotiated() -> TestCall {
    TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS)
}

fn signal(address: &str, typ: &str, protocol: &str) -> Signal {
    let (host, port) = address.rsplit_once(' ').unwrap();
    Signal::Candidate {
        candidate: format!("candidate:1 1 {protocol} 1 {host} {port} typ {typ}"),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: None,
        username_fragment: None,
    }
}

/// Candidates went both ways, and ICE failed.
fn failed_between(ours: &[&str], theirs: &[&str], typ: &str, protocol: &str) -> TestCall {
    let mut call = negotiated();
    for address in ours {
        call = call.with(Kind::SignalSent { seq: 3, signal: signal(address, typ, protocol) });
    }
    for address in theirs {
        let signal = signal(address, typ, protocol);
        call = call.with(Kind::SignalReceived { from: "callee".into(), seq: None, signal });
    }
    call.with(Kind::IceState(IceState::Checking)).after(16).with(Kind::IceState(IceState::Failed))
}

#[test]
fn no_candidate_comes() {
    let finding =
        first(&negotiated().after(6).ended("not connected"), "ice-peer-sends-no-candidates", CALLEE);
    assert_eq!(finding.severity, Severity::Blocker);
    let end = Signal::EndOfCandidates { username_fragment: None };
    let ended = Kind::SignalReceived { from: "callee".into(), seq: None, signal: end };
    first(&negotiated().with(ended).after(6).ended("not connected"), "ice-no-candidates-at-all", CALLEE);
}

#[test]
fn the_callee_sent_candidates_and_none_came() {
    let callee = TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    let sent = Kind::SignalSent { seq: 2, signal: signal("10.0.0.2 5000", "host", "udp") };
    let call = negotiated().after(6).with(callee.with(sent).reported()).ended("not connected");
    // Lost on the way: nobody knows by whom.
    let finding = first(&call, "ice-peer-sends-no-candidates", None);
    assert!(finding.observed.contains("it sent 1"), "{}", finding.observed);
}

#[test]
fn candidates_that_come_late() {
    let call = negotiated()
        .after(8)
        .connected()
        .media(&[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Stamped);
    let finding = first(&call.hung_up(Role::Callee), "ice-peer-sends-no-candidates", CALLEE);
    assert_eq!(finding.severity, Severity::Minor);
}

#[test]
fn our_candidates_are_not_taken() {
    let ours = Kind::SignalSent { seq: 2, signal: signal("10.0.0.1 5000", "host", "udp") };
    let theirs = Kind::SignalReceived {
        from: "callee".into(),
        seq: None,
        signal: signal("10.0.0.2 5000", "host", "udp"),
    };
    let callee = || TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    let call = |report: Kind| {
        let call = negotiated().with(ours.clone()).with(theirs.clone()).after(6);
        call.with(report).with(Kind::IceState(IceState::Failed)).ended("not connected")
    };
    first(&call(callee().reported()), "ice-peer-drops-our-candidates", None);
    let came = Kind::SignalReceived {
        from: "caller".into(),
        seq: None,
        signal: signal("10.0.0.1 5000", "host", "udp"),
    };
    let refused =
        |error: &str| Kind::CandidateRefused { candidate: "candidate:1".into(), error: error.into() };
    let report = callee().with(came.clone()).with(refused("OperationError: no")).reported();
    first(&call(report), "ice-peer-drops-our-candidates", CALLEE);
    let early = TestCall::joined(Role::Callee).met(CALLCHECK).with(came).with(refused("InvalidStateError"));
    first(
        &call(early.offered().answered(&BOTH_WAYS).reported()),
        "ice-candidates-dropped-before-srd",
        CALLEE,
    );
}

#[test]
fn addresses_that_cannot_meet() {
    for (ours, theirs, typ, protocol, id, peer) in [
        (&["10.0.0.1 5000"][..], &["127.0.0.1 5000"][..], "host", "udp", "ice-loopback-only", CALLEE),
        (&["10.0.0.1 5000"], &["10.0.0.2 5000"], "host", "tcp", "ice-tcp-only", CALLEE),
        (&["10.0.0.1 5000"], &["2001:db8::1 5000"], "host", "udp", "ice-family-mismatch", None),
        (&["10.0.0.1 5000"], &["192.168.7.1 5000"], "host", "udp", "ice-host-only", None),
        (&["203.0.113.5 5000"], &["172.17.0.2 5000"], "host", "udp", "ice-private-address-only", None),
        (&["10.0.0.1 5000"], &["f00.local 5000"], "host", "udp", "ice-mdns-unresolvable", CALLEE),
        (&["10.0.0.1 5000"], &["10.0.0.2 5000"], "host", "udp", "ice-udp-blackholed", None),
    ] {
        first(&failed_between(ours, theirs, typ, protocol).ended("not connected"), id, peer);
    }
    // A call within one machine has loopback candidates on both sides.
    let within = failed_between(&["127.0.0.1 5000"], &["127.0.0.1 6000"], "host", "udp");
    first(&within.ended("not connected"), "ice-udp-blackholed", None);
}

#[test]
fn checks_tell_more() {
    let counts = |change: fn(&mut IceChecks)| {
        let mut checks = IceChecks { requests_sent: 40, ..IceChecks::default() };
        change(&mut checks);
        Kind::IceChecks(checks)
    };
    for (checks, id) in [
        (counts(|_| {}), "ice-udp-blackholed"),
        (counts(|checks| checks.requests_received = 9), "ice-asymmetric"),
        (counts(|checks| checks.refused_by_peer = 9), "ice-auth-fail"),
        (counts(|checks| checks.role_conflicts = 9), "ice-role-conflict"),
        (counts(|checks| checks.responses_received = 9), "ice-no-nomination"),
    ] {
        let call = failed_between(&["10.0.0.1 5000"], &["10.0.0.2 5000"], "host", "udp").with(checks);
        let finding = first(&call.ended("not connected"), id, None);
        assert_eq!(finding.confidence, Confidence::Certain, "{id}");
    }
}

#[test]
fn a_path_that_is_lost() {
    let call = good(Role::Caller).with(Kind::IceState(IceState::Disconnected)).after(2);
    let call = call.with(Kind::IceState(IceState::Failed)).after(12).ended("over");
    assert_eq!(ids(&of(&call))[..2], ["ice-consent-lost", "ice-restart-missing"]);
    // The call ends while the path is away; nobody closed because of it.
    let call = good(Role::Caller).with(Kind::IceState(IceState::Disconnected)).after(2).hung_up(Role::Callee);
    let finding = first(&call, "ice-consent-lost", None);
    assert_eq!((finding.confidence, finding.severity), (Confidence::Probable, Severity::Major));
}

#[test]
fn turn_codes() {
    let error = |code, text: &str, authenticated| {
        Kind::ServerError(ServerError {
            url: "turn:turn.example.org".into(),
            code,
            text: text.into(),
            authenticated,
            peer: None,
        })
    };
    for (code, text, id) in [
        (401, "Unauthorized", "turn-401"),
        (401, "credential expired", "turn-expired"),
        (403, "Forbidden", "turn-403-peer"),
        (486, "Allocation Quota Reached", "turn-quota"),
        (508, "Insufficient Capacity", "turn-quota"),
        (701, "no answer", "turn-unreachable"),
        (701, "certificate has expired", "turn-tls-cert"),
        (437, "Allocation Mismatch", "turn-permission-expired"),
    ] {
        let call = failed_between(&["10.0.0.1 5000"], &["192.168.7.1 5000"], "host", "udp");
        first(&call.with(error(code, text, true)).ended("not connected"), id, Some(Role::Caller));
        // Where ICE is up, nobody needs the server.
        let good = good(Role::Caller).with(error(code, text, true)).hung_up(Role::Callee);
        assert_eq!(ids(&of(&good)), [""; 0], "{id}");
    }
    let call = failed_between(&["10.0.0.1 5000"], &["10.0.0.2 5000"], "host", "udp");
    let findings = of(&call.with(error(401, "Unauthorized", false)).ended("not connected"));
    assert!(notes(&findings).contains(&"turn-probe-first-401"), "{:?}", notes(&findings));
}

#[test]
fn dtls_that_does_not_come_up() {
    let up = || {
        let mut call = negotiated();
        call.trickled();
        call.with(Kind::IceState(IceState::Checking)).with(Kind::IceState(IceState::Connected))
    };
    let call = up().with(Kind::DtlsState(DtlsState::Connecting)).after(12).ended("not connected");
    first(&call, "dtls-not-started", None);
    for (detail, alert, text, id) in [
        ("fingerprint-failure", None, "the certificate differs", "dtls-fingerprint-mismatch"),
        ("dtls-failure", Some(70), "protocol version", "dtls-version"),
        ("dtls-failure", Some(40), "handshake failure", "dtls-cipher"),
        ("dtls-failure", Some(45), "certificate expired", "dtls-cert-expired"),
        ("dtls-failure", Some(51), "decrypt error", "dtls-fatal-alert"),
        ("dtls-failure", None, "no use_srtp", "dtls-no-srtp-profile"),
    ] {
        let error =
            DtlsError { detail: detail.into(), received_alert: alert, sent_alert: None, text: text.into() };
        let call = up().with(Kind::DtlsError(error)).with(Kind::DtlsState(DtlsState::Failed)).ended("failed");
        let findings = of(&call);
        assert_eq!(ids(&findings), [id]);
    }
}

#[test]
fn addresses_have_their_scope() {
    let text = IceCandidate::parse("candidate:1 1 udp 1 10.0.0.2 5000 typ host");
    assert_eq!(ice::scope(&text.address), Some(ice::Scope::Private));
    assert_eq!(ice::scope("x.local:1"), None);
    assert_eq!(ice::scope("[fe80::1]:1"), Some(ice::Scope::Private));
}
