//! Truth tables: for each demand, the calls in which it passes, fails and cannot be known.

use std::time::Duration;

use proptest::prelude::*;

use super::testplan::{expecting, plan};
use super::*;
use crate::facts::Facts;
use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall, candidate, good, missing_video, row};
use crate::facts::tests::any_timeline;
use crate::jsep::{Direction, DtlsState, IceState, MediaKind, Role};
use crate::plan::{Act, Later, Plan, Subject};
use crate::timeline::{CandidatePair, Capabilities, InboundMedia, Kind, Proof};

const PASSED: Status = Status::Passed;
const FAILED: Status = Status::Failed;
const NEVER: Status = Status::Unknown(Settles::Never);
const AT_END: Status = Status::Unknown(Settles::AtEnd);
const MAY_HOLD: Status = Status::Unknown(Settles::MayHold);

/// A browser behind some app: no stamps, and it leaves without a word.
const BROWSER: Capabilities = Capabilities { stamps: false, end_of_call: false };

fn ended(plan: &Plan, call: &TestCall) -> Vec<Verdict> {
    let facts = call.facts();
    judge(plan, &facts, true, facts.last_us)
}

fn running(plan: &Plan, call: &TestCall) -> Vec<Verdict> {
    let facts = call.facts();
    judge(plan, &facts, false, facts.last_us)
}

fn of(verdicts: &[Verdict], name: &str) -> Option<Status> {
    verdicts.iter().find(|verdict| verdict.name() == name).map(|verdict| verdict.status)
}

fn observed(verdicts: &[Verdict], name: &str) -> String {
    verdicts.iter().find(|verdict| verdict.name() == name).expect(name).observed.clone()
}

/// The status of one stated expectation of the caller at the end of a call.
fn stated(text: &str, call: &TestCall) -> Status {
    let plan = expecting(Role::Caller, &[text]);
    let stated = &plan.expectations[0];
    let found = ended(&plan, call);
    let verdict = found.iter().find(|verdict| verdict.of == stated.of && verdict.subject == stated.subject);
    verdict.unwrap_or_else(|| panic!("{text} has a verdict")).status
}

fn caller_to(peer: Capabilities) -> TestCall {
    TestCall::joined(Role::Caller).met(peer).offered().answered(&BOTH_WAYS)
}

fn both_kinds() -> [(&'static str, MediaKind); 2] {
    [("0", MediaKind::Audio), ("1", MediaKind::Video)]
}

#[test]
fn a_good_call_passes_every_default() {
    for role in [Role::Caller, Role::Callee] {
        let verdicts = ended(&plan(role), &good(role).hung_up(Role::Caller));
        assert_eq!(verdicts.len(), 7);
        assert!(verdicts.iter().all(|verdict| verdict.status == PASSED), "{verdicts:#?}");
        assert!(verdicts.iter().filter(|v| v.subject == Subject::Tracks).all(|v| !v.evidence.is_empty()));
    }
}

/// Nothing is waited for any more.
fn verified(verdicts: &[Verdict]) -> bool {
    awaited(verdicts).next().is_none()
}

/// Every verdict is final.
fn settled(verdicts: &[Verdict]) -> bool {
    !verdicts
        .iter()
        .any(|verdict| matches!(verdict.status, Status::Unknown(Settles::AtEnd | Settles::MayHold)))
}

#[test]
fn while_the_call_runs_nothing_that_can_change_is_settled() {
    let verdicts = running(&plan(Role::Caller), &good(Role::Caller));
    assert!(verified(&verdicts) && !settled(&verdicts));
    assert_eq!(of(&verdicts, "caller.tracks"), Some(AT_END));
    // A later video track could still come, or come too many.
    let verdicts = running(&plan(Role::Caller), &missing_video());
    assert!(!verified(&verdicts) && !settled(&verdicts));
    assert_eq!(of(&verdicts, "caller.tracks"), Some(MAY_HOLD));
    let verdicts = running(&expecting(Role::Caller, &["tracks=audio"]), &missing_video());
    assert_eq!(of(&verdicts, "caller.tracks"), Some(AT_END));
    assert!(verified(&verdicts));
    // The other side's view comes with its report at the end, so that nobody waits for it.
    let verdicts = running(&expecting(Role::Caller, &["callee.tracks=audio"]), &good(Role::Caller));
    assert_eq!(of(&verdicts, "callee.tracks"), Some(AT_END));
    assert!(verified(&verdicts));
    // Figures come with the media that follows.
    let verdicts = running(&expecting(Role::Caller, &["frames>=1000"]), &good(Role::Caller));
    assert_eq!(of(&verdicts, "caller.frames"), Some(MAY_HOLD));
    assert!(verified(&verdicts));
    assert!(settled(&ended(&plan(Role::Caller), &good(Role::Caller).hung_up(Role::Caller))));
}

#[test]
fn a_missing_track_names_the_answers_direction() {
    let call = missing_video().hung_up(Role::Caller);
    let verdicts = ended(&plan(Role::Caller), &call);
    assert_eq!(of(&verdicts, "caller.tracks"), Some(FAILED));
    assert_eq!(
        observed(&verdicts, "caller.tracks"),
        "audio only; the answer's m-section 1 (video) is recvonly, so the callee does not send video"
    );
    let failed = verdicts.iter().filter(|verdict| verdict.status != PASSED).count();
    assert_eq!(failed, 1);
    assert_eq!(stated("tracks=audio", &call), PASSED);
    assert_eq!(stated("tracks!=audio", &call), FAILED);
    assert_eq!(stated("tracks=video", &call), FAILED);
    assert_eq!(stated("tracks=none", &call), FAILED);
    let any = ended(&expecting(Role::Caller, &["tracks=any"]), &call);
    assert_eq!(of(&any, "caller.tracks"), None);
}

#[test]
fn tracks_need_proof() {
    let audio = "0";
    let rtp = |call: TestCall| call.with(Kind::FirstRtp { mid: audio.into(), kind: MediaKind::Audio });
    let proven = |call: TestCall, proof| call.media(&[(audio, MediaKind::Audio)], proof);
    let wrong = |call: TestCall| {
        call.with(Kind::MediaWrong {
            mid: audio.into(),
            kind: MediaKind::Audio,
            wrong: "our own echo".into(),
        })
    };
    let base = |peer| caller_to(peer).connected();
    for (case, call, status) in [
        ("stamped by callcheck", proven(base(CALLCHECK), Proof::Stamped), PASSED),
        ("decoded only, though it stamps", proven(base(CALLCHECK), Proof::Decoded), FAILED),
        ("decoded by a browser's", proven(base(BROWSER), Proof::Decoded), PASSED),
        ("packets that nobody could judge", rtp(base(BROWSER)), NEVER),
        ("packets without stamps, though it stamps", rtp(base(CALLCHECK)), FAILED),
        ("an echo", wrong(proven(base(CALLCHECK), Proof::Stamped)), FAILED),
        ("nothing", base(CALLCHECK), FAILED),
    ] {
        assert_eq!(stated("tracks=audio", &call.hung_up(Role::Callee)), status, "{case}");
    }
}

#[test]
fn sends_needs_a_current_direction_that_sends() {
    for (answer, default, exactly_audio) in [
        (Direction::Sendrecv, PASSED, FAILED),
        (Direction::Recvonly, PASSED, FAILED),
        (Direction::Sendonly, FAILED, PASSED),
        (Direction::Inactive, FAILED, PASSED),
    ] {
        let sections = [(MediaKind::Audio, Direction::Sendrecv), (MediaKind::Video, answer)];
        let call =
            TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&sections).hung_up(Role::Caller);
        assert_eq!(of(&ended(&plan(Role::Caller), &call), "caller.sends"), Some(default), "{answer}");
        assert_eq!(stated("sends=audio", &call), exactly_audio, "{answer}");
    }
}

#[test]
fn ice_comes_up_legally_and_stays_up() {
    use IceState::{Checking, Completed, Connected, Disconnected, Failed};
    for (path, status) in [
        (&[Checking, Connected][..], PASSED),
        (&[Checking, Completed], PASSED),
        (&[Checking, Connected, Disconnected, Connected], PASSED),
        (&[Checking, Connected, Disconnected], FAILED),
        (&[Checking, Failed], FAILED),
        (&[], FAILED),
        // Our own states: never the peer's fault.
        (&[Connected], NEVER),
    ] {
        let call = path.iter().fold(caller_to(CALLCHECK), |call, &state| call.with(Kind::IceState(state)));
        let call = call.hung_up(Role::Caller).with(Kind::IceState(IceState::Closed));
        assert_eq!(of(&ended(&plan(Role::Caller), &call), "caller.ice"), Some(status), "{path:?}");
        let failed = if path.last() == Some(&Failed) { PASSED } else { FAILED };
        assert_eq!(stated("ice=failed", &call), failed, "{path:?}");
    }
}

#[test]
fn dtls_is_connected_until_hang_up() {
    for (path, status) in [
        (&[DtlsState::Connecting, DtlsState::Connected][..], PASSED),
        (&[DtlsState::Connecting], FAILED),
        (&[DtlsState::Connecting, DtlsState::Failed], FAILED),
    ] {
        let call = path.iter().fold(caller_to(CALLCHECK), |call, &state| call.with(Kind::DtlsState(state)));
        assert_eq!(of(&ended(&plan(Role::Caller), &call.hung_up(Role::Caller)), "caller.dtls"), Some(status));
    }
}

#[test]
fn remote_candidates_must_come() {
    let none = caller_to(CALLCHECK).hung_up(Role::Caller);
    assert_eq!(of(&ended(&plan(Role::Caller), &none), "caller.candidates.received"), Some(FAILED));
    let some = caller_to(CALLCHECK).connected().hung_up(Role::Caller);
    assert_eq!(of(&ended(&plan(Role::Caller), &some), "caller.candidates.received"), Some(PASSED));
}

#[test]
fn hang_up_is_clean_where_the_peer_announces_it() {
    let hangup = |call: TestCall| of(&ended(&plan(Role::Caller), &call), "caller.hangup");
    assert_eq!(hangup(good(Role::Caller).hung_up(Role::Callee)), Some(PASSED));
    assert_eq!(hangup(good(Role::Caller).hung_up(Role::Caller)), Some(PASSED));
    assert_eq!(hangup(good(Role::Caller).hung_up_early(Role::Callee)), Some(FAILED));
    assert_eq!(hangup(good(Role::Caller).left("connection lost").ended("the callee is gone")), Some(FAILED));
    assert_eq!(hangup(good(Role::Caller).ended("media was not verified in time")), Some(PASSED));
    let browser =
        caller_to(BROWSER).connected().media(&both_kinds(), Proof::Decoded).left("left").ended("left");
    assert_eq!(hangup(browser), None);
    let lost = good(Role::Caller).with(Kind::RoomLost { reason: "reset".into() }).ended("done");
    assert_eq!(hangup(lost), None);
}

#[test]
fn a_browser_that_leaves_ends_the_call_in_order() {
    let call = caller_to(BROWSER)
        .connected()
        .media(&both_kinds(), Proof::Decoded)
        .left("left")
        .with(Kind::IceState(IceState::Disconnected))
        .ended("the callee left");
    let verdicts = ended(&plan(Role::Caller), &call);
    assert!(verdicts.iter().all(|verdict| verdict.status == PASSED), "{verdicts:#?}");
}

#[test]
fn nobody_there_is_not_a_failure() {
    let call = TestCall::joined(Role::Caller).ended("nobody joined");
    let verdicts = ended(&plan(Role::Caller), &call);
    assert!(verdicts.iter().all(|verdict| verdict.status == NEVER), "{verdicts:#?}");
    assert_eq!(observed(&verdicts, "caller.tracks"), "the callee did not join within 60 s");
}

#[test]
fn never_answered_is_a_failure_that_says_so() {
    let met = TestCall::joined(Role::Caller).met(CALLCHECK);
    let verdicts = ended(&plan(Role::Caller), &met.offered().ended("no answer"));
    assert_eq!(of(&verdicts, "caller.tracks"), Some(FAILED));
    assert_eq!(observed(&verdicts, "caller.ice"), "the callee joined but did not answer within 60 s");
    let met = TestCall::joined(Role::Callee).met(CALLCHECK);
    let verdicts = ended(&plan(Role::Callee), &met.ended("no offer"));
    assert_eq!(observed(&verdicts, "callee.tracks"), "the caller joined but made no offer within 60 s");
    assert_eq!(of(&verdicts, "callee.tracks"), Some(FAILED));
}

#[test]
fn a_peer_that_leaves_before_the_answer_settles_everything() {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered().left("connection lost");
    let verdicts = running(&plan(Role::Caller), &call);
    assert!(settled(&verdicts));
    assert_eq!(observed(&verdicts, "caller.tracks"), "the callee left before the answer (connection lost)");
    assert_eq!(of(&verdicts, "caller.tracks"), Some(FAILED));
}

#[test]
fn a_lost_room_before_the_answer_is_nobodys_failure() {
    let call = TestCall::joined(Role::Caller).met(CALLCHECK).offered();
    let call = call.with(Kind::RoomLost { reason: "reset".into() }).ended("the room is gone");
    let verdicts = ended(&plan(Role::Caller), &call);
    assert_eq!(of(&verdicts, "caller.tracks"), Some(NEVER));
    assert_eq!(observed(&verdicts, "caller.tracks"), "the room was lost before the answer: reset");
}

#[test]
fn an_interruption_fails_nothing() {
    let call = missing_video().with(Kind::Interrupted).ended("interrupted");
    assert_eq!(of(&ended(&plan(Role::Caller), &call), "caller.tracks"), Some(NEVER));
}

#[test]
fn faults_of_the_engine_and_of_callcheck_blame_nobody() {
    let limit = Kind::EngineLimit { limit: "dtls-handshake-under-loss".into(), detail: "lost".into() };
    let call = caller_to(CALLCHECK).with(limit).hung_up(Role::Caller);
    let verdicts = ended(&plan(Role::Caller), &call);
    assert_eq!(of(&verdicts, "caller.dtls"), Some(NEVER));
    assert_eq!(of(&verdicts, "caller.tracks"), Some(NEVER));
    // ICE stands below DTLS, so that the limit explains nothing there.
    assert_eq!(of(&verdicts, "caller.ice"), Some(FAILED));
    let defect = Kind::TesterDefect { what: "direction".into(), expected: "a".into(), observed: "b".into() };
    let verdicts = ended(&plan(Role::Caller), &good(Role::Caller).with(defect).hung_up(Role::Caller));
    assert_eq!(of(&verdicts, "caller.tracks"), Some(NEVER));
    assert_eq!(of(&verdicts, "caller.hangup"), Some(PASSED));
}

#[test]
fn findings_are_expectations_like_any_other() {
    let clean = good(Role::Caller).hung_up(Role::Caller);
    let limit = Kind::EngineLimit { limit: "dtls".into(), detail: "lost".into() };
    let limited = good(Role::Caller).with(limit).hung_up(Role::Caller);
    for (text, clean_status, limited_status) in [
        ("finding=none", PASSED, FAILED),
        ("finding!=none", FAILED, PASSED),
        ("finding=engine-limit", FAILED, PASSED),
        ("finding=tester-defect", FAILED, FAILED),
    ] {
        assert_eq!(stated(text, &clean), clean_status, "{text}");
        assert_eq!(stated(text, &limited), limited_status, "{text}");
    }
}

#[test]
fn strict_demands_sendrecv_everywhere_and_no_finding() {
    let strict = Plan { strict: true, ..plan(Role::Caller) };
    let verdicts = ended(&strict, &good(Role::Caller).hung_up(Role::Caller));
    assert_eq!(of(&verdicts, "caller.transceivers"), Some(PASSED));
    assert_eq!(of(&verdicts, "finding"), Some(PASSED));
    let verdicts = ended(&strict, &missing_video().hung_up(Role::Caller));
    assert_eq!(of(&verdicts, "caller.transceivers"), Some(FAILED));
}

#[test]
fn the_transceiver_table_is_exact() {
    let call = missing_video().hung_up(Role::Caller);
    for (text, status) in [
        ("transceivers=0 audio sendrecv/sendrecv, 1 video sendrecv/sendonly", PASSED),
        ("transceivers=0 audio sendrecv/sendrecv, 1 video sendrecv/-", FAILED),
        ("transceivers=0 audio sendrecv/sendrecv", FAILED),
        ("transceivers!=0 audio sendrecv/sendrecv", PASSED),
        ("transceivers=none", FAILED),
    ] {
        assert_eq!(stated(text, &call), status, "{text}");
    }
    let unassociated = TestCall::joined(Role::Caller).met(CALLCHECK).offered().answered(&BOTH_WAYS);
    let rows = vec![crate::timeline::TransceiverRow {
        mid: None,
        ..row("", MediaKind::Audio, Direction::Sendrecv, None)
    }];
    let call = unassociated.with(Kind::Transceivers(rows)).hung_up(Role::Caller);
    assert_eq!(stated("transceivers=- audio sendrecv/-", &call), PASSED);
}

#[test]
fn numbers_are_compared_on_every_track() {
    let call = good(Role::Caller).hung_up(Role::Caller);
    for (text, status) in [
        ("frames>=250", PASSED),
        ("frames>250", FAILED),
        ("packets=500", PASSED),
        ("stamped>=50", PASSED),
        ("loss<1%", PASSED),
        ("loss=0%", FAILED),
        ("latency.p95<100ms", PASSED),
        ("latency.p50<2ms", FAILED),
        ("latency.max<=9ms", PASSED),
        ("freezes=0", PASSED),
        ("bitrate>=100kbps", PASSED),
        ("bitrate>=1Mbps", FAILED),
        ("rtt<1ms", PASSED),
        ("time.connected<500ms", PASSED),
        ("time.answer<1ms", FAILED),
        ("time.first_frame<1s", PASSED),
        ("negotiations=1", PASSED),
        ("candidates.sent>=1", PASSED),
        ("candidates.received=0", FAILED),
        ("signaling=stable", PASSED),
        ("gathering=complete", PASSED),
        ("connection=connected", PASSED),
        ("connection!=connected", FAILED),
    ] {
        assert_eq!(stated(text, &call), status, "{text}");
    }
    // One silent m-section that may receive has 0 frames.
    let silent = caller_to(CALLCHECK).connected().media(&[("0", MediaKind::Audio)], Proof::Stamped);
    assert_eq!(stated("frames>=50", &silent.hung_up(Role::Caller)), FAILED);
}

#[test]
fn what_was_not_measured_is_unknown() {
    let call = caller_to(CALLCHECK).hung_up(Role::Caller);
    for text in [
        "latency.p95<100ms",
        "loss<1%",
        "rtt<1s",
        "time.connected>1s",
        "pair=host",
        "frames>=1",
        "bitrate>1kbps",
    ] {
        assert_eq!(stated(text, &call), NEVER, "{text}");
    }
    assert_eq!(stated("callee.tracks=audio", &good(Role::Caller).hung_up(Role::Caller)), NEVER);
    // What never happened was not in time either.
    assert_eq!(stated("time.connected<1s", &call), FAILED);
}

#[test]
fn the_other_side_is_judged_by_its_report() {
    let call = missing_video().with(good(Role::Callee).reported()).hung_up(Role::Caller);
    assert_eq!(stated("callee.tracks=audio,video", &call), PASSED);
    assert_eq!(stated("callee.tracks=audio", &call), FAILED);
    assert_eq!(stated("callee.ice=connected", &call), PASSED);
}

#[test]
fn a_pair_counts_as_what_was_signalled() {
    let pair = |local: &str, remote: &str| {
        Kind::SelectedPair(CandidatePair {
            local: candidate("10.0.0.1:1", local),
            remote: candidate("10.0.0.2:5000", remote),
            rtt_ms: None,
        })
    };
    // The peer signalled 10.0.0.2:5000 as a host candidate.
    let call =
        |local, remote| caller_to(CALLCHECK).connected().with(pair(local, remote)).hung_up(Role::Caller);
    for (text, local, remote, status) in [
        ("pair=relay", "relay", "host", PASSED),
        ("pair=relay", "host", "relay", PASSED),
        ("pair=relay", "host", "host", FAILED),
        ("pair=host", "srflx", "prflx", PASSED),
        ("pair.remote=host", "srflx", "prflx", FAILED),
        ("pair.remote=prflx", "srflx", "prflx", PASSED),
        ("pair.local=srflx", "srflx", "host", PASSED),
    ] {
        assert_eq!(stated(text, &call(local, remote)), status, "{text} over {local} to {remote}");
    }
}

#[test]
fn a_stated_subject_replaces_its_default_on_its_own_side_only() {
    let names = |texts: &[&str]| -> Vec<String> {
        let demands = expectations(&expecting(Role::Caller, texts));
        demands.iter().map(|demand| demand.subject.name().to_owned()).collect()
    };
    assert_eq!(names(&[]).len(), 7);
    assert_eq!(names(&["tracks=audio"]).len(), 7);
    assert_eq!(names(&["tracks=any", "ice=failed"]).len(), 6);
    assert_eq!(names(&["callee.tracks=audio"]).len(), 8);
    assert_eq!(names(&["frames>=1", "frames<9"]).len(), 9);
}

proptest! {
    #[test]
    fn any_timeline_is_judged_and_settled_at_its_end(events in any_timeline()) {
        let mut facts = Facts::new(Role::Caller);
        let every: Vec<&str> = crate::plan::SUBJECTS.iter().map(|row| row.example).collect();
        for plan in [plan(Role::Caller), expecting(Role::Caller, &every)] {
            for event in &events {
                facts.apply(event);
                let _ = judge(&plan, &facts, false, facts.last_us);
            }
            prop_assert!(settled(&judge(&plan, &facts, true, facts.last_us)));
        }
    }
}

/// The two rows of a call that was negotiated both ways, with this direction and current direction.
fn rows_with(direction: Direction, current: Direction) -> Kind {
    Kind::Transceivers(
        both_kinds().iter().map(|(mid, kind)| row(mid, *kind, direction, Some(current))).collect(),
    )
}

#[test]
fn a_hold_is_no_failure_to_send_where_the_plan_or_the_other_side_holds() {
    let held_by_other = || good(Role::Caller).with(rows_with(Direction::Sendrecv, Direction::Inactive));
    let held_by_us = || good(Role::Caller).with(rows_with(Direction::Inactive, Direction::Inactive));
    let found = ended(&plan(Role::Caller), &held_by_other());
    assert_eq!(of(&found, "caller.sends"), Some(PASSED));
    assert!(observed(&found, "caller.sends").contains("the callee holds audio and video"));
    assert_eq!(of(&ended(&plan(Role::Caller), &held_by_us()), "caller.sends"), Some(FAILED));
    let mut holding = plan(Role::Caller);
    holding.leg.habits.later = vec![Later { after: Duration::from_secs(1), act: Act::Hold }];
    assert_eq!(of(&ended(&holding, &held_by_us()), "caller.sends"), Some(PASSED));
    // What was never sent is not held.
    let never = caller_to(CALLCHECK).with(rows_with(Direction::Sendrecv, Direction::Recvonly));
    let mut nothing_sent = never.facts();
    nothing_sent.caller.sent.clear();
    let verdicts = judge(&plan(Role::Caller), &nothing_sent, true, nothing_sent.last_us);
    assert_eq!(of(&verdicts, "caller.sends"), Some(FAILED));
}

#[test]
fn a_track_that_fires_again_must_bring_packets_again() {
    let again = |packets: u64| {
        let fire = Kind::Track { mid: "0".into(), kind: MediaKind::Audio, streams: Vec::new() };
        let inbound = vec![InboundMedia {
            mid: "0".into(),
            kind: Some(MediaKind::Audio),
            packets,
            ..InboundMedia::default()
        }];
        let sample = |inbound: Vec<InboundMedia>| Kind::Media { outbound: Vec::new(), inbound };
        let before = vec![InboundMedia { packets: 100, ..inbound[0].clone() }];
        good(Role::Caller).with(sample(before)).with(fire).with(sample(inbound))
    };
    assert_eq!(of(&ended(&plan(Role::Caller), &again(100)), "caller.tracks"), Some(FAILED));
    assert_eq!(of(&ended(&plan(Role::Caller), &again(130)), "caller.tracks"), Some(PASSED));
}
