//! The one table of what can be expected of a call: names, meanings, kinds of value, units, examples.

use serde::Serialize;

use super::finding::{FINDINGS, TESTER_FINDINGS};
use crate::jsep::{ConnectionState, DtlsState, GatheringState, IceState, SignalingState};

/// Something of which an expectation can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the table below says what each one means")]
pub enum Subject {
    Tracks,
    Sends,
    Transceivers,
    Ice,
    Dtls,
    Connection,
    Signaling,
    Gathering,
    Pair,
    PairLocal,
    PairRemote,
    CandidatesSent,
    CandidatesReceived,
    SentTypes,
    ReceivedTypes,
    Hangup,
    Frames,
    Packets,
    Stamped,
    Loss,
    Rtt,
    LatencyP50,
    LatencyP95,
    LatencyMax,
    Freezes,
    Bitrate,
    TimeAnswer,
    TimeIce,
    TimeDtls,
    TimeConnected,
    TimeFirstRtp,
    TimeFirstFrame,
    Negotiations,
    SignalingPath,
    IcePath,
    DtlsPath,
    ConnectionPath,
    TrackEvents,
    Streams,
    Finding,
}

/// What the table says of a subject.
#[derive(Clone, Copy, Debug)]
pub struct SubjectInfo {
    /// Which one.
    pub subject: Subject,
    /// As written in an expectation.
    pub name: &'static str,
    /// In words for people.
    pub meaning: &'static str,
    /// What its values look like.
    pub value: ValueKind,
    /// A whole expectation.
    pub example: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `audio`, `video`, both with a comma, `none` or `any`.
    Kinds,
    /// One of the words that [`Subject::words`] lists.
    Word,
    /// Rows of `mid kind direction/current`, separated by commas.
    Transceivers,
    /// States in their order, separated by commas.
    Path,
    /// Candidate types, separated by commas, or `none`.
    Types,
    /// A whole number.
    Count,
    /// `1%`, or a number from 0 to 1.
    Share,
    /// With a unit; kept in milliseconds.
    Duration,
    /// With a unit; kept in bits per second.
    Bitrate,
}

/// How the observed value is compared with the stated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the spelling says it")]
pub enum Op {
    #[serde(rename = "=")]
    Eq,
    #[serde(rename = "!=")]
    Ne,
    #[serde(rename = "<")]
    Lt,
    #[serde(rename = "<=")]
    Le,
    #[serde(rename = ">")]
    Gt,
    #[serde(rename = ">=")]
    Ge,
}

use Subject as S;
use ValueKind as V;

/// Every subject, in the order in which reports show them.
pub const SUBJECTS: &[SubjectInfo] = &[
    row(
        S::Sends,
        "sends",
        "the kinds of media that this side sends, by its current directions",
        V::Kinds,
        "sends=audio,video",
    ),
    row(
        S::Tracks,
        "tracks",
        "the kinds of remote tracks: `ontrack` fired, and the peer's media came",
        V::Kinds,
        "tracks=audio",
    ),
    row(
        S::Transceivers,
        "transceivers",
        "the whole transceiver table: mid (or `-`), kind, direction/current direction (or `-`)",
        V::Transceivers,
        "transceivers=0 audio sendrecv/sendonly, 1 video recvonly/recvonly",
    ),
    row(S::Signaling, "signaling", "the signaling state when hang-up begins", V::Word, "signaling=stable"),
    row(
        S::Gathering,
        "gathering",
        "the ICE gathering state when hang-up begins",
        V::Word,
        "gathering=complete",
    ),
    row(
        S::Ice,
        "ice",
        "the ICE connection state when hang-up begins; `connected` includes completed, and demands a legal path",
        V::Word,
        "ice=failed",
    ),
    row(S::Dtls, "dtls", "the DTLS state when hang-up begins", V::Word, "dtls=connected"),
    row(
        S::Connection,
        "connection",
        "the connection state when hang-up begins",
        V::Word,
        "connection=connected",
    ),
    row(
        S::Pair,
        "pair",
        "the candidate type of either end of the selected pair; peer-reflexive counts as what was signalled",
        V::Word,
        "pair=relay",
    ),
    row(
        S::PairLocal,
        "pair.local",
        "the exact candidate type of this end of the selected pair",
        V::Word,
        "pair.local=srflx",
    ),
    row(
        S::PairRemote,
        "pair.remote",
        "the exact candidate type of the other end of the selected pair",
        V::Word,
        "pair.remote=prflx",
    ),
    row(
        S::CandidatesSent,
        "candidates.sent",
        "candidates trickled to the peer",
        V::Count,
        "candidates.sent>=1",
    ),
    row(
        S::CandidatesReceived,
        "candidates.received",
        "candidates trickled by the peer",
        V::Count,
        "candidates.received>=1",
    ),
    row(
        S::SentTypes,
        "candidates.sent.types",
        "the types of all candidates for the peer, trickled or in descriptions",
        V::Types,
        "candidates.sent.types=host,relay",
    ),
    row(
        S::ReceivedTypes,
        "candidates.received.types",
        "the types of all candidates of the peer, trickled or in descriptions",
        V::Types,
        "candidates.received.types=host",
    ),
    row(
        S::SignalingPath,
        "path.signaling",
        "the signaling states that were reached until hang-up, in order",
        V::Path,
        "path.signaling=have-local-offer,stable",
    ),
    row(
        S::IcePath,
        "path.ice",
        "the ICE connection states that were reached until hang-up, in order",
        V::Path,
        "path.ice=checking,connected",
    ),
    row(
        S::DtlsPath,
        "path.dtls",
        "the DTLS states that were reached until hang-up, in order",
        V::Path,
        "path.dtls=connecting,connected",
    ),
    row(
        S::ConnectionPath,
        "path.connection",
        "the connection states that were reached until hang-up, in order",
        V::Path,
        "path.connection=connecting,connected",
    ),
    row(S::TrackEvents, "track-events", "how often `track` fired", V::Count, "track-events=2"),
    row(S::Streams, "streams", "the length of `event.streams`, on each remote track", V::Count, "streams>=1"),
    row(
        S::Negotiations,
        "negotiations",
        "completed exchanges of an offer and an answer",
        V::Count,
        "negotiations=1",
    ),
    row(
        S::Frames,
        "frames",
        "whole frames (of audio: packets) received, on each remote track",
        V::Count,
        "frames>=50",
    ),
    row(
        S::Packets,
        "packets",
        "RTP packets with a payload received, on each remote track",
        V::Count,
        "packets>=100",
    ),
    row(
        S::Stamped,
        "stamped",
        "frames received with a readable stamp of the peer, on each remote track",
        V::Count,
        "stamped>=50",
    ),
    row(
        S::Loss,
        "loss",
        "the share of RTP packets that never came, on each remote track",
        V::Share,
        "loss<1%",
    ),
    row(S::Freezes, "freezes", "freezes of the picture, on each remote track", V::Count, "freezes=0"),
    row(
        S::Bitrate,
        "bitrate",
        "payload received on average, on each remote track",
        V::Bitrate,
        "bitrate>=100kbps",
    ),
    row(S::Rtt, "rtt", "the round-trip time of the selected pair", V::Duration, "rtt<50ms"),
    row(
        S::LatencyP50,
        "latency.p50",
        "the median of the one-way latency, on each remote track",
        V::Duration,
        "latency.p50<50ms",
    ),
    row(
        S::LatencyP95,
        "latency.p95",
        "the 95th percentile of the one-way latency, on each remote track",
        V::Duration,
        "latency.p95<100ms",
    ),
    row(
        S::LatencyMax,
        "latency.max",
        "the largest one-way latency, on each remote track",
        V::Duration,
        "latency.max<300ms",
    ),
    row(
        S::TimeAnswer,
        "time.answer",
        "from createOffer (callee: from the offer's arrival) to the answer",
        V::Duration,
        "time.answer<500ms",
    ),
    row(
        S::TimeIce,
        "time.ice",
        "from createOffer (callee: from the offer's arrival) to ICE connected",
        V::Duration,
        "time.ice<500ms",
    ),
    row(
        S::TimeDtls,
        "time.dtls",
        "from createOffer (callee: from the offer's arrival) to DTLS connected",
        V::Duration,
        "time.dtls<500ms",
    ),
    row(
        S::TimeConnected,
        "time.connected",
        "from createOffer (callee: from the offer's arrival) to the connection connected",
        V::Duration,
        "time.connected<500ms",
    ),
    row(
        S::TimeFirstRtp,
        "time.first_rtp",
        "from createOffer (callee: from the offer's arrival) to the first RTP packet",
        V::Duration,
        "time.first_rtp<1s",
    ),
    row(
        S::TimeFirstFrame,
        "time.first_frame",
        "from createOffer (callee: from the offer's arrival) to the first whole frame",
        V::Duration,
        "time.first_frame<1s",
    ),
    row(
        S::Hangup,
        "hangup",
        "how the call ended: `clean` if somebody said so before leaving, and not before it was done",
        V::Word,
        "hangup=clean",
    ),
    row(
        S::Finding,
        "finding",
        "what callcheck found wrong, of the whole call; `none` for nothing",
        V::Word,
        "finding=none",
    ),
];

impl Subject {
    /// Its row of the table.
    #[must_use]
    pub fn info(self) -> &'static SubjectInfo {
        SUBJECTS.iter().find(|row| row.subject == self).expect("every subject has a row; a test holds it so")
    }

    /// The subject of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SUBJECTS.iter().find(|row| row.name == name).map(|row| row.subject)
    }

    /// As written in an expectation.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether it belongs to the whole call and not to one of its sides.
    #[must_use]
    pub fn is_of_call(self) -> bool {
        self == Self::Finding
    }

    /// The words that a value of kind [`ValueKind::Word`] may be; empty for other kinds.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Signaling | Self::SignalingPath => {
                SignalingState::ALL.iter().map(|state| state.as_str()).collect()
            }
            Self::Gathering => GatheringState::ALL.iter().map(|state| state.as_str()).collect(),
            Self::Ice | Self::IcePath => IceState::ALL.iter().map(|state| state.as_str()).collect(),
            Self::Dtls | Self::DtlsPath => DtlsState::ALL.iter().map(|state| state.as_str()).collect(),
            Self::Connection | Self::ConnectionPath => {
                ConnectionState::ALL.iter().map(|state| state.as_str()).collect()
            }
            Self::Pair => vec!["host", "srflx", "relay"],
            Self::PairLocal | Self::PairRemote | Self::SentTypes | Self::ReceivedTypes => {
                vec!["host", "srflx", "prflx", "relay"]
            }
            Self::Hangup => vec!["clean", "unannounced", "any"],
            Self::Finding => {
                let names = TESTER_FINDINGS.iter().chain(FINDINGS).copied();
                std::iter::once("none").chain(names).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl ValueKind {
    /// The operators that make sense.
    #[must_use]
    pub const fn operators(self) -> &'static [Op] {
        match self {
            Self::Kinds | Self::Word | Self::Transceivers | Self::Path | Self::Types => &[Op::Eq, Op::Ne],
            Self::Count | Self::Share | Self::Duration | Self::Bitrate => {
                &[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge]
            }
        }
    }
}

impl Op {
    /// As written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// The operator of that spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        V::Count.operators().iter().copied().find(|op| op.as_str() == text)
    }

    /// Whether `observed op stated` is true.
    #[must_use]
    pub fn holds(self, observed: f64, stated: f64) -> bool {
        match self {
            Self::Eq => observed == stated,
            Self::Ne => observed != stated,
            Self::Lt => observed < stated,
            Self::Le => observed <= stated,
            Self::Gt => observed > stated,
            Self::Ge => observed >= stated,
        }
    }
}

const fn row(
    subject: Subject,
    name: &'static str,
    meaning: &'static str,
    value: ValueKind,
    example: &'static str,
) -> SubjectInfo {
    SubjectInfo { subject, name, meaning, value, example }
}
