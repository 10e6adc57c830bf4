//! Sends a source in real time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rand::RngExt;

use super::source::{Frame, Source};
use crate::jsep::MediaKind;
use crate::timeline::OutboundMedia;
use crate::world::World;

/// A frame that is due for longer than this is skipped: the machine was too slow, and a burst would help nobody.
const TOO_LATE: Duration = Duration::from_millis(100);
/// Packets of one frame that leave without a pause.
const BURST: usize = 8;
/// The pause after a burst.
const BURST_PAUSE: Duration = Duration::from_millis(2);

/// An RTP packet without what the transport knows: payload type and SSRC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Set on the last packet of a video frame, and on the first audio packet after a pause (RFC 3551 §4.1).
    pub marker: bool,
    /// RTP payload.
    pub payload: Bytes,
}

/// Where a pump's packets go: the sender of one m-section.
pub trait PacketSink: Send {
    /// Whether media may leave now: the current direction sends and the transport is up.
    fn may_send(&self) -> bool;

    /// Ready once [`PacketSink::may_send`] is true; at once if it is.
    fn ready(&mut self) -> impl Future<Output = ()> + Send;

    /// Hands a packet to the transport.
    fn write(&mut self, packet: Outgoing) -> impl Future<Output = ()> + Send;

    /// How many PLI and FIR came in since the last call.
    fn take_key_requests(&mut self) -> u64;
}

/// What a pump has sent; readable while it runs.
#[derive(Debug, Default)]
pub struct PumpCounters {
    packets: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    key_frames: AtomicU64,
    key_requests: AtomicU64,
    late: AtomicU64,
}

impl PumpCounters {
    /// The counts so far; what RTCP tells stays empty.
    #[must_use]
    pub fn snapshot(&self, mid: &str, kind: MediaKind) -> OutboundMedia {
        OutboundMedia {
            mid: mid.to_owned(),
            kind: Some(kind),
            packets: self.packets.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            frames: self.frames.load(Relaxed),
            key_frames: self.key_frames.load(Relaxed),
            key_requests: self.key_requests.load(Relaxed),
            late: self.late.load(Relaxed),
            ..OutboundMedia::default()
        }
    }

    fn count(&self, frame: &Frame) {
        self.packets.fetch_add(frame.payloads.len() as u64, Relaxed);
        self.bytes.fetch_add(frame.bytes as u64, Relaxed);
        self.frames.fetch_add(1, Relaxed);
        self.key_frames.fetch_add(u64::from(frame.key), Relaxed);
    }
}

/// Sends `source` into `out` until dropped.
///
/// Every frame is due at a moment counted from the start, so the error of a sleep never adds up. While `out` may not
/// send, no frame is consumed and the RTP clock runs on; afterwards the source goes on with a key frame.
pub async fn pump(
    world: Arc<dyn World>,
    mut source: Box<dyn Source>,
    mut out: impl PacketSink,
    counters: Arc<PumpCounters>,
) {
    out.ready().await;
    let mut clock = RtpClock::new(world.as_ref(), source.as_ref());
    let mut paused = true;
    loop {
        if !out.may_send() {
            paused = true;
            out.ready().await;
        }
        if paused {
            clock.resume(world.now(), source.next_due());
            source.request_key_frame();
        }
        sleep_until(world.as_ref(), clock.due(source.next_due())).await;
        if !out.may_send() {
            continue;
        }
        let late = world.now().saturating_duration_since(clock.due(source.next_due()));
        if late > TOO_LATE {
            let skipped = source.skip_to(source.next_due() + late);
            counters.late.fetch_add(skipped, Relaxed);
            continue;
        }
        let requests = out.take_key_requests();
        if requests > 0 {
            counters.key_requests.fetch_add(requests, Relaxed);
            source.request_key_frame();
        }
        let frame = source.next(wall_us(world.wall()));
        counters.count(&frame);
        send(world.as_ref(), &mut out, &mut clock, frame, std::mem::take(&mut paused)).await;
    }
}

async fn send(
    world: &dyn World,
    out: &mut impl PacketSink,
    clock: &mut RtpClock,
    frame: Frame,
    after_pause: bool,
) {
    let timestamp = clock.timestamp(frame.timestamp);
    let last = frame.payloads.len().saturating_sub(1);
    for (i, payload) in frame.payloads.into_iter().enumerate() {
        if i > 0 && i % BURST == 0 {
            world.sleep(BURST_PAUSE).await;
        }
        let marker = match clock.kind {
            MediaKind::Video => i == last,
            MediaKind::Audio => after_pause,
        };
        out.write(Outgoing { sequence: clock.next_sequence(), timestamp, marker, payload }).await;
    }
}

async fn sleep_until(world: &dyn World, due: Instant) {
    let wait = due.saturating_duration_since(world.now());
    if !wait.is_zero() {
        world.sleep(wait).await;
    }
}

fn wall_us(wall: SystemTime) -> u64 {
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// From media time to moments and RTP timestamps.
struct RtpClock {
    kind: MediaKind,
    start: Instant,
    /// How long sending was not allowed, in all: media time stands still then, the RTP clock does not.
    paused: Duration,
    first_timestamp: u32,
    sequence: u16,
}

impl RtpClock {
    fn new(world: &dyn World, source: &dyn Source) -> Self {
        let identity = source.identity();
        let mut rng = world.rng(&format!("rtp {} {}", identity.peer, identity.stream));
        Self {
            kind: source.kind(),
            start: world.now(),
            paused: Duration::ZERO,
            first_timestamp: rng.random(),
            // The upper half is left free, so that the first wrap is not lost on an SRTP receiver that missed the
            // first packets (RFC 3711 §3.3.1).
            sequence: rng.random_range(0..0x8000),
        }
    }

    /// Sending goes on at `now` with the frame of media time `next`.
    fn resume(&mut self, now: Instant, next: Duration) {
        let elapsed = now.saturating_duration_since(self.start);
        self.paused = self.paused.max(elapsed.saturating_sub(next));
    }

    fn due(&self, media_time: Duration) -> Instant {
        self.start + self.paused + media_time
    }

    fn timestamp(&self, media_ticks: u32) -> u32 {
        let rate = u128::from(clock_rate(self.kind));
        // RTP timestamps wrap (RFC 3550 §5.1), so only the low bits matter.
        let paused = (self.paused.as_nanos() * rate / 1_000_000_000) as u32;
        self.first_timestamp.wrapping_add(media_ticks).wrapping_add(paused)
    }

    fn next_sequence(&mut self) -> u16 {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        sequence
    }
}

/// RTP ticks a second: RFC 7587 §4.1 for Opus, RFC 7741 §4.1 for VP8.
#[must_use]
pub fn clock_rate(kind: MediaKind) -> u32 {
    match kind {
        MediaKind::Audio => 48_000,
        MediaKind::Video => 90_000,
    }
}

#[cfg(test)]
mod tests;
