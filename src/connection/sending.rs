//! From a source's pump to the engine, through a gate: media leaves only on an associated m-section whose current
//! direction sends, once the transport is up. The engine itself would send earlier and elsewhere. A sender keeps its
//! m-section and its numbers while the sources behind it change.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use futures::task::AtomicWaker;

use super::TransceiverId;
use super::continuity::{Continuity, PumpId};
use crate::engine::{EngineStats, RtpOut, RtpWriter};
use crate::jsep::MediaKind;
use crate::media::{Outgoing, PacketSink, PumpCounters, Source, pump};
use crate::timeline::OutboundMedia;
use crate::world::{Task, World, spawn};

/// An RTCRtpSender that has sent, or may.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) transceiver: TransceiverId,
    kind: MediaKind,
    gate: Arc<Gate>,
    counters: Arc<PumpCounters>,
    /// How many sources have played.
    sources: u32,
    /// Stops the pump when dropped; none while the sender has no track.
    pump: Option<Task>,
}

impl Sending {
    pub(super) fn new(transceiver: TransceiverId, kind: MediaKind) -> Self {
        let (gate, counters) = (Arc::default(), Arc::default());
        Self { transceiver, kind, gate, counters, sources: 0, pump: None }
    }

    /// Plays `source` from now on in place of what played before; nothing leaves before [`Sending::set_open`].
    pub(super) fn play(&mut self, world: &Arc<dyn World>, source: Option<Box<dyn Source>>) {
        self.pump = None;
        let Some(source) = source else { return };
        self.sources += 1;
        let out = GatedWriter {
            world: Arc::clone(world),
            gate: Arc::clone(&self.gate),
            id: (self.transceiver, self.sources),
            kind: self.kind,
        };
        let playing = pump(Arc::clone(world), source, out, Arc::clone(&self.counters));
        self.pump = Some(spawn(&**world, playing));
    }

    /// Where the packets go: the m-section's writer, with what has left through it so far.
    pub(super) fn bind(&self, writer: Option<(RtpWriter, Arc<Mutex<Continuity>>)>) {
        *self.gate.exit() = writer;
    }

    pub(super) fn set_open(&self, open: bool) {
        self.gate.open.store(open, Ordering::Release);
        self.gate.waiting.wake();
    }

    pub(super) fn request_key_frame(&self) {
        self.gate.key_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far, with what the peer's RTCP says.
    pub(super) fn snapshot(&self, mid: &str, stats: &EngineStats) -> OutboundMedia {
        let mut media = self.counters.snapshot(mid, self.kind);
        if let Some(rtcp) = stats.outbound.get(mid) {
            media.nacks = rtcp.nacked;
            media.rtt_ms = rtcp.rtt_ms;
            media.remote_loss = rtcp.fraction_lost;
            media.remote_lost = rtcp.total_lost;
        }
        media
    }
}

#[derive(Debug, Default)]
struct Gate {
    open: AtomicBool,
    key_requests: AtomicU64,
    /// The pump, while it waits for the gate to open.
    waiting: AtomicWaker,
    exit: Mutex<Option<(RtpWriter, Arc<Mutex<Continuity>>)>>,
}

impl Gate {
    fn exit(&self) -> MutexGuard<'_, Option<(RtpWriter, Arc<Mutex<Continuity>>)>> {
        self.exit.lock().expect("no panic while the exit is held")
    }
}

struct GatedWriter {
    world: Arc<dyn World>,
    gate: Arc<Gate>,
    id: PumpId,
    kind: MediaKind,
}

impl PacketSink for GatedWriter {
    fn may_send(&self) -> bool {
        self.gate.open.load(Ordering::Acquire)
    }

    async fn ready(&mut self) {
        poll_fn(|context| {
            // Registered before the look, so that an opening in between is not missed.
            self.gate.waiting.register(context.waker());
            if self.gate.open.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    async fn write(&mut self, packet: Outgoing) {
        let Some((writer, line)) = self.gate.exit().clone() else { return };
        let Outgoing { sequence, timestamp, marker, payload } = packet;
        let now = self.world.now();
        let (sequence, timestamp) = {
            let mut line = line.lock().expect("no panic while numbers are held");
            line.number(self.id, self.kind, now, sequence, timestamp)
        };
        // A closed engine takes nothing more; the connection ends the pump then.
        let _ = writer.write(RtpOut { sequence, timestamp, marker, payload }).await;
    }

    fn take_key_requests(&mut self) -> u64 {
        self.gate.key_requests.swap(0, Ordering::Relaxed)
    }
}
