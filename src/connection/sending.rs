//! From a source's pump to the engine, through a gate: media leaves only on an associated m-section whose current
//! direction sends, once the transport is up. The engine itself would send earlier and elsewhere.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use futures::task::AtomicWaker;

use crate::engine::{EngineStats, RtpOut, RtpWriter, SenderId};
use crate::jsep::MediaKind;
use crate::media::{Outgoing, PacketSink, PumpCounters, Source, pump};
use crate::timeline::OutboundMedia;
use crate::world::{Task, World, spawn};

/// One track that we send.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) sender: SenderId,
    kind: MediaKind,
    gate: Arc<Gate>,
    counters: Arc<PumpCounters>,
    /// Stops the pump when dropped.
    _pump: Task,
}

impl Sending {
    /// Starts to play `source` through `writer`; nothing leaves before [`Sending::set_open`].
    pub(super) fn start(
        world: &Arc<dyn World>,
        source: Box<dyn Source>,
        sender: SenderId,
        writer: RtpWriter,
    ) -> Self {
        let (gate, counters) = (Arc::new(Gate::default()), Arc::new(PumpCounters::default()));
        let kind = source.kind();
        let out = GatedWriter { gate: Arc::clone(&gate), writer };
        let playing = pump(Arc::clone(world), source, out, Arc::clone(&counters));
        Self { sender, kind, gate, counters, _pump: spawn(&**world, playing) }
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
}

struct GatedWriter {
    gate: Arc<Gate>,
    writer: RtpWriter,
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
        let Outgoing { sequence, timestamp, marker, payload } = packet;
        // A closed engine takes nothing more; the connection ends the pump then.
        let _ = self.writer.write(RtpOut { sequence, timestamp, marker, payload }).await;
    }

    fn take_key_requests(&mut self) -> u64 {
        self.gate.key_requests.swap(0, Ordering::Relaxed)
    }
}
