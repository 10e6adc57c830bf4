//! Killed, interrupted, frozen: at each phase of a call, on either side. The other side always learns the truth in time.
//!
//! A phase is held open by stopping a process (SIGSTOP), never by hoping for a slow one.

use std::time::{Duration, Instant};

use crate::harness::{Ended, Process, free_room, one_call_at_a_time, serve, start};

/// A peer that is gone is told at once by the room, and by ICE after some seconds.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// The caller has begun the call, and the callee is stopped before it could answer.
struct Unanswered {
    server: Process,
    caller: Process,
    callee: Process,
}

impl Unanswered {
    fn new() -> Self {
        let (server, url) = serve(&[]);
        let mut callee = start(&url, &["answer", "demo", "--signal", &url]);
        callee.says("waiting for the caller");
        callee.signal("STOP");
        let mut caller = start(&url, &["call", "demo", "--signal", &url, "--json"]);
        caller.says("the callee is here");
        Self { server, caller, callee }
    }
}

/// Both are connected; the first of the two hosts the room.
fn in_mid_call(first: &[&str], second: &[&str]) -> (Process, Process) {
    let room = free_room();
    let mut host = start(&room, first);
    host.says("hosting room demo");
    let mut guest = start(&room, second);
    host.says("connected in");
    guest.says("connected in");
    (host, guest)
}

/// Its end, which must come soon.
fn end_in_time(process: Process) -> Ended {
    let began = Instant::now();
    let ended = process.end();
    assert!(began.elapsed() < TOLD_WITHIN, "it took {:?}:\n{}", began.elapsed(), ended.stderr);
    ended
}

#[test]
fn a_host_killed_while_it_waits_leaves_the_port_to_the_next_one() {
    let room = free_room();
    let mut first = start(&room, &["answer", "demo"]);
    first.says("hosting room demo");
    first.signal("KILL");
    assert_eq!(first.end().code, None);
    let next = start(&room, &["call", "demo", "--wait", "300ms"]).end().exits(3);
    next.says(&["hosting room demo", "the callee did not join within 0.3 s"]);
}

#[test]
fn a_peer_killed_while_it_waits_is_nobody_to_call() {
    let (_server, url) = serve(&[]);
    let mut first = start(&url, &["answer", "demo", "--signal", &url]);
    first.says("joined room demo");
    first.signal("KILL");
    first.end();
    let next = start(&url, &["call", "demo", "--signal", &url, "--wait", "1s"]);
    // Whether the room has noticed already is up to the machine; a peer that is met and gone is a failed call.
    let next = end_in_time(next);
    let met = next.stderr.contains("the callee is here");
    next.exits(if met { 1 } else { 3 });
}

#[test]
fn a_room_that_dies_while_its_peers_wait_leaves_nothing_tested() {
    let (server, url) = serve(&[]);
    let mut caller = start(&url, &["call", "demo", "--signal", &url]);
    caller.says("waiting for the callee");
    server.signal("KILL");
    let caller = end_in_time(caller).exits(3);
    caller.says(&["the room was lost before the callee joined", "see whether the room server at"]);
}

#[test]
fn a_callee_killed_before_its_answer_is_a_failed_call() {
    let call = Unanswered::new();
    call.callee.signal("KILL");
    let caller = end_in_time(call.caller).exits(1);
    assert_eq!(caller.report()["verdict"], "failed");
    caller.says(&["the callee left before the answer", "connection lost", "went away without hanging up"]);
}

#[test]
fn a_caller_killed_after_its_offer_is_a_failed_call() {
    let _turn = one_call_at_a_time();
    let call = Unanswered::new();
    call.caller.signal("KILL");
    call.caller.end();
    call.callee.signal("CONT");
    end_in_time(call.callee).exits(1).says(&["caller left the room: connection lost", "FAILED"]);
}

#[test]
fn an_interrupt_before_the_answer_is_a_130_here_and_a_1_there() {
    for signal in ["INT", "TERM"] {
        let _turn = one_call_at_a_time();
        let call = Unanswered::new();
        call.caller.signal(signal);
        let caller = end_in_time(call.caller).exits(130).says(&["INTERRUPTED"]);
        assert_eq!(caller.report()["verdict"], "unknown");
        call.callee.signal("CONT");
        end_in_time(call.callee).exits(1).says(&["interrupted"]);
    }
}

#[test]
fn a_room_that_dies_before_the_answer_leaves_nothing_tested() {
    let call = Unanswered::new();
    call.server.signal("KILL");
    let caller = end_in_time(call.caller).exits(3);
    assert_eq!(caller.report()["verdict"], "unknown");
    caller.says(&["the room was lost before the answer"]);
    call.callee.signal("CONT");
    end_in_time(call.callee).exits(3).says(&["the room is lost"]);
}

#[test]
fn an_interrupt_in_mid_call_is_a_130_here_and_a_1_there() {
    let (call, answer) = (["call", "demo", "--duration", "30s"], ["answer", "demo"]);
    for (first, second, interrupt_the_host) in
        [(&call[..], &answer[..], true), (&call[..], &answer[..], false), (&answer[..], &call[..], true)]
    {
        let _turn = one_call_at_a_time();
        let (host, guest) = in_mid_call(first, second);
        let (interrupted, other) = if interrupt_the_host { (host, guest) } else { (guest, host) };
        interrupted.signal("TERM");
        end_in_time(interrupted).exits(130).says(&["INTERRUPTED"]);
        end_in_time(other).exits(1).says(&["hung up before it was done: interrupted"]);
    }
}

/// The caller is done, and its callee wants more. The callee hosts the room unless there is a server.
fn caller_is_done(url: Option<&str>) -> (Process, Process) {
    let room = free_room();
    let signal = url.map(|url| ["--signal", url]);
    let begin =
        |arguments: &[&str]| start(&room, &[arguments, signal.as_ref().map_or(&[], |two| two)].concat());
    let mut callee = begin(&["answer", "demo", "--duration", "30s"]);
    callee.says("waiting for the caller");
    let mut caller = begin(&["call", "demo", "--duration", "200ms", "-v"]);
    caller.says("\"signal\":\"done\"");
    (caller, callee)
}

#[test]
fn a_peer_killed_after_we_are_done_did_not_hang_up() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let (caller, callee) = caller_is_done(Some(&url));
    callee.signal("KILL");
    end_in_time(caller).exits(1).says(&["vanished", "held"]);
}

#[test]
fn a_host_killed_after_we_are_done_takes_the_hang_up_with_it() {
    let _turn = one_call_at_a_time();
    let (caller, callee) = caller_is_done(None);
    callee.signal("KILL");
    // To us this is a room that was lost, and our media was verified and is over.
    end_in_time(caller).exits(0).says(&["how the peer hung up was not judged"]);
}

#[test]
fn an_interrupt_while_the_other_side_is_not_done_is_a_130() {
    let _turn = one_call_at_a_time();
    let (caller, callee) = caller_is_done(None);
    caller.signal("INT");
    end_in_time(caller).exits(130);
    // The caller had said that it was done, so it has not cut the call short.
    end_in_time(callee).exits(0).says(&["the caller hangs up: interrupted"]);
}

#[test]
fn a_host_that_stays_for_others_keeps_its_verdict_when_it_is_interrupted() {
    let _turn = one_call_at_a_time();
    let room = free_room();
    let mut host = start(&room, &["answer", "demo"]);
    host.says("hosting room demo");
    let mut other = start(&room, &["call", "other"]);
    other.says("joined room other");
    start(&room, &["call", "demo", "--duration", "200ms"]).end().exits(0);
    host.says("others still use a room of this process");
    host.signal("INT");
    end_in_time(host).exits(0);
    end_in_time(other).exits(3).says(&["the room was lost before the callee joined"]);
}
