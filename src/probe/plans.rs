//! The plans of the probes: the base plan with one odd thing in it.

use std::time::Duration;

use super::Probe;
use crate::facts::Facts;
use crate::jsep::{MediaKind, SdpType, Side};
use crate::plan::{CallAct, CallStep, FaultPlan, OWN_STREAM, Operation, Plan, Streams};

/// How long media runs where nothing odd takes its time.
const SHORT: Duration = Duration::from_secs(1);
/// An app that has answered the base call answers every other one within this, and what the base call took.
const PATIENCE: Duration = Duration::from_secs(7);
/// How long we listen for checks.
const LISTEN: Duration = Duration::from_secs(4);
/// When our side goes away, and until when it is seen whether the app bears that.
const AWAY_AFTER: Duration = Duration::from_secs(2);
const AWAY_UNTIL_SEEN: Duration = Duration::from_secs(14);

/// Why that probe says nothing of this app; none if it does. `base` is the base call.
#[must_use]
pub fn not_applicable(probe: Probe, plan: &Plan, base: &Facts) -> Option<String> {
    let own = base.own();
    let mut theirs = own.history.of(Side::Remote);
    match probe {
        Probe::Reoffer | Probe::ExtraSection if !plan.leg.habits.renegotiate => {
            Some("by the dialect only the caller offers again".to_owned())
        }
        Probe::EarlyCandidates | Probe::LateCandidates if !plan.leg.trickle => {
            Some("candidates stand in the description here".to_owned())
        }
        Probe::ListenFirst | Probe::EarlyCandidates | Probe::LateCandidates
            if theirs.any(|known| known.sdp.ice_lite) =>
        {
            Some("the app is ICE lite, and sends no checks".to_owned())
        }
        Probe::GlareYield | Probe::GlareInsist if !theirs.any(|known| known.sdp_type == SdpType::Offer) => {
            Some(
                "the app made no offer that ours could cross; `callcheck answer` meets its first one"
                    .to_owned(),
            )
        }
        _ => None,
    }
}

/// The plan of a probe. `base` is that of the base call, and `facts` are what came of it; without them, the plan of the base
/// call itself.
#[must_use]
pub fn plan(probe: Option<Probe>, base: &Plan, facts: Option<&Facts>) -> Plan {
    let mut plan = base.clone();
    plan.retries = 0;
    plan.leg.duration = Some(SHORT);
    let (Some(probe), Some(facts)) = (probe, facts) else { return plan };
    let timing = &facts.own().timing;
    let took = timing.first_frame.unwrap_or_default().saturating_sub(timing.zero.unwrap_or_default());
    let patience = PATIENCE + Duration::from_micros(took);
    plan.leg.answer_timeout = plan.leg.answer_timeout.min(patience);
    plan.leg.timeout = plan.leg.timeout.min(patience);
    let fault = |id, time| FaultPlan { id, time };
    match probe {
        Probe::FollowUp => plan.leg.duration = Some(plan.leg.follow_up),
        Probe::Reoffer => steps(&mut plan, Operation::Offer),
        Probe::ExtraSection => {
            let streams = vec![OWN_STREAM.to_owned()];
            let (kind, direction) = (MediaKind::Video, None);
            steps(&mut plan, Operation::AddTransceiver { kind, with_track: true, direction, streams });
        }
        Probe::Streamless => plan.leg.habits.streams = Streams::None,
        Probe::ListenFirst | Probe::EarlyCandidates | Probe::LateCandidates => {
            plan.leg.faults.push(fault("probe-listen-first", None));
            match probe {
                Probe::EarlyCandidates => plan.leg.faults.push(fault("probe-early-candidates", None)),
                Probe::LateCandidates => plan.leg.faults.push(fault("probe-late-candidates", None)),
                _ => {}
            }
            plan.leg.timeout = LISTEN;
            plan.leg.duration = Some(Duration::from_millis(100));
        }
        Probe::GlareYield | Probe::GlareInsist => {
            plan.leg.faults.push(fault("glare-both-offers", None));
            plan.leg.habits.polite = probe == Probe::GlareYield;
        }
        Probe::ConsentPause => {
            plan.leg.faults.push(fault("ice-transient-disconnect", Some(AWAY_AFTER)));
            plan.leg.duration = Some(AWAY_UNTIL_SEEN);
            // Nothing comes while we are away.
            plan.leg.timeout = base.leg.timeout.max(AWAY_UNTIL_SEEN);
        }
    }
    plan
}

/// The plan of a call in which nothing is odd and that is as long as the one that the app has left.
#[must_use]
pub fn control(base: &Plan, left: &Facts) -> Plan {
    let timing = &left.own().timing;
    let lasted = left.last_us.saturating_sub(timing.answer.unwrap_or(left.last_us));
    let mut plan = plan(None, base, None);
    plan.leg.duration = Some(Duration::from_micros(lasted) + SHORT);
    plan
}

/// What is done once media had a moment to flow.
fn steps(plan: &mut Plan, operation: Operation) {
    let acts = [CallAct::Wait(SHORT), CallAct::Operate(operation)];
    let step = |(index, act)| CallStep {
        number: index + 1,
        who: Some(plan.leg.role),
        act,
        settles: true,
        rejected: None,
    };
    plan.steps = acts.into_iter().enumerate().map(step).collect();
}
