//! Where received RTP leaves the engine for the owner: whose it is is decided by the wire's descriptions
//! (RFC 8843 §9.2), not by the engine's, which drops what nobody declared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use super::gates::Gate;
use super::shared::Events;
use super::tap::TapState;
use super::{EngineEvent, RtpIn};
use crate::jsep::MediaKind;

/// An m-section that may receive.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) mid: Arc<str>,
    pub(super) kind: MediaKind,
    pub(super) gate: Arc<Gate>,
    /// What the peer declared.
    pub(super) ssrcs: Vec<u32>,
    pub(super) payload_types: Vec<u8>,
}

/// Which packet belongs to which m-section.
pub(super) struct Demux {
    tap: Arc<TapState>,
    events: Events,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    routes: Vec<Route>,
    /// The id of sdes:mid.
    mid_extension: Option<u8>,
    /// Declared or learned: the index in `routes`.
    sources: BTreeMap<u32, usize>,
    /// Reported as nobody's.
    strangers: BTreeSet<u32>,
}

impl Demux {
    pub(super) fn new(tap: Arc<TapState>, events: Events) -> Self {
        Self { tap, events, table: Mutex::default() }
    }

    /// A description was applied. What was learned of sources that nobody declares now is kept.
    pub(super) fn set_routes(&self, routes: Vec<Route>, mid_extension: Option<u8>) {
        let mut table = self.lock();
        let known = std::mem::take(&mut table.sources);
        let at = |mid: &str| routes.iter().position(|route| *route.mid == *mid);
        let kept = known.into_iter().filter_map(|(ssrc, old)| Some((ssrc, at(&table.routes.get(old)?.mid)?)));
        let mut sources: BTreeMap<u32, usize> = kept.collect();
        for (index, route) in routes.iter().enumerate() {
            sources.extend(route.ssrcs.iter().map(|ssrc| (*ssrc, index)));
        }
        for (ssrc, index) in &sources {
            self.tap.set_remote_mid(*ssrc, &routes[*index].mid);
        }
        *table = Table { routes, mid_extension, sources, strangers: BTreeSet::new() };
    }

    fn packet(&self, at: Instant, packet: rtp::Packet) {
        let mut table = self.lock();
        let ssrc = packet.header.ssrc;
        let found = table.sources.get(&ssrc).copied().or_else(|| table.learn(&packet.header, &self.tap));
        let Some(route) = found.and_then(|index| table.routes.get(index)) else {
            if let Some(detail) = table.stranger(&packet.header) {
                let limit = EngineEvent::Limit { limit: "undeclared-source", detail };
                let _ = self.events.unbounded_send((at, limit));
            }
            return;
        };
        if route.gate.is_open() {
            self.tap.heard(ssrc, &route.mid, packet.header.sequence_number);
            let event = EngineEvent::Rtp { mid: route.mid.clone(), kind: route.kind, packet: rtp_in(packet) };
            // An owner that no longer listens does not matter.
            let _ = self.events.unbounded_send((at, event));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no panic while the table is held")
    }
}

impl Table {
    /// A source that nobody declared: by its mid, else by a payload type that one m-section has alone.
    fn learn(&mut self, header: &rtp::Header, tap: &TapState) -> Option<usize> {
        let mid = self.mid_extension.and_then(|id| header.get_extension(id));
        let by_mid = mid.and_then(|mid| self.routes.iter().position(|route| route.mid.as_bytes() == &*mid));
        let index = by_mid.or_else(|| match self.takers(header.payload_type).as_slice() {
            [only] => Some(*only),
            _ => None,
        })?;
        self.sources.insert(header.ssrc, index);
        tap.set_remote_mid(header.ssrc, &self.routes[index].mid);
        Some(index)
    }

    /// The m-sections without a declared source that take that payload type.
    fn takers(&self, payload_type: u8) -> Vec<usize> {
        let takes = |route: &Route| route.ssrcs.is_empty() && route.payload_types.contains(&payload_type);
        (0..self.routes.len()).filter(|index| takes(&self.routes[*index])).collect()
    }

    /// Why a source cannot be told, once for each.
    fn stranger(&mut self, header: &rtp::Header) -> Option<String> {
        let takers = self.takers(header.payload_type);
        if takers.is_empty() || !self.strangers.insert(header.ssrc) {
            return None;
        }
        let mids: Vec<&str> = takers.iter().map(|index| &*self.routes[*index].mid).collect();
        Some(format!(
            "the peer sends SSRC {} with payload type {}, which no a=ssrc declares and whose packets name no mid; it \
             can belong to the m-sections {}",
            header.ssrc,
            header.payload_type,
            mids.join(" and "),
        ))
    }
}

fn rtp_in(packet: rtp::Packet) -> RtpIn {
    RtpIn {
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        marker: packet.header.marker,
        payload_type: packet.header.payload_type,
        ssrc: packet.header.ssrc,
        payload: packet.payload,
    }
}

/// The interceptor that takes media out, after all others have counted it.
pub(super) struct Intake {
    demux: Arc<Demux>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Intake {
    pub(super) fn new(demux: Arc<Demux>) -> Self {
        Self { demux, reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Intake {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        match packet.message.packet {
            Packet::Rtp(rtp) => self.demux.packet(packet.now, rtp),
            // The tap has heard it, and the engine has nobody to give it to.
            Packet::Rtcp(packets) if !packets.is_empty() => {}
            _ => self.reads.push_back(packet),
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for Intake {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
