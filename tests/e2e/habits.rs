//! What applications do: how they attach their tracks, negotiate again, hold and resume, and meet each other's offers.

use callcheck::jsep::{Role, SdpType};
use callcheck::signaling::Signal;
use callcheck::timeline::{Kind, Timeline};
use serde_json::Value;

use crate::between::{Gate, assert_good, play_gated};
use crate::good_calls::assert_stamped;
use crate::harness::{Ended, free_room, one_call_at_a_time, start};

/// A call between two applications with these habits. The caller's end and the callee's.
fn call(caller: &[&str], callee: &[&str]) -> (Ended, Ended) {
    let room = free_room();
    let mut answering = start(&room, &[&["answer", "demo", "--json"], callee].concat());
    answering.says("hosting room demo");
    let calling = start(&room, &[&["call", "demo", "--json", "--duration", "1s"], caller].concat());
    (calling.end(), answering.end())
}

/// `mid kind direction/current` of one side's transceivers.
fn transceivers(report: &Value, role: &str) -> Vec<String> {
    let peers = report["calls"][0]["peers"].as_array().unwrap();
    let peer = peers.iter().find(|peer| peer["role"] == role).expect("both sides are known");
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        let [mid, kind] = [&row["mid"], &row["kind"]].map(word);
        let [direction, current] = [&row["direction"], &row["current_direction"]].map(word);
        format!("{mid} {kind} {direction}/{current}")
    };
    peer["transceivers"].as_array().unwrap().iter().map(row).collect()
}

const FOUNDING_BUG: [&str; 4] = ["--attach", "add-transceiver", "--renegotiate", "no"];

#[test]
fn the_founding_bug_is_seen_by_the_caller() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("caller.jsonl").display().to_string();
    let (caller, callee) = call(&["--record", &record], &FOUNDING_BUG);
    let caller = caller.exits(1).says(&["failed tracks", "m-section 0 (audio) is recvonly"]);
    callee.exits(1).says(&["failed sends"]);
    let report = caller.report();
    assert_eq!(transceivers(&report, "caller"), ["0 audio sendrecv/sendonly", "1 video sendrecv/sendonly"]);
    assert_eq!(
        transceivers(&report, "callee"),
        [
            "- audio sendrecv/-",
            "- video sendrecv/-",
            "0 audio recvonly/recvonly",
            "1 video recvonly/recvonly"
        ]
    );
    let own = &report["calls"][0]["peers"][0];
    assert_eq!(own["states"]["connection"].as_array().unwrap().last().unwrap(), "connected");
    let timeline = Timeline::parse(&std::fs::read_to_string(&record).unwrap()).unwrap();
    let answers = timeline.events.iter().filter_map(|event| match &event.kind {
        Kind::DescriptionSet { sdp_type: SdpType::Answer, sdp, .. } => Some(sdp),
        _ => None,
    });
    let answers: Vec<&String> = answers.collect();
    assert_eq!(answers.len(), 1);
    assert!(answers[0].contains("a=recvonly") && !answers[0].contains("a=msid:"), "{}", answers[0]);
    assert!(!timeline.events.iter().any(|event| matches!(event.kind, Kind::Track { .. })), "no ontrack");
}

#[test]
fn a_second_offer_of_the_callee_heals_it() {
    let _turn = one_call_at_a_time();
    let (caller, callee) = call(&["--expect", "negotiations=2"], &FOUNDING_BUG[..2]);
    let (caller, callee) = (caller.exits(0), callee.exits(0));
    assert_stamped(&caller.report());
    assert_stamped(&callee.report());
    let tracks = &caller.report()["calls"][0]["peers"][0]["tracks"];
    let mids: Vec<&str> =
        tracks.as_array().unwrap().iter().map(|track| track["mid"].as_str().unwrap()).collect();
    assert_eq!(mids, ["2", "3"]);
}

#[test]
fn every_way_to_attach_ends_as_it_must() {
    let _turn = one_call_at_a_time();
    let no = ["--renegotiate", "no"];
    let reuse_late = ["--attach", "reuse", "--attach-at", "after-answer"];
    let by_kind = ["--association", "by-kind"];
    for (caller, callee, exits) in [
        (&[][..], &["--attach", "reuse"][..], (0, 0)),
        (&[], &["--attach-at", "after-offer"], (0, 0)),
        (&[], &["--attach-at", "after-answer"], (0, 0)),
        (&[], &reuse_late, (0, 0)),
        (&[], &[&FOUNDING_BUG[..], &by_kind].concat(), (0, 0)),
        (&["--attach", "add-transceiver"], &no, (0, 0)),
        (&["--attach", "reuse"], &[], (0, 0)),
        (&["--attach-at", "after-answer"], &[], (0, 0)),
        (&["--direction", "audio=sendonly"], &["--expect", "sends=video"], (0, 0)),
        (&[], &["--attach", "replace-only"], (1, 1)),
        (&[], &["--attach", "none"], (1, 0)),
        (&[], &[&reuse_late[..], &no].concat(), (1, 1)),
    ] {
        let (calling, answering) = call(caller, callee);
        let found = (calling.code, answering.code);
        assert_eq!(
            found,
            (Some(exits.0), Some(exits.1)),
            "call {caller:?}, answer {callee:?}\n{}\n{}",
            calling.stderr,
            answering.stderr
        );
    }
}

#[test]
fn streams_are_as_they_were_given() {
    let _turn = one_call_at_a_time();
    for (habits, streams) in [
        (&["--attach", "reuse"][..], 1),
        (&["--attach", "reuse", "--streams", "none"], 0),
        (&["--streams", "none"], 0),
        (&["--streams", "set"], 1),
        (&[], 1),
    ] {
        let (caller, callee) = call(&[], habits);
        callee.exits(0);
        for track in caller.exits(0).report()["calls"][0]["peers"][0]["tracks"].as_array().unwrap() {
            assert_eq!(track["streams"].as_array().unwrap().len(), streams, "{habits:?}: {track}");
        }
    }
}

#[test]
fn a_second_round_waits_for_an_answer_that_waits_for_its_candidates() {
    let _turn = one_call_at_a_time();
    for habit in ["--attach=add-transceiver", "--attach-at=after-answer"] {
        let (caller, callee) = call(&[], &["--trickle=no", habit]);
        assert_stamped(&caller.exits(0).report());
        assert_stamped(&callee.exits(0).report());
    }
}

#[test]
fn media_comes_again_after_a_hold_of_either_side() {
    let _turn = one_call_at_a_time();
    let hold = ["--hold", "600ms", "--resume", "1200ms", "--expect", "negotiations=3"];
    for (caller, callee) in [(&hold[..], &[][..]), (&[], &hold)] {
        let (caller, callee) = call(caller, callee);
        assert_stamped(&caller.exits(0).report());
        assert_stamped(&callee.exits(0).report());
    }
}

#[test]
fn a_call_that_ends_on_hold_is_no_failure_of_anybody() {
    let _turn = one_call_at_a_time();
    for (caller, callee) in [(&["--hold", "800ms"][..], &[][..]), (&[], &["--hold", "800ms"])] {
        let (caller, callee) = call(caller, callee);
        callee.exits(0);
        let report = caller.exits(0).report();
        assert!(transceivers(&report, "caller").iter().all(|row| row.ends_with("/inactive")), "{report}");
    }
}

#[test]
fn ice_restarts_and_repeated_offers_keep_the_media() {
    let _turn = one_call_at_a_time();
    let busy = [
        "--hold=300ms",
        "--resume=600ms",
        "--restart-ice=900ms",
        "--hold=1200ms",
        "--resume=1500ms",
        "--restart-ice=1800ms",
        "--expect=negotiations=7",
    ];
    for (caller, callee) in
        [(&busy[..], &[][..]), (&[], &busy), (&["--restart-ice=500ms"], &["--trickle=no"])]
    {
        let (caller, callee) = call(caller, callee);
        assert_stamped(&caller.exits(0).report());
        assert_stamped(&callee.exits(0).report());
    }
}

/// Lets the first offer pass. Of the later ones, whoever offers first is held back with all that it says until the
/// other side has offered too: so both offers are open when they arrive.
fn colliding() -> Gate {
    let (mut offers, mut held) = (0, Vec::<(Role, Signal)>::new());
    Box::new(move |role, signal| {
        let is_offer = matches!(signal, Signal::Description { sdp_type: SdpType::Offer, .. });
        offers += u32::from(is_offer);
        match (offers, is_offer, held.first().map(|(from, _)| *from)) {
            (2, true, None) => held.push((role, signal)),
            (2, _, Some(from)) if from == role => held.push((role, signal)),
            (3, true, Some(_)) => {
                held.push((role, signal));
                return std::mem::take(&mut held);
            }
            _ => return vec![(role, signal)],
        }
        Vec::new()
    })
}

#[test]
fn glare_is_resolved_whoever_is_polite() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let act = ["--restart-ice=700ms", "--expect=negotiations>=2"];
    for (index, (polite_caller, polite_callee)) in [("no", "yes"), ("yes", "no")].into_iter().enumerate() {
        let record = |role: &str| folder.path().join(format!("{role}-{index}.jsonl")).display().to_string();
        let (ours, theirs) = (record("caller"), record("callee"));
        let caller = [&act[..], &["--polite", polite_caller, "--record", &ours, "--duration=2s"]].concat();
        let callee = [&act[..], &["--polite", polite_callee, "--record", &theirs]].concat();
        let (caller, callee) = play_gated(&caller, &callee, colliding());
        assert_good(caller);
        assert_good(callee);
        let ignored = |path: &str| {
            let timeline = Timeline::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
            let is_note = |kind: &Kind| matches!(kind, Kind::Note(note) if note.contains("ignores it"));
            timeline.events.iter().filter(|event| is_note(&event.kind)).count()
        };
        let expected = if polite_caller == "no" { (1, 0) } else { (0, 1) };
        assert_eq!((ignored(&ours), ignored(&theirs)), expected, "the impolite side ignores one offer");
    }
}
