//! Two engines that trickle into each other.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};

use crate::engine::{Engine, EngineConfig, EngineEvent, MachineNetwork, RtpOut, SenderId};
use crate::jsep::{ConnectionState, Direction, MediaKind, SdpType};
use crate::world::{Live, World, timeout};

/// Nothing on loopback takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Peer {
    pub(super) engine: Engine,
    pub(super) events: Vec<(Instant, EngineEvent)>,
    incoming: mpsc::UnboundedReceiver<(Instant, EngineEvent)>,
}

pub(super) struct Pair {
    pub(super) world: Arc<dyn World>,
    pub(super) a: Peer,
    pub(super) b: Peer,
    /// Candidates that wait for a remote description: for `a`, for `b`.
    queues: [Vec<EngineEvent>; 2],
    described: [bool; 2],
}

pub(super) fn loopback() -> Vec<IpAddr> {
    vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]
}

impl Peer {
    async fn new(world: &Arc<dyn World>, config: EngineConfig) -> Self {
        let (engine, incoming) = Engine::new(world.clone(), Arc::new(MachineNetwork), config).await.unwrap();
        Self { engine, events: Vec::new(), incoming }
    }

    /// Waits for an event.
    pub(super) async fn until(
        &mut self,
        world: &dyn World,
        what: &str,
        wanted: impl Fn(&EngineEvent) -> bool,
    ) {
        while !self.saw(&wanted) {
            let event = timeout(world, PATIENCE, self.incoming.next()).await;
            self.events.push(event.ok().flatten().unwrap_or_else(|| panic!("{what}: {:?}", self.events)));
        }
    }

    pub(super) fn saw(&self, wanted: impl Fn(&EngineEvent) -> bool) -> bool {
        self.events.iter().any(|(_, event)| wanted(event))
    }

    pub(super) fn position(&self, wanted: &EngineEvent) -> usize {
        self.events.iter().position(|(_, event)| event == wanted).unwrap_or_else(|| panic!("no {wanted:?}"))
    }

    pub(super) fn connected(&self) -> bool {
        self.saw(|event| *event == EngineEvent::ConnectionState(ConnectionState::Connected))
    }

    /// The payloads that came in on `mid`, in order of arrival.
    pub(super) fn payloads(&self, mid: &str) -> Vec<Vec<u8>> {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                EngineEvent::Rtp { mid: on, packet, .. } if **on == *mid => Some(packet.payload.to_vec()),
                _ => None,
            })
            .collect()
    }
}

impl Pair {
    pub(super) async fn new() -> Self {
        Self::with(EngineConfig::new("a", loopback()), EngineConfig::new("b", loopback())).await
    }

    pub(super) async fn with(a: EngineConfig, b: EngineConfig) -> Self {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        let (a, b) = (Peer::new(&world, a).await, Peer::new(&world, b).await);
        Self { world, a, b, queues: [Vec::new(), Vec::new()], described: [false, false] }
    }

    /// Both send audio and video.
    pub(super) async fn with_tracks() -> Self {
        let mut pair = Self::new().await;
        for peer in [&mut pair.a, &mut pair.b] {
            peer.engine.add_track(MediaKind::Audio, Some("s"), "mic").await.unwrap();
            peer.engine.add_track(MediaKind::Video, Some("s"), "camera").await.unwrap();
        }
        pair
    }

    /// `a` offers, `b` answers; the directions of the answer are what both want.
    pub(super) async fn negotiate(&mut self, wanted: Direction) -> (String, String) {
        let offer = self.a.engine.create_offer().await.unwrap();
        self.a.engine.set_local(SdpType::Offer, &offer).await.unwrap();
        self.b.engine.set_remote(SdpType::Offer, &offer).await.unwrap();
        self.described[1] = true;
        for transceiver in self.b.engine.transceivers().await {
            let Some(mid) = transceiver.mid else { continue };
            let offered = direction_of(&offer, &mid);
            self.b.engine.set_direction(&mid, wanted.intersect(offered.reversed())).await.unwrap();
        }
        let answer = self.b.engine.create_answer().await.unwrap();
        self.b.engine.set_local(SdpType::Answer, &answer).await.unwrap();
        self.a.engine.set_remote(SdpType::Answer, &answer).await.unwrap();
        self.described[0] = true;
        (offer, answer)
    }

    pub(super) fn open_gates(&self) {
        for peer in [&self.a, &self.b] {
            for id in 0..2 {
                peer.engine.set_may_send(SenderId(id), true);
                peer.engine.set_may_receive(&id.to_string(), true);
            }
        }
    }

    /// Carries candidates until both sides satisfy `done`.
    pub(super) async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = self.world.now() + PATIENCE;
        loop {
            self.drain().await;
            if done(self) {
                return;
            }
            assert!(self.world.now() < deadline, "{what}: a {:?} b {:?}", self.a.events, self.b.events);
            let woke = select(self.a.incoming.next(), self.b.incoming.next());
            match timeout(&*self.world, PATIENCE, woke).await {
                Ok(Either::Left((Some(event), _))) => self.take(0, event),
                Ok(Either::Right((Some(event), _))) => self.take(1, event),
                _ => panic!("{what}: nothing more came: a {:?} b {:?}", self.a.events, self.b.events),
            }
        }
    }

    /// Passes `time`, carrying candidates.
    pub(super) async fn wait(&mut self, time: Duration) {
        self.world.sleep(time).await;
        self.drain().await;
    }

    pub(super) async fn connect(&mut self) {
        self.until("to connect", |pair| pair.a.connected() && pair.b.connected()).await;
    }

    /// What was gathered so far is never delivered.
    pub(super) async fn forget_candidates(&mut self) {
        self.drain().await;
        self.queues = [Vec::new(), Vec::new()];
    }

    async fn drain(&mut self) {
        for index in 0..2 {
            while let Some(Some(event)) = self.peer(index).incoming.next().now_or_never() {
                self.take(index, event);
            }
        }
        for index in 0..2 {
            if !self.described[index] {
                continue;
            }
            for event in std::mem::take(&mut self.queues[index]) {
                if let EngineEvent::Candidate { candidate, mid, index: line, ufrag } = event {
                    let engine = &mut self.peer(index).engine;
                    engine
                        .add_candidate(&candidate.candidate, Some(&mid), Some(line), Some(&ufrag))
                        .await
                        .unwrap();
                }
            }
        }
    }

    fn take(&mut self, index: usize, event: (Instant, EngineEvent)) {
        if matches!(event.1, EngineEvent::Candidate { .. }) {
            self.queues[1 - index].push(event.1.clone());
        }
        self.peer(index).events.push(event);
    }

    fn peer(&mut self, index: usize) -> &mut Peer {
        if index == 0 { &mut self.a } else { &mut self.b }
    }
}

/// Writes one packet.
pub(super) async fn write(engine: &Engine, sender: usize, sequence: u16, payload: &'static [u8]) -> bool {
    let writer = engine.writer(SenderId(sender)).unwrap();
    let packet =
        RtpOut { sequence, timestamp: u32::from(sequence) * 960, marker: true, payload: payload.into() };
    writer.write(packet).await.unwrap()
}

/// The direction of an m-section; sendrecv unless it says otherwise.
pub(super) fn direction_of(sdp: &str, mid: &str) -> Direction {
    let section =
        sdp.split("m=").skip(1).find(|section| section.contains(&format!("a=mid:{mid}\r\n"))).unwrap();
    let word = section.lines().find_map(|line| line.strip_prefix("a=")?.parse().ok());
    word.unwrap_or(Direction::Sendrecv)
}
