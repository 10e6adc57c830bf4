//! Every screen that people see, and the exit codes.

use super::*;
use crate::expect::judge;
use crate::expect::testplan::{expecting, plan};
use crate::facts::Facts;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good, missing_video};
use crate::jsep::{Direction, IceState, MediaKind, Role};
use crate::plan::Plan;
use crate::timeline::{Kind, Proof};

fn report(plan: &Plan, call: &TestCall) -> (Facts, CallReport) {
    let facts = call.facts();
    let verdicts = judge(plan, &facts, true, facts.last_us);
    let report = call_report(plan, &facts, &verdicts);
    (facts, report)
}

fn screen(plan: &Plan, call: &TestCall) -> String {
    let (facts, report) = report(plan, call);
    let text = render(plan, &facts, &report, false);
    fits_a_screen(&text);
    text
}

/// A finding brings its fix along, whose lines of code nobody can shorten.
fn fits_a_screen(text: &str) {
    let most = if text.contains("\n  why  ") { 72 } else { 40 };
    assert!(text.lines().count() <= most, "{} lines", text.lines().count());
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn good_call() {
    let call = good(Role::Caller).with(good(Role::Callee).reported()).hung_up(Role::Caller);
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn missing_track() {
    insta::assert_snapshot!(screen(&plan(Role::Caller), &missing_video().hung_up(Role::Caller)));
}

#[test]
fn never_answered() {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().ended("no answer");
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn peer_never_came() {
    let call = TestCall::joined(Role::Caller).ended("nobody joined");
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn peer_vanished() {
    let call = good(Role::Caller)
        .left("connection lost")
        .with(Kind::IceState(IceState::Disconnected))
        .with(Kind::IceState(IceState::Failed))
        .ended("the callee is gone");
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn never_connected() {
    let mut call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    call.trickled();
    let call = call
        .with(Kind::IceState(IceState::Checking))
        .with(Kind::IceState(IceState::Failed))
        .ended("not connected in time");
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn interrupted() {
    let call = TestCall::joined(Role::Callee).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    insta::assert_snapshot!(screen(&plan(Role::Callee), &call.with(Kind::Interrupted).ended("interrupted")));
}

fn engine_limited() -> TestCall {
    let mut call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    call.trickled();
    call.with(Kind::IceState(IceState::Checking))
        .with(Kind::IceState(IceState::Connected))
        .with(Kind::EngineLimit {
            limit: "dtls-handshake-under-loss".into(),
            detail: "the last flight was lost and never sent again".into(),
        })
        .ended("not connected in time")
}

#[test]
fn engine_limit() {
    insta::assert_snapshot!(screen(&plan(Role::Caller), &engine_limited()));
}

#[test]
fn unmeasured() {
    let plan = expecting(Role::Caller, &["callee.tracks=audio", "latency.p95<100ms"]);
    insta::assert_snapshot!(screen(&plan, &good(Role::Caller).hung_up(Role::Callee)));
}

#[test]
fn passed_on_retry() {
    let plan = plan(Role::Caller);
    let attempts: Vec<Attempt> = [engine_limited(), good(Role::Caller).hung_up(Role::Caller)]
        .iter()
        .map(|call| {
            let facts = call.facts();
            let verdicts = judge(&plan, &facts, true, facts.last_us);
            Attempt { facts, verdicts }
        })
        .collect();
    let call = flaky(&plan, &attempts);
    assert_eq!(call.verdict, VerdictWord::Flaky);
    let text = render(&plan, &attempts[1].facts, &call, false);
    fits_a_screen(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn colour_adds_escapes_only() {
    let plan = plan(Role::Caller);
    let (facts, report) = report(&plan, &missing_video().hung_up(Role::Caller));
    let colored = render(&plan, &facts, &report, true);
    let stripped: String = colored
        .split('\u{1b}')
        .map(|part| {
            part.split_once('m').map_or(part, |(code, rest)| if code.starts_with('[') { rest } else { part })
        })
        .collect();
    assert_ne!(colored, stripped);
    assert_eq!(stripped, render(&plan, &facts, &report, false));
}

#[test]
fn a_huge_table_still_fits_a_screen() {
    let sections: Vec<(MediaKind, Direction)> =
        (0..500).map(|_| (MediaKind::Video, Direction::Sendrecv)).collect();
    let mut call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&sections);
    for note in 0..100 {
        call = call.with(Kind::Note(format!("note {note}")));
    }
    screen(
        &plan(Role::Caller),
        &call.connected().media(&[("0", MediaKind::Video)], Proof::Stamped).hung_up(Role::Callee),
    );
}

#[test]
fn the_json_is_valid_and_absent_is_null() {
    let schema = serde_json::from_str(&schema()).unwrap();
    for call in [good(Role::Caller).hung_up(Role::Caller), TestCall::joined(Role::Callee), engine_limited()] {
        let (_, report) = report(&plan(Role::Caller), &call);
        let json = serde_json::to_value(build(vec![report])).unwrap();
        jsonschema::validate(&schema, &json).unwrap();
        assert_eq!(json["schema_version"], 1);
        assert_eq!(json["kind"], "calls");
    }
    let (_, report) = report(&plan(Role::Caller), &TestCall::joined(Role::Caller).ended("nobody joined"));
    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["peers"][0]["selected_pair"], serde_json::Value::Null);
    assert_eq!(json["peers"][0]["timing_ms"]["ice"], serde_json::Value::Null);
    assert_eq!(json["peers"].as_array().unwrap().len(), 1);
}

fn run_of(verdicts: &[VerdictWord]) -> Report {
    let (_, call) = report(&plan(Role::Caller), &good(Role::Caller).hung_up(Role::Caller));
    build(verdicts.iter().map(|&verdict| CallReport { verdict, ..call.clone() }).collect())
}

#[test]
fn exit_codes_in_their_order() {
    use VerdictWord::{Failed, Flaky, NotRun, Passed, Skipped, Unknown};
    let (plain, lost) = (Ending::default(), Ending { report_lost: true, ..Ending::default() });
    let interrupted = Ending { interrupted: true, report_lost: true, ..Ending::default() };
    let flaky_ok = Ending { flaky_ok: true, ..Ending::default() };
    for (verdicts, ending, code) in [
        (&[Passed][..], plain, 0),
        (&[Failed], plain, 1),
        (&[Unknown], plain, 3),
        (&[NotRun], plain, 3),
        (&[Flaky], plain, 1),
        (&[Flaky], flaky_ok, 0),
        (&[Flaky, Unknown], flaky_ok, 3),
        (&[Flaky, Unknown], plain, 1),
        (&[Failed, Unknown, Passed], plain, 1),
        (&[Unknown, Passed], plain, 3),
        (&[Skipped, Passed], plain, 0),
        (&[Skipped, Skipped], plain, 4),
        (&[], plain, 4),
        (&[Passed], lost, 3),
        (&[Failed], lost, 3),
        (&[Failed], interrupted, 130),
        (&[Passed], interrupted, 130),
    ] {
        let outcome = Outcome::of(&run_of(verdicts), ending);
        assert_eq!(outcome.exit_code(), code, "{verdicts:?} {ending:?}");
    }
    assert_eq!(Outcome::Usage.exit_code(), 2);
}

/// The callee used addTransceiver and made no other offer; its report proves it.
fn founding_case(with_report: bool) -> TestCall {
    use crate::facts::testcall::row;
    let recvonly = [(MediaKind::Audio, Direction::Recvonly), (MediaKind::Video, Direction::Recvonly)];
    let table = |current: bool| {
        let mut rows = Vec::new();
        for kind in [MediaKind::Audio, MediaKind::Video] {
            rows.push(crate::timeline::TransceiverRow {
                mid: None,
                ..row("", kind, Direction::Sendrecv, None)
            });
        }
        for (mid, kind) in [("0", MediaKind::Audio), ("1", MediaKind::Video)] {
            rows.push(row(mid, kind, Direction::Recvonly, current.then_some(Direction::Recvonly)));
        }
        Kind::Transceivers(rows)
    };
    let callee = TestCall::joined(Role::Callee)
        .met(CALLCHECK)
        .offered()
        .answered(&recvonly)
        .with(Kind::NegotiationNeeded)
        .with(table(true))
        .connected();
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&recvonly).connected();
    let call = call.media(&[], Proof::Stamped);
    if with_report { call.with(callee.reported()).hung_up(Role::Caller) } else { call.hung_up(Role::Caller) }
}

#[test]
fn founding_case_with_the_peers_report() {
    let call = founding_case(true);
    let (_, report) = report(&plan(Role::Caller), &call);
    let finding = &report.findings[0];
    assert_eq!(finding.id, "sdp-addtransceiver-unassociated");
    assert_eq!((finding.confidence.as_str(), finding.severity.as_str()), ("certain", "blocker"));
    insta::assert_snapshot!(screen(&plan(Role::Caller), &call));
}

#[test]
fn founding_case_by_the_wire_alone() {
    insta::assert_snapshot!(screen(&plan(Role::Caller), &founding_case(false)));
}

#[test]
fn a_finding_of_the_catalogue() {
    let about = catalogue_about("sdp-msid-absent", false).unwrap();
    insta::assert_snapshot!(about);
    assert_eq!(catalogue_about("sdp-msid", false), None);
    assert_eq!(closest_finding("sdp-msid-abset"), Some("sdp-msid-absent"));
    assert_eq!(closest_finding("zzz"), None);
    let list = catalogue_list(false);
    assert_eq!(list.lines().filter(|line| line.starts_with("  ")).count(), 193);
}

fn explained(scenario: &str, files: &[&str]) -> crate::explain::Explanation {
    use crate::explain::{Input, explain};
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chromium");
    let input = |file: &&str| {
        let bytes = std::fs::read(folder.join(format!("{scenario}.{file}.sdp"))).unwrap();
        Input::new(format!("{file}.sdp"), bytes)
    };
    let inputs: Vec<Input> = files.iter().map(input).collect();
    explain(&inputs, &crate::diagnose::Thresholds::default()).unwrap()
}

#[test]
fn descriptions_explained() {
    let explained = explained("s10-BUG-addTransceiver-before", &["1.caller.offer", "2.callee.answer"]);
    insta::assert_snapshot!(render_explanation("files", &explained, true, false));
    let report = explain_report("files", &explained);
    let json = serde_json::to_value(&report).unwrap();
    jsonschema::validate(&serde_json::from_str(&schema()).unwrap(), &json).unwrap();
    assert_eq!((json["kind"].as_str(), json["verdict"].as_str()), (Some("explain"), Some("failed")));
    assert_eq!(Outcome::of(&report, Ending::default()).exit_code(), 1);
}

#[test]
fn a_fault_of_our_own_is_unknown_and_no_pass() {
    use crate::explain::{Input, explain};
    let defect = Kind::TesterDefect { what: "w".into(), expected: "one".into(), observed: "another".into() };
    let timeline = |call: TestCall| {
        let header = r#"{"schema_version":1,"tool_version":"x","call":"c","role":"caller","name":"a","epoch_us":1,"clock":"real","seed":1,"plan":null}"#;
        let events = call.events.iter().map(|event| serde_json::to_string(event).unwrap());
        let text = events.fold(header.to_owned(), |text, event| text + "\n" + &event);
        explain(&[Input::new("t", text)], &crate::diagnose::Thresholds::default()).unwrap()
    };
    let explained = timeline(good(Role::Caller).with(defect.clone()).hung_up(Role::Callee));
    let report = explain_report("t", &explained);
    assert_eq!((report.verdict, report.calls[0].verdict), (VerdictWord::Unknown, VerdictWord::Unknown));
    assert_eq!(Outcome::of(&report, Ending::default()).exit_code(), 3);
    assert!(render_explanation("t", &explained, false, false).starts_with("UNKNOWN"));
    // What is broken all the same is told as broken.
    let broken =
        timeline(TestCall::joined(Role::Caller).met(CALLCHECK).offered().with(defect).after(12).ended("x"));
    let report = explain_report("t", &broken);
    assert_eq!(Outcome::of(&report, Ending::default()).exit_code(), 1);
    assert!(render_explanation("t", &broken, false, false).starts_with("BROKEN"));
}

#[test]
fn good_descriptions_explained() {
    let explained = explained("s00-good-addTrack-before", &["1.caller.offer", "2.callee.answer"]);
    insta::assert_snapshot!(render_explanation("files", &explained, true, false));
    assert_eq!(Outcome::of(&explain_report("files", &explained), Ending::default()).exit_code(), 0);
}
