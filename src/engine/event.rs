//! What the engine reports, each with the time at which it happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::jsep::{ConnectionState, DtlsState, GatheringState, IceState, MediaKind};
use crate::timeline::{CandidatePair, ChannelState, DtlsError, IceCandidate, ServerError, UnboundRtp};

/// Something that happened in the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineEvent {
    /// `icegatheringstatechange`: gathering, then complete, once for each ICE generation.
    GatheringState(GatheringState),
    /// `iceconnectionstatechange`.
    IceState(IceState),
    /// `statechange` of the DTLS transport. Closed when the peer has closed it.
    DtlsState(DtlsState),
    /// `error` of the DTLS transport.
    DtlsError(DtlsError),
    /// `connectionstatechange`.
    ConnectionState(ConnectionState),
    /// `icecandidate`, with the parts that the engine leaves out.
    Candidate {
        /// The candidate.
        candidate: Box<IceCandidate>,
        /// The m-section that it belongs to: the first one, since everything is bundled.
        mid: String,
        /// The index of that m-section.
        index: u16,
        /// Its ICE generation.
        ufrag: String,
    },
    /// No more candidates of this generation (RFC 8838 §8.2).
    EndOfCandidates {
        /// The ICE generation.
        ufrag: String,
    },
    /// A server was not used, like an `icecandidateerror`.
    ServerSkipped {
        /// The URL as it was given.
        url: String,
        /// Why.
        reason: String,
    },
    /// `icecandidateerror`.
    ServerError(ServerError),
    /// The selected pair is now this one.
    SelectedPair(Box<CandidatePair>),
    /// An RTP packet on an m-section that may receive.
    Rtp {
        /// The m-section.
        mid: Arc<str>,
        /// Its kind.
        kind: MediaKind,
        /// The packet.
        packet: RtpIn,
    },
    /// RTP comes in that no m-section takes, and goes on doing so.
    UnboundRtp(UnboundRtp),
    /// A data channel came into a state.
    DataChannel(ChannelState),
    /// The peer asks for a key frame (PLI or FIR).
    KeyFrameRequested {
        /// The m-section of what we send.
        mid: String,
    },
    /// A known fault of the engine showed, not of the peer.
    Limit {
        /// Which one, such as `dtls-handshake-under-loss`.
        limit: &'static str,
        /// What showed it.
        detail: String,
    },
}

/// A received RTP packet, decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpIn {
    /// RFC 3550 §5.1.
    pub sequence: u16,
    /// In units of the codec's clock.
    pub timestamp: u32,
    /// The last packet of a video frame; the first of a talk spurt.
    pub marker: bool,
    /// As negotiated.
    pub payload_type: u8,
    /// Who sent it.
    pub ssrc: u32,
    /// Without padding; empty for bandwidth probes.
    pub payload: Bytes,
}

/// What is known of the transport and from RTCP; counts since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineStats {
    /// By the mid of what we send.
    pub outbound: BTreeMap<String, OutboundRtcp>,
    /// By the mid of what we receive.
    pub inbound: BTreeMap<String, InboundRtcp>,
}

/// What the peer's RTCP says of one m-section that we send.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OutboundRtcp {
    /// From LSR and DLSR (RFC 3550 §6.4.1); none before the first report.
    pub rtt_ms: Option<f64>,
    /// Share lost since the report before, 0..1; none before the first report.
    pub fraction_lost: Option<f64>,
    /// Packets lost in all; none before the first report.
    pub total_lost: Option<u64>,
    /// Picture loss indications that came in.
    pub pli: u64,
    /// Full intra requests that came in.
    pub fir: u64,
    /// Packets that the peer asked for again.
    pub nacked: u64,
}

/// What went to and fro about one m-section that we receive.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InboundRtcp {
    /// Picture loss indications sent.
    pub pli: u64,
    /// Packets that we asked for again.
    pub nacked: u64,
    /// Of these, those that came.
    pub recovered: u64,
    /// RTCP packets that came from its sources.
    pub rtcp: u64,
}
