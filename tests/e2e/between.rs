//! Two callcheck processes, each in a room of its own, and between the rooms somebody who passes their signals on:
//! in another order, twice, or not at all.

use std::collections::VecDeque;
use std::sync::Arc;

use callcheck::jsep::{Role, SdpType};
use callcheck::signaling::{
    Capabilities, JoinRequest, Room, RoomEvent, Signal, WebSocketOptions, join_websocket,
};
use callcheck::world::{Live, World};
use futures::FutureExt;

use crate::harness::{DEADLINE, Ended, Process, one_call_at_a_time, serve, start};

/// What arrives instead of a signal: of whom, in which call (counted from 1), and what was said.
type Meddle = Box<dyn FnMut(Role, u32, Signal) -> Vec<Signal>>;

/// The same where a signal of one side may let one of the other side go: whose signals go on.
pub(crate) type Gate = Box<dyn FnMut(Role, Signal) -> Vec<(Role, Signal)>>;

/// One of the two rooms, where we play the side that is in the other one.
struct Half {
    room: Room,
    /// The side that is really there.
    role: Role,
    calls: u32,
    left: bool,
}

impl Half {
    async fn join(url: &str, role: Role) -> Self {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        let request = JoinRequest {
            room: role.to_string(),
            role: Some(role.other()),
            name: "between".into(),
            capabilities: Capabilities { stamps: true, end_of_call: true },
            token: None,
        };
        let url = url.parse().unwrap();
        let room = join_websocket(world, &url, request, WebSocketOptions::default()).await.unwrap();
        Self { room, role, calls: 0, left: false }
    }

    /// The next signal of that side, with the number of its call.
    async fn next(&mut self) -> (Role, u32, Option<Signal>) {
        loop {
            match self.room.next().await {
                RoomEvent::CallStarted { .. } => {
                    self.calls += 1;
                    return (self.role, self.calls, None);
                }
                RoomEvent::Signal { signal, .. } => return (self.role, self.calls, Some(signal)),
                RoomEvent::PeerLeft { .. } => {
                    self.left = true;
                    return (self.role, self.calls, None);
                }
                _ => {}
            }
        }
    }
}

/// Passes signals on until both sides have left.
async fn pass_on(mut halves: [Half; 2], mut gate: impl FnMut(Role, u32, Signal) -> Vec<(Role, Signal)>) {
    let mut waiting: VecDeque<(Role, u32, Signal)> = VecDeque::new();
    while !halves.iter().all(|half| half.left) {
        let [one, other] = &mut halves;
        let (role, call, signal) = futures::select_biased! {
            heard = one.next().fuse() => heard,
            heard = other.next().fuse() => heard,
        };
        // Each side asks its own room for another call, since a failed call has failed for both.
        if let Some(signal) = signal.filter(|signal| *signal != Signal::Again) {
            waiting.extend(gate(role, call, signal).into_iter().map(|(from, signal)| (from, call, signal)));
        }
        // What belongs to a call that the other side has not begun waits for it.
        waiting.retain(|(from, call, signal)| {
            let to = halves.iter().find(|half| half.role != *from).expect("there are two");
            if to.calls == *call && !to.left {
                to.room.send(None, signal.clone());
            }
            to.calls < *call && !to.left
        });
    }
}

/// Plays a call whose signals go through `meddle`. The caller's end and the callee's.
fn play(caller: &[&str], callee: &[&str], mut meddle: Meddle) -> (Ended, Ended) {
    play_through(caller, callee, move |role, call, signal| {
        meddle(role, call, signal).into_iter().map(|signal| (role, signal)).collect()
    })
}

/// Plays one call whose signals go through `gate`.
pub(crate) fn play_gated(caller: &[&str], callee: &[&str], mut gate: Gate) -> (Ended, Ended) {
    play_through(caller, callee, move |role, _, signal| gate(role, signal))
}

fn play_through(
    caller: &[&str],
    callee: &[&str],
    gate: impl FnMut(Role, u32, Signal) -> Vec<(Role, Signal)>,
) -> (Ended, Ended) {
    let (_server, url) = serve(&[]);
    let begin = |command: &str, room: &str, more: &[&str]| -> Process {
        start(&url, &[&[command, room, "--signal", &url, "--json"], more].concat())
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Stamps carry the number in the room: the caller is the first in its room and so are we in the callee's, so that
    // both rooms number the two sides alike.
    let mut caller = begin("call", "caller", caller);
    caller.says("joined room caller");
    let halves = runtime.block_on(async {
        let callee_side = Half::join(&url, Role::Callee).await;
        [Half::join(&url, Role::Caller).await, callee_side]
    });
    let callee = begin("answer", "callee", callee);
    runtime.block_on(async {
        tokio::time::timeout(DEADLINE, pass_on(halves, gate)).await.expect("both leave in time");
    });
    (caller.end(), callee.end())
}

fn is_description(signal: &Signal) -> bool {
    matches!(signal, Signal::Description { .. })
}

fn is_candidate(signal: &Signal) -> bool {
    matches!(signal, Signal::Candidate { .. })
}

/// Every remote track of the side that reports is proven by the peer's stamps.
#[track_caller]
pub(crate) fn assert_good(ended: Ended) {
    let ended = ended.exits(0);
    let report = ended.report();
    let own = &report["calls"][0]["peers"][0];
    for track in own["tracks"].as_array().unwrap() {
        assert!(track["stamped_frames"].as_u64().unwrap() > 10, "{track}");
    }
    assert_eq!(own["tracks"].as_array().unwrap().len(), 2);
    assert!(own["candidates"]["received"].as_u64().unwrap() > 0, "{own}");
}

#[test]
fn candidates_before_the_descriptions_are_kept_for_them() {
    let _turn = one_call_at_a_time();
    // Each description is held back until its side has no more candidates.
    let mut held: Vec<(Role, Signal)> = Vec::new();
    let meddle: Meddle = Box::new(move |role, _, signal| {
        if is_description(&signal) {
            held.push((role, signal));
            return Vec::new();
        }
        let ended = matches!(signal, Signal::EndOfCandidates { .. });
        let mut out = vec![signal];
        if ended {
            out.extend(held.extract_if(.., |(from, _)| *from == role).map(|(_, signal)| signal));
        }
        out
    });
    let (caller, callee) = play(&["--duration", "1s"], &[], meddle);
    assert_good(caller);
    assert_good(callee);
}

#[test]
fn what_comes_twice_counts_once() {
    let _turn = one_call_at_a_time();
    let meddle: Meddle = Box::new(|_, _, signal| {
        let answer = matches!(signal, Signal::Description { sdp_type: SdpType::Answer, .. });
        let twice = answer || is_candidate(&signal);
        if twice { vec![signal.clone(), signal] } else { vec![signal] }
    });
    let (caller, callee) = play(&["--duration", "1s"], &[], meddle);
    assert!(caller.stderr.contains("the remote answer was rejected"), "{}", caller.stderr);
    assert_good(caller);
    assert_good(callee);
}

#[test]
fn candidates_that_never_come_are_missed() {
    let _turn = one_call_at_a_time();
    let meddle: Meddle =
        Box::new(
            |role, _, signal| {
                if role == Role::Callee && is_candidate(&signal) { Vec::new() } else { vec![signal] }
            },
        );
    let (caller, callee) = play(&["--duration", "1s", "--timeout", "3s"], &["--timeout", "3s"], meddle);
    let caller = caller.exits(1).says(&["candidates.received"]);
    assert_eq!(caller.report()["calls"][0]["peers"][0]["candidates"]["received"], 0);
    callee.exits(0);
}

/// Loses the answer of the first call only.
fn losing_the_first_answer() -> Meddle {
    Box::new(|role, call, signal| {
        let lost = role == Role::Callee && call == 1 && is_description(&signal);
        if lost { Vec::new() } else { vec![signal] }
    })
}

#[test]
fn a_call_that_passes_on_its_second_try_is_flaky() {
    let _turn = one_call_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.jsonl").display().to_string();
    let retry = ["--retry", "1", "--answer-timeout", "1s"];
    let short = ["--duration", "500ms", "--record", &record];
    let (caller, callee) = play(&[&retry[..], &short].concat(), &retry, losing_the_first_answer());
    for side in [caller, callee] {
        let side = side.exits(1).says(&["try 2", "FLAKY", "passed on try 2 only"]);
        assert_eq!(side.report()["verdict"], "flaky");
    }
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        callcheck::timeline::Timeline::parse(&text).unwrap().header.call.expect("the call has an id")
    };
    assert_ne!(read("call.jsonl"), read("call-2.jsonl"), "each try is a call of its own");
}

#[test]
fn a_pass_on_the_second_try_can_be_permitted() {
    let _turn = one_call_at_a_time();
    let retry = ["--retry", "1", "--answer-timeout", "1s", "--flaky-ok"];
    let short = ["--duration", "500ms"];
    let (caller, callee) = play(&[&retry[..], &short].concat(), &retry, losing_the_first_answer());
    for side in [caller, callee] {
        assert_eq!(side.exits(0).report()["verdict"], "flaky");
    }
}
