//! What a call says of the app: only what did not hold in the probe and did in the base call can be the app's answer to the
//! odd thing, and what callcheck cannot tell is not tested.

use std::time::Duration;

use super::{Probe, ProbeOutcome, ProbeReport, ProbeRow};
use crate::expect::{Status, Verdict};
use crate::facts::{Exchanged, Facts};
use crate::jsep::{IceState, Role, SdpType, Side};
use crate::plan::Plan;
use crate::report::{CallReport, FindingReport, VerdictWord, call_report};

/// Tracks that come with another offer than the first.
const LATE_TRACKS: &[&str] = &[
    "sdp-addtransceiver-unassociated",
    "sdp-track-added-after-answer",
    "sdp-answer-without-track",
    "sdp-sendonly-offer-stuck",
    "nn-storm",
];

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// By this plan.
    pub plan: &'a Plan,
    /// What is known of it.
    pub facts: &'a Facts,
    /// What that means.
    pub verdicts: &'a [Verdict],
}

impl Seen<'_> {
    fn report(&self) -> CallReport {
        call_report(self.plan, self.facts, self.verdicts)
    }

    fn failed(&self) -> Vec<&Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.status == Status::Failed).collect()
    }

    /// Who is at the other side has ended the call.
    #[must_use]
    pub fn was_left(&self) -> bool {
        let facts = self.facts;
        facts.hang_up.as_ref().is_some_and(|hang_up| hang_up.by != facts.own)
            || facts.dtls_closed_by_peer.is_some()
            || facts.vanished().is_some()
    }
}

/// Nobody was there, or whoever was said nothing.
#[must_use]
pub fn absent(plan: &Plan, facts: &Facts) -> Option<String> {
    let other = facts.own.other();
    if facts.other().presence.joined_us.is_none() {
        return Some(format!("nobody came within {}", humantime::format_duration(plan.leg.wait)));
    }
    let silent = facts.own().history.heard.is_none();
    let whole_seconds = Duration::from_secs_f64(plan.leg.answer_timeout.as_secs_f64().ceil());
    let within = humantime::format_duration(whole_seconds);
    silent.then(|| format!("nobody came within {within}: the {other} said nothing"))
}

/// The row of the base call, and whether the probes can be judged against it.
#[must_use]
pub fn base(seen: Seen<'_>) -> (ProbeRow, bool) {
    let report = seen.report();
    let row = row("base call", "made a call without anything odd");
    match (absent(seen.plan, seen.facts), report.verdict) {
        (Some(reason), _) => (untested(row, reason), false),
        (None, VerdictWord::Passed) => (good(row, "every expectation held"), true),
        (None, VerdictWord::Failed) => {
            let failed = seen.failed().first().map_or_else(String::new, |verdict| observed(verdict));
            let finding = report.findings.first().map(|finding| finding.id.clone());
            (ProbeRow { findings: report.findings, ..wrong(row, failed, finding) }, false)
        }
        (None, _) => {
            let unknown = seen.verdicts.iter().find(|verdict| matches!(verdict.status, Status::Unknown(_)));
            let reason = unknown.map_or_else(|| "nothing was measured".to_owned(), observed);
            (untested(row, reason), false)
        }
    }
}

/// The row of a probe.
#[must_use]
pub fn judge(probe: Probe, seen: Seen<'_>, base: Seen<'_>) -> ProbeRow {
    let row = row(probe.name(), probe.did());
    let facts = seen.facts;
    if let Some(reason) = ours(facts) {
        return untested(row, reason);
    }
    if let Some(reason) = absent(seen.plan, facts) {
        return untested(row, reason);
    }
    let row = ProbeRow { findings: new_findings(seen, base), ..row };
    match probe {
        Probe::FollowUp => follow_up(row, seen, base),
        Probe::Reoffer | Probe::ExtraSection => renegotiated(row, seen, base),
        Probe::Streamless => streamless(row, seen, base),
        Probe::ListenFirst | Probe::EarlyCandidates | Probe::LateCandidates => checked(probe, row, seen),
        Probe::GlareYield | Probe::GlareInsist => {
            let good_row = |row| good(row, "the call came about all the same");
            kept(row, seen, base, Some("glare-rollback-unsupported"), good_row)
        }
        Probe::ConsentPause => paused(row, seen),
    }
}

/// The row of an app that has twice said nothing at all to the odd call, and has answered a good one between.
#[must_use]
pub fn mute(probe: Probe) -> ProbeRow {
    let text = "the app said nothing at all, twice, and answered a good call between".to_owned();
    wrong(row(probe.name(), probe.did()), text, Some("sig-no-answer".to_owned()))
}

/// An app that has left a call in which nothing was odd leaves because it is done.
#[must_use]
pub fn with_control(row: ProbeRow, control: Seen<'_>) -> ProbeRow {
    if !control.was_left() {
        return row;
    }
    untested(row, "the app ends a call of that length by itself".to_owned())
}

/// The row of a probe that was not made.
#[must_use]
pub fn not_run(probe: Probe, reason: impl Into<String>) -> ProbeRow {
    untested(row(probe.name(), probe.did()), reason.into())
}

/// The result where the room could not be joined, or no call could be made on this machine.
#[must_use]
pub fn unreachable(reason: &str) -> ProbeReport {
    let base = untested(row("base call", "made a call without anything odd"), reason.to_owned());
    let rest = Probe::ALL.iter().map(|probe| not_run(*probe, "the base call could not be made"));
    concluded([base].into_iter().chain(rest).collect(), None)
}

/// The result: what only makes sense of several rows together, and the verdict.
#[must_use]
pub fn concluded(mut probes: Vec<ProbeRow>, base: Option<CallReport>) -> ProbeReport {
    listened(&mut probes);
    yielded(&mut probes);
    let count = |outcome| probes.iter().skip(1).filter(|row| row.outcome == outcome).count();
    let (wrong, fine, unknown) =
        (count(ProbeOutcome::Wrong), count(ProbeOutcome::Ok), count(ProbeOutcome::NotTested));
    let base_row = probes.first();
    let is_base = |outcome| base_row.is_some_and(|row| row.outcome == outcome);
    let (verdict, reason) = if is_base(ProbeOutcome::Wrong) {
        let what = base_row.and_then(|row| row.seen.clone()).unwrap_or_default();
        (VerdictWord::Failed, format!("the base call failed, so nothing odd was tried: {what}"))
    } else if wrong > 0 {
        (VerdictWord::Failed, format!("{wrong} of {} probes show a fault of the app", wrong + fine + unknown))
    } else if fine == 0 {
        let why = base_row.and_then(|row| row.reason.clone());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        (VerdictWord::Unknown, format!("nothing was tested{why}"))
    } else {
        let rest = if unknown > 0 { format!(", {unknown} not tested") } else { String::new() };
        (VerdictWord::Passed, format!("{fine} probes ok{rest}"))
    };
    ProbeReport { schema_version: 1, kind: "probe", verdict, reason: Some(reason), probes, base }
}

/// What keeps us from judging.
fn ours(facts: &Facts) -> Option<String> {
    if facts.interrupted.is_some() {
        return Some("interrupted".to_owned());
    }
    if let Some(limit) = facts.engine_limits.first() {
        return Some(format!("a known fault of callcheck's engine showed: {}", limit.what));
    }
    if let Some(defect) = facts.tester_defects.first() {
        return Some(format!("callcheck did not follow its own model: {}", defect.what));
    }
    facts.room_lost.as_ref().map(|lost| format!("the room was lost: {}", lost.reason))
}

fn new_findings(seen: Seen<'_>, base: Seen<'_>) -> Vec<FindingReport> {
    let known: Vec<String> = base.report().findings.into_iter().map(|finding| finding.id).collect();
    let serious = |finding: &FindingReport| ["blocker", "major"].contains(&finding.severity.as_str());
    let found = seen.report().findings.into_iter();
    found.filter(|finding| serious(finding) && !known.contains(&finding.id)).collect()
}

fn follow_up(row: ProbeRow, seen: Seen<'_>, base: Seen<'_>) -> ProbeRow {
    let mut found = base.report().findings.into_iter().chain(seen.report().findings);
    if let Some(finding) = found.find(|finding| LATE_TRACKS.contains(&finding.id.as_str())) {
        let id = finding.id.clone();
        let seen = finding.observed.clone();
        return ProbeRow { findings: vec![finding], ..wrong(row, seen, Some(id)) };
    }
    let first = usize::from(seen.plan.leg.role == Role::Callee);
    let offers = offers(seen.facts, Side::Remote).count().saturating_sub(first);
    let text = match offers {
        0 => "no other offer came, and none was missed".to_owned(),
        count => format!("{count} more offers came, and nothing was missing before them"),
    };
    kept(row, seen, base, None, |row| good(row, &text))
}

/// Offers, as they were sent or came.
fn offers(facts: &Facts, side: Side) -> impl Iterator<Item = &Exchanged> {
    let offers = facts.own().history.of(side);
    offers.filter(|known| known.sdp_type == SdpType::Offer && known.signalled.is_some())
}

fn renegotiated(row: ProbeRow, seen: Seen<'_>, base: Seen<'_>) -> ProbeRow {
    let facts = seen.facts;
    let Some(offer) = offers(facts, Side::Local).last() else {
        return untested(row, "callcheck could not offer again".to_owned());
    };
    if offers(facts, Side::Local).count() <= offers(base.facts, Side::Local).count() {
        return untested(row, "the call was over before callcheck could offer again".to_owned());
    }
    let sent = offer.signalled.as_ref().map_or(0, |moment| moment.at_us);
    let after = |known: &&Exchanged| known.signalled.as_ref().is_some_and(|came| came.at_us > sent);
    let mut answers = facts.own().history.of(Side::Remote).filter(after);
    let answer = answers.find(|known| known.sdp_type != SdpType::Offer);
    match answer {
        None if seen.was_left() => {
            wrong(row, "the app ended the call".to_owned(), Some("sdp-second-offer-ignored".to_owned()))
        }
        None => {
            wrong(row, "the offer was not answered".to_owned(), Some("sdp-second-offer-ignored".to_owned()))
        }
        Some(answer) => match &answer.rejected {
            Some((_, error)) => {
                let id = row.findings.first().map(|finding| finding.id.clone());
                wrong(row, format!("the answer cannot be set: {error}"), id)
            }
            None => {
                let refused =
                    answer.sdp.sections.iter().skip(offers_before(base.facts)).any(|one| one.is_rejected());
                let text = if refused { "answered; the app takes nothing more" } else { "answered" };
                kept(row, seen, base, Some("sdp-second-offer-ignored"), |row| good(row, text))
            }
        },
    }
}

/// How many m-sections the base call had.
fn offers_before(base: &Facts) -> usize {
    base.own().last_answer().map_or(0, |answer| answer.sdp.sections.len())
}

fn streamless(row: ProbeRow, seen: Seen<'_>, base: Seen<'_>) -> ProbeRow {
    let row = kept(row, seen, base, None, |row| good(row, "the app reports the same tracks"));
    if row.outcome != ProbeOutcome::Ok {
        return row;
    }
    let (now, before) = (seen.facts.other(), base.facts.other());
    if !(now.known && before.known) {
        let reason = "the call held; whether the app shows a track without a stream cannot be seen from here";
        return untested(row, reason.to_owned());
    }
    if now.tracks().count() < before.tracks().count() {
        return wrong(row, "the app reports fewer tracks than in the base call".to_owned(), None);
    }
    row
}

/// Whether the app's own checks came, with none of ours to trigger them.
fn checked(probe: Probe, row: ProbeRow, seen: Seen<'_>) -> ProbeRow {
    if seen.facts.own().timing.answer.is_none() {
        return untested(row, "the call was not negotiated".to_owned());
    }
    let checks = seen.facts.own().history.checks.as_ref();
    let came = checks.map_or(0, |(_, checks)| checks.requests_received);
    match (came, probe) {
        (0, Probe::ListenFirst) => {
            let reason = "no check of the app came by itself: it loses our candidates, or nothing reaches us before we have sent";
            untested(row, reason.to_owned())
        }
        (0, Probe::EarlyCandidates) => {
            let text =
                "the app never checked our candidates: it loses those that come before the description";
            wrong(row, text.to_owned(), Some("ice-candidates-dropped-before-srd".to_owned()))
        }
        (0, _) => {
            let text = "the app never checked our candidates: it loses those that come late";
            wrong(row, text.to_owned(), Some("ice-peer-drops-our-candidates".to_owned()))
        }
        (count, _) => good(row, &format!("the app checked our candidates ({count} requests)")),
    }
}

fn paused(row: ProbeRow, seen: Seen<'_>) -> ProbeRow {
    let states = &seen.facts.own().states.ice;
    if !seen.facts.mistakes.contains("ice-transient-disconnect") {
        return untested(row, "the call was over before the pause".to_owned());
    }
    if seen.was_left() {
        let text = "the app ended the call when it heard nothing for a while".to_owned();
        return wrong(row, text, Some("end-closed-on-disconnected".to_owned()));
    }
    match states.last().map(|last| last.state) {
        Some(IceState::Connected | IceState::Completed) => good(row, "the call went on when we were back"),
        _ => {
            let reason = "ICE did not come back, and callcheck cannot tell whose fault that is";
            untested(row, reason.to_owned())
        }
    }
}

/// Good if nothing that held in the base call fails.
fn kept(
    row: ProbeRow,
    seen: Seen<'_>,
    base: Seen<'_>,
    id: Option<&str>,
    good: impl FnOnce(ProbeRow) -> ProbeRow,
) -> ProbeRow {
    let known: Vec<String> = base.failed().iter().map(|verdict| verdict.name()).collect();
    let failed = seen.failed();
    let mut failed = failed.iter().filter(|verdict| !known.contains(&verdict.name()));
    if let Some(first) = failed.next() {
        let id = row.findings.first().map(|finding| finding.id.clone()).or_else(|| id.map(str::to_owned));
        return wrong(row, observed(first), id);
    }
    let unknown = seen.verdicts.iter().find(|verdict| matches!(verdict.status, Status::Unknown(_)));
    match unknown {
        Some(verdict) => untested(row, observed(verdict)),
        None => good(row),
    }
}

/// What came of early and late candidates says nothing where candidates in their order are not checked either.
fn listened(probes: &mut [ProbeRow]) {
    let named = |probe: Probe| move |row: &ProbeRow| row.probe == probe.name();
    let control = probes.iter().find(|row| named(Probe::ListenFirst)(row));
    if control.is_none_or(|row| row.outcome == ProbeOutcome::Ok) {
        return;
    }
    let rows = probes
        .iter_mut()
        .filter(|row| named(Probe::EarlyCandidates)(row) || named(Probe::LateCandidates)(row));
    for row in rows.filter(|row| row.outcome == ProbeOutcome::Wrong) {
        let reason = "no check of the app came for candidates in their order either".to_owned();
        *row = untested(row.clone(), reason);
    }
}

/// Of two sides one must yield: an app that only ever keeps its offer, or only ever takes it back, is right.
fn yielded(probes: &mut [ProbeRow]) {
    let outcome = |probes: &[ProbeRow], probe: Probe| {
        probes.iter().find(|row| row.probe == probe.name()).map(|row| row.outcome)
    };
    for (probe, other) in [(Probe::GlareYield, Probe::GlareInsist), (Probe::GlareInsist, Probe::GlareYield)] {
        if outcome(probes, probe) != Some(ProbeOutcome::Wrong) {
            continue;
        }
        let verdict = outcome(probes, other);
        let Some(row) = probes.iter_mut().find(|row| row.probe == probe.name()) else { continue };
        match verdict {
            Some(ProbeOutcome::Ok) => {
                let role =
                    if probe == Probe::GlareYield { "takes its offer back" } else { "keeps its offer" };
                let text =
                    format!("no call: the app {role} as well, and one of both must do the other thing");
                *row = good(ProbeRow { findings: Vec::new(), finding: None, ..row.clone() }, &text);
            }
            Some(ProbeOutcome::NotTested) | None => {
                *row =
                    untested(row.clone(), "one of both must yield, and the other half was not tested".into());
            }
            Some(ProbeOutcome::Wrong) => {}
        }
    }
}

fn observed(verdict: &Verdict) -> String {
    format!("{}: {}", verdict.name(), verdict.observed)
}

fn row(probe: &str, did: &str) -> ProbeRow {
    ProbeRow {
        probe: probe.to_owned(),
        did: did.to_owned(),
        seen: None,
        outcome: ProbeOutcome::NotTested,
        reason: None,
        finding: None,
        findings: Vec::new(),
    }
}

fn good(row: ProbeRow, seen: &str) -> ProbeRow {
    ProbeRow { outcome: ProbeOutcome::Ok, seen: Some(seen.to_owned()), ..row }
}

fn wrong(row: ProbeRow, seen: String, finding: Option<String>) -> ProbeRow {
    ProbeRow { outcome: ProbeOutcome::Wrong, seen: Some(seen), finding, ..row }
}

fn untested(row: ProbeRow, reason: String) -> ProbeRow {
    let row = ProbeRow { seen: None, finding: None, findings: Vec::new(), ..row };
    ProbeRow { outcome: ProbeOutcome::NotTested, reason: Some(reason), ..row }
}
