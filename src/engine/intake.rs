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
use super::unbound::{Beside, Unbound};
use super::{EngineEvent, RtpIn};
use crate::jsep::MediaKind;
use crate::timeline::UnboundRtp;

/// An m-section that may receive.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) mid: Arc<str>,
    pub(super) kind: MediaKind,
    pub(super) gate: Arc<Gate>,
    /// What the peer declared.
    pub(super) ssrcs: Vec<u32>,
    /// What we have described, by which a source that nobody declared is found.
    pub(super) payload_types: Vec<u8>,
    /// With those that the peer has described; anything else is no media of this m-section.
    pub(super) known_types: Vec<u8>,
}

/// What the descriptions say of all that comes.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// The id of sdes:mid.
    pub(super) mid_extension: Option<u8>,
    pub(super) beside: Beside,
    /// No description waits for its answer.
    pub(super) stable: bool,
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
    /// Reported as nobody's for certain.
    strangers: BTreeSet<u32>,
    unbound: Unbound,
}

impl Demux {
    pub(super) fn new(tap: Arc<TapState>, events: Events) -> Self {
        Self { tap, events, table: Mutex::default() }
    }

    /// A description was applied. What was learned of sources that nobody declares now is kept.
    pub(super) fn set_routes(&self, now: Instant, routes: Vec<Route>, wire: Wire) {
        let mut table = self.lock();
        let known = std::mem::take(&mut table.sources);
        let at = |mid: &str| routes.iter().position(|route| *route.mid == *mid);
        let (mut sources, mut gone) = (BTreeMap::new(), Vec::new());
        for (ssrc, old) in known {
            match table.routes.get(old).and_then(|route| at(&route.mid)) {
                Some(index) => drop(sources.insert(ssrc, index)),
                None => gone.push(ssrc),
            }
        }
        for (index, route) in routes.iter().enumerate() {
            sources.extend(route.ssrcs.iter().map(|ssrc| (*ssrc, index)));
        }
        for (ssrc, index) in &sources {
            self.tap.set_remote_mid(*ssrc, &routes[*index].mid);
        }
        let mut unbound = std::mem::take(&mut table.unbound);
        unbound.negotiated(now, wire.stable, wire.beside, gone.into_iter());
        let mid_extension = wire.mid_extension;
        *table = Table { routes, mid_extension, sources, strangers: BTreeSet::new(), unbound };
    }

    /// The sources that nobody takes, that were told of, and that went on since.
    pub(super) fn take_unbound(&self) -> Vec<UnboundRtp> {
        self.lock().unbound.take_counts()
    }

    fn packet(&self, at: Instant, packet: rtp::Packet) {
        let mut table = self.lock();
        let (ssrc, payload_type) = (packet.header.ssrc, packet.header.payload_type);
        let found = table.sources.get(&ssrc).copied().or_else(|| table.learn(&packet.header, &self.tap));
        // Padding alone is a probe, whatever its type.
        let taken = |route: &&Route| packet.payload.is_empty() || route.takes(payload_type);
        let Some(route) = found.and_then(|index| table.routes.get(index)).filter(taken) else {
            if found.is_none()
                && let Some(detail) = table.stranger(&packet.header)
            {
                let limit = EngineEvent::Limit { limit: "undeclared-source", detail };
                let _ = self.events.unbounded_send((at, limit));
            }
            if !packet.payload.is_empty()
                && let Some(unbound) = table.nobodys(at, &packet.header)
            {
                let _ = self.events.unbounded_send((at, EngineEvent::UnboundRtp(unbound)));
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

impl Route {
    /// Whether media of that type can belong; where nothing was described, anything can.
    fn takes(&self, payload_type: u8) -> bool {
        self.known_types.is_empty() || self.known_types.contains(&payload_type)
    }
}

impl Table {
    /// A source that nobody declared: by its mid, else by a payload type that one m-section has alone. A mid that no
    /// m-section has leads nowhere (RFC 9143 §9.2).
    fn learn(&mut self, header: &rtp::Header, tap: &TapState) -> Option<usize> {
        let mid = self.mid_extension.and_then(|id| header.get_extension(id));
        let index = match mid {
            Some(mid) => self.routes.iter().position(|route| route.mid.as_bytes() == &*mid)?,
            None => match self.takers(header.payload_type).as_slice() {
                [only] => *only,
                _ => return None,
            },
        };
        self.sources.insert(header.ssrc, index);
        tap.set_remote_mid(header.ssrc, &self.routes[index].mid);
        Some(index)
    }

    /// The m-sections without a declared source that take that payload type.
    fn takers(&self, payload_type: u8) -> Vec<usize> {
        let takes = |route: &Route| route.ssrcs.is_empty() && route.payload_types.contains(&payload_type);
        (0..self.routes.len()).filter(|index| takes(&self.routes[*index])).collect()
    }

    /// What is worth telling of a packet that no m-section takes.
    fn nobodys(&mut self, at: Instant, header: &rtp::Header) -> Option<UnboundRtp> {
        let mid = self.mid_extension.and_then(|id| header.get_extension(id));
        let mid = mid.as_deref().and_then(|mid| std::str::from_utf8(mid).ok());
        self.unbound.packet(at, header, mid)
    }

    /// Why a source cannot be told, once for each.
    fn stranger(&mut self, header: &rtp::Header) -> Option<String> {
        if self.mid_extension.and_then(|id| header.get_extension(id)).is_some() {
            return None;
        }
        let takers = self.takers(header.payload_type);
        if takers.len() < 2 || !self.strangers.insert(header.ssrc) {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures::channel::mpsc;

    use super::*;
    use crate::engine::tests::StillWorld;
    use crate::world::World;

    /// Audio on mid 0 with a declared source 5 and type 111, video on mid 1 with type 96; both may come in.
    struct Bench {
        demux: Demux,
        start: Instant,
        events: mpsc::UnboundedReceiver<(Instant, EngineEvent)>,
    }

    impl Bench {
        fn new() -> Self {
            let (sender, events) = mpsc::unbounded();
            let world = Arc::new(StillWorld::new());
            let start = world.now();
            let demux = Demux::new(Arc::new(TapState::new(world, sender.clone())), sender);
            let route = |mid: &str, kind, ssrcs: &[u32], payload_type| {
                let gate = Gate::default();
                gate.allow(true);
                gate.negotiate(true);
                let types = vec![payload_type];
                let (ssrcs, known_types) = (ssrcs.to_vec(), types.clone());
                Route { mid: mid.into(), kind, gate: gate.into(), ssrcs, payload_types: types, known_types }
            };
            let routes = vec![route("0", MediaKind::Audio, &[5], 111), route("1", MediaKind::Video, &[], 96)];
            let wire = Wire { mid_extension: Some(1), stable: true, ..Wire::default() };
            demux.set_routes(start, routes, wire);
            Self { demux, start, events }
        }

        /// 100 packets in two seconds. Gives the mids on which they came, and what was told of them.
        fn come(
            &mut self,
            ssrc: u32,
            payload_type: u8,
            mid: Option<&'static str>,
        ) -> (Vec<String>, Vec<UnboundRtp>) {
            for i in 0..100_u64 {
                let extension = mid.is_some();
                let mut header = rtp::Header {
                    ssrc,
                    payload_type,
                    extension,
                    extension_profile: 0xbede,
                    ..Default::default()
                };
                if let Some(mid) = mid {
                    header.set_extension(1, Bytes::from_static(mid.as_bytes())).unwrap();
                }
                let packet = rtp::Packet { header, payload: Bytes::from_static(b"media") };
                self.demux.packet(self.start + Duration::from_millis(20 * i), packet);
            }
            let (mut mids, mut unbound) = (Vec::new(), Vec::new());
            while let Ok((_, event)) = self.events.try_recv() {
                match event {
                    EngineEvent::Rtp { mid, .. } => mids.push(mid.to_string()),
                    EngineEvent::UnboundRtp(told) => unbound.push(told),
                    other => panic!("{other:?}"),
                }
            }
            mids.dedup();
            (mids, unbound)
        }
    }

    #[test]
    fn what_belongs_somewhere_comes_there() {
        for (ssrc, payload_type, mid, expected) in
            [(5, 111, None, "0"), (7, 96, None, "1"), (7, 96, Some("1"), "1"), (8, 111, Some("0"), "0")]
        {
            assert_eq!(Bench::new().come(ssrc, payload_type, mid), (vec![expected.to_owned()], vec![]));
        }
    }

    #[test]
    fn what_belongs_nowhere_is_told_once() {
        for (ssrc, payload_type, mid) in
            [(7, 111, None), (7, 100, None), (5, 96, None), (7, 96, Some("x")), (7, 111, Some("1"))]
        {
            let (mids, unbound) = Bench::new().come(ssrc, payload_type, mid);
            assert_eq!(mids, [""; 0], "{ssrc} {payload_type} {mid:?}");
            let [told] = unbound.as_slice() else { panic!("{unbound:?}") };
            assert_eq!((told.ssrc, told.payload_type, told.mid.as_deref()), (ssrc, payload_type, mid));
            assert!(told.packets > 20, "{told:?}");
        }
    }
}
