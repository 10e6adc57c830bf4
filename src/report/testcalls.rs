//! Calls of scenarios with every verdict, for tests.

use super::build;
use super::model::{
    CallReport, ExpectationReport, ExpectationStatus, FindingReport, PlaceReport, Report, ScenarioReport,
    VerdictWord,
};
use crate::jsep::Role;

/// A call of that scenario without anything else to tell.
pub(super) fn call(file: &str, name: &str, verdict: VerdictWord, took_ms: Option<f64>) -> CallReport {
    CallReport {
        name: name.into(),
        verdict,
        reason: None,
        peers: Vec::new(),
        expectations: vec![expectation("caller.ice", ExpectationStatus::Passed, "connected", "connected")],
        findings: Vec::new(),
        notes: Vec::new(),
        explained: None,
        scenario: Some(ScenarioReport {
            file: file.into(),
            title: None,
            cell: Vec::new(),
            tags: Vec::new(),
            clock: "virtual".into(),
            seed: 7,
            tries: 1,
            took_ms,
            ladder: None,
        }),
    }
}

pub(super) fn expectation(
    subject: &str,
    status: ExpectationStatus,
    expected: &str,
    observed: &str,
) -> ExpectationReport {
    ExpectationReport {
        subject: subject.into(),
        status,
        expected: expected.into(),
        observed: observed.into(),
        place: None,
    }
}

pub(super) fn place(file: &str, line: usize, column: usize) -> PlaceReport {
    PlaceReport { file: file.into(), line, column }
}

pub(super) fn finding() -> FindingReport {
    FindingReport {
        id: "sdp-answer-without-track".into(),
        layer: "sdp".into(),
        confidence: "probable".into(),
        severity: "blocker".into(),
        peer: Some(Role::Callee),
        title: "The answering side attached nothing that sends".into(),
        observed: "the answer's m-section 1 (video) is recvonly".into(),
        cause: "The answer says recvonly where the offer asked for <sendrecv>.".into(),
        remedy: "Attach the tracks before the answer is made:\n  \
                 for (const track of stream.getTracks()) pc.addTrack(track, stream)\n  \
                 console.log(`${tracks.length} tracks`)"
            .into(),
        spec: Some("RFC 9429 §5.3.1".into()),
        alternatives: vec!["sdp-track-added-after-answer".into()],
        settle: Some("the callee's getTransceivers()".into()),
        shown: vec!["callee's answer, line 18: m=video a=mid:1 a=recvonly".into()],
        evidence: vec!["caller:5".into(), "caller:8".into()],
    }
}

pub(super) fn passed() -> CallReport {
    call("calls/both-ways.toml", "both-ways", VerdictWord::Passed, Some(1204.5))
}

/// Two expectations do not hold, of which one is stated nowhere, and a cause is known.
pub(super) fn failed() -> CallReport {
    let file = "calls/nat/late.toml";
    let mut call = call(file, "late | #1 [relay]", VerdictWord::Failed, Some(5000.0));
    call.reason = Some("audio only".into());
    let mut tracks = expectation("callee.tracks", ExpectationStatus::Failed, "audio & video", "audio only");
    tracks.place = Some(place(file, 12, 3));
    let latency = expectation("latency", ExpectationStatus::Unknown, "p95 < 100 ms", "nobody measured it");
    call.expectations.extend([tracks, latency]);
    call.findings.push(finding());
    if let Some(scenario) = &mut call.scenario {
        scenario.title = Some("The answer comes late".into());
        scenario.cell = vec![("policy".into(), "relay".into())];
        scenario.tags = vec!["nat".into(), "slow".into()];
        scenario.ladder =
            Some("       ms  caller  |           | callee\n      0.7          |-- offer ->|\n".to_owned());
    }
    call
}

/// What was expected without a word did not hold.
pub(super) fn failed_without_a_place() -> CallReport {
    let mut call = call("smoke.toml", "smoke", VerdictWord::Failed, Some(12.0));
    let hangup = "100%:\n\u{1b}[31mnobody, ever";
    call.reason = Some(hangup.into());
    call.expectations.push(expectation("hangup", ExpectationStatus::Failed, "announced", hangup));
    call
}

pub(super) fn unknown() -> CallReport {
    let file = "calls/nat/loss.toml";
    let mut call = call(file, "loss", VerdictWord::Unknown, Some(80.25));
    call.reason = Some("no stamp was read".into());
    let mut stamped =
        expectation("callee.stamped", ExpectationStatus::Unknown, "the peer's media", "no stamp was read");
    stamped.place = Some(place(file, 4, 1));
    call.expectations.push(stamped);
    call
}

pub(super) fn flaky() -> CallReport {
    let mut call = call("calls/glare.toml", "glare", VerdictWord::Flaky, Some(300.0));
    call.reason = Some("passed on try 4 only".into());
    call.notes = [
        "try 1 of 4 failed: no video came",
        "try 2 of 4 passed",
        "try 3 of 4 not run: the port was taken",
        "the callee rolled back (sdp-glare)",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(scenario) = &mut call.scenario {
        scenario.tries = 4;
    }
    call
}

pub(super) fn skipped() -> CallReport {
    let mut call = call("calls/tcp.toml", "tcp", VerdictWord::Skipped, None);
    call.expectations.clear();
    call.reason = Some("needs a TURN server; see issue #12".into());
    call
}

pub(super) fn not_run() -> CallReport {
    let mut call = call("calls/room.toml", "room", VerdictWord::NotRun, None);
    call.expectations.clear();
    call.reason = Some("the room could not be opened".into());
    call
}

/// A call that plays no scenario.
pub(super) fn without_a_scenario(verdict: VerdictWord) -> CallReport {
    CallReport { scenario: None, ..call("", "demo", verdict, None) }
}

/// A run with every verdict.
pub(super) fn run() -> Report {
    build(vec![
        passed(),
        failed(),
        failed_without_a_place(),
        unknown(),
        flaky(),
        skipped(),
        not_run(),
        without_a_scenario(VerdictWord::Passed),
    ])
}
