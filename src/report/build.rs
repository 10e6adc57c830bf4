//! From facts and verdicts to the result model.

use super::findings;
use super::model::{
    CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus, PairReport,
    PeerReport, Report, ReportKind, StatesReport, TimingReport, TrackReport, VerdictWord,
};
use super::outcome::combined;
use crate::diagnose::{Context, diagnose};
use crate::expect::{Status, Verdict};
use crate::facts::{Facts, MidFacts, PeerFacts, Reached};
use crate::jsep::{MediaKind, Role};
use crate::plan::Plan;
use crate::timeline::{IceCandidate, ImpairedPackets, Way};

/// The first version of the result model.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// One try of a call, judged.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What is known of it.
    pub facts: Facts,
    /// What came of each demand.
    pub verdicts: Vec<Verdict>,
}

/// The result of a run of calls.
#[must_use]
pub fn build(calls: Vec<CallReport>) -> Report {
    let verdict = combined(calls.iter().map(|call| call.verdict));
    let reason = calls.iter().find(|call| call.verdict == verdict).and_then(|call| call.reason.clone());
    Report {
        schema_version: SCHEMA_VERSION,
        kind: ReportKind::Calls,
        verdict,
        reason,
        calls,
        exploration: None,
    }
}

/// The result of a call that was tried once or more often; the last try counts, and a pass after another verdict is
/// flaky. Without a try, it was not run.
#[must_use]
pub fn flaky(plan: &Plan, attempts: &[Attempt]) -> CallReport {
    let Some((last, earlier)) = attempts.split_last() else { return not_run(plan) };
    let mut call = call_report(plan, &last.facts, &last.verdicts);
    if earlier.is_empty() {
        return call;
    }
    let tries = attempts.len();
    let mut notes: Vec<String> = Vec::new();
    let mut always_passed = true;
    for (index, attempt) in earlier.iter().enumerate() {
        let before = call_report(plan, &attempt.facts, &attempt.verdicts);
        always_passed &= before.verdict == VerdictWord::Passed;
        let why = before.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        notes.push(format!("try {} of {tries} {}{why}", index + 1, before.verdict.as_str()));
    }
    // The other side may have asked for another try of what had passed here.
    if call.verdict == VerdictWord::Passed && !always_passed {
        call.verdict = VerdictWord::Flaky;
        call.reason = Some(format!("passed on try {tries} only"));
    }
    notes.append(&mut call.notes);
    call.notes = notes;
    call
}

/// The result of one try of a call.
#[must_use]
pub fn call_report(plan: &Plan, facts: &Facts, verdicts: &[Verdict]) -> CallReport {
    let verdict = combined(verdicts.iter().map(|verdict| word_of(verdict.status)));
    // Nothing at all was demanded: then nothing can have failed.
    let verdict = if verdicts.is_empty() { VerdictWord::Passed } else { verdict };
    let peers = [facts.own, facts.own.other()].into_iter().filter(|&role| facts.peer(role).known);
    let mut peers: Vec<PeerReport> = peers.map(|role| peer(facts.peer(role))).collect();
    peers.sort_by_key(|peer| peer.role);
    let found = diagnose(&Context::of_plan(plan), facts, true);
    CallReport {
        name: plan.room.name.clone(),
        verdict,
        reason: reason(verdict, verdicts),
        peers,
        expectations: verdicts.iter().map(expectation).collect(),
        findings: findings::reports(facts, &found),
        notes: notes(facts).into_iter().chain(findings::notes(&found)).collect(),
        explained: None,
        scenario: None,
    }
}

fn not_run(plan: &Plan) -> CallReport {
    CallReport::bare(&plan.room.name, VerdictWord::NotRun, "the call was never tried")
}

impl CallReport {
    /// One of which there is nothing to tell but its verdict.
    #[must_use]
    pub fn bare(name: &str, verdict: VerdictWord, reason: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            reason: Some(reason.into()),
            peers: Vec::new(),
            expectations: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            explained: None,
            scenario: None,
        }
    }

    /// Judges by these expectations alone: failed, then unknown, then passed.
    #[must_use]
    pub fn judged_by(self, expectations: Vec<ExpectationReport>) -> Self {
        let worst = [ExpectationStatus::Failed, ExpectationStatus::Unknown]
            .into_iter()
            .find_map(|status| expectations.iter().find(|row| row.status == status));
        let verdict = match worst.map(|row| row.status) {
            None | Some(ExpectationStatus::Passed) => VerdictWord::Passed,
            Some(ExpectationStatus::Failed) => VerdictWord::Failed,
            Some(ExpectationStatus::Unknown) => VerdictWord::Unknown,
        };
        Self { verdict, reason: worst.map(|row| row.observed.clone()), expectations, ..self }
    }
}

/// What the first verdict of that kind observed.
fn reason(verdict: VerdictWord, verdicts: &[Verdict]) -> Option<String> {
    if verdict == VerdictWord::Passed {
        return None;
    }
    let decisive = verdicts.iter().find(|judged| word_of(judged.status) == verdict)?;
    Some(decisive.observed.clone())
}

fn word_of(status: Status) -> VerdictWord {
    match status {
        Status::Passed => VerdictWord::Passed,
        Status::Failed => VerdictWord::Failed,
        Status::Unknown(_) => VerdictWord::Unknown,
    }
}

fn expectation(verdict: &Verdict) -> ExpectationReport {
    ExpectationReport {
        subject: verdict.name(),
        status: match verdict.status {
            Status::Passed => ExpectationStatus::Passed,
            Status::Failed => ExpectationStatus::Failed,
            Status::Unknown(_) => ExpectationStatus::Unknown,
        },
        expected: verdict.expected.clone(),
        observed: verdict.observed.clone(),
        place: None,
    }
}

pub(super) fn peer(facts: &PeerFacts) -> PeerReport {
    let (counts, timing) = (&facts.candidates, &facts.timing);
    PeerReport {
        role: facts.role,
        name: facts.name.clone(),
        tracks: facts.tracks().map(|(mid, facts)| track(mid, facts)).collect(),
        transceivers: facts.transceivers.as_ref().map(|(_, rows)| rows.clone()).unwrap_or_default(),
        states: StatesReport {
            signaling: path(&facts.states.signaling),
            gathering: path(&facts.states.gathering),
            ice: path(&facts.states.ice),
            dtls: path(&facts.states.dtls),
            connection: path(&facts.states.connection),
        },
        candidates: CandidatesReport {
            sent: counts.sent,
            received: counts.received,
            sent_in_sdp: counts.sent_in_sdp,
            received_in_sdp: counts.received_in_sdp,
        },
        selected_pair: facts.pair.as_ref().map(|(_, pair)| PairReport {
            local: candidate(&pair.local),
            remote: candidate(&pair.remote),
            rtt_ms: pair.rtt_ms,
        }),
        timing_ms: TimingReport {
            answer: timing.since_zero_ms(timing.answer),
            ice: timing.since_zero_ms(timing.ice),
            dtls: timing.since_zero_ms(timing.dtls),
            first_rtp: timing.since_zero_ms(timing.first_rtp),
            first_frame: timing.since_zero_ms(timing.first_frame),
        },
    }
}

fn path<S: Copy>(path: &[Reached<S>]) -> Vec<S> {
    path.iter().map(|reached| reached.state).collect()
}

fn track(mid: &str, facts: &MidFacts) -> TrackReport {
    let sample = facts.last_sample.as_ref().map(|(_, sample)| sample);
    TrackReport {
        kind: facts.kind,
        mid: mid.to_owned(),
        streams: facts.streams.clone(),
        packets: sample.map(|sample| sample.packets),
        frames: sample.map(|sample| sample.frames),
        stamped_frames: sample.map(|sample| sample.stamped_frames),
        muted: !facts.received(),
    }
}

fn candidate(candidate: &IceCandidate) -> CandidateReport {
    CandidateReport {
        candidate_type: candidate.candidate_type.clone(),
        protocol: candidate.protocol.clone(),
        address: candidate.address.clone(),
        relay_protocol: candidate.relay_protocol.clone(),
        url: candidate.url.clone(),
    }
}

fn notes(facts: &Facts) -> Vec<String> {
    let mut notes = facts.notes.clone();
    if let Some(lost) = &facts.room_lost
        && facts.answered()
    {
        notes.push(format!(
            "the room was lost during the call ({}); how the peer hung up was not judged",
            lost.reason
        ));
    }
    if let Some(left) = facts.vanished()
        && facts.answered()
        && facts.own == Role::Caller
        && !facts.other().announces_end()
    {
        notes.push(format!(
            "the {} left the room ({}) before the call was to end; whether that was meant was not judged",
            facts.own.other(),
            left.reason
        ));
    }
    notes.extend(facts.own().mids.iter().filter_map(|(mid, media)| stillness(mid, media)));
    notes.extend(mistakes(facts));
    notes.extend([Way::Sent, Way::Received].into_iter().filter_map(|way| on_purpose(facts.own(), way)));
    notes
}

/// What our own side did wrong on purpose.
fn mistakes(facts: &Facts) -> Option<String> {
    let made: Vec<&str> = facts.mistakes.iter().map(String::as_str).collect();
    (!made.is_empty()).then(|| {
        format!(
            "on purpose, the {} did this wrong: {}; what it causes is no finding here",
            facts.own,
            made.join(", ")
        )
    })
}

/// What was done on purpose must not be taken for the other side's fault.
fn on_purpose(own: &PeerFacts, way: Way) -> Option<String> {
    let rows = || own.impaired.iter().filter(|row| row.direction == way);
    let sum = |count: fn(&ImpairedPackets) -> u64| rows().map(count).sum::<u64>();
    let all = sum(|row| row.packets);
    let done = [
        ("blocked", sum(|row| row.blocked)),
        ("lost", sum(|row| row.lost)),
        ("too large", sum(|row| row.oversized)),
        ("too many for the rate", sum(|row| row.overflowed)),
        ("reordered", sum(|row| row.reordered)),
        ("doubled", sum(|row| row.duplicated)),
        ("delayed", sum(|row| row.delayed)),
    ];
    let done: Vec<String> =
        done.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")).collect();
    let verb = match way {
        Way::Sent => "sent",
        Way::Received => "received",
    };
    let role = own.role;
    (!done.is_empty())
        .then(|| format!("on purpose, of {all} datagrams that the {role} {verb}: {}", done.join(", ")))
}

/// Media that decodes is media, but silence or a picture that never changes is seldom meant.
fn stillness(mid: &str, media: &MidFacts) -> Option<String> {
    let (_, sample) = media.last_sample.as_ref()?;
    match (sample.still?, media.kind?) {
        (true, MediaKind::Audio) => {
            Some(format!("the audio on mid {mid} is silent as far as it was decoded"))
        }
        (true, MediaKind::Video) => {
            Some(format!("the picture on mid {mid} never changed as far as it was decoded"))
        }
        (false, _) => None,
    }
}
