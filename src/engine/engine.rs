//! One RTCPeerConnection.

use std::sync::Arc;
use std::time::Instant;

use futures::channel::mpsc;

use super::{EngineConfig, EngineError, EngineEvent, EngineStats, Network, RtpWriter};
use crate::jsep::{Direction, MediaKind, SdpType};
use crate::world::World;

/// A sender of an engine; counts from 0 in the order of [`Engine::add_track`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub usize);

/// A transceiver of an engine; counts from 0 in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransceiverId(pub usize);

/// A description was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The engine's text where it differs from the wire's.
    pub engine_sdp: Option<String>,
}

/// A transceiver as the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineTransceiver {
    /// Its id.
    pub id: TransceiverId,
    /// Its m-section, once associated.
    pub mid: Option<String>,
    /// The kind.
    pub kind: MediaKind,
    /// What the engine would negotiate next.
    pub direction: Direction,
    /// What was negotiated.
    pub current_direction: Option<Direction>,
    /// Its sender, if it was given a track.
    pub sender: Option<SenderId>,
}

/// One RTCPeerConnection of the engine. Dropping it closes it.
#[derive(Debug)]
pub struct Engine {}

#[expect(clippy::unused_async, reason = "bodies follow")]
impl Engine {
    /// Resolves the servers, opens the sockets and starts the driver. Events come with the time of `world`.
    ///
    /// # Errors
    /// [`EngineError::NoAddress`] when no socket could be opened, [`EngineError::Failed`] for anything else.
    pub async fn new(
        _world: Arc<dyn World>,
        _network: Arc<dyn Network>,
        _config: EngineConfig,
    ) -> Result<(Self, mpsc::UnboundedReceiver<(Instant, EngineEvent)>), EngineError> {
        Err(EngineError::Closed)
    }

    /// JSEP addTrack: reuses a transceiver or makes one. `stream` and `track` are the ids of the `msid`.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn add_track(
        &mut self,
        _kind: MediaKind,
        _stream: Option<&str>,
        _track: &str,
    ) -> Result<SenderId, EngineError> {
        Err(EngineError::Closed)
    }

    /// JSEP addTransceiver without a track.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn add_transceiver(
        &mut self,
        _kind: MediaKind,
        _direction: Direction,
    ) -> Result<TransceiverId, EngineError> {
        Err(EngineError::Closed)
    }

    /// The text to send as an offer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Closed`].
    pub async fn create_offer(&mut self) -> Result<String, EngineError> {
        Err(EngineError::Closed)
    }

    /// The text to send as an answer.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Closed`].
    pub async fn create_answer(&mut self) -> Result<String, EngineError> {
        Err(EngineError::Closed)
    }

    /// Applies our own description, given as it goes over the wire. For a rollback the text is not read.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_local(&mut self, _sdp_type: SdpType, _wire: &str) -> Result<Applied, EngineError> {
        Err(EngineError::Closed)
    }

    /// Applies the peer's description, given as it came over the wire. For a rollback the text is not read.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], [`EngineError::Description`], [`EngineError::Closed`].
    pub async fn set_remote(&mut self, _sdp_type: SdpType, _wire: &str) -> Result<Applied, EngineError> {
        Err(EngineError::Closed)
    }

    /// What the m-section shall negotiate next; for an answer, call this between `set_remote` and `create_answer` with
    /// desired ∩ reverse(offered).
    ///
    /// # Errors
    /// [`EngineError::UnknownMid`], [`EngineError::Closed`].
    pub async fn set_direction(&mut self, _mid: &str, _direction: Direction) -> Result<(), EngineError> {
        Err(EngineError::Closed)
    }

    /// The same for a transceiver that may not have a mid yet.
    ///
    /// # Errors
    /// [`EngineError::Failed`] for an id that is not of this engine, [`EngineError::Closed`].
    pub async fn set_transceiver_direction(
        &mut self,
        _id: TransceiverId,
        _direction: Direction,
    ) -> Result<(), EngineError> {
        Err(EngineError::Closed)
    }

    /// Adds a candidate of the peer. An empty text is the end of its candidates.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`] without a remote description, [`EngineError::UnknownMid`],
    /// [`EngineError::UnknownUfrag`], [`EngineError::Candidate`], [`EngineError::Closed`].
    pub async fn add_candidate(
        &mut self,
        _candidate: &str,
        _mid: Option<&str>,
        _index: Option<u16>,
        _ufrag: Option<&str>,
    ) -> Result<(), EngineError> {
        Err(EngineError::Closed)
    }

    /// All transceivers, oldest first.
    pub async fn transceivers(&self) -> Vec<EngineTransceiver> {
        Vec::new()
    }

    /// What sends the packets of that sender; none if there is no such sender.
    #[must_use]
    pub fn writer(&self, _sender: SenderId) -> Option<RtpWriter> {
        None
    }

    /// Opens or closes the gate of a sender; closed at first. Media leaves only if the engine, too, has negotiated it.
    pub fn set_may_send(&self, _sender: SenderId, _may: bool) {}

    /// Opens or closes the gate of an m-section; closed at first. Media that comes while it is closed is dropped.
    pub fn set_may_receive(&self, _mid: &str, _may: bool) {}

    /// Asks the peer for a key frame (PLI, RFC 4585 §6.3.1).
    pub fn request_key_frame(&self, _mid: &str) {}

    /// What is known now.
    pub async fn stats(&self) -> EngineStats {
        EngineStats::default()
    }

    /// Closes everything, within a second at most.
    pub async fn close(self) {}
}
