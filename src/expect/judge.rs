//! From demands and facts to verdicts: the order of judging, and what makes a verdict unknown.

use super::demand::{Check, Demand, expectations};
use super::verdict::{Settles, Status, Verdict};
use super::{measure, media, states};
use crate::diagnose::{Context, diagnose};
use crate::facts::{Facts, TesterFault};
use crate::jsep::{Role, SdpType};
use crate::plan::{Op, Plan, Subject, Value};

/// What looking at one demand shows, before it is known whether looking later could show something else.
pub(super) struct Look {
    /// Whether the demand holds now; None if nothing was measured.
    pub(super) holds: Option<bool>,
    /// What is seen.
    pub(super) observed: String,
    /// The events that show it.
    pub(super) evidence: Vec<String>,
    /// Nothing that happens later can change it.
    pub(super) is_final: bool,
}

impl Look {
    pub(super) fn new(holds: bool, observed: impl Into<String>) -> Self {
        Self { holds: Some(holds), observed: observed.into(), evidence: Vec::new(), is_final: false }
    }

    pub(super) fn unmeasured(observed: impl Into<String>) -> Self {
        Self { holds: None, observed: observed.into(), evidence: Vec::new(), is_final: false }
    }

    pub(super) fn citing<'a>(mut self, ids: impl IntoIterator<Item = &'a String>) -> Self {
        self.evidence.extend(ids.into_iter().cloned());
        self
    }

    pub(super) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }
}

/// Judges every demand of the plan. `ended` says that the call is over, so that nothing more will come; `now_us` is
/// the time of the timeline, for what people are told about waiting.
///
/// While the call runs, what could still change is [`Status::Unknown`]. A demand that does not apply to this call
/// (stamps of a peer that does not announce any) has no verdict.
#[must_use]
pub fn judge(plan: &Plan, facts: &Facts, ended: bool, now_us: u64) -> Vec<Verdict> {
    // Without an answer, nothing can follow a peer that is gone.
    let gone = facts.vanished().is_some() && !facts.answered();
    let ended = ended || gone || facts.ended.is_some() || facts.interrupted.is_some();
    let demands = expectations(plan);
    demands.iter().filter_map(|demand| verdict(plan, facts, demand, ended, now_us)).collect()
}

/// What was found wrong: names of findings, with the events that show them. The faults of callcheck and of its engine
/// come first, then those of the call.
#[must_use]
pub fn findings(plan: &Plan, facts: &Facts, ended: bool) -> Vec<(&'static str, Vec<String>)> {
    let limits = facts.engine_limits.iter().map(|fault| ("engine-limit", vec![fault.id.clone()]));
    let defects = facts.tester_defects.iter().map(|fault| ("tester-defect", vec![fault.id.clone()]));
    let diagnosed = diagnose(&Context::of_plan(plan), facts, ended).findings;
    let diagnosed = diagnosed.into_iter().map(|finding| (finding.id, finding.evidence));
    limits.chain(defects).chain(diagnosed).collect()
}

fn verdict(plan: &Plan, facts: &Facts, demand: &Demand, ended: bool, now_us: u64) -> Option<Verdict> {
    let look = excuse(facts, demand, look(plan, facts, demand, ended)?);
    let status = match (look.holds, ended || look.is_final) {
        (Some(true), true) => Status::Passed,
        (Some(true), false) => Status::Unknown(Settles::AtEnd),
        (Some(false), true) => Status::Failed,
        (None, true) => Status::Unknown(Settles::Never),
        // The other side's view comes with its report, at the end.
        (_, false) if demand.of == Some(facts.own.other()) => Status::Unknown(Settles::AtEnd),
        (_, false) => Status::Unknown(Settles::MayHold),
    };
    let (status, observed) =
        obstacle(plan, facts, demand, now_us, status, ended).unwrap_or((status, look.observed));
    Some(Verdict {
        of: demand.of,
        subject: demand.subject,
        status,
        expected: expected(demand),
        observed,
        evidence: look.evidence,
    })
}

fn look(plan: &Plan, facts: &Facts, demand: &Demand, over: bool) -> Option<Look> {
    let Some(role) = demand.of else { return Some(finding(plan, facts, demand, over)) };
    let peer = facts.peer(role);
    if !peer.known {
        return Some(Look::unmeasured(format!("the {role} did not report what it saw")));
    }
    Some(match (&demand.check, demand.subject) {
        (Check::Sends(kinds), _) => media::sends_each(peer, kinds),
        (Check::SentBeforeHold(kinds), _) => media::sent_before_hold(peer, kinds),
        (Check::RemoteCandidates, _) => measure::remote_candidates(peer),
        (Check::Stamps, _) => media::stamps(facts, peer)?,
        (Check::CleanHangUp, _) => states::clean_hang_up(facts, over)?,
        (Check::SendrecvEverywhere, _) => media::sendrecv_everywhere(peer),
        (Check::Compare(op, value), subject) => compare(facts, over, role, subject, *op, value),
    })
}

fn compare(facts: &Facts, over: bool, role: Role, subject: Subject, op: Op, value: &Value) -> Look {
    let peer = facts.peer(role);
    match (subject, value) {
        (Subject::Tracks, Value::Kinds(kinds)) => media::tracks(facts, peer, op, kinds),
        (Subject::Sends, Value::Kinds(kinds)) => media::sends(peer, op, kinds),
        (_, Value::Path(words)) => states::path(peer, subject, op, words),
        (_, Value::Types(types)) => measure::types(peer, subject, op, types),
        (Subject::Transceivers, Value::Transceivers(rows)) => media::transceivers(peer, op, rows),
        (Subject::Hangup, Value::Word(word)) => states::hang_up(facts, over, op, word),
        (Subject::Pair | Subject::PairLocal | Subject::PairRemote, Value::Word(word)) => {
            measure::pair(peer, subject, op, word)
        }
        (_, Value::Word(word)) => states::state(peer, subject, op, word),
        (_, Value::Number(number)) => measure::number(peer, subject, op, *number),
        _ => Look::unmeasured("cannot be compared"),
    }
}

fn finding(plan: &Plan, facts: &Facts, demand: &Demand, over: bool) -> Look {
    if !over {
        // The next event may tell more; and to diagnose at each event takes a square of them.
        return Look::unmeasured("diagnosed when the call is over");
    }
    let found = findings(plan, facts, over);
    let Check::Compare(op, Value::Word(word)) = &demand.check else {
        return Look::unmeasured("cannot be compared");
    };
    let names: Vec<&str> = found.iter().map(|(id, _)| *id).collect();
    let (holds, observed) = was_found(*op, word, &names);
    Look::new(holds, observed).citing(found.iter().flat_map(|(_, ids)| ids))
}

/// Whether what was found is as demanded: a finding, or `none`; and what was found, for people.
#[must_use]
pub fn was_found(op: Op, wanted: &str, found: &[&str]) -> (bool, String) {
    let has = if wanted == "none" { found.is_empty() } else { found.contains(&wanted) };
    let mut names = found.to_vec();
    names.dedup();
    let observed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    (has == (op == Op::Eq), observed)
}

/// The engine's and our own faults make what they touch unknown.
fn excuse(facts: &Facts, demand: &Demand, look: Look) -> Look {
    let defect = facts.tester_defects.iter().find(|_| measure::defect_touches(demand.subject));
    let limit = facts
        .engine_limits
        .iter()
        .find(|limit| look.holds != Some(true) && limits(facts, limit, demand.subject));
    let (fault, what) = match (defect, limit) {
        (Some(defect), _) => (defect, "callcheck itself did not follow its model"),
        (None, Some(limit)) => (limit, "a known limit of callcheck's WebRTC engine"),
        (None, None) => return look,
    };
    Look::unmeasured(format!("{}; not judged: {what} ({}: {})", look.observed, fault.what, fault.detail))
        .citing([&fault.id])
}

/// A call that was hung up because of a limit was not hung up by an application.
fn limits(facts: &Facts, limit: &TesterFault, subject: Subject) -> bool {
    let hung_up = facts.hang_up.as_ref().is_some_and(|hang_up| hang_up.by == limit.by);
    measure::limit_touches(&limit.what, subject) || (subject == Subject::Hangup && hung_up)
}

/// What kept the call from being tested or from happening, where that says more than the demand itself.
fn obstacle(
    plan: &Plan,
    facts: &Facts,
    demand: &Demand,
    now_us: u64,
    status: Status,
    ended: bool,
) -> Option<(Status, String)> {
    if !ended || status == Status::Passed || demand.subject == Subject::Finding {
        return None;
    }
    let other = facts.own.other();
    if !facts.both_met() {
        let text = match (&facts.interrupted, &facts.room_lost) {
            (Some(_), _) => format!("interrupted before the {other} joined"),
            (_, Some(lost)) => format!("the room was lost before the {other} joined: {}", lost.reason),
            _ => format!("the {other} did not join within {}", seconds(plan.leg.wait.as_secs_f64())),
        };
        return Some((Status::Unknown(Settles::Never), text));
    }
    if facts.interrupted.is_some() {
        let text =
            format!("interrupted {} into the run, before this was settled", seconds(now_us as f64 / 1e6));
        return Some((Status::Unknown(Settles::Never), text));
    }
    if facts.answered() || demand.subject == Subject::Hangup {
        return None;
    }
    if let Some(lost) = &facts.room_lost {
        let text = format!("the room was lost before the answer: {}", lost.reason);
        return Some((Status::Unknown(Settles::Never), text));
    }
    (status == Status::Failed || demand.of == Some(facts.own))
        .then(|| (Status::Failed, unanswered(plan, facts)))
}

/// Why there is no answer.
fn unanswered(plan: &Plan, facts: &Facts) -> String {
    let other = facts.own.other();
    let rejected = facts
        .own()
        .rejected
        .last()
        .map(|(sdp_type, error)| format!("; the {sdp_type} was rejected: {error}"));
    if let Some(left) = facts.vanished() {
        return format!("the {other} left before the answer ({})", left.reason)
            + &rejected.unwrap_or_default();
    }
    if let Some((SdpType::Answer | SdpType::Pranswer, error)) = facts.own().rejected.last() {
        return format!("the {other} answered, and its answer was rejected: {error}");
    }
    let limit = seconds(plan.leg.answer_timeout.as_secs_f64());
    let missing = match facts.own {
        Role::Caller => format!("the callee joined but did not answer within {limit}"),
        Role::Callee if facts.own().timing.zero.is_none() => {
            format!("the caller joined but made no offer within {limit}")
        }
        Role::Callee => "the offer came but could not be answered".to_owned(),
    };
    missing + &rejected.unwrap_or_default()
}

fn expected(demand: &Demand) -> String {
    match &demand.check {
        Check::Compare(op, value) => measure::stated(demand.subject, *op, value),
        Check::Sends(kinds) => media::kinds_text(kinds),
        Check::SentBeforeHold(kinds) => format!("{} before the hold", media::kinds_text(kinds)),
        Check::RemoteCandidates => "at least one, trickled or in a description".into(),
        Check::Stamps => "the peer's stamps on every remote track".into(),
        Check::CleanHangUp => "clean".into(),
        Check::SendrecvEverywhere => "sendrecv/sendrecv everywhere".into(),
    }
}

/// `60 s`, `0.8 s`.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 && seconds.fract() != 0.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::testplan::expecting;
    use crate::facts::testcall::missing_video;

    #[test]
    fn what_was_diagnosed_can_be_expected() {
        let facts = missing_video().hung_up(Role::Caller).facts();
        for (text, status) in [
            ("finding=sdp-answer-without-track", Status::Passed),
            ("finding!=sdp-answer-without-track", Status::Failed),
            ("finding=sdp-msid-absent", Status::Failed),
            ("finding=none", Status::Failed),
        ] {
            let verdicts = judge(&expecting(Role::Caller, &[text]), &facts, true, facts.last_us);
            let verdict = verdicts.iter().find(|verdict| verdict.subject == Subject::Finding).unwrap();
            assert_eq!(verdict.status, status, "{text}");
            assert_eq!(verdict.observed, "sdp-answer-without-track");
            assert!(!verdict.evidence.is_empty());
        }
    }
}
