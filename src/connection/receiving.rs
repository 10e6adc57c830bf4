//! From the engine's packets to sinks: one for each m-section that a track has arrived on.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::Identity;
use crate::engine::{EngineStats, RtpIn};
use crate::jsep::MediaKind;
use crate::media::{ClockOffset, Expected, Packet, Sink, SinkEvent};
use crate::timeline::{InboundMedia, Kind};

/// All sinks, by mid.
#[derive(Debug)]
pub(super) struct Receiving {
    identity: Identity,
    clock: Option<ClockOffset>,
    sinks: BTreeMap<String, (MediaKind, Sink)>,
}

impl Receiving {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, clock: None, sinks: BTreeMap::new() }
    }

    /// A track has arrived: what comes in on `mid` is read from now on.
    pub(super) fn add(&mut self, mid: &str, kind: MediaKind) {
        let expected = self.expected();
        // The mid of an offer that was rolled back may come again with another kind.
        self.sinks.retain(|known, (was, _)| known != mid || *was == kind);
        self.sinks.entry(mid.to_owned()).or_insert_with(|| (kind, Sink::new(kind, mid, expected)));
    }

    pub(super) fn set_clock(&mut self, offset_us: i64, error_us: u64) {
        self.clock = Some(ClockOffset { offset_us, error_us });
        let expected = self.expected();
        for (_, sink) in self.sinks.values_mut() {
            sink.expect(expected);
        }
    }

    /// Whether `mid` receives now. While it does not, silence is neither a freeze nor a loss.
    pub(super) fn set_receiving(&mut self, mid: &str, receives: bool) {
        if let Some((_, sink)) = self.sinks.get_mut(mid).filter(|_| !receives) {
            sink.pause();
        }
    }

    fn expected(&self) -> Expected {
        let Identity { own, peer, peer_stamps } = self.identity;
        Expected { peer, own, stamps: peer_stamps, clock: self.clock }
    }

    /// Reads a packet. Gives what is new, and whether the decoder needs a key frame.
    pub(super) fn push(
        &mut self,
        mid: &str,
        packet: RtpIn,
        at: Instant,
        wall: SystemTime,
    ) -> (Vec<Kind>, bool) {
        let Some((kind, sink)) = self.sinks.get_mut(mid) else { return (Vec::new(), false) };
        let RtpIn { sequence, timestamp, marker, payload_type, ssrc, payload } = packet;
        let wall_us = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        let packet = Packet { sequence, timestamp, marker, payload_type, ssrc, payload };
        let events = sink.push(&packet, at, u64::try_from(wall_us).unwrap_or(u64::MAX));
        let events = events.into_iter().map(|event| record(event, mid, *kind)).collect();
        (events, sink.wants_key_frame())
    }

    /// The counts so far, with what went by RTCP.
    pub(super) fn snapshot(&self, now: Instant, stats: &EngineStats) -> Vec<InboundMedia> {
        let counted = |(mid, (_, sink)): (&String, &(MediaKind, Sink))| {
            let mut media = sink.snapshot(now);
            let rtcp = stats.inbound.get(mid).copied().unwrap_or_default();
            media.key_requests = Some(rtcp.pli);
            media.nacks = Some(rtcp.nacked);
            media.recovered = Some(rtcp.recovered);
            media.rtcp_packets = Some(rtcp.rtcp);
            media
        };
        self.sinks.iter().map(counted).collect()
    }
}

fn record(event: SinkEvent, mid: &str, kind: MediaKind) -> Kind {
    let mid = mid.to_owned();
    match event {
        SinkEvent::FirstRtp => Kind::FirstRtp { mid, kind },
        SinkEvent::FirstFrame => Kind::FirstFrame { mid, kind },
        SinkEvent::Proven(proof) => Kind::MediaProven { mid, kind, proof },
        SinkEvent::Wrong(wrong) => Kind::MediaWrong { mid, kind, wrong },
    }
}
