//! Peers that go away, by a signal or without a word, at each phase; and rooms that do.

use std::time::{Duration, Instant};

use callcheck::timeline::Timeline;

use crate::harness::{Process, callcheck, free_room, one_call_at_a_time, serve, start};

/// Both connected and sending.
fn connected(room: &str, caller: &[&str], callee: &[&str]) -> (Process, Process) {
    let mut callee = start(room, &[&["answer", "demo"], callee].concat());
    callee.says("hosting room demo");
    let mut caller = start(room, &[&["call", "demo"], caller].concat());
    caller.says("connected in");
    callee.says("connected in");
    (caller, callee)
}

#[test]
fn nobody_comes_and_that_is_not_a_failed_call() {
    let ended = start(&free_room(), &["call", "demo", "--wait", "300ms", "--json"]).end().exits(3);
    assert_eq!(ended.report()["verdict"], "unknown");
    ended.says(&["callcheck answer demo"]);
}

#[test]
fn an_interrupt_while_waiting_ends_at_once() {
    // Where it is ignored, as under nohup, it stays so.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored =
        status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(|mask| mask.trim().to_owned());
    let heeds_hang_up = ignored.is_some_and(|mask| u64::from_str_radix(&mask, 16).unwrap() & 1 == 0);
    for signal in ["INT", "TERM"].into_iter().chain(heeds_hang_up.then_some("HUP")) {
        let mut alone = start(&free_room(), &["answer", "demo", "--json"]);
        alone.says("waiting for the caller");
        alone.signal(signal);
        alone.end().exits(130).report();
    }
}

#[test]
fn an_interrupted_caller_reports_and_its_callee_is_told() {
    let _turn = one_call_at_a_time();
    let (caller, callee) = connected(&free_room(), &["--duration", "30s", "--json"], &[]);
    caller.signal("INT");
    let caller = caller.end().exits(130).says(&["INTERRUPTED"]);
    assert_eq!(caller.report()["calls"][0]["peers"][0]["role"], "caller");
    callee.end().exits(1).says(&["hung up before it was done: interrupted"]);
}

#[test]
fn a_killed_peer_is_noticed_whichever_hosts_the_room() {
    let _turn = one_call_at_a_time();
    for kill_the_host in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("killed.jsonl").display().to_string();
        let (caller, callee) = if kill_the_host {
            connected(&free_room(), &["--duration", "30s"], &["--record", &record])
        } else {
            connected(&free_room(), &["--duration", "30s", "--record", &record], &[])
        };
        let (killed, left) = if kill_the_host { (callee, caller) } else { (caller, callee) };
        let began = Instant::now();
        killed.signal("KILL");
        left.end().exits(1).says(&["FAILED"]);
        assert!(began.elapsed() < Duration::from_secs(20), "told in time: {:?}", began.elapsed());
        let timeline = Timeline::parse(&std::fs::read_to_string(record).unwrap()).unwrap();
        assert!(timeline.header.call.is_some() && timeline.events.len() > 20, "a killed run is readable");
    }
}

#[test]
fn a_room_that_dies_does_not_end_a_call_that_is_connected() {
    let _turn = one_call_at_a_time();
    let (server, url) = serve(&[]);
    let mut callee = start(&url, &["answer", "demo", "--signal", &url, "--json"]);
    let mut caller = start(&url, &["call", "demo", "--signal", &url, "--duration", "500ms", "--json"]);
    caller.says("audio on mid 0 is the callee's");
    callee.says("audio on mid 0 is the caller's");
    server.signal("KILL");
    for side in [caller, callee] {
        let ended = side.end().exits(0);
        let ended = ended.says(&["the room is lost", "how the peer hung up was not judged"]);
        let report = ended.report();
        for track in report["calls"][0]["peers"][0]["tracks"].as_array().unwrap() {
            assert!(track["frames"].as_u64().unwrap() > 10, "the figures are those of the end: {track}");
        }
    }
}

#[test]
fn the_host_says_its_verdict_at_once_and_stays_for_others() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let mut host = start(&room, &["answer", "demo"]);
    host.says("hosting room demo");
    let mut other = start(&room, &["call", "other"]);
    other.says("joined room other");
    start(&room, &["call", "demo", "--duration", "1s"]).end().exits(0);
    host.says("PASSED");
    host.says("others still use a room of this process");
    assert!(host.is_running());
    start(&room, &["answer", "other", "--duration", "1s"]).end().exits(0);
    other.end().exits(0);
    host.end().exits(0);
}

#[test]
fn a_failed_call_is_tried_again_by_both_and_stays_failed_where_it_failed() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let retry = ["--retry", "1", "--expect", "frames>=1000000", "--duration", "1s"];
    let caller = start(&room, &[&["call", "demo"], &retry[..]].concat());
    let callee = start(&room, &["answer", "demo", "--retry", "1"]);
    caller.end().exits(1).says(&["try 2", "try 1 of 2 failed"]);
    callee.end().exits(0).says(&["try 2"]);
}

#[test]
fn a_closed_standard_output_loses_the_json_and_nothing_else() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let mut command = callcheck(&room, &["call", "demo", "--duration", "1s", "--json"]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer);
    let caller = Process::start(command);
    drop(reader);
    let callee = start(&room, &["answer", "demo"]);
    caller.end().exits(3).says(&["PASSED", "could not write --json"]);
    callee.end().exits(0);
}

#[test]
fn a_full_disk_loses_the_report_and_not_the_verdict() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let _turn = one_call_at_a_time();
    for option in ["--report-json", "--record"] {
        let room = free_room();
        let caller = start(&room, &["call", "demo", "--duration", "1s", option, "/dev/full"]);
        let callee = start(&room, &["answer", "demo"]);
        caller.end().exits(3).says(&["PASSED", "could not write"]);
        callee.end().exits(0);
    }
}
