//! How long a call is waited for: until nothing can bring what is missing, and no longer.

use std::time::Duration;

use callcheck::expect::Status;
use callcheck::jsep::{Role, SdpType, Side};
use callcheck::plan::{AttachAt, FaultPlan, Plan, Subject};
use callcheck::runner::Played;
use callcheck::sim::{Outcome, SimCall};

use crate::calls::{among_others, call, faults, played};

/// The call in which the callee makes that mistake.
fn faulty(id: &'static str) -> SimCall {
    call(|plan| {
        if plan.leg.role == Role::Callee {
            plan.leg.faults.push(FaultPlan { id, time: None });
        }
    })
}

/// The callee attaches too late and never offers.
fn late_track(change: fn(&mut Plan)) -> SimCall {
    call(|plan| match plan.leg.role {
        Role::Callee => {
            plan.leg.habits.attach_at = AttachAt::AfterAnswer;
            plan.leg.habits.renegotiate = false;
        }
        Role::Caller => change(plan),
    })
}

fn outcome(call: &SimCall) -> Outcome {
    let _machine = among_others();
    played(call, 1)
}

fn ids(call: &SimCall, outcome: &Outcome) -> Vec<&'static str> {
    let context = callcheck::diagnose::Context::of_plan(&call.caller);
    callcheck::diagnose::diagnose(&context, &outcome.caller.facts, true).ids().collect()
}

fn ended(played: &Played) -> &str {
    played.facts.ended.as_ref().map_or("", |ended| ended.reason.as_str())
}

fn local_offers(played: &Played) -> usize {
    let own = played.facts.own();
    own.descriptions
        .iter()
        .filter(|known| (known.side, known.sdp_type) == (Side::Local, SdpType::Offer))
        .count()
}

#[test]
fn an_answer_that_is_refused_for_a_certain_reason_is_not_waited_for_any_longer() {
    let outcome = outcome(&faulty("sdp-mline-count"));
    assert!(ended(&outcome.caller).contains("(sdp-mline-count)"), "{}", ended(&outcome.caller));
    let follow_up = Duration::from_secs(5);
    assert!(
        outcome.took > follow_up && outcome.took < follow_up + Duration::from_secs(2),
        "{:?}",
        outcome.took
    );
    let verdict = outcome.caller.verdicts.iter().find(|verdict| verdict.subject == Subject::Tracks).unwrap();
    assert_eq!(verdict.status, Status::Failed);
    assert!(verdict.observed.starts_with("the callee answered, and its answer was rejected"), "{verdict:?}");
}

#[test]
fn a_call_whose_sections_are_all_rejected_ends_when_nothing_follows() {
    let mut call = faulty("sdp-mline-rejected");
    for plan in [&mut call.caller, &mut call.callee] {
        plan.leg.send.retain(|track| track.kind == callcheck::jsep::MediaKind::Video);
        plan.leg.receive = vec![callcheck::jsep::MediaKind::Video];
    }
    let outcome = outcome(&call);
    assert!(ended(&outcome.caller).contains("(sdp-mline-rejected)"), "{}", ended(&outcome.caller));
    assert!(outcome.took < Duration::from_secs(7), "{:?}", outcome.took);
}

#[test]
fn a_missing_track_is_waited_for_as_long_as_the_plan_says() {
    let mut times = Vec::new();
    for seconds in [2, 9] {
        let mut call = late_track(|_| {});
        call.caller.leg.follow_up = Duration::from_secs(seconds);
        call.callee.leg.follow_up = call.caller.leg.follow_up;
        let outcome = outcome(&call);
        assert_eq!(ids(&call, &outcome), ["sdp-track-added-after-answer"], "{seconds}");
        times.push(outcome.took);
    }
    let longer = times[1].saturating_sub(times[0]);
    assert!(longer > Duration::from_secs(6) && longer < Duration::from_secs(8), "{times:?}");
}

#[test]
fn an_offer_of_ours_tells_a_late_track_and_heals_nothing() {
    let call = late_track(|plan| plan.leg.probe_reoffer = true);
    let outcome = outcome(&call);
    assert_eq!(local_offers(&outcome.caller), 2);
    assert_eq!(ids(&call, &outcome), ["sdp-track-added-after-answer"]);
    let verdict = outcome.caller.verdicts.iter().find(|verdict| verdict.subject == Subject::Tracks).unwrap();
    assert_eq!(verdict.status, Status::Failed);
    assert!(verdict.observed.ends_with("it came when callcheck offered once more"), "{verdict:?}");
}

#[test]
fn nobody_is_offered_twice_where_nothing_is_missing_or_the_cause_is_plain() {
    for call in [call(|plan| plan.leg.probe_reoffer = true), {
        let mut call = faulty("sdp-mline-rejected");
        call.caller.leg.probe_reoffer = true;
        call
    }] {
        assert_eq!(local_offers(&outcome(&call).caller), 1);
    }
    let good = call(|plan| plan.leg.probe_reoffer = true);
    assert_eq!(faults(&outcome(&good)), Vec::<String>::new());
}
