//! What comes in on one m-section: assembled, read, checked, measured.

use std::time::Instant;

use bytes::Bytes;

use crate::jsep::MediaKind;
use crate::timeline::{InboundMedia, Proof};

/// An RTP packet as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// The marker bit: for video the last packet of a frame.
    pub marker: bool,
    /// RTP payload type.
    pub payload_type: u8,
    /// The sender's SSRC.
    pub ssrc: u32,
    /// RTP payload without padding; empty for packets that are nothing but padding.
    pub payload: Bytes,
}

/// What should come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The other side's number; none where the room does not know it: then any number but ours will do.
    pub peer: Option<u16>,
    /// Our own number, to know our own echo.
    pub own: u16,
    /// The peer announces stamps, so media without them proves nothing.
    pub stamps: bool,
    /// How the peer's clock stands to ours; without it there is no latency.
    pub clock: Option<ClockOffset>,
}

/// How the peer's wall clock stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// The peer's clock minus ours, in microseconds.
    pub offset_us: i64,
    /// The true offset lies within this distance, in microseconds.
    pub error_us: u64,
}

/// What a sink has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkEvent {
    /// The first packet with a payload came in.
    FirstRtp,
    /// The first whole frame came in.
    FirstFrame,
    /// The media is the peer's.
    Proven(Proof),
    /// The media is not what the peer should send; in words for people, each cause once.
    Wrong(String),
}

/// Receives one m-section.
#[derive(Debug)]
pub struct Sink {
    kind: MediaKind,
    mid: String,
    expected: Expected,
}

impl Sink {
    /// A sink for the m-section `mid`.
    #[must_use]
    pub fn new(kind: MediaKind, mid: &str, expected: Expected) -> Self {
        Self { kind, mid: mid.to_owned(), expected }
    }

    /// Changes what is expected, such as the clock offset once the room has measured it.
    pub fn expect(&mut self, expected: Expected) {
        self.expected = expected;
    }

    /// A packet came in `at`, at `wall_us` of our wall clock (microseconds since 1970-01-01 UTC).
    pub fn push(&mut self, _packet: &Packet, _at: Instant, _wall_us: u64) -> Vec<SinkEvent> {
        Vec::new()
    }

    /// Reception pauses by negotiation: the gap until the next frame is no freeze.
    pub fn pause(&mut self) {}

    /// The counts so far; a picture that stands still `now` counts as frozen.
    #[must_use]
    pub fn snapshot(&self, _now: Instant) -> InboundMedia {
        InboundMedia { mid: self.mid.clone(), kind: Some(self.kind), ..InboundMedia::default() }
    }

    /// Whether to ask the sender for a key frame (PLI); true once for each need.
    pub fn wants_key_frame(&mut self) -> bool {
        false
    }
}
