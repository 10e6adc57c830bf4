//! RTCPeerConnection with W3C meaning over the engine: one actor for each connection, which runs operations one after
//! another (the operations chain, W3C webrtc §4.4.1.2). `jsep::Peer` decides what a browser would do, the engine obeys,
//! sources are played and what comes in is read. What goes over the wire is held against the model after each
//! description of ours; a difference is recorded as a defect of this tester.

mod actor;
mod config;
mod continuity;
mod descriptions;
mod error;
mod event;
mod observing;
mod receiving;
mod sending;
mod settling;
mod tracks;

use std::sync::Arc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use crate::jsep::{Direction, MediaKind, SdpType, Side, SignalingState};
use crate::network::Network;
use crate::timeline::Recorder;
use crate::world::{Task, World, spawn, timeout};

use actor::{Actor, Call};

pub use crate::engine::{IceServer, Trusting, local_addresses};
pub use crate::jsep::{ErrorName, TransceiverId, TransceiverInit, W3cError};
pub use config::{Config, Identity};
pub use event::{CandidateInit, ConnectionEvent, LocalTrack, TransceiverState};

/// close() of the engine takes well under a millisecond; after this long it is not coming back.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// A handle on the actor. Dropping it closes the connection.
#[derive(Debug)]
pub struct Connection {
    world: Arc<dyn World>,
    calls: mpsc::UnboundedSender<Call>,
    actor: Option<Task>,
}

/// `Connection::open` failed; nothing was left behind.
pub type OpenError = crate::engine::EngineError;

/// The result of a W3C operation.
pub type Outcome<T> = Result<T, W3cError>;

impl Connection {
    /// new RTCPeerConnection(configuration).
    ///
    /// # Errors
    /// What the engine says when it cannot start.
    pub async fn open(
        world: Arc<dyn World>,
        network: Arc<dyn Network>,
        recorder: Recorder,
        config: Config,
    ) -> Result<(Self, mpsc::UnboundedReceiver<ConnectionEvent>), OpenError> {
        let (events, events_out) = mpsc::unbounded();
        let (calls, calls_in) = mpsc::unbounded();
        let actor = Actor::new(Arc::clone(&world), network, recorder, config, events).await?;
        let task = spawn(&*world, actor.run(calls_in));
        Ok((Self { world, calls, actor: Some(task) }, events_out))
    }

    /// addTrack(track, ...streams) (W3C webrtc §5.1): the transceiver whose sender has the track.
    pub async fn add_track(&self, track: LocalTrack, streams: &[String]) -> Outcome<TransceiverId> {
        let streams = streams.to_vec();
        self.ask(move |actor| async move { actor.add_track(track, &streams) }.boxed()).await
    }

    /// addTransceiver(trackOrKind, init) (W3C webrtc §5.1).
    pub async fn add_transceiver(
        &self,
        kind: MediaKind,
        track: Option<LocalTrack>,
        init: TransceiverInit,
    ) -> Outcome<TransceiverId> {
        self.ask(move |actor| async move { actor.add_transceiver(kind, track, init) }.boxed()).await
    }

    /// transceiver.direction = ... (W3C webrtc §5.4).
    pub async fn set_direction(&self, id: TransceiverId, direction: Direction) -> Outcome<()> {
        self.ask(move |actor| async move { actor.set_direction(id, direction) }.boxed()).await
    }

    /// sender.replaceTrack(track) (W3C webrtc §5.2).
    pub async fn replace_track(&self, id: TransceiverId, track: Option<LocalTrack>) -> Outcome<()> {
        self.ask(move |actor| async move { actor.replace_track(id, track) }.boxed()).await
    }

    /// sender.setStreams(...streams) (W3C webrtc §5.2).
    pub async fn set_streams(&self, id: TransceiverId, streams: &[String]) -> Outcome<()> {
        let streams = streams.to_vec();
        self.ask(move |actor| async move { actor.set_streams(id, &streams) }.boxed()).await
    }

    /// removeTrack(sender) (W3C webrtc §5.1).
    pub async fn remove_track(&self, id: TransceiverId) -> Outcome<()> {
        self.ask(move |actor| async move { actor.remove_track(id) }.boxed()).await
    }

    /// transceiver.stop() (W3C webrtc §5.4).
    pub async fn stop(&self, id: TransceiverId) -> Outcome<()> {
        self.ask(move |actor| async move { actor.stop(id) }.boxed()).await
    }

    /// createDataChannel(label) (W3C webrtc §6.1). The channel is negotiated; nothing is sent over it.
    pub async fn create_data_channel(&self, label: &str) -> Outcome<()> {
        let label = label.to_owned();
        self.ask(move |actor| async move { actor.create_data_channel(&label) }.boxed()).await
    }

    /// restartIce() (W3C webrtc §4.4.2).
    pub async fn restart_ice(&self) -> Outcome<()> {
        self.ask(|actor| async move { actor.restart_ice() }.boxed()).await
    }

    /// createOffer().
    pub async fn create_offer(&self) -> Outcome<String> {
        self.ask(|actor| actor.create(SdpType::Offer).boxed()).await
    }

    /// createAnswer().
    pub async fn create_answer(&self) -> Outcome<String> {
        self.ask(|actor| actor.create(SdpType::Answer).boxed()).await
    }

    /// setLocalDescription({ type, sdp }); the text of a rollback is not read.
    pub async fn set_local_description(&self, sdp_type: SdpType, sdp: String) -> Outcome<()> {
        self.ask(move |actor| actor.set_description(Side::Local, sdp_type, sdp).boxed()).await
    }

    /// setRemoteDescription({ type, sdp }); the text of a rollback is not read.
    pub async fn set_remote_description(&self, sdp_type: SdpType, sdp: String) -> Outcome<()> {
        self.ask(move |actor| actor.set_description(Side::Remote, sdp_type, sdp).boxed()).await
    }

    /// addIceCandidate(candidate).
    pub async fn add_ice_candidate(&self, candidate: CandidateInit) -> Outcome<()> {
        self.ask(move |actor| async move { actor.add_candidate(&candidate).await }.boxed()).await
    }

    /// localDescription: with every candidate gathered so far. None before setLocalDescription.
    pub async fn local_description(&self) -> Option<(SdpType, String)> {
        self.ask(|actor| async move { Ok(actor.local_description()) }.boxed()).await.ok().flatten()
    }

    /// getTransceivers(). After close() as Chromium lists them: without a mid, stopped.
    pub async fn transceivers(&self) -> Vec<TransceiverState> {
        self.ask(|actor| async move { Ok(actor.transceivers()) }.boxed()).await.unwrap_or_default()
    }

    /// signalingState.
    pub async fn signaling_state(&self) -> SignalingState {
        let state = self.ask(|actor| async move { Ok(actor.peer.signaling_state()) }.boxed()).await;
        state.unwrap_or(SignalingState::Closed)
    }

    /// `[[NegotiationNeeded]]` as it would be computed now (W3C webrtc §4.7.3).
    pub async fn negotiation_needed(&self) -> bool {
        self.ask(|actor| async move { Ok(actor.peer.negotiation_needed()) }.boxed()).await.unwrap_or(false)
    }

    /// Asks for a key frame of every track that comes in, needed or not.
    pub async fn request_key_frames(&self) {
        let _ = self.ask(|actor| async move { actor.request_key_frames() }.boxed()).await;
    }

    /// How far the peer's clock is ahead of ours, for one-way latency.
    pub fn set_clock(&self, offset_us: i64, error_us: u64) {
        let call: Call =
            Box::new(move |actor| async move { actor.receiving.set_clock(offset_us, error_us) }.boxed());
        // A closed connection measures nothing any more.
        let _ = self.calls.unbounded_send(call);
    }

    /// Records the transceivers and the media counts as they are now.
    pub async fn sample(&self) {
        let _ = self.ask(|actor| async move { actor.sample().await }.boxed()).await;
    }

    /// close() with its W3C meaning: later operations are rejected, and what is asked is still answered.
    pub async fn close_in_place(&self) {
        let _ = self.ask(|actor| async move { actor.close().await }.boxed()).await;
    }

    /// close(). Everything is gone when this returns.
    pub async fn close(mut self) {
        self.close_in_place().await;
        self.calls.close_channel();
        if let Some(actor) = self.actor.take() {
            let _ = timeout(&*self.world, CLOSE_DEADLINE, actor.join()).await;
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        operation: impl for<'a> FnOnce(&'a mut Actor) -> BoxFuture<'a, Outcome<T>> + Send + 'static,
    ) -> Outcome<T> {
        let (done, answer) = oneshot::channel();
        let closed = || W3cError::new(ErrorName::InvalidStateError, "the connection is closed");
        let call: Call = Box::new(move |actor| {
            async move {
                // Whoever asked may have gone away; the operation counts all the same.
                let _ = done.send(operation(actor).await);
            }
            .boxed()
        });
        self.calls.unbounded_send(call).map_err(|_| closed())?;
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
