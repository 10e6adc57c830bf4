//! The engine without Tokio: simulated time and a network in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;

use super::descriptions::{answer_to, offer_of};
use super::pair::loopback;
use super::worlds::Sieve;
use crate::engine::{Engine, EngineConfig, EngineEvent, RtpOut};
use crate::jsep::{ConnectionState, Direction, SdpType};
use crate::network::{Network, SimulatedNetwork};
use crate::world::{Simulated, World};

type Events = mpsc::UnboundedReceiver<(std::time::Instant, EngineEvent)>;

#[test]
fn a_call_needs_no_tokio() {
    let world = Simulated::new(7);
    let networks = networks(&world, |_, _| true);
    let (began, inner) = (world.now(), world.clone());
    let ran = world.run(async move {
        let world = inner;
        let (a, mut a_events, b, mut b_events) = call(&world, networks).await;
        until(&mut a_events, |event| *event == EngineEvent::ConnectionState(ConnectionState::Connected)).await;
        until(&mut b_events, |event| *event == EngineEvent::ConnectionState(ConnectionState::Connected)).await;
        // Checks, nomination and handshake take some ten trips of 1 ms; the engine's own tick would add 200 ms.
        assert!(world.now() - began < Duration::from_millis(50), "{:?}", world.now() - began);
        a.set_may_send("0", true);
        b.set_may_receive("0", true);
        let packet = RtpOut { sequence: 1, timestamp: 2, marker: false, payload: (&b"hello"[..]).into() };
        assert!(a.writer("0").unwrap().write(packet).await.unwrap());
        let heard = |event: &EngineEvent| matches!(event, EngineEvent::Rtp { packet, .. } if packet.payload == "hello");
        until(&mut b_events, heard).await;
        a.close().await;
        drop(b);
    });
    assert_eq!(ran, Ok(()));
}

#[test]
fn a_packet_that_is_lost_is_asked_for_again() {
    let world = Simulated::new(7);
    let lost = Arc::new(AtomicU32::new(0));
    let count = lost.clone();
    // RFC 5761 §4: the second byte tells RTP from RTCP. The third RTP packet is lost.
    let networks = networks(&world, move |datagram: &[u8], _: SocketAddr| {
        let rtp = datagram.len() > 12 && datagram[0] >> 6 == 2 && datagram[1] & 0x7f >= 96;
        !(rtp && count.fetch_add(1, Ordering::Relaxed) == 2)
    });
    let inner = world.clone();
    let ran = world.run(async move {
        let world = inner;
        let (a, mut a_events, b, mut b_events) = call_with(&world, networks, "video").await;
        until(&mut a_events, |event| *event == EngineEvent::ConnectionState(ConnectionState::Connected))
            .await;
        until(&mut b_events, |event| *event == EngineEvent::ConnectionState(ConnectionState::Connected))
            .await;
        a.set_may_send("0", true);
        b.set_may_receive("0", true);
        let writer = a.writer("0").unwrap();
        for sequence in 0..10 {
            let packet = RtpOut { sequence, timestamp: 0, marker: true, payload: (&b"frame"[..]).into() };
            assert!(writer.write(packet).await.unwrap());
            world.sleep(Duration::from_millis(10)).await;
        }
        let again =
            |event: &EngineEvent| matches!(event, EngineEvent::Rtp { packet, .. } if packet.sequence == 2);
        until(&mut b_events, again).await;
        assert!(lost.load(Ordering::Relaxed) > 10);
        assert_eq!(b.stats().inbound["0"].nacked, 1);
        assert_eq!(a.stats().outbound["0"].nacked, 1);
        a.close().await;
        drop(b);
    });
    assert_eq!(ran, Ok(()));
}

/// The client's certificate is lost each time, as its flight is when the engine does not resend it.
#[test]
fn a_handshake_that_loses_a_flight_is_named_as_our_limit() {
    let world = Simulated::new(7);
    let networks = networks(&world, |datagram: &[u8], _: SocketAddr| {
        let certificate = datagram.len() > 18 && datagram[0] == 22 && datagram[13] == 11;
        !(certificate && is_client(datagram))
    });
    let inner = world.clone();
    let ran = world.run(async move {
        let (_a, _, b, mut events) = call(&inner, networks).await;
        let limit = |event: &EngineEvent| {
            matches!(event, EngineEvent::Limit { limit: "dtls-handshake-under-loss", .. })
        };
        until(&mut events, limit).await;
        b.close().await;
    });
    assert_eq!(ran, Ok(()));
}

/// The server's certificate is message 1 of its flight, the client's is message 2 of its own (RFC 6347 §4.2.2).
fn is_client(datagram: &[u8]) -> bool {
    u16::from_be_bytes([datagram[17], datagram[18]]) == 2
}

/// The networks of two peers that lose the same.
fn networks(
    world: &Simulated,
    passes: impl Fn(&[u8], SocketAddr) -> bool + Send + Sync + 'static,
) -> [Arc<dyn Network>; 2] {
    let (network, passes) = (SimulatedNetwork::new(world.clone()), Arc::new(passes));
    [network.host(), network.host()].map(|host| {
        let passes = Arc::clone(&passes);
        Arc::new(Sieve::new(host, move |datagram, to| passes(datagram, to))) as Arc<dyn Network>
    })
}

async fn call(world: &Simulated, networks: [Arc<dyn Network>; 2]) -> (Engine, Events, Engine, Events) {
    call_with(world, networks, "audio").await
}

async fn call_with(
    world: &Simulated,
    [of_a, of_b]: [Arc<dyn Network>; 2],
    kind: &str,
) -> (Engine, Events, Engine, Events) {
    let (mut a, mut a_events) = engine(world, of_a, "a").await;
    let (mut b, mut b_events) = engine(world, of_b, "b").await;
    let ours = offer_of(&[("0", kind)], Direction::Sendrecv);
    let offer = a.create_offer(&ours).await.unwrap();
    a.set_local(&ours, &offer).await.unwrap();
    b.set_remote(SdpType::Offer, &offer).await.unwrap();
    let ours = answer_to(&ours);
    let answer = b.create_answer(&ours).await.unwrap();
    b.set_local(&ours, &answer).await.unwrap();
    a.set_remote(SdpType::Answer, &answer).await.unwrap();
    let from_a = until(&mut a_events, |event| matches!(event, EngineEvent::Candidate { .. })).await;
    let from_b = until(&mut b_events, |event| matches!(event, EngineEvent::Candidate { .. })).await;
    trickle(&mut b, from_a).await;
    trickle(&mut a, from_b).await;
    (a, a_events, b, b_events)
}

async fn engine(world: &Simulated, network: Arc<dyn Network>, label: &str) -> (Engine, Events) {
    let config = EngineConfig::new(label, loopback());
    Engine::new(Arc::new(world.clone()), network, config).await.unwrap()
}

async fn until(events: &mut Events, wanted: impl Fn(&EngineEvent) -> bool) -> EngineEvent {
    let mut seen = Vec::new();
    loop {
        let (_, event) = events.next().await.unwrap_or_else(|| panic!("the engine ended: {seen:?}"));
        if wanted(&event) {
            return event;
        }
        seen.push(event);
    }
}

async fn trickle(engine: &mut Engine, event: EngineEvent) {
    let EngineEvent::Candidate { candidate, mid, index, ufrag } = event else { panic!("{event:?}") };
    engine.add_candidate(&candidate.candidate, Some(&mid), Some(index), Some(&ufrag)).await.unwrap();
}
