//! RTCPeerConnection with W3C meaning over the engine: one actor for each connection, which runs operations one after
//! another (the operations chain, W3C webrtc §4.4.1.2), keeps the transceivers as the application sees them, plays
//! sources and reads what comes in. What a browser would do is computed by `jsep`; the engine obeys.

mod actor;
mod error;
mod observing;
mod operations;
mod receiving;
mod sending;
mod transceivers;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};

use crate::jsep::{ConnectionState, DtlsState, IceState, MediaKind, SdpType};
use crate::media::Source;
use crate::timeline::{Recorder, TransceiverRow};
use crate::world::{Task, World, spawn, timeout};

pub use crate::engine::{IceServer, MachineNetwork, Network, local_addresses};
pub use crate::jsep::{ErrorName, W3cError};

/// close() of the engine takes well under a millisecond; after this long it is not coming back.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// RTCConfiguration, and what the sinks need to know to prove media.
#[derive(Clone, Debug)]
pub struct Config {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Only relayed candidates may be used.
    pub relay_only: bool,
    /// Local addresses to gather on.
    pub bind: Vec<IpAddr>,
    /// Gathering is called complete after this long, whatever servers do.
    pub gathering_timeout: Duration,
    /// Who we are and whom we expect.
    pub identity: Identity,
}

/// Who sends what, by the numbers that stamps and tones carry.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Our number.
    pub own: u16,
    /// The other side's number; none where the room does not give numbers.
    pub peer: Option<u16>,
    /// The other side has announced that its media carries stamps.
    pub peer_stamps: bool,
}

/// A remote candidate as it came: RTCIceCandidateInit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateInit {
    /// `candidate:...`; empty for the end of candidates.
    pub candidate: String,
    /// The mid of its m-section.
    pub sdp_mid: Option<String>,
    /// The index of its m-section.
    pub sdp_m_line_index: Option<u16>,
    /// Its generation.
    pub username_fragment: Option<String>,
}

/// What the connection tells its application. Everything is in the timeline too.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    /// `icecandidate`.
    Candidate(CandidateInit),
    /// `icecandidate` with an empty candidate.
    EndOfCandidates {
        /// The generation that has ended.
        username_fragment: Option<String>,
    },
    /// `iceconnectionstatechange`.
    Ice(IceState),
    /// `statechange` of the DTLS transport.
    Dtls(DtlsState),
    /// `connectionstatechange`.
    Connection(ConnectionState),
    /// `track`.
    Track {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
    },
    /// What comes in on this mid is known to be the peer's.
    Proven {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
    },
}

/// A handle on the actor. Dropping it closes the connection.
#[derive(Debug)]
pub struct Connection {
    world: Arc<dyn World>,
    commands: mpsc::UnboundedSender<actor::Command>,
    actor: Option<Task>,
}

/// `Connection::open` failed; nothing was left behind.
pub type OpenError = crate::engine::EngineError;

impl Connection {
    /// new RTCPeerConnection(configuration).
    pub async fn open(
        world: Arc<dyn World>,
        network: Arc<dyn Network>,
        recorder: Recorder,
        config: Config,
    ) -> Result<(Self, mpsc::UnboundedReceiver<ConnectionEvent>), OpenError> {
        let (events, events_out) = mpsc::unbounded();
        let (commands, commands_in) = mpsc::unbounded();
        let actor = actor::Actor::new(Arc::clone(&world), network, recorder, config, events).await?;
        let task = spawn(&*world, actor.run(commands_in));
        Ok((Self { world, commands, actor: Some(task) }, events_out))
    }

    /// addTrack(track, stream): `source` is the track.
    pub async fn add_track(&self, source: Box<dyn Source>, stream: &str) -> Result<(), W3cError> {
        let stream = stream.to_owned();
        self.ask(|done| actor::Command::AddTrack { source, stream, done }).await
    }

    /// addTransceiver(kind, { direction: "recvonly" }), to be offered media without sending any.
    pub async fn add_receiver(&self, kind: MediaKind) -> Result<(), W3cError> {
        self.ask(|done| actor::Command::AddReceiver { kind, done }).await
    }

    /// createOffer().
    pub async fn create_offer(&self) -> Result<String, W3cError> {
        self.ask(|done| actor::Command::CreateOffer { done }).await
    }

    /// createAnswer().
    pub async fn create_answer(&self) -> Result<String, W3cError> {
        self.ask(|done| actor::Command::CreateAnswer { done }).await
    }

    /// setLocalDescription({ type, sdp }).
    pub async fn set_local_description(&self, sdp_type: SdpType, sdp: String) -> Result<(), W3cError> {
        self.ask(|done| actor::Command::SetLocal { sdp_type, sdp, done }).await
    }

    /// setRemoteDescription({ type, sdp }).
    pub async fn set_remote_description(&self, sdp_type: SdpType, sdp: String) -> Result<(), W3cError> {
        self.ask(|done| actor::Command::SetRemote { sdp_type, sdp, done }).await
    }

    /// addIceCandidate(candidate).
    pub async fn add_ice_candidate(&self, candidate: CandidateInit) -> Result<(), W3cError> {
        self.ask(|done| actor::Command::AddCandidate { candidate, done }).await
    }

    /// localDescription: with every candidate gathered so far. None before setLocalDescription.
    pub async fn local_description(&self) -> Option<(SdpType, String)> {
        self.ask(|done| actor::Command::LocalDescription { done }).await.ok().flatten()
    }

    /// getTransceivers(), as rows. Empty once closed.
    pub async fn transceivers(&self) -> Vec<TransceiverRow> {
        self.ask(|done| actor::Command::Transceivers { done }).await.unwrap_or_default()
    }

    /// How far the peer's clock is ahead of ours, for one-way latency.
    pub fn set_clock(&self, offset_us: i64, error_us: u64) {
        // A closed connection measures nothing any more.
        let _ = self.commands.unbounded_send(actor::Command::Clock { offset_us, error_us });
    }

    /// Records the transceivers and the media counts as they are now.
    pub async fn sample(&self) {
        let _ = self.ask(|done| actor::Command::Sample { done }).await;
    }

    /// close(). Everything is gone when this returns.
    pub async fn close(mut self) {
        let _ = self.ask(|done| actor::Command::Close { done }).await;
        if let Some(actor) = self.actor.take() {
            let _ = timeout(&*self.world, CLOSE_DEADLINE, actor.join()).await;
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, W3cError>>) -> actor::Command,
    ) -> Result<T, W3cError> {
        let (done, answer) = oneshot::channel();
        let closed = || W3cError::new(ErrorName::InvalidStateError, "the connection is closed");
        self.commands.unbounded_send(command(done)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// Waits for one event of a connection; pending for ever once the connection is gone.
pub async fn next_event(events: &mut mpsc::UnboundedReceiver<ConnectionEvent>) -> ConnectionEvent {
    match events.next().await {
        Some(event) => event,
        None => futures::future::pending().await,
    }
}
