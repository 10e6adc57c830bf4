//! The events. Fields are only ever added; a kind that this version does not know is kept as it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Capabilities, ChannelState, DtlsError, IceChecks, ImpairedPackets, ServerError, Signal, UnboundRtp,
};
use crate::jsep::{
    ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpType, Side,
    SignalingState,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `caller:12`: unique after both sides' timelines are merged.
    pub id: String,
    /// Microseconds since the epoch in the header.
    pub at_us: u64,
    /// What it was.
    pub kind: Kind,
}

/// What can happen in a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// We are in the room.
    Joined {
        /// The room's name.
        room: String,
        /// Where it is; null when it lives in this process's memory.
        url: Option<String>,
        /// Ourselves, as the room knows us.
        me: PeerInfo,
    },
    /// Somebody else is in the room.
    PeerJoined(PeerInfo),
    /// A peer is no longer in the room.
    PeerLeft {
        /// Its name.
        name: String,
        /// What the room said of it: `left`, `connection lost`, `no pong`.
        reason: String,
    },
    /// The room has paired us with a peer for a call.
    CallStarted {
        /// The call's id, the same on both sides.
        call: String,
        /// The other side.
        peer: PeerInfo,
    },
    /// How far the peer's clock is ahead of ours, by probes through the room.
    ClockOffset {
        /// Peer's clock minus ours.
        offset_us: i64,
        /// The true offset lies within this distance.
        error_us: u64,
    },
    /// We handed a signal to the room.
    SignalSent {
        /// Our count of signals.
        seq: u64,
        /// What it said.
        signal: Signal,
    },
    /// The room brought a signal.
    SignalReceived {
        /// The sender's name.
        from: String,
        /// The sender's count of signals; null where the room has none.
        seq: Option<u64>,
        /// What it said.
        signal: Signal,
    },
    /// The room refused something that we sent, or sent what could not be understood.
    RoomError {
        /// A code of the room protocol, such as `peer-absent`.
        code: String,
        /// In words for people.
        message: String,
    },
    /// The room is gone.
    RoomLost {
        /// Why.
        reason: String,
    },
    /// A W3C operation was called. Descriptions and candidates have kinds of their own.
    Operation {
        /// The W3C name, such as `addTrack` or `createOffer`.
        name: String,
        /// Its arguments in short; empty if there are none.
        arguments: String,
        /// The W3C name of the error and its text; null if it succeeded.
        error: Option<String>,
    },
    /// setLocalDescription or setRemoteDescription succeeded.
    DescriptionSet {
        /// Whose.
        side: Side,
        /// What.
        #[serde(rename = "type")]
        sdp_type: SdpType,
        /// The text on the wire.
        sdp: String,
        /// The engine's text where `engine/translate` changed it; else null.
        engine_sdp: Option<String>,
    },
    /// setLocalDescription or setRemoteDescription was rejected; nothing changed.
    DescriptionRejected {
        /// Whose.
        side: Side,
        /// What.
        #[serde(rename = "type")]
        sdp_type: SdpType,
        /// The text.
        sdp: String,
        /// The W3C name of the error and its text.
        error: String,
    },
    /// `signalingstatechange`.
    SignalingState(SignalingState),
    /// `icegatheringstatechange`.
    GatheringState(GatheringState),
    /// `iceconnectionstatechange`.
    IceState(IceState),
    /// `statechange` of the DTLS transport.
    DtlsState(DtlsState),
    /// `connectionstatechange`.
    ConnectionState(ConnectionState),
    /// `negotiationneeded`.
    NegotiationNeeded,
    /// `icecandidate`: gathered here.
    CandidateGathered(IceCandidate),
    /// A remote candidate was handed to the ICE agent.
    CandidateAdded(IceCandidate),
    /// addIceCandidate was rejected, or the candidate could not be used.
    CandidateRefused {
        /// The text that came.
        candidate: String,
        /// Why.
        error: String,
    },
    /// The selected candidate pair of the transport.
    SelectedPair(CandidatePair),
    /// `track`, by the model: what a browser would have fired (W3C webrtc §4.4.1.5).
    Track {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
        /// The ids of its streams.
        streams: Vec<String>,
    },
    /// `mute` of a receiver's track: the other side no longer sends on its m-section.
    TrackMuted {
        /// Its m-section; null if it has none any more.
        mid: Option<String>,
        /// Its kind.
        kind: MediaKind,
    },
    /// `removetrack`: the track is no longer in these streams.
    TrackRemoved {
        /// Its m-section; null if it has none any more.
        mid: Option<String>,
        /// Its kind.
        kind: MediaKind,
        /// The ids of the streams that it has left.
        streams: Vec<String>,
    },
    /// `ended` of a receiver's track: its transceiver was stopped by the other side, or is gone.
    TrackEnded {
        /// Its m-section; null if it has none any more.
        mid: Option<String>,
        /// Its kind.
        kind: MediaKind,
    },
    /// All transceivers in W3C order; taken after each description and just before hang-up.
    Transceivers(Vec<TransceiverRow>),
    /// The first RTP packet with a payload came in on a mid that may receive.
    FirstRtp {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
    },
    /// The first whole frame came in.
    FirstFrame {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
    },
    /// What comes in on this mid is known to be the peer's media.
    MediaProven {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
        /// How.
        proof: Proof,
    },
    /// What comes in on this mid is not what the peer should send.
    MediaWrong {
        /// Its m-section.
        mid: String,
        /// Its kind.
        kind: MediaKind,
        /// What is wrong, such as `our own echo` or `the picture differs from its stamp`.
        wrong: String,
    },
    /// What was sent and received so far; cumulative, once a second and at the end.
    Media {
        /// What we send, by mid.
        outbound: Vec<OutboundMedia>,
        /// What we receive, by mid.
        inbound: Vec<InboundMedia>,
    },
    /// What was done on purpose to the datagrams of this side so far; cumulative, with the media. Missing where nothing
    /// was to be done.
    Impairment(Vec<ImpairedPackets>),
    /// What the other side saw, as it told us.
    PeerReport {
        /// The other side's role.
        role: Role,
        /// Its epoch, in microseconds since 1970-01-01 UTC, by its own wall clock.
        epoch_us: u64,
        /// Its key events, with its own ids; times are relative to its epoch.
        events: Vec<Event>,
    },
    /// A known fault of the WebRTC engine inside callcheck, not of the peer.
    EngineLimit {
        /// Which one, such as `dtls-handshake-under-loss`.
        limit: String,
        /// What showed it.
        detail: String,
    },
    /// callcheck did not do what its model says; not the peer's fault.
    TesterDefect {
        /// What differs.
        what: String,
        /// By the model.
        expected: String,
        /// In fact.
        observed: String,
    },
    /// `icecandidateerror`.
    ServerError(ServerError),
    /// How connectivity checks went so far; cumulative, at most once a second.
    IceChecks(IceChecks),
    /// `error` of the DTLS transport.
    DtlsError(DtlsError),
    /// RTP comes in that no m-section takes; cumulative for each SSRC.
    UnboundRtp(UnboundRtp),
    /// A data channel came into a state.
    DataChannel(ChannelState),
    /// Our side has begun to do something wrong on purpose. Told to nobody.
    Fault {
        /// The failure mode that it should cause, by its name in the catalogue.
        id: String,
    },
    /// Our side offers once more although nothing needs it, to learn whether the other side sends by now.
    Reoffered,
    /// Something worth knowing that is neither a fault nor a verdict.
    Note(String),
    /// Somebody interrupted the run.
    Interrupted,
    /// The call is over and the judging begins.
    Ended {
        /// Why, such as `both sides are done`.
        reason: String,
    },
    /// Everything is closed.
    Closed,
    /// A kind that this version does not know.
    #[serde(untagged)]
    Unknown(Value),
}

/// A peer as the room knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerInfo {
    /// Its name, unique in the room.
    pub name: String,
    /// Its role; null where the room does not know roles.
    pub role: Option<Role>,
    /// The number that its stamps and its tone carry, unique in the room.
    pub number: u16,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl PeerInfo {
    /// The number of a peer in a room that numbers nobody: what its stamps carry, if it stamps, is not known.
    pub const UNNUMBERED: u16 = 0;
}

/// A candidate with its parts (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IceCandidate {
    /// The whole attribute value, `candidate:...`.
    pub candidate: String,
    /// `host`, `srflx`, `prflx` or `relay`.
    #[serde(rename = "type")]
    pub candidate_type: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// `ip:port`, `[ip]:port` or `name.local:port`.
    pub address: String,
    /// The protocol towards the TURN server; null unless relayed.
    pub relay_protocol: Option<String>,
    /// The STUN or TURN server; null for host candidates.
    pub url: Option<String>,
}

/// The pair that carries the media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidatePair {
    /// Our end.
    pub local: IceCandidate,
    /// The peer's end.
    pub remote: IceCandidate,
    /// The round-trip time of the last connectivity check; null before the first answer.
    pub rtt_ms: Option<f64>,
}

/// A row of getTransceivers().
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransceiverRow {
    /// Null until associated.
    pub mid: Option<String>,
    /// The kind.
    pub kind: MediaKind,
    /// The application's wish.
    pub direction: Direction,
    /// What was negotiated; null before.
    pub current_direction: Option<Direction>,
}

/// How we know that media is the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It carries the peer's stamps, and picture or tone agree with them.
    Stamped,
    /// It decodes to a moving picture or to sound; the peer does not stamp.
    Decoded,
}

/// One m-section's worth of sent media; counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutboundMedia {
    /// The m-section.
    pub mid: String,
    /// `audio` or `video`.
    pub kind: Option<MediaKind>,
    /// RTP packets handed to the transport.
    pub packets: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Frames (video) or audio packets.
    pub frames: u64,
    /// Key frames sent.
    pub key_frames: u64,
    /// PLI and FIR that came in.
    pub key_requests: u64,
    /// Packets that the peer asked for again.
    pub nacks: u64,
    /// Round-trip time from RTCP; null before the first report.
    pub rtt_ms: Option<f64>,
    /// Share lost since the last report, 0..1, as the peer says; null before the first report.
    pub remote_loss: Option<f64>,
    /// Packets lost in all, as the peer says; null before the first report.
    pub remote_lost: Option<u64>,
    /// Frames that were due and not sent in time, because this machine was too slow.
    pub late: u64,
}

/// One m-section's worth of received media; counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboundMedia {
    /// The m-section.
    pub mid: String,
    /// `audio` or `video`.
    pub kind: Option<MediaKind>,
    /// RTP packets with a payload.
    pub packets: u64,
    /// Padding packets without a payload.
    pub empty_packets: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// RTP packets that never came, by sequence number.
    pub packets_lost: u64,
    /// Whole frames (video) or audio packets.
    pub frames: u64,
    /// Of these, with a readable stamp of the peer.
    pub stamped_frames: u64,
    /// Of these, decoded and found right.
    pub decoded_frames: u64,
    /// Frames that never came whole, by stamp.
    pub frames_lost: u64,
    /// Frames that came twice, by stamp.
    pub duplicated: u64,
    /// Frames that came after a later one, by stamp.
    pub reordered: u64,
    /// Stamps of another peer, or our own.
    pub foreign: u64,
    /// Frames that did not decode, or whose picture differs from their stamp.
    pub corrupt: u64,
    /// Whether all that was decoded was one still picture or silence; null before anything was decoded.
    pub still: Option<bool>,
    /// Freezes as W3C webrtc-stats §freezeCount counts them.
    pub freezes: u64,
    /// The sum of their durations.
    pub freeze_ms: f64,
    /// One-way latency by stamps; null without stamps or without a clock offset.
    pub latency: Option<Latency>,
    /// Whole key frames of video; null if nobody counted, as below.
    pub key_frames: Option<u64>,
    /// PLI and FIR that we sent.
    pub key_requests: Option<u64>,
    /// Packets that we asked for again.
    pub nacks: Option<u64>,
    /// Of these, those that came.
    pub recovered: Option<u64>,
    /// Interarrival jitter (RFC 3550 §6.4.1), milliseconds.
    pub jitter_ms: Option<f64>,
    /// RTCP packets that came from its sources.
    pub rtcp_packets: Option<u64>,
    /// Whether every picture that was decoded was dark; null before anything was decoded.
    pub black: Option<bool>,
    /// The loudest sound that was decoded, in decibels of full scale, so below 0; null while there was only silence.
    pub peak_db: Option<f64>,
    /// Ticks of the RTP clock per second of the arrival clock since the last pause; null while that is too short, or the
    /// delay too uneven, to tell.
    pub clock_rate: Option<f64>,
}

/// One-way latency, from the sender's capture clock to the last packet's arrival.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Milliseconds.
    pub min_ms: f64,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p95_ms: f64,
    /// Milliseconds.
    pub max_ms: f64,
    /// Half the width of what the clocks leave open; a figure below it means nothing.
    pub error_ms: f64,
    /// The histogram (HdrHistogram V2, microseconds, base64), so that runs can be merged; null when left out.
    pub histogram: Option<String>,
}

impl IceCandidate {
    /// Reads the parts of `candidate:...` (RFC 8839 §5.1). What is missing stays empty; the text itself is kept.
    #[must_use]
    pub fn parse(candidate: &str) -> Self {
        let words: Vec<&str> = candidate.split_ascii_whitespace().collect();
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        let after = |key: &str| {
            let at = words.iter().position(|word| *word == key)?;
            words.get(at + 1).copied()
        };
        let (host, port) = (word(4), word(5));
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self {
            candidate: candidate.to_owned(),
            candidate_type: after("typ").unwrap_or_default().to_owned(),
            protocol: word(2).to_ascii_lowercase(),
            address: if host.is_empty() { String::new() } else { address },
            relay_protocol: None,
            url: None,
        }
    }
}
