//! Probes judged on timelines written by hand.

use super::*;
use crate::expect::judge as judged;
use crate::expect::testplan::plan as good_plan;
use crate::facts::Facts;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, good, sdp};
use crate::jsep::{Role, SdpType, Side};
use crate::plan::Plan;
use crate::timeline::{Capabilities, IceChecks, Kind, Signal};

struct Made {
    plan: Plan,
    facts: Facts,
    verdicts: Vec<crate::expect::Verdict>,
}

fn made(call: &TestCall) -> Made {
    let facts = call.facts();
    let plan = plan(None, &good_plan(facts.own), None);
    let verdicts = judged(&plan, &facts, true, facts.last_us);
    Made { plan, facts, verdicts }
}

fn seen(made: &Made) -> Seen<'_> {
    Seen { plan: &made.plan, facts: &made.facts, verdicts: &made.verdicts }
}

fn good_call() -> TestCall {
    good(Role::Caller).hung_up(Role::Caller)
}

/// The outcome and the finding of a probe whose call went so.
fn outcome(probe: Probe, call: &TestCall) -> (ProbeOutcome, Option<String>) {
    let (base, call) = (made(&good_call()), made(call));
    let row = judge(probe, seen(&call), seen(&base));
    (row.outcome, row.finding)
}

fn offered_again(call: TestCall) -> TestCall {
    let offer = sdp(SdpType::Offer, &BOTH_WAYS);
    let signal = Signal::Description { sdp_type: SdpType::Offer, sdp: format!("{offer}a=again\r\n") };
    call.after(1).with(Kind::SignalSent { seq: 20, signal })
}

fn answered_again(call: TestCall) -> TestCall {
    let answer = format!("{}a=again\r\n", sdp(SdpType::Answer, &BOTH_WAYS));
    let signal = Signal::Description { sdp_type: SdpType::Answer, sdp: answer.clone() };
    let set =
        Kind::DescriptionSet { side: Side::Remote, sdp_type: SdpType::Answer, sdp: answer, engine_sdp: None };
    call.after(1).with(Kind::SignalReceived { from: "callee".into(), seq: None, signal }).with(set)
}

fn wrong(id: &str) -> (ProbeOutcome, Option<String>) {
    (ProbeOutcome::Wrong, Some(id.to_owned()))
}

const OK: (ProbeOutcome, Option<String>) = (ProbeOutcome::Ok, None);
const NOT_TESTED: (ProbeOutcome, Option<String>) = (ProbeOutcome::NotTested, None);

#[test]
fn a_good_base_call_is_what_the_probes_are_judged_against() {
    let call = made(&good_call());
    let (row, is_good) = base(seen(&call));
    assert!(is_good, "{row:?}");
    let alone = made(&TestCall::joined(Role::Caller).after(70).ended("nobody"));
    let (row, is_good) = base(seen(&alone));
    assert!(!is_good && row.outcome == ProbeOutcome::NotTested);
    assert!(row.reason.as_deref().unwrap_or_default().starts_with("nobody came within"), "{row:?}");
    let silent = TestCall::joined(Role::Caller).met(CALLCHECK).offered().after(12).ended("no answer");
    let (row, is_good) = base(seen(&made(&silent)));
    assert!(!is_good && row.outcome == ProbeOutcome::NotTested, "{row:?}");
}

#[test]
fn a_second_offer_must_be_answered() {
    let again = || offered_again(good(Role::Caller));
    assert_eq!(outcome(Probe::Reoffer, &answered_again(again()).hung_up(Role::Caller)), OK);
    for call in [again().after(12).hung_up(Role::Caller), again().hung_up(Role::Callee)] {
        assert_eq!(outcome(Probe::Reoffer, &call), wrong("sdp-second-offer-ignored"));
    }
    // What was not done was not tested.
    assert_eq!(outcome(Probe::Reoffer, &good_call()), NOT_TESTED);
}

#[test]
fn checks_that_come_by_themselves_show_that_candidates_are_kept() {
    let with = |received: u64| {
        let checks = IceChecks { requests_received: received, ..IceChecks::default() };
        good(Role::Caller).with(Kind::IceChecks(checks)).hung_up(Role::Caller)
    };
    for (probe, none) in [
        (Probe::ListenFirst, NOT_TESTED),
        (Probe::EarlyCandidates, wrong("ice-candidates-dropped-before-srd")),
        (Probe::LateCandidates, wrong("ice-peer-drops-our-candidates")),
    ] {
        assert_eq!(outcome(probe, &with(3)), OK, "{probe:?}");
        assert_eq!(outcome(probe, &with(0)), none, "{probe:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_not_ok() {
    let stranger = TestCall::joined(Role::Caller).met(Capabilities::default()).offered().answered(&BOTH_WAYS);
    assert_eq!(outcome(Probe::Streamless, &good_call()), NOT_TESTED);
    let (code, _) = outcome(Probe::ConsentPause, &stranger.connected().after(20).ended("over"));
    assert_eq!(code, ProbeOutcome::NotTested);
}

#[test]
fn an_app_that_leaves_during_the_pause_is_told_so() {
    let away = Kind::Fault { id: "ice-transient-disconnect".into() };
    let call = |by| good(Role::Caller).with(away.clone()).after(9).hung_up(by);
    assert_eq!(outcome(Probe::ConsentPause, &call(Role::Callee)), wrong("end-closed-on-disconnected"));
    assert_eq!(outcome(Probe::ConsentPause, &call(Role::Caller)), OK);
}

#[test]
fn an_app_that_is_done_by_itself_is_not_blamed_for_leaving() {
    let row = row_of(Probe::ConsentPause, ProbeOutcome::Wrong);
    let leaves = made(&good(Role::Caller).hung_up(Role::Callee));
    assert_eq!(with_control(row.clone(), seen(&leaves)).outcome, ProbeOutcome::NotTested);
    assert_eq!(with_control(row, seen(&made(&good_call()))).outcome, ProbeOutcome::Wrong);
}

#[test]
fn a_fault_of_our_own_blames_nobody() {
    let limit = Kind::EngineLimit { limit: "x".into(), detail: "y".into() };
    let call = offered_again(good(Role::Caller)).with(limit).hung_up(Role::Callee);
    assert_eq!(outcome(Probe::Reoffer, &call), NOT_TESTED);
}

fn row_of(probe: Probe, outcome: ProbeOutcome) -> ProbeRow {
    let (seen, finding) = match outcome {
        ProbeOutcome::Wrong => (Some("the app did otherwise".to_owned()), Some("sig-no-answer".to_owned())),
        _ => (Some("the app did well".to_owned()), None),
    };
    ProbeRow { outcome, seen, finding, reason: None, ..not_run(probe, "") }
}

fn after_base(rows: Vec<ProbeRow>) -> ProbeReport {
    let (base, _) = base(seen(&made(&good_call())));
    concluded([vec![base], rows].concat(), None)
}

#[test]
fn one_of_two_sides_must_yield_and_a_control_must_hold() {
    use ProbeOutcome::{NotTested, Ok, Wrong};
    for (yielding, insisting, expected) in [
        (Ok, Ok, [Ok, Ok]),
        (Ok, Wrong, [Ok, Ok]),
        (Wrong, Ok, [Ok, Ok]),
        (Wrong, Wrong, [Wrong, Wrong]),
        (Wrong, NotTested, [NotTested, NotTested]),
    ] {
        let rows = vec![row_of(Probe::GlareYield, yielding), row_of(Probe::GlareInsist, insisting)];
        let report = after_base(rows);
        let outcomes: Vec<ProbeOutcome> = report.probes[1..].iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, expected);
    }
    let rows = vec![row_of(Probe::ListenFirst, NotTested), row_of(Probe::EarlyCandidates, Wrong)];
    let report = after_base(rows);
    assert_eq!((report.probes[2].outcome, report.verdict), (NotTested, VerdictWord::Unknown));
}

#[test]
fn the_verdict_is_that_of_the_rows() {
    use ProbeOutcome::{NotTested, Ok, Wrong};
    for (outcomes, verdict) in [
        (vec![Ok, NotTested], VerdictWord::Passed),
        (vec![Ok, Wrong], VerdictWord::Failed),
        (vec![NotTested, NotTested], VerdictWord::Unknown),
    ] {
        let probes = [Probe::Reoffer, Probe::ExtraSection];
        let rows = probes.into_iter().zip(outcomes).map(|(probe, outcome)| row_of(probe, outcome));
        assert_eq!(after_base(rows.collect()).verdict, verdict);
    }
    assert_eq!(unreachable("no room").verdict, VerdictWord::Unknown);
}

#[test]
fn the_table_fits_a_screen() {
    let rows = vec![
        row_of(Probe::FollowUp, ProbeOutcome::Ok),
        ProbeRow {
            seen: Some("the offer was not answered".into()),
            finding: Some("sdp-second-offer-ignored".into()),
            ..row_of(Probe::Reoffer, ProbeOutcome::Wrong)
        },
        not_run(Probe::EarlyCandidates, "nobody came within 10s: the callee said \u{1b}[31m nothing"),
    ];
    let text = table("demo", &after_base(rows), false);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn every_plan_does_something_odd_and_one_thing_only() {
    let base = good_plan(Role::Caller);
    let facts = good_call().facts();
    let quiet = plan(None, &base, None);
    for &probe in Probe::ALL {
        let odd = plan(Some(probe), &base, Some(&facts));
        assert_eq!((&odd.room, &odd.expectations), (&quiet.room, &quiet.expectations), "{probe:?}");
        let differs = odd.leg.faults != quiet.leg.faults
            || odd.leg.habits != quiet.leg.habits
            || odd.steps != quiet.steps
            || odd.leg.duration != quiet.leg.duration;
        assert!(differs, "{probe:?}");
    }
}

#[cfg(feature = "engine")]
#[test]
fn every_mistake_of_a_plan_exists() {
    let facts = good_call().facts();
    for &probe in Probe::ALL {
        for planned in plan(Some(probe), &good_plan(Role::Caller), Some(&facts)).leg.faults {
            assert!(crate::fault::fault(planned.id).is_some(), "{}", planned.id);
        }
    }
}
