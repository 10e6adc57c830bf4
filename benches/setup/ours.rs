//! A call with callcheck's engine.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callcheck::engine::{Engine, EngineConfig, EngineEvent, RtpOut};
use callcheck::jsep::{
    ConnectionState, Direction, LocalDescription, LocalMsid, LocalSection, MediaKind, SdpType, SectionMedia,
};
use callcheck::network::MachineNetwork;
use callcheck::timeline::IceCandidate;
use callcheck::world::{Live, World};
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{GIVE_UP, STEP, Signal, Traffic, both, due, elapsed};

type Trickled = (Box<IceCandidate>, String, u16, String);
type Events = UnboundedReceiver<(Instant, EngineEvent)>;

struct Side {
    engine: Engine,
    events: Events,
    out: UnboundedSender<Signal<Trickled>>,
    room: UnboundedReceiver<Signal<Trickled>>,
    waiting: Vec<Trickled>,
    described: bool,
    connected: Option<Instant>,
    peer_connected: bool,
}

pub(super) async fn call(number: usize, bind: &[IpAddr]) -> Option<Duration> {
    let world: Arc<dyn World> = Arc::new(Live::new(number as u64));
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::unbounded(), mpsc::unbounded());
    let mut a = Side::new(&world, "a", bind, to_b, from_b).await;
    let b = Side::new(&world, "b", bind, to_a, from_a).await;
    let began = world.now();
    let ours = description(SdpType::Offer);
    let offer = a.engine.create_offer(&ours).await.expect("an offer");
    a.engine.set_local(&ours, &offer).await.expect("our offer");
    a.out.unbounded_send(Signal::Offer(offer)).ok()?;
    Some(elapsed(began, both(a.run(), b.run()).await?))
}

/// A call that sends media for a while.
pub(super) async fn media_call(number: usize, time: Duration) -> Option<(Traffic, Traffic)> {
    let world: Arc<dyn World> = Arc::new(Live::new(number as u64));
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::unbounded(), mpsc::unbounded());
    let bind = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let mut a = Side::new(&world, "a", &bind, to_b, from_b).await;
    let b = Side::new(&world, "b", &bind, to_a, from_a).await;
    let ours = description(SdpType::Offer);
    let offer = a.engine.create_offer(&ours).await.ok()?;
    a.engine.set_local(&ours, &offer).await.ok()?;
    a.out.unbounded_send(Signal::Offer(offer)).ok()?;
    both(a.run_media(time), b.run_media(time)).await
}

impl Side {
    async fn run_media(mut self, time: Duration) -> Option<Traffic> {
        tokio::time::timeout(GIVE_UP, self.negotiate()).await.ok()??;
        for (mid, _) in SECTIONS {
            self.engine.set_may_send(mid, true);
            self.engine.set_may_receive(mid, true);
        }
        let writers = [self.engine.writer("0")?, self.engine.writer("1")?];
        let (mut traffic, mut ticks) = (Traffic::default(), tokio::time::interval(STEP));
        let payload = Bytes::from(vec![0_u8; 1000]);
        let mut sequences = [0_u16; 2];
        let steps = (time.as_millis() / STEP.as_millis()) as u32;
        let mut step = 0;
        // A little longer than it sends, for what is on its way.
        while step < steps + 20 {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    step += 1;
                    for (track, size) in due(step).filter(|_| step <= steps) {
                        sequences[track] = sequences[track].wrapping_add(1);
                        let packet = RtpOut {
                            sequence: sequences[track],
                            timestamp: step * 480,
                            marker: true,
                            payload: payload.slice(..size),
                        };
                        traffic.sent += u64::from(writers[track].write(packet).await.ok()?);
                    }
                }
                event = self.events.next() => {
                    traffic.received += u64::from(matches!(event?.1, EngineEvent::Rtp { .. }));
                }
            }
        }
        self.engine.close().await;
        Some(traffic)
    }

    async fn new(
        world: &Arc<dyn World>,
        label: &str,
        bind: &[IpAddr],
        out: UnboundedSender<Signal<Trickled>>,
        room: UnboundedReceiver<Signal<Trickled>>,
    ) -> Self {
        let config = EngineConfig::new(label, bind.to_vec());
        let made = Engine::new(world.clone(), Arc::new(MachineNetwork), config).await;
        let (engine, events) = made.expect("an engine");
        Self {
            engine,
            events,
            out,
            room,
            waiting: vec![],
            described: false,
            connected: None,
            peer_connected: false,
        }
    }

    async fn run(mut self) -> Option<Instant> {
        let outcome = tokio::time::timeout(GIVE_UP, self.negotiate()).await.ok().flatten();
        self.engine.close().await;
        outcome
    }

    async fn negotiate(&mut self) -> Option<Instant> {
        while self.connected.is_none() || !self.peer_connected {
            tokio::select! {
                biased;
                signal = self.room.next() => self.signal(signal?).await?,
                event = self.events.next() => self.event(event?),
            }
        }
        self.connected
    }

    fn event(&mut self, (at, event): (Instant, EngineEvent)) {
        match event {
            EngineEvent::Candidate { candidate, mid, index, ufrag } => {
                let _ = self.out.unbounded_send(Signal::Candidate((candidate, mid, index, ufrag)));
            }
            EngineEvent::ConnectionState(ConnectionState::Connected) => {
                self.connected = Some(at);
                let _ = self.out.unbounded_send(Signal::Done);
            }
            _ => {}
        }
    }

    async fn signal(&mut self, signal: Signal<Trickled>) -> Option<()> {
        match signal {
            Signal::Offer(offer) => self.answer(&offer).await?,
            Signal::Answer(answer) => {
                self.engine.set_remote(SdpType::Answer, &answer).await.ok()?;
                self.described = true;
            }
            Signal::Candidate(candidate) => self.waiting.push(candidate),
            Signal::Done => self.peer_connected = true,
        }
        if self.described {
            for (candidate, mid, index, ufrag) in std::mem::take(&mut self.waiting) {
                let text = &candidate.candidate;
                self.engine.add_candidate(text, Some(&mid), Some(index), Some(&ufrag)).await.ok()?;
            }
        }
        Some(())
    }

    async fn answer(&mut self, offer: &str) -> Option<()> {
        self.engine.set_remote(SdpType::Offer, offer).await.ok()?;
        self.described = true;
        let ours = description(SdpType::Answer);
        let answer = self.engine.create_answer(&ours).await.ok()?;
        self.engine.set_local(&ours, &answer).await.ok()?;
        self.out.unbounded_send(Signal::Answer(answer)).ok()
    }
}

const SECTIONS: [(&str, MediaKind); 2] = [("0", MediaKind::Audio), ("1", MediaKind::Video)];

/// Audio and video, both ways.
fn description(sdp_type: SdpType) -> LocalDescription {
    let section = |(mid, kind): (&str, MediaKind)| LocalSection {
        mid: mid.to_owned(),
        media: SectionMedia::Track(kind),
        transceiver: None,
        rejected: false,
        direction: Direction::Sendrecv,
        msid: Some(LocalMsid { streams: vec!["stream".to_owned()], track: kind.to_string() }),
    };
    LocalDescription { sdp_type, sections: SECTIONS.map(section).into(), ice_restart: false }
}
