//! Peers and programs in the room that are not callcheck, or not well.

use std::sync::Arc;
use std::time::Duration;

use callcheck::jsep::{Role, SdpType};
use callcheck::signaling::{
    Capabilities, JoinRequest, Room, RoomEvent, Signal, WebSocketOptions, join_websocket,
};
use callcheck::world::{Live, World};
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{DEADLINE, one_call_at_a_time, serve, start};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// Joins `url` as somebody whom the test plays.
async fn join(url: &str, role: Role) -> Room {
    let world: Arc<dyn World> = Arc::new(Live::new(1));
    let request = JoinRequest {
        room: "demo".into(),
        role: Some(role),
        name: "stranger".into(),
        capabilities: Capabilities::default(),
        token: None,
    };
    join_websocket(world, &url.parse().unwrap(), request, WebSocketOptions::default()).await.unwrap()
}

/// Waits for the signal that `wanted` picks.
async fn hear<T>(room: &mut Room, wanted: impl Fn(Signal) -> Option<T>) -> T {
    let heard = async {
        loop {
            if let RoomEvent::Signal { signal, .. } = room.next().await
                && let Some(found) = wanted(signal)
            {
                return found;
            }
        }
    };
    tokio::time::timeout(DEADLINE, heard).await.expect("heard in time")
}

fn offer(signal: Signal) -> Option<String> {
    match signal {
        Signal::Description { sdp_type: SdpType::Offer, sdp } => Some(sdp),
        _ => None,
    }
}

fn hang_up(signal: Signal) -> Option<String> {
    match signal {
        Signal::HangUp { reason } => Some(reason),
        _ => None,
    }
}

fn answer(sdp: &str) -> Signal {
    Signal::Description { sdp_type: SdpType::Answer, sdp: sdp.to_owned() }
}

#[test]
fn a_peer_that_never_answers_is_a_failed_call() {
    let (_server, url) = serve(&[]);
    let caller = start(&url, &["call", "demo", "--signal", &url, "--answer-timeout", "1s", "--json"]);
    let reason = runtime().block_on(async {
        let mut room = join(&url, Role::Callee).await;
        hear(&mut room, offer).await;
        hear(&mut room, hang_up).await
    });
    assert!(reason.contains("not negotiated within 1s"), "{reason}");
    assert_eq!(caller.end().exits(1).report()["verdict"], "failed");
}

#[test]
fn nonsense_for_an_answer_is_rejected_and_the_call_fails_in_time() {
    let (_server, url) = serve(&[]);
    for sdp in ["<html>", "", "v=0\r\n", &"a=x\r\n".repeat(100_000)] {
        let caller = start(&url, &["call", "demo", "--signal", &url, "--answer-timeout", "1s"]);
        runtime().block_on(async {
            let mut room = join(&url, Role::Callee).await;
            hear(&mut room, offer).await;
            room.send(None, answer(sdp));
            room.send(None, answer(sdp));
            hear(&mut room, hang_up).await;
            room.leave().await;
        });
        caller.end().exits(1).says(&["the remote answer was rejected"]);
    }
}

#[test]
fn an_answer_and_candidates_without_an_offer_disturb_nobody() {
    let (_server, url) = serve(&[]);
    let callee = start(&url, &["answer", "demo", "--signal", &url, "--answer-timeout", "1s"]);
    runtime().block_on(async {
        let mut room = join(&url, Role::Caller).await;
        while !matches!(room.next().await, RoomEvent::CallStarted { .. }) {}
        room.send(None, answer("v=0\r\n"));
        for candidate in ["", "nonsense", "candidate:1 1 udp 1 192.0.2.1 9 typ host"] {
            room.send(
                None,
                Signal::Candidate {
                    candidate: candidate.into(),
                    sdp_mid: Some("7".into()),
                    sdp_m_line_index: None,
                    username_fragment: None,
                },
            );
        }
        room.send(None, Signal::Ext(serde_json::json!({ "type": "wave" })));
        hear(&mut room, hang_up).await;
    });
    callee.end().exits(1).says(&["InvalidStateError"]);
}

#[test]
fn garbage_and_ten_megabytes_end_their_own_connection_only() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let mut callee = start(&url, &["answer", "demo", "--signal", &url]);
    callee.says("joined room demo");
    let caller = start(&url, &["call", "demo", "--signal", &url, "--duration", "2s"]);
    runtime().block_on(async {
        for garbage in [
            Message::text("{".repeat(200_000)),
            Message::text("[".repeat(900_000)),
            Message::binary(vec![0xff; 1000]),
            Message::text("x".repeat(10 << 20)),
        ] {
            let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
            let _ = socket.send(garbage).await;
            // A refusal or a closed connection, but an answer.
            let answered = tokio::time::timeout(Duration::from_secs(30), socket.next()).await;
            answered.expect("the room answers or closes");
        }
    });
    caller.end().exits(0);
    callee.end().exits(0);
}
