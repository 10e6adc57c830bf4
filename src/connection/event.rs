//! What goes in and out of a connection besides descriptions: tracks, candidates, events, rows.

use std::fmt;

use crate::jsep::{ConnectionState, DtlsState, IceState, MediaKind, SignalingState, TransceiverId};
use crate::media::Source;
use crate::timeline::TransceiverRow;

/// A MediaStreamTrack of ours.
pub struct LocalTrack {
    /// Its id, which `a=msid` names.
    pub id: String,
    /// What plays.
    pub source: Box<dyn Source>,
}

impl fmt::Debug for LocalTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.source.description())
    }
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

/// A transceiver as getTransceivers() shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransceiverState {
    /// Which.
    pub id: TransceiverId,
    /// mid, kind, direction and currentDirection.
    pub row: TransceiverRow,
    /// The id of `sender.track`.
    pub sender_track: Option<String>,
    /// `receiver.track.muted`.
    pub receiver_muted: bool,
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
    /// `signalingstatechange`.
    Signaling(SignalingState),
    /// `negotiationneeded`.
    NegotiationNeeded,
    /// `track`.
    Track {
        /// Its transceiver.
        transceiver: TransceiverId,
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
        /// The ids of `event.streams`.
        streams: Vec<String>,
    },
    /// What comes in on this mid is known to be the peer's.
    Proven {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
    },
}
