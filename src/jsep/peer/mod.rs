//! RTCPeerConnection as data: what each W3C operation does to transceivers, m-sections, states and events. It decides
//! and does nothing else; whoever owns a [`Peer`] makes an engine follow.
//!
//! One file a job: `transceivers` the operations on tracks and transceivers, `offer` and `answer` what our
//! descriptions say, `local` and `remote` what setting one does, `check` which remote descriptions are refused,
//! `associate` how an offered m-section finds a transceiver, `tracks` what happens to the remote tracks, `needed`
//! when negotiation is needed, `rollback` how it is taken back.

mod answer;
mod associate;
mod check;
mod local;
mod mids;
mod needed;
mod offer;
mod remote;
mod rollback;
mod sections;
mod tracks;
mod transceiver;
mod transceivers;

use super::{
    Association, Direction, ErrorName, LocalDescription, MediaKind, SignalingState, TransceiverId, W3cError,
};
use mids::Mids;
use rollback::Stable;
use sections::RemoteDescription;
pub use transceiver::Transceiver;

/// One side of a call.
#[derive(Clone, Debug)]
pub struct Peer {
    association: Association,
    /// The codecs that we have; empty for all.
    codecs: Vec<KnownCodec>,
    signaling: SignalingState,
    /// In the order of creation, those that are gone included: they still answer to their ids.
    transceivers: Vec<Transceiver>,
    mids: Mids,
    current_local: Option<LocalDescription>,
    pending_local: Option<LocalDescription>,
    current_remote: Option<RemoteDescription>,
    pending_remote: Option<RemoteDescription>,
    /// `[[LastCreatedOffer]]`.
    last_offer: Option<LocalDescription>,
    /// `[[LastCreatedAnswer]]`.
    last_answer: Option<LocalDescription>,
    /// What a rollback leads back to; none while stable.
    stable: Option<Stable>,
    /// A data channel was created, or accepted with a description.
    has_data_channels: bool,
    /// `[[LocalIceCredentialsToReplace]]` is not empty.
    restart_ice: bool,
    /// `[[NegotiationNeeded]]`.
    needed: bool,
    events: Vec<PeerEvent>,
}

/// An event of W3C WebRTC, in the order in which a browser fires them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// `signalingstatechange`.
    SignalingState(SignalingState),
    /// `track`: we newly receive.
    Track {
        /// `event.transceiver`.
        transceiver: TransceiverId,
        /// Its mid.
        mid: String,
        /// The kind of the track.
        kind: MediaKind,
        /// `event.streams`, each once.
        streams: Vec<String>,
    },
    /// `mute` of a remote track: by the descriptions, nothing more is received.
    Muted {
        /// Whose receiver.
        transceiver: TransceiverId,
        /// Its mid; null after a rollback.
        mid: Option<String>,
        /// The kind of the track.
        kind: MediaKind,
    },
    /// `removetrack` of remote streams.
    Removed {
        /// Whose receiver.
        transceiver: TransceiverId,
        /// Its mid; null after a rollback.
        mid: Option<String>,
        /// The kind of the track.
        kind: MediaKind,
        /// The streams that the track left.
        streams: Vec<String>,
    },
    /// `ended` of a remote track: its transceiver was stopped.
    Ended {
        /// Whose receiver.
        transceiver: TransceiverId,
        /// Its mid.
        mid: Option<String>,
        /// The kind of the track.
        kind: MediaKind,
    },
    /// `negotiationneeded`.
    NegotiationNeeded,
}

/// A codec that we have, as `a=rtpmap` names it (RFC 8866 §6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCodec {
    /// Of its tracks.
    pub kind: MediaKind,
    /// In any case of letters.
    pub name: &'static str,
    /// In Hz.
    pub clock_rate: u32,
    /// 1 where a text names none.
    pub channels: u16,
}

/// RTCRtpTransceiverInit (W3C webrtc §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransceiverInit {
    /// The wish; anything but stopped.
    pub direction: Direction,
    /// Of the sender.
    pub streams: Vec<String>,
}

impl Default for TransceiverInit {
    fn default() -> Self {
        Self { direction: Direction::Sendrecv, streams: Vec::new() }
    }
}

impl Peer {
    /// A new connection, stable and empty.
    #[must_use]
    pub fn new(association: Association) -> Self {
        Self {
            association,
            codecs: Vec::new(),
            signaling: SignalingState::Stable,
            transceivers: Vec::new(),
            mids: Mids::default(),
            current_local: None,
            pending_local: None,
            current_remote: None,
            pending_remote: None,
            last_offer: None,
            last_answer: None,
            stable: None,
            has_data_channels: false,
            restart_ice: false,
            needed: false,
            events: Vec::new(),
        }
    }

    /// The same with these codecs only: an offered section that has none of them is rejected by our
    /// answer (RFC 9429 §5.3.1).
    #[must_use]
    pub fn with_codecs(mut self, codecs: &[KnownCodec]) -> Self {
        self.codecs = codecs.to_vec();
        self
    }

    /// createDataChannel (W3C webrtc §6.1).
    ///
    /// # Errors
    /// InvalidStateError after close.
    pub fn create_data_channel(&mut self) -> Result<(), W3cError> {
        self.open()?;
        self.has_data_channels = true;
        self.update_needed();
        Ok(())
    }

    /// restartIce (W3C webrtc §4.4.2): the next offer asks for new ICE credentials, if there are any to replace. It does
    /// nothing after close.
    ///
    /// # Errors
    /// None; it answers like the other operations.
    pub fn restart_ice(&mut self) -> Result<(), W3cError> {
        if self.is_closed() {
            return Ok(());
        }
        self.restart_ice = self.local_description().is_some();
        self.update_needed();
        Ok(())
    }

    /// close (W3C webrtc §4.4.2): every transceiver is stopped and listed as such, nothing else works any more. No
    /// event is fired.
    pub fn close(&mut self) {
        self.signaling = SignalingState::Closed;
        for transceiver in &mut self.transceivers {
            transceiver.close();
        }
        self.stable = None;
        self.needed = false;
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<PeerEvent> {
        std::mem::take(&mut self.events)
    }

    /// getTransceivers(): those that were stopped and negotiated are gone.
    pub fn transceivers(&self) -> impl Iterator<Item = &Transceiver> {
        self.transceivers.iter().filter(|transceiver| transceiver.is_listed())
    }

    /// The transceiver of that id, also if it is gone from [`Peer::transceivers`].
    #[must_use]
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers.get(id.0 as usize)
    }

    /// signalingState.
    #[must_use]
    pub const fn signaling_state(&self) -> SignalingState {
        self.signaling
    }

    /// Whether close() was called.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.signaling, SignalingState::Closed)
    }

    /// localDescription: the pending one, else the current one.
    #[must_use]
    pub fn local_description(&self) -> Option<&LocalDescription> {
        self.pending_local.as_ref().or(self.current_local.as_ref())
    }

    fn remote_description(&self) -> Option<&RemoteDescription> {
        self.pending_remote.as_ref().or(self.current_remote.as_ref())
    }

    fn open(&self) -> Result<(), W3cError> {
        if self.is_closed() { Err(invalid_state("the connection is closed")) } else { Ok(()) }
    }

    /// Enters a state, with its event.
    fn enter(&mut self, state: SignalingState) {
        if self.signaling != state {
            self.signaling = state;
            self.events.push(PeerEvent::SignalingState(state));
        }
    }

    /// The transceiver that a description's section belongs to.
    fn by_mid(&self, mid: &str) -> Option<usize> {
        self.transceivers.iter().position(|transceiver| transceiver.mid() == Some(mid))
    }

    /// The error of an operation that the signaling state does not allow.
    fn wrong_state(&self, operation: &str) -> W3cError {
        invalid_state(format!("{operation} while {}", self.signaling))
    }
}

fn invalid_state(message: impl Into<String>) -> W3cError {
    W3cError::new(ErrorName::InvalidStateError, message)
}

fn invalid_access(message: impl Into<String>) -> W3cError {
    W3cError::new(ErrorName::InvalidAccessError, message)
}
