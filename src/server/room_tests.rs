//! Clients in memory and over WebSocket, together in the rooms of a server.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::manual::Manual;
use super::{Hub, Limits, Server, ServerConfig, join_memory};
use crate::jsep::{Role, SdpType};
use crate::signaling::{
    Capabilities, ErrorCode, JoinRequest, Room, RoomEvent, Signal, WebSocketOptions, join_websocket,
};
use crate::world::{self, Live, Task, World, timeout};

/// A server on a free port; ends when it is dropped.
struct Running {
    world: Arc<dyn World>,
    hub: Hub,
    url: Url,
    task: Task,
    stop: oneshot::Sender<()>,
}

async fn start(limits: Limits) -> Running {
    let world: Arc<dyn World> = Arc::new(Live::new(1));
    let config = ServerConfig { limits, ..ServerConfig::default() };
    let server = Server::bind(world.clone(), "127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let url = Url::parse(&format!("ws://{}", server.local_addr())).unwrap();
    let hub = server.hub().clone();
    let task = world::spawn(
        &*world,
        server.run(async {
            let _ = stopped.await;
        }),
    );
    Running { world, hub, url, task, stop }
}

impl Running {
    async fn join(&self, name: &str, role: Role) -> Room {
        let options = WebSocketOptions::default();
        join_websocket(self.world.clone(), &self.url, request(name, role), options).await.unwrap()
    }
}

fn request(name: &str, role: Role) -> JoinRequest {
    JoinRequest {
        room: "demo".to_owned(),
        role: Some(role),
        name: name.to_owned(),
        capabilities: Capabilities { stamps: true, end_of_call: true },
        token: None,
    }
}

/// The next event that is not about clocks.
async fn next(room: &mut Room) -> RoomEvent {
    loop {
        let event = timeout(&Live::new(0), Duration::from_secs(10), room.next()).await.expect("an event");
        if !matches!(event, RoomEvent::ClockOffset { .. }) {
            return event;
        }
    }
}

async fn call_of(room: &mut Room) -> (String, String) {
    loop {
        if let RoomEvent::CallStarted { call, peer } = next(room).await {
            return (call, peer.name);
        }
    }
}

async fn signals(room: &mut Room, count: usize) -> Vec<(u64, Signal)> {
    let mut signals = Vec::new();
    while signals.len() < count {
        if let RoomEvent::Signal { seq, signal, .. } = next(room).await {
            signals.push((seq.unwrap(), signal));
        }
    }
    signals
}

fn conversation() -> Vec<Signal> {
    let ext =
        json!({"type": "offer", "to": "nobody", "text": "\u{1F600}\u{0}\"\\\r\n", "n": [0, -1, 1.5, null]});
    let mut all = vec![
        Signal::Description { sdp_type: SdpType::Offer, sdp: "v=0\r\n".to_owned() },
        Signal::Ext(ext),
        Signal::EndOfCandidates { username_fragment: None },
        Signal::Done,
    ];
    for n in 0..100 {
        all.push(Signal::HangUp { reason: n.to_string() });
    }
    all
}

async fn speak(from: &Room, to: &mut Room) {
    let mut sent = Vec::new();
    for signal in conversation() {
        sent.push((from.send(None, signal.clone()), signal));
    }
    assert_eq!(signals(to, sent.len()).await, sent);
}

async fn converse(mut alice: Room, mut bob: Room) {
    assert_eq!(call_of(&mut alice).await.0, call_of(&mut bob).await.0);
    speak(&alice, &mut bob).await;
    speak(&bob, &mut alice).await;
    bob.leave().await;
    let left = RoomEvent::PeerLeft { name: "bob".to_owned(), reason: "left".to_owned() };
    assert_eq!(next(&mut alice).await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_over_websocket_converse_in_order() {
    let server = start(Limits::default()).await;
    let alice = server.join("alice", Role::Caller).await;
    let bob = server.join("bob", Role::Callee).await;
    assert_eq!(bob.peers()[0], *alice.me());
    converse(alice, bob).await;
    timeout(&*server.world, Duration::from_secs(5), server.hub.empty()).await.unwrap();
}

#[tokio::test]
async fn a_client_in_memory_and_one_over_websocket_converse_in_order() {
    let server = start(Limits::default()).await;
    let alice = join_memory(server.world.clone(), &server.hub, request("alice", Role::Caller)).await.unwrap();
    let bob = server.join("bob", Role::Callee).await;
    converse(alice, bob).await;
}

#[test]
fn two_clients_in_memory_need_no_tokio() {
    let manual = Manual::new();
    let hub = Hub::new(manual.world(), ServerConfig::default());
    let mut alice = manual.run(join_memory(manual.world(), &hub, request("alice", Role::Caller))).unwrap();
    let mut bob = manual.run(join_memory(manual.world(), &hub, request("bob", Role::Callee))).unwrap();
    let joined = manual.run(alice.next());
    assert!(matches!(joined, RoomEvent::PeerJoined(_)), "{joined:?}");
    let RoomEvent::CallStarted { call, .. } = manual.run(alice.next()) else { panic!("no call") };
    assert_eq!(alice.send(None, Signal::Done), 1);
    let first = manual.run(bob.next());
    assert!(matches!(first, RoomEvent::CallStarted { .. }), "{first:?}");
    let offset = manual.run(bob.next());
    assert!(matches!(offset, RoomEvent::Signal { .. } | RoomEvent::ClockOffset { .. }), "{offset:?}");
    let events = [offset, manual.run(bob.next())];
    let sent_at_us = Some(1_800_000_000_000_000);
    let done = RoomEvent::Signal {
        from: "alice".to_owned(),
        call: Some(call),
        seq: Some(1),
        sent_at_us,
        signal: Signal::Done,
    };
    assert!(events.contains(&done), "{events:?}");
    manual.run(alice.leave());
    let left = manual.run(async {
        loop {
            if let RoomEvent::PeerLeft { reason, .. } = bob.next().await {
                return reason;
            }
        }
    });
    assert_eq!(left, "left");
}

#[test]
fn clocks_of_two_clients_in_one_world_are_alike() {
    let manual = Manual::new();
    let hub = Hub::new(manual.world(), ServerConfig::default());
    let _alice = manual.run(join_memory(manual.world(), &hub, request("alice", Role::Caller))).unwrap();
    manual.pass(Duration::from_secs(3));
    let mut bob = manual.run(join_memory(manual.world(), &hub, request("bob", Role::Callee))).unwrap();
    let offset = manual.run(async {
        loop {
            if let event @ RoomEvent::ClockOffset { .. } = bob.next().await {
                return event;
            }
        }
    });
    assert_eq!(offset, RoomEvent::ClockOffset { peer: "alice".to_owned(), offset_us: 0, error_us: 1 });
}

#[tokio::test]
async fn the_clock_offset_of_one_machine_is_within_its_error() {
    let server = start(Limits::default()).await;
    let _alice = server.join("alice", Role::Caller).await;
    let mut bob = server.join("bob", Role::Callee).await;
    let offset = timeout(&*server.world, Duration::from_secs(10), async {
        loop {
            if let RoomEvent::ClockOffset { peer, offset_us, error_us } = bob.next().await {
                return (peer, offset_us, error_us);
            }
        }
    });
    let (peer, offset_us, error_us) = offset.await.unwrap();
    assert_eq!(peer, "alice");
    // Both read the same wall clock, but not at the same instant as the monotonic one.
    assert!(offset_us.unsigned_abs() <= error_us + 1_000, "{offset_us} ± {error_us}");
    assert!(error_us < 1_000_000, "{error_us}");
}

#[tokio::test]
async fn a_client_that_vanishes_is_a_lost_connection() {
    let server = start(Limits::default()).await;
    let mut alice = server.join("alice", Role::Caller).await;
    let bob = server.join("bob", Role::Callee).await;
    call_of(&mut alice).await;
    drop(bob);
    let left = RoomEvent::PeerLeft { name: "bob".to_owned(), reason: "connection lost".to_owned() };
    assert_eq!(next(&mut alice).await, left);
}

#[tokio::test]
async fn clients_are_told_when_the_server_ends() {
    let server = start(Limits::default()).await;
    let mut alice = server.join("alice", Role::Caller).await;
    server.stop.send(()).unwrap();
    let reason = "the room closed the connection: the room server ends".to_owned();
    assert_eq!(next(&mut alice).await, RoomEvent::Lost { reason });
    timeout(&*server.world, Duration::from_secs(5), server.task.join()).await.unwrap();
}

#[tokio::test]
async fn ten_megabytes_close_only_their_sender() {
    let server = start(Limits::default()).await;
    let mut alice = server.join("alice", Role::Caller).await;
    let mut bob = server.join("bob", Role::Callee).await;
    call_of(&mut alice).await;
    call_of(&mut bob).await;
    bob.send(None, Signal::Ext("x".repeat(10 << 20).into()));
    let refused = next(&mut bob).await;
    assert!(matches!(&refused, RoomEvent::Error(error) if error.code == ErrorCode::TooLarge), "{refused:?}");
    let lost = next(&mut bob).await;
    assert!(matches!(&lost, RoomEvent::Lost { .. }), "{lost:?}");
    let reason = "sent too large a message".to_owned();
    assert_eq!(next(&mut alice).await, RoomEvent::PeerLeft { name: "bob".to_owned(), reason });
    let mut carol = server.join("carol", Role::Callee).await;
    assert_eq!(call_of(&mut alice).await.1, "carol");
    alice.send(None, Signal::Done);
    assert_eq!(signals(&mut carol, 1).await, [(1, Signal::Done)]);
}

#[tokio::test]
async fn garbage_is_refused_and_the_connection_goes_on() {
    let server = start(Limits::default()).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.url.as_str()).await.unwrap();
    let garbage = [
        Message::text("hello"),
        Message::binary(vec![0xff, 0x00]),
        Message::text("[".repeat(200_000)),
        Message::text("{\"type\":\"offer\",\"seq\":1e999}"),
    ];
    for message in garbage {
        socket.send(message).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(answer.contains("\"code\":\"bad-message\""), "{answer}");
    }
    socket.send(Message::text(r#"{"type":"join","room":"demo","name":"bob"}"#)).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(answer.contains("\"type\":\"joined\""), "{answer}");
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_kept_out() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let server = start(Limits::default()).await;
    let mut request = server.url.as_str().into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    let refused = tokio_tungstenite::connect_async(request).await.expect_err("refused");
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn idle_connections_are_closed() {
    use tokio::io::AsyncReadExt;
    let server = start(Limits { join_within: Duration::from_millis(50), ..Limits::default() }).await;
    let mut slow =
        tokio::net::TcpStream::connect(server.url.socket_addrs(|| None).unwrap()[0]).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut slow, b"GET /ro").await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(&*server.world, Duration::from_secs(10), slow.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open");
}
