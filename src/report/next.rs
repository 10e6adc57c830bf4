//! What to do next, for the person who reads a verdict that is not good.

use super::model::{CallReport, ExpectationStatus, VerdictWord};
use crate::facts::{Facts, PeerFacts};
use crate::jsep::{IceState, Role};
use crate::plan::Plan;

/// The next step; nothing after a pass and after an interruption.
pub(super) fn next_step(plan: &Plan, facts: &Facts, call: &CallReport) -> Option<String> {
    if facts.interrupted.is_some() || matches!(call.verdict, VerdictWord::Passed | VerdictWord::Skipped) {
        return None;
    }
    if call.verdict == VerdictWord::Flaky {
        return Some("find out what differed with --record; --flaky-ok lets a later pass count".into());
    }
    if !facts.both_met() {
        return Some(join(plan, facts));
    }
    if let Some(step) = on_purpose(facts) {
        return Some(step);
    }
    if !facts.engine_limits.is_empty() && plan.room.url.is_empty() {
        return Some("try another --seed; with --record the timeline shows what was lost".into());
    }
    if !facts.engine_limits.is_empty() {
        return Some("try again with --retry 2; the fault is known and comes and goes".into());
    }
    if !facts.tester_defects.is_empty() {
        return Some("please report this as a defect of callcheck, with the file of --record".into());
    }
    broken_layer(facts, call)
}

/// Whoever breaks the network on purpose is told so before anything else is looked for.
fn on_purpose(facts: &Facts) -> Option<String> {
    let lost = |peer: &PeerFacts| {
        peer.impaired.iter().map(|row| row.lost + row.blocked + row.oversized + row.overflowed).sum::<u64>()
    };
    let lost = lost(facts.own()) + lost(facts.other());
    (lost > 0).then(|| {
        format!(
            "{lost} datagrams were lost on purpose; see how the call goes without --network before you look elsewhere"
        )
    })
}

fn join(plan: &Plan, facts: &Facts) -> String {
    if facts.room_lost.is_some() {
        return format!("see whether the room server at {} still runs", plan.room.url);
    }
    let command = plan.room.other_command(facts.own);
    let or_the_app = if plan.room.dialect.is_some() { ", or the app" } else { "" };
    format!("start the other side: {command}{or_the_app}; --wait gives it more time")
}

/// The first layer that did not come up says where to look.
fn broken_layer(facts: &Facts, call: &CallReport) -> Option<String> {
    let (own, other) = (facts.own(), facts.own.other());
    let lost_from_sight = facts.room_lost.is_some() || facts.other().presence.left.is_some();
    let gone_quiet = own.states.ice.last().is_some_and(|last| last.state == IceState::Disconnected);
    if facts.vanished().is_some() || (lost_from_sight && gone_quiet) {
        return Some(format!("look at the log of the {other}: it went away without hanging up"));
    }
    if !facts.answered() {
        return Some(match facts.own {
            Role::Caller => {
                "see whether the callee gets the offer, sets it, and sends its answer; -v shows all signals"
                    .into()
            }
            Role::Callee => "see whether the caller makes an offer and sends it; -v shows all signals".into(),
        });
    }
    if own.timing.ice.is_none() {
        let step =
            "see whether UDP passes between both sides; if it cannot, give both a TURN server (--ice-server)";
        return Some(step.into());
    }
    if own.timing.dtls.is_none() {
        return Some(
            "see whether something on the path drops DTLS, and whether the fingerprints are untouched".into(),
        );
    }
    let failed = |subject: &str| {
        call.expectations.iter().any(|row| {
            row.status == ExpectationStatus::Failed && row.subject == format!("{}.{subject}", facts.own)
        })
    };
    if failed("tracks") {
        return Some(tracks(facts));
    }
    Some("record the call with --record call.jsonl and read what happened".into())
}

fn tracks(facts: &Facts) -> String {
    let kinds: Vec<&str> = facts.own().tracks().filter_map(|(_, mid)| Some(mid.kind?.as_str())).collect();
    let stated = if kinds.is_empty() { "none".to_owned() } else { kinds.join(",") };
    format!(
        "see how the {} attaches what is missing before it negotiates; if that is meant to be so, state it: \
         --expect tracks={stated}",
        facts.own.other(),
    )
}
