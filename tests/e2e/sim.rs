//! `callcheck sim`, and networks that are bad on purpose.

use callcheck::timeline::{Kind, Timeline};

use crate::good_calls::assert_stamped;
use crate::harness::{free_room, one_call_at_a_time, run, start};

#[test]
fn a_simulated_call_passes_and_tells_of_both_sides() {
    let ended =
        run(&["sim", "--json"]).exits(0).says(&["PASSED", "seed 1", "of both sides held", "192.0.2.1"]);
    assert_stamped(&ended.report());
    run(&["sim", "-v"]).exits(0).says(&["caller:1 ", "callee:1 ", "description-set"]);
}

#[test]
fn the_founding_bug_is_seen_without_a_second_terminal() {
    let ended = run(&["sim", "--json", "--callee", "--attach add-transceiver --renegotiate no"]).exits(1);
    let report = ended.says(&["failed tracks", "is recvonly", "failed callee.sends"]).report();
    assert_eq!(report["calls"][0]["peers"].as_array().unwrap().len(), 2);
    run(&["sim", "--callee", "--attach add-transceiver"]).exits(0);
    // What is expected of one side is not expected of the other.
    let bug = ["sim", "--callee", "--attach add-transceiver --renegotiate no"];
    run(&[&bug[..], &["--expect", "caller.tracks=none", "--expect", "callee.sends=none"]].concat()).exits(0);
}

#[test]
fn two_processes_write_the_same_file_and_another_seed_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let record = |name: &str, seed: &str| {
        let path = folder.path().join(name);
        let network = "loss=5%,jitter=30ms,reorder=1%";
        run(&["sim", "--network", network, "--seed", seed, "--record", &path.display().to_string()]).exits(0);
        std::fs::read_to_string(path).unwrap()
    };
    let first = record("a", "7");
    assert_eq!(record("b", "7"), first);
    assert_ne!(record("c", "8"), first);
    let timeline = Timeline::parse(&first).unwrap();
    assert_eq!((timeline.header.clock.as_str(), timeline.header.seed), ("virtual", 7));
    assert_eq!(timeline.header.legs.unwrap().len(), 2);
    assert!(timeline.events.is_sorted_by_key(|event| event.at_us));
    assert!(timeline.events.iter().any(|event| matches!(event.kind, Kind::Impairment(_))));
}

#[test]
fn seeds_that_fail_are_grouped_and_can_be_replayed() {
    let all = run(&["sim", "--seeds", "1..40", "--duration", "100ms", "--json"]).exits(0);
    let exploration = all.says(&["PASSED", "all 40 seeds", "calls a second"]).report()["exploration"].clone();
    assert_eq!((&exploration["played"], &exploration["passed"]), (&40.into(), &40.into()));

    // DTLS is not spared, so some handshakes die of it.
    let bad = ["sim", "--network", "loss=30%,dtls", "--duration", "100ms"];
    let some = run(&[&bad[..], &["--seeds", "1..30", "--json"]].concat());
    // Where anything failed that outweighs what could not be measured.
    assert!(matches!(some.code, Some(1 | 3)), "{:?}", some.code);
    let report = some.says(&["of 30 seeds passed", "replay callcheck sim"]).report();
    let groups = report["exploration"]["groups"].as_array().unwrap();
    let limit =
        groups.iter().find(|group| group["cause"] == "engine-limit: dtls-handshake-under-loss").unwrap();
    let seed = limit["seeds"][0].to_string();
    let replay = format!("callcheck sim --network 'loss=30%,dtls' --duration 100ms --json --seed {seed}");
    assert_eq!(limit["replay"], replay);
    let again = run(&shlex(&replay)).exits(3);
    let call = report["calls"].as_array().unwrap().iter().find(|call| call["name"] == format!("seed {seed}"));
    assert_eq!(Some(&again.report()["calls"][0]), call);
}

/// The arguments of a line that was printed for a shell; only this one's quotes.
fn shlex(line: &str) -> Vec<&str> {
    line.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect()
}

#[test]
fn an_exploration_that_is_interrupted_reports_what_it_has() {
    let mut exploring = start(&free_room(), &["sim", "--seeds", "1..1000000", "-v", "--json"]);
    exploring.says("seed 5: passed");
    exploring.signal("INT");
    let ended = exploring.end().exits(130);
    let exploration = ended.says(&["INTERRUPTED", "that were played passed"]).report()["exploration"].clone();
    assert_eq!(exploration["groups"], serde_json::json!([]));
    let played = exploration["played"].as_u64().unwrap();
    assert!((2..1_000_000).contains(&played), "{played}");
}

#[test]
fn a_call_on_the_real_clock_runs_in_one_process() {
    let _turn = one_call_at_a_time();
    let ended = run(&["sim", "--clock", "real", "--duration", "1s", "--json"]).exits(0);
    assert_stamped(&ended.report());
}

#[test]
fn the_network_of_one_process_is_bad_in_both_directions() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("caller.jsonl").display().to_string();
    let mut answering = start(&room, &["answer", "demo", "--json"]);
    answering.says("hosting room demo");
    let bad = ["--network", "loss=5%,delay=20ms", "--duration", "2s", "--record", &record];
    let calling = start(&room, &[&["call", "demo", "--json"], &bad[..]].concat()).end().exits(0);
    let report = calling.says(&["on purpose, of", "datagrams that the caller sent"]).report();
    answering.end().exits(0);
    let rtt = report["calls"][0]["peers"][0]["selected_pair"]["rtt_ms"].as_f64().unwrap();
    assert!(rtt >= 40.0, "20 ms each way: {rtt}");
    let timeline = Timeline::parse(&std::fs::read_to_string(&record).unwrap()).unwrap();
    let last = timeline.events.iter().rev().find_map(|event| match &event.kind {
        Kind::Impairment(rows) => Some(rows.clone()),
        _ => None,
    });
    let lost: u64 = last.unwrap().iter().map(|row| row.lost).sum();
    assert!(lost > 0);
}

#[test]
fn a_block_ends_a_call_and_is_told_as_ours() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let mut answering = start(&room, &["answer", "demo", "--timeout", "2s"]);
    answering.says("hosting room demo");
    let calling =
        start(&room, &["call", "demo", "--network-caller", "block", "--timeout", "2s"]).end().exits(1);
    calling.says(&["never connected", "on purpose, of", "blocked"]);
    answering.end().exits(1);
}
