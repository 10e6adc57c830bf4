//! Two engines that trickle into each other.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};

use super::descriptions::{answer_to, offer_of};
use crate::engine::{Engine, EngineConfig, EngineError, EngineEvent, RtpOut};
use crate::jsep::{ConnectionState, Direction, LocalDescription, LocalSection, SdpType, Side};
use crate::network::MachineNetwork;
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
    /// So many rounds of media went through.
    marks: u16,
}

/// The m-sections of the call that most tests make.
pub(super) const AUDIO_VIDEO: &[(&str, &str)] = &[("0", "audio"), ("1", "video")];

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
        Self { world, a, b, queues: [Vec::new(), Vec::new()], described: [false, false], marks: 0 }
    }

    /// A call with audio on mid 0 and video on mid 1, both ways, connected, with open gates.
    pub(super) async fn connected() -> Self {
        let mut pair = Self::new().await;
        pair.negotiate(Direction::Sendrecv).await;
        pair.open_gates();
        pair.connect().await;
        pair
    }

    /// `a` offers audio and video, `b` answers with what it wants.
    pub(super) async fn negotiate(&mut self, wanted: Direction) -> (String, String) {
        let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
        self.round(0, &offer, |section| section.direction = wanted.intersect(section.direction)).await
    }

    /// A whole offer and answer; `from` is 0 for `a`. The answer takes what was offered, changed by `change`.
    pub(super) async fn round(
        &mut self,
        from: usize,
        offer: &LocalDescription,
        change: impl Fn(&mut LocalSection),
    ) -> (String, String) {
        self.round_with(from, offer, change, str::to_owned).await
    }

    /// The same with texts that are changed on their way.
    pub(super) async fn round_with(
        &mut self,
        from: usize,
        offer: &LocalDescription,
        change: impl Fn(&mut LocalSection),
        on_the_way: impl Fn(&str) -> String,
    ) -> (String, String) {
        let text = self.offer(from, offer).await;
        let text = on_the_way(&text);
        self.take_offer(1 - from, &text).await;
        let mut answer = answer_to(offer);
        answer.sections.iter_mut().for_each(change);
        let answer = self.answer(1 - from, &answer).await;
        let answer = on_the_way(&answer);
        self.take_answer(from, &answer).await;
        (text, answer)
    }

    /// Our offer, applied.
    pub(super) async fn offer(&mut self, from: usize, offer: &LocalDescription) -> String {
        let engine = &mut self.peer(from).engine;
        let text = engine.create_offer(offer).await.unwrap();
        engine.set_local(offer, &text).await.unwrap();
        text
    }

    pub(super) async fn take_offer(&mut self, to: usize, text: &str) {
        self.peer(to).engine.set_remote(SdpType::Offer, text).await.unwrap();
        self.described[to] = true;
    }

    /// Our answer, applied.
    pub(super) async fn answer(&mut self, from: usize, answer: &LocalDescription) -> String {
        let engine = &mut self.peer(from).engine;
        let text = engine.create_answer(answer).await.unwrap();
        engine.set_local(answer, &text).await.unwrap();
        text
    }

    pub(super) async fn take_answer(&mut self, to: usize, text: &str) {
        self.take(to, SdpType::Answer, text).await;
    }

    pub(super) async fn take(&mut self, to: usize, sdp_type: SdpType, text: &str) {
        self.peer(to).engine.set_remote(sdp_type, text).await.unwrap();
        self.described[to] = true;
    }

    /// Media passes both ways on these m-sections, and nowhere else.
    pub(super) async fn hears(&mut self, mids: &[&str]) {
        self.open(mids);
        let seen = self.marks;
        self.marks += 1;
        let payload = format!("packet {seen}").into_bytes();
        let all = |peer: &Peer| mids.iter().all(|mid| peer.payloads(mid).contains(&payload));
        // A packet may be lost while ICE restarts.
        for sequence in 0..1000 {
            for mid in mids {
                for engine in [&self.a.engine, &self.b.engine] {
                    assert!(write(engine, mid, seen * 1000 + sequence, &payload).await, "mid {mid}");
                }
            }
            self.wait(Duration::from_millis(5)).await;
            if all(&self.a) && all(&self.b) {
                return;
            }
        }
        panic!("no media on {mids:?}: a {:?} b {:?}", self.a.events, self.b.events);
    }

    pub(super) async fn rollback(&mut self, of: usize, side: Side) {
        self.peer(of).engine.rollback(side).await.unwrap();
    }

    pub(super) fn open(&self, mids: &[&str]) {
        for peer in [&self.a, &self.b] {
            for mid in mids {
                peer.engine.set_may_send(mid, true);
                peer.engine.set_may_receive(mid, true);
            }
        }
    }

    pub(super) fn open_gates(&self) {
        self.open(&["0", "1"]);
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
                Ok(Either::Left((Some(event), _))) => self.note(0, event),
                Ok(Either::Right((Some(event), _))) => self.note(1, event),
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
                self.note(index, event);
            }
        }
        for index in 0..2 {
            if !self.described[index] {
                continue;
            }
            for event in std::mem::take(&mut self.queues[index]) {
                if let EngineEvent::Candidate { candidate, mid, index: line, ufrag } = event {
                    let engine = &mut self.peer(index).engine;
                    let text = &candidate.candidate;
                    match engine.add_candidate(text, Some(&mid), Some(line), Some(&ufrag)).await {
                        // Its description was taken back.
                        Ok(()) | Err(EngineError::UnknownUfrag(_) | EngineError::InvalidState(_)) => {}
                        Err(error) => panic!("{error}: {text}"),
                    }
                }
            }
        }
    }

    fn note(&mut self, index: usize, event: (Instant, EngineEvent)) {
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
pub(super) async fn write(engine: &Engine, mid: &str, sequence: u16, payload: &[u8]) -> bool {
    let writer = engine.writer(mid).unwrap();
    let payload = payload.to_vec().into();
    let packet = RtpOut { sequence, timestamp: u32::from(sequence) * 960, marker: true, payload };
    writer.write(packet).await.unwrap()
}

/// The direction of an m-section; sendrecv unless it says otherwise.
pub(super) fn direction_of(sdp: &str, mid: &str) -> Direction {
    let section =
        sdp.split("m=").skip(1).find(|section| section.contains(&format!("a=mid:{mid}\r\n"))).unwrap();
    let word = section.lines().find_map(|line| line.strip_prefix("a=")?.parse().ok());
    word.unwrap_or(Direction::Sendrecv)
}
