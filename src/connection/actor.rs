//! The actor behind a [`Connection`](super::Connection): runs operations in order, listens to the engine, and samples
//! the media once a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, select_biased};

use super::continuity::Continuity;
use super::descriptions::Descriptions;
use super::receiving::Receiving;
use super::sending::Sending;
use super::{Config, ConnectionEvent, ErrorName, Outcome, TransceiverState, W3cError};
use crate::engine::{Engine, EngineConfig, EngineError, EngineEvent, codecs};
use crate::fault::Faults;
use crate::jsep::{Peer, Transceiver};
use crate::network::Network;
use crate::timeline::{IceChecks, Kind, Recorder, TransceiverRow};
use crate::world::World;

/// How often the media is counted into the timeline.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// An operation of the chain; it tells its result by itself.
pub(super) type Call = Box<dyn for<'a> FnOnce(&'a mut Actor) -> BoxFuture<'a, ()> + Send>;

pub(super) struct Actor {
    pub(super) world: Arc<dyn World>,
    pub(super) recorder: Recorder,
    pub(super) events: mpsc::UnboundedSender<ConnectionEvent>,
    /// What a browser would do.
    pub(super) peer: Peer,
    /// What does it; none once closed.
    pub(super) engine: Option<Engine>,
    engine_events: mpsc::UnboundedReceiver<(Instant, EngineEvent)>,
    pub(super) descriptions: Descriptions,
    pub(super) sending: Vec<Sending>,
    /// What has left, by SSRC: a source that follows another continues its numbers.
    pub(super) lines: BTreeMap<u32, Arc<Mutex<Continuity>>>,
    pub(super) receiving: Receiving,
    /// DTLS is connected, so media can be encrypted.
    pub(super) secured: bool,
    pub(super) faults: Arc<Faults>,
    /// The connectivity checks as they were recorded last.
    pub(super) checks: IceChecks,
    /// ICE has a pair: what follows are consent checks (RFC 7675).
    pub(super) paired: bool,
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
            trusting: config.trusting,
            relay_only: config.relay_only,
            bind: config.bind,
            gathering_timeout: config.gathering_timeout,
            faults: Arc::clone(&config.faults),
            label: format!("{} {}", recorder.role(), config.identity.own),
        };
        let (engine, engine_events) = Engine::new(Arc::clone(&world), network, engine_config).await?;
        Ok(Self {
            world,
            recorder,
            events,
            peer: Peer::new(config.association).with_codecs(&codecs()),
            engine: Some(engine),
            engine_events,
            descriptions: Descriptions::default(),
            sending: Vec::new(),
            lines: BTreeMap::new(),
            receiving: Receiving::new(config.identity),
            secured: false,
            faults: config.faults,
            checks: IceChecks::default(),
            paired: false,
        })
    }

    /// Until the handle is gone.
    pub(super) async fn run(mut self, mut calls: mpsc::UnboundedReceiver<Call>) {
        let mut sample = self.world.sleep(SAMPLE_EVERY).fuse();
        loop {
            select_biased! {
                call = calls.next() => match call {
                    Some(call) => call(&mut self).await,
                    None => break,
                },
                event = self.engine_events.select_next_some() => self.engine_event(event),
                () = sample => {
                    if self.engine.is_some() {
                        self.sample_media(false).await;
                        sample = self.world.sleep(SAMPLE_EVERY).fuse();
                    }
                }
            }
        }
        // Nothing is to be done about a connection that is closed already.
        let _ = self.close().await;
    }

    /// close() (W3C webrtc §4.4.2).
    pub(super) async fn close(&mut self) -> Outcome<()> {
        let Some(engine) = self.engine.take() else { return Ok(()) };
        self.sending.clear();
        self.peer.close();
        engine.close().await;
        self.record(Kind::SignalingState(self.peer.signaling_state()));
        Ok(())
    }

    /// The engine of a connection that is open.
    pub(super) fn engine(&mut self) -> Outcome<&mut Engine> {
        let closed = || W3cError::new(ErrorName::InvalidStateError, "the connection is closed");
        self.engine.as_mut().ok_or_else(closed)
    }

    pub(super) async fn sample(&mut self) -> Outcome<()> {
        self.record_transceivers();
        self.sample_media(true).await;
        Ok(())
    }

    pub(super) fn transceivers(&self) -> Vec<TransceiverState> {
        let state = |transceiver: &Transceiver| TransceiverState {
            id: transceiver.id(),
            row: row(transceiver),
            sender_track: transceiver.sender_track().map(str::to_owned),
            receiver_muted: transceiver.receiver_muted(),
        };
        self.peer.transceivers().map(state).collect()
    }

    pub(super) fn record_transceivers(&self) {
        self.record(Kind::Transceivers(self.peer.transceivers().map(row).collect()));
    }

    pub(super) fn record(&self, kind: Kind) {
        self.recorder.record(self.world.now(), kind);
    }

    /// Writes down an operation, with its error if it was rejected.
    pub(super) fn operation(&self, name: &str, arguments: String, error: Option<&W3cError>) {
        let error = error.map(ToString::to_string);
        self.record(Kind::Operation { name: name.to_owned(), arguments, error });
    }

    pub(super) fn tell(&self, event: ConnectionEvent) {
        // The application may have stopped to listen; the timeline has it all the same.
        let _ = self.events.unbounded_send(event);
    }
}

fn row(transceiver: &Transceiver) -> TransceiverRow {
    TransceiverRow {
        mid: transceiver.mid().map(str::to_owned),
        kind: transceiver.kind(),
        direction: transceiver.direction(),
        current_direction: transceiver.current_direction(),
    }
}
