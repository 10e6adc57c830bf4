//! What comes in on one m-section: assembled ([`assembler`]), every stamp read, losses counted ([`order`]), some of it
//! decoded and compared with its stamps ([`picture`], [`sound`]), latency ([`delay`]), freezes ([`freeze`]), jitter and
//! clock ([`timing`]) measured.

mod assembler;
mod delay;
mod freeze;
mod order;
mod picture;
mod sound;
mod timing;
mod verdict;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Barcode, Stamp, clock_rate, opus};
use crate::jsep::MediaKind;
use crate::media::vp8::is_key_frame;
use crate::timeline::{InboundMedia, Proof};
use assembler::{Assembled, Assembler};
use delay::Delays;
use freeze::Freezes;
use order::{Arrival, Order};
use picture::{PictureCheck, Seen};
use sound::SoundCheck;
use timing::Timing;
use verdict::{Fault, Mark, Verdict};

/// Decoded frames in a row whose content agrees with the peer's stamps.
const PROOF_STAMPED: u64 = 5;
/// Decoded frames of a peer that does not stamp.
const PROOF_DECODED: u64 = 8;
/// At most one key frame is asked for in this time.
const KEY_REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// An RTP packet as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// The marker bit: for video the last packet of a frame.
    pub marker: bool,
    /// RTP payload type; the caller hands over VP8 and Opus only.
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
    /// The media is not what the peer should send; in words for people, each kind of fault once.
    Wrong(String),
}

/// Receives one m-section. Does no I/O and asks no clock: every packet brings its time of arrival.
pub struct Sink {
    expected: Expected,
    counts: InboundMedia,
    ssrc: Option<u32>,
    packets: Order,
    /// Frame numbers of the stamps of one stream of the peer.
    frames: Order,
    /// The stream whose frames are followed, and whether its numbers have 24 bits only.
    stream: Option<(u8, bool)>,
    assembler: Assembler,
    picture: PictureCheck,
    sound: SoundCheck,
    verdict: Verdict,
    freezes: Freezes,
    delays: Delays,
    timing: Timing,
    proven: bool,
    told: BTreeSet<Fault>,
    key_frame: KeyRequest,
}

#[derive(Debug, Default)]
struct KeyRequest {
    wanted: bool,
    last: Option<Instant>,
}

impl Sink {
    /// A sink for the m-section `mid`.
    #[must_use]
    pub fn new(kind: MediaKind, mid: &str, expected: Expected) -> Self {
        Self {
            expected,
            counts: InboundMedia {
                mid: mid.to_owned(),
                kind: Some(kind),
                key_frames: (kind == MediaKind::Video).then_some(0),
                ..InboundMedia::default()
            },
            ssrc: None,
            packets: Order::new(16),
            frames: Order::new(32),
            stream: None,
            assembler: Assembler::default(),
            picture: PictureCheck::default(),
            sound: SoundCheck::default(),
            verdict: Verdict::default(),
            freezes: Freezes::default(),
            delays: Delays::default(),
            timing: Timing::new(clock_rate(kind)),
            proven: false,
            told: BTreeSet::new(),
            key_frame: KeyRequest::default(),
        }
    }

    /// Changes what is expected, such as the clock offset once the room has measured it.
    pub fn expect(&mut self, expected: Expected) {
        self.expected = expected;
    }

    /// A packet came in `at`, at `wall_us` of our wall clock (microseconds since 1970-01-01 UTC).
    pub fn push(&mut self, packet: &Packet, at: Instant, wall_us: u64) -> Vec<SinkEvent> {
        let mut events = Vec::new();
        if self.ssrc.replace(packet.ssrc).is_some_and(|before| before != packet.ssrc) {
            self.packets.restart();
            self.forget_packets();
            self.timing.restart();
        }
        let arrival = self.packets.arrive(u32::from(packet.sequence));
        if packet.payload.is_empty() {
            self.take_padding(arrival);
            return events;
        }
        self.counts.packets += 1;
        self.counts.bytes += packet.payload.len() as u64;
        if self.counts.packets == 1 {
            events.push(SinkEvent::FirstRtp);
        }
        match arrival {
            Arrival::New(number) => {
                self.timing.packet(packet.timestamp, at);
                self.take(number, packet, at, wall_us, &mut events);
            }
            Arrival::Late(number) => self.take(number, packet, at, wall_us, &mut events),
            Arrival::Restart(number) => {
                self.forget_packets();
                self.timing.restart();
                self.take(number, packet, at, wall_us, &mut events);
            }
            Arrival::Duplicate => self.take_duplicate(packet),
            Arrival::Stray => {}
        }
        self.tell(&mut events);
        events
    }

    /// Reception pauses by negotiation, or the peer has hung up: the gap until the next frame is no freeze, and no delay.
    pub fn pause(&mut self) {
        self.freezes.pause();
        self.timing.restart();
    }

    /// The counts so far; a picture that stands still `now` counts as frozen.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> InboundMedia {
        let (freezes, frozen) = self.freezes.until(now);
        InboundMedia {
            packets_lost: self.packets.lost(),
            decoded_frames: self.verdict.decoded,
            frames_lost: self.frames.lost(),
            duplicated: self.frames.duplicated(),
            reordered: self.frames.reordered(),
            corrupt: self.verdict.corrupt,
            still: self.verdict.lively.map(|lively| !lively),
            freezes,
            freeze_ms: frozen.as_secs_f64() * 1e3,
            latency: self.delays.summary(self.expected.clock),
            jitter_ms: self.timing.jitter_ms(),
            black: self.verdict.black,
            peak_db: self.verdict.peak_db(),
            clock_rate: self.timing.clock_rate(),
            ..self.counts.clone()
        }
    }

    /// Whether to ask the sender for a key frame (PLI); true once for each need.
    pub fn wants_key_frame(&mut self) -> bool {
        std::mem::take(&mut self.key_frame.wanted)
    }

    fn kind(&self) -> MediaKind {
        self.counts.kind.unwrap_or(MediaKind::Audio)
    }

    fn forget_packets(&mut self) {
        self.assembler.clear();
        self.picture.restart();
        self.sound.restart();
    }

    fn take_padding(&mut self, arrival: Arrival) {
        self.counts.empty_packets += 1;
        match arrival {
            Arrival::New(number) | Arrival::Late(number) => match self.kind() {
                MediaKind::Video => self.assembler.padding(number),
                MediaKind::Audio => self.sound.padding(number),
            },
            Arrival::Restart(_) => self.forget_packets(),
            Arrival::Duplicate | Arrival::Stray => {}
        }
    }

    fn take(&mut self, number: u64, packet: &Packet, at: Instant, wall_us: u64, events: &mut Vec<SinkEvent>) {
        match self.kind() {
            MediaKind::Audio => self.take_audio(number, &packet.payload, at, wall_us, events),
            MediaKind::Video => {
                let Packet { timestamp, marker, payload, .. } = packet;
                if let Some(frame) = self.assembler.push(number, *timestamp, *marker, payload) {
                    self.take_frame(&frame, at, wall_us, events);
                }
            }
        }
    }

    /// A packet that came twice brings its frame twice; the one that carries the stamp counts.
    fn take_duplicate(&mut self, packet: &Packet) {
        let stamp = match self.kind() {
            MediaKind::Audio => opus::stamp(&packet.payload),
            MediaKind::Video => Stamp::at_end_of(&packet.payload),
        };
        if let Some(stamp) = stamp.filter(|stamp| self.is_peer(stamp.peer)) {
            self.frames.arrive(stamp.frame);
        }
    }

    fn take_audio(
        &mut self,
        number: u64,
        payload: &[u8],
        at: Instant,
        wall_us: u64,
        events: &mut Vec<SinkEvent>,
    ) {
        self.count_frame(events);
        let mark = self.read_stamp(opus::stamp(payload), wall_us);
        self.sound.packet(number, payload, mark, at, self.expected.own, &mut self.verdict);
    }

    fn take_frame(&mut self, frame: &Assembled, at: Instant, wall_us: u64, events: &mut Vec<SinkEvent>) {
        self.count_frame(events);
        self.freezes.frame(at);
        if let Some(key_frames) = &mut self.counts.key_frames
            && is_key_frame(&frame.bytes) == Some(true)
        {
            *key_frames += 1;
        }
        let mark = self.read_stamp(Stamp::at_end_of(&frame.bytes), wall_us);
        let corrupt = self.verdict.corrupt;
        let mut codes = Vec::new();
        let seen = Seen { mark, at, assembler: &self.assembler, stamps: self.expected.stamps };
        let began = self.picture.frame(frame, &seen, &mut self.verdict, &mut codes);
        if began && self.stream.is_some_and(|(_, barcode)| barcode) {
            // Frames that came and were not decoded have not shown their numbers, and are not lost.
            self.frames.restart();
        }
        for code in codes {
            self.read_barcode(code, wall_us);
        }
        let never_began = self.picture.needs_key_frame() && is_key_frame(&frame.bytes) != Some(true);
        if never_began && mark != Mark::Foreign || self.verdict.corrupt > corrupt {
            self.key_frame.ask(at);
        }
    }

    fn count_frame(&mut self, events: &mut Vec<SinkEvent>) {
        self.counts.frames += 1;
        if self.counts.frames == 1 {
            events.push(SinkEvent::FirstFrame);
        }
    }

    fn read_stamp(&mut self, stamp: Option<Stamp>, wall_us: u64) -> Mark {
        let Some(stamp) = stamp else {
            return Mark::None;
        };
        if !self.knows(stamp.peer) {
            return Mark::Foreign;
        }
        if self.is_fresh(stamp.stream, false, stamp.frame)
            && let Some(clock) = self.expected.clock
        {
            self.delays.record(stamp.wall_us, wall_us, clock);
        }
        Mark::Peer(stamp)
    }

    /// The picture said what no stamp did, so the picture itself has been checked by that.
    fn read_barcode(&mut self, code: Barcode, wall_us: u64) {
        if !self.knows(code.peer) {
            return;
        }
        self.verdict.right(1);
        if self.is_fresh(code.stream, true, code.frame)
            && let Some(clock) = self.expected.clock
        {
            self.delays.record_millis(code.millis, wall_us, clock);
        }
    }

    fn is_peer(&self, number: u16) -> bool {
        number != self.expected.own && self.expected.peer.is_none_or(|peer| peer == number)
    }

    /// Whether that number is the peer's; if not, the frame is counted and told of as foreign.
    fn knows(&mut self, number: u16) -> bool {
        if self.is_peer(number) {
            return true;
        }
        self.counts.foreign += 1;
        self.verdict.stamped_run = 0;
        let fault = if number == self.expected.own {
            (Fault::Echo, format!("our own echo: the stamps carry our own number {number}"))
        } else {
            let peer = self.expected.peer.unwrap_or_default();
            (
                Fault::Foreign,
                format!("somebody else's media: the stamps carry number {number}, the peer's is {peer}"),
            )
        };
        if !self.told.contains(&fault.0) {
            self.verdict.faults.push(fault);
        }
        false
    }

    /// Counts a frame of the peer by its number; false if it came before.
    fn is_fresh(&mut self, stream: u8, barcode: bool, frame: u32) -> bool {
        let numbering = (stream, barcode);
        if self.stream.replace(numbering).is_some_and(|before| before != numbering) {
            self.frames.restart();
        }
        // Only the low 24 bits of a frame number fit into a barcode; a sender needs 155 hours to notice.
        let fresh = self.frames.arrive(frame) != Arrival::Duplicate;
        self.counts.stamped_frames += u64::from(fresh);
        fresh
    }

    fn tell(&mut self, events: &mut Vec<SinkEvent>) {
        for (fault, text) in self.verdict.faults.drain(..) {
            if self.told.insert(fault) {
                events.push(SinkEvent::Wrong(text));
            }
        }
        if !self.proven
            && let Some(proof) = self.proof()
        {
            self.proven = true;
            events.push(SinkEvent::Proven(proof));
        }
    }

    fn proof(&self) -> Option<Proof> {
        if self.verdict.stamped_run >= PROOF_STAMPED {
            Some(Proof::Stamped)
        } else if !self.expected.stamps && self.verdict.plain >= PROOF_DECODED && self.told.is_empty() {
            Some(Proof::Decoded)
        } else {
            None
        }
    }
}

impl KeyRequest {
    fn ask(&mut self, at: Instant) {
        let recently = |last| at.saturating_duration_since(last) < KEY_REQUEST_INTERVAL;
        if !self.last.is_some_and(recently) {
            self.wanted = true;
            self.last = Some(at);
        }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("expected", &self.expected)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
