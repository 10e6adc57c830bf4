//! The actor behind a [`Connection`](super::Connection): runs commands in order, listens to the engine, and samples
//! the media once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, StreamExt, select_biased};

use super::receiving::Receiving;
use super::sending::Sending;
use super::transceivers::Transceivers;
use super::{CandidateInit, Config, ConnectionEvent, W3cError};
use crate::engine::{Engine, EngineConfig, EngineError, EngineEvent, Network};
use crate::jsep::{MediaKind, SdpFacts, SdpType, Side, SignalingState};
use crate::media::Source;
use crate::timeline::{IceCandidate, Kind, Recorder, TransceiverRow};
use crate::world::World;

/// How often the media is counted into the timeline.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

type Done<T> = oneshot::Sender<Result<T, W3cError>>;

/// An operation for the actor, with where its result goes.
pub(super) enum Command {
    AddTrack { source: Box<dyn Source>, stream: String, done: Done<()> },
    AddReceiver { kind: MediaKind, done: Done<()> },
    CreateOffer { done: Done<String> },
    CreateAnswer { done: Done<String> },
    SetLocal { sdp_type: SdpType, sdp: String, done: Done<()> },
    SetRemote { sdp_type: SdpType, sdp: String, done: Done<()> },
    AddCandidate { candidate: CandidateInit, done: Done<()> },
    LocalDescription { done: Done<Option<(SdpType, String)>> },
    Transceivers { done: Done<Vec<TransceiverRow>> },
    Clock { offset_us: i64, error_us: u64 },
    Sample { done: Done<()> },
    Close { done: Done<()> },
}

/// A description that is set, as text and as facts.
pub(super) struct Description {
    pub(super) sdp_type: SdpType,
    pub(super) sdp: String,
    pub(super) facts: SdpFacts,
}

pub(super) struct Actor {
    pub(super) world: Arc<dyn World>,
    pub(super) recorder: Recorder,
    pub(super) engine: Engine,
    engine_events: mpsc::UnboundedReceiver<(Instant, EngineEvent)>,
    pub(super) events: mpsc::UnboundedSender<ConnectionEvent>,
    pub(super) signaling: SignalingState,
    pub(super) local: Option<Description>,
    pub(super) remote: Option<Description>,
    pub(super) transceivers: Transceivers,
    pub(super) sending: Vec<Sending>,
    pub(super) receiving: Receiving,
    pub(super) gathered: Vec<IceCandidate>,
    pub(super) gathering_complete: bool,
    /// DTLS is connected, so media can be encrypted.
    pub(super) secured: bool,
}

impl Actor {
    pub(super) async fn new(
        world: Arc<dyn World>,
        network: Arc<dyn Network>,
        recorder: Recorder,
        config: Config,
        events: mpsc::UnboundedSender<ConnectionEvent>,
    ) -> Result<Self, EngineError> {
        let engine_config = EngineConfig {
            ice_servers: config.ice_servers,
            relay_only: config.relay_only,
            bind: config.bind,
            gathering_timeout: config.gathering_timeout,
            label: format!("{} {}", recorder.role(), config.identity.own),
        };
        let (engine, engine_events) = Engine::new(Arc::clone(&world), network, engine_config).await?;
        Ok(Self {
            world,
            recorder,
            engine,
            engine_events,
            events,
            signaling: SignalingState::Stable,
            local: None,
            remote: None,
            transceivers: Transceivers::default(),
            sending: Vec::new(),
            receiving: Receiving::new(config.identity),
            gathered: Vec::new(),
            gathering_complete: false,
            secured: false,
        })
    }

    /// Until the handle is dropped or closes the connection.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut sample = self.world.sleep(SAMPLE_EVERY).fuse();
        let closed = loop {
            select_biased! {
                command = commands.next() => match command {
                    Some(Command::Close { done }) => break Some(done),
                    Some(command) => self.execute(command).await,
                    None => break None,
                },
                event = self.engine_events.select_next_some() => self.engine_event(event),
                () = sample => {
                    self.sample_media(false).await;
                    sample = self.world.sleep(SAMPLE_EVERY).fuse();
                }
            }
        };
        self.sending.clear();
        self.engine.close().await;
        self.recorder.record(self.world.now(), Kind::SignalingState(SignalingState::Closed));
        if let Some(done) = closed {
            let _ = done.send(Ok(()));
        }
    }

    async fn execute(&mut self, command: Command) {
        // Whoever asked may have gone away; the operation counts all the same.
        match command {
            Command::AddTrack { source, stream, done } => {
                let _ = done.send(self.add_track(source, &stream).await);
            }
            Command::AddReceiver { kind, done } => {
                let _ = done.send(self.add_receiver(kind).await);
            }
            Command::CreateOffer { done } => {
                let _ = done.send(self.create_offer().await);
            }
            Command::CreateAnswer { done } => {
                let _ = done.send(self.create_answer().await);
            }
            Command::SetLocal { sdp_type, sdp, done } => {
                let _ = done.send(self.set_description(Side::Local, sdp_type, sdp).await);
            }
            Command::SetRemote { sdp_type, sdp, done } => {
                let _ = done.send(self.set_description(Side::Remote, sdp_type, sdp).await);
            }
            Command::AddCandidate { candidate, done } => {
                let _ = done.send(self.add_candidate(&candidate).await);
            }
            Command::LocalDescription { done } => {
                let _ = done.send(Ok(self.local_description()));
            }
            Command::Transceivers { done } => {
                let _ = done.send(Ok(self.transceivers.rows()));
            }
            Command::Clock { offset_us, error_us } => self.receiving.set_clock(offset_us, error_us),
            Command::Sample { done } => {
                self.record(Kind::Transceivers(self.transceivers.rows()));
                self.sample_media(true).await;
                let _ = done.send(Ok(()));
            }
            Command::Close { .. } => unreachable!("run() handles close"),
        }
    }
}
