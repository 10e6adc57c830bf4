//! What RTCP says, read next to the wire, and what comes of it. The engine's own statistics leave round-trip time, remote loss and feedback
//! counts at zero.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use rtc::interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::goodbye::Goodbye;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::source_description::SourceDescription;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use super::shared::Events;
use super::{EngineEvent, InboundRtcp, OutboundRtcp};
use crate::fault::{Faults, RtcpFields, RtpFields};
use crate::jsep::MediaKind;
use crate::world::World;

/// So many sender reports are remembered per stream; one a second goes out.
const REMEMBERED_REPORTS: usize = 32;
/// So many lost packets are waited for per stream; who sends keeps about as many.
const AWAITED: usize = 1024;

/// What was heard so far, by SSRC.
pub(super) struct TapState {
    world: Arc<dyn World>,
    events: Events,
    streams: Mutex<Streams>,
    /// What is wrong with our packets on purpose.
    faults: OnceLock<Arc<Faults>>,
}

#[derive(Default)]
struct Streams {
    local: BTreeMap<u32, LocalStream>,
    remote: BTreeMap<u32, RemoteStream>,
    /// The stream that was last heard for each mid.
    newest: BTreeMap<String, u32>,
    /// RTCP of ours that waits for the next wake of the driver.
    waiting: VecDeque<Box<dyn rtc::rtcp::Packet>>,
}

struct LocalStream {
    kind: MediaKind,
    mid: Option<String>,
    /// What the wire calls the codec, where the engine calls it otherwise.
    payload_type: Option<u8>,
    /// The middle 32 bits of the NTP time of our reports, and when they left.
    reports: VecDeque<(u32, Instant)>,
    rtcp: OutboundRtcp,
}

#[derive(Default)]
struct RemoteStream {
    mid: Option<String>,
    rtcp: InboundRtcp,
    /// Sequence numbers that we asked for again and that have not come.
    awaited: BTreeSet<u16>,
}

impl TapState {
    pub(super) fn new(world: Arc<dyn World>, events: Events) -> Self {
        Self { world, events, streams: Mutex::default(), faults: OnceLock::new() }
    }

    /// A stream that we send.
    pub(super) fn add_local(&self, ssrc: u32, kind: MediaKind) {
        let (reports, rtcp) = (VecDeque::new(), OutboundRtcp::default());
        let stream = LocalStream { kind, mid: None, payload_type: None, reports, rtcp };
        self.lock().local.insert(ssrc, stream);
    }

    /// Something is wrong with our packets on purpose.
    pub(super) fn meddle(&self, faults: Arc<Faults>) {
        if !faults.is_empty() {
            // Once for each engine.
            let _ = self.faults.set(faults);
        }
    }

    /// The payload type that a stream of ours has on the wire.
    pub(super) fn set_payload_type(&self, ssrc: u32, payload_type: u8) {
        if let Some(stream) = self.lock().local.get_mut(&ssrc) {
            stream.payload_type = Some(payload_type);
        }
    }

    /// The m-section of a stream that we send.
    pub(super) fn set_local_mid(&self, ssrc: u32, mid: Option<String>) {
        if let Some(stream) = self.lock().local.get_mut(&ssrc) {
            stream.mid = mid;
        }
    }

    /// The m-section of a stream that we receive.
    pub(super) fn set_remote_mid(&self, ssrc: u32, mid: &str) {
        self.lock().remote.entry(ssrc).or_default().mid = Some(mid.to_owned());
    }

    /// A packet of an m-section came in.
    pub(super) fn heard(&self, ssrc: u32, mid: &str, sequence: u16) {
        let mut streams = self.lock();
        if let Some(stream) = streams.remote.get_mut(&ssrc)
            && stream.awaited.remove(&sequence)
        {
            stream.rtcp.recovered += 1;
        }
        match streams.newest.get_mut(mid) {
            Some(newest) => *newest = ssrc,
            None => drop(streams.newest.insert(mid.to_owned(), ssrc)),
        }
    }

    /// Asks the sender of `mid` for a key frame, if it was heard.
    pub(super) fn request_key_frame(&self, mid: &str) {
        let mut streams = self.lock();
        if let Some(ssrc) = streams.newest.get(mid).copied() {
            let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc: ssrc };
            streams.waiting.push_back(Box::new(pli));
        }
    }

    /// What the peer said, by the mid of what we send.
    pub(super) fn outbound(&self) -> BTreeMap<String, OutboundRtcp> {
        let streams = self.lock();
        streams.local.values().filter_map(|stream| Some((stream.mid.clone()?, stream.rtcp))).collect()
    }

    /// What we said, by the mid of what we receive.
    pub(super) fn inbound(&self) -> BTreeMap<String, InboundRtcp> {
        let mut all: BTreeMap<String, InboundRtcp> = BTreeMap::new();
        for stream in self.lock().remote.values() {
            let Some(mid) = &stream.mid else { continue };
            let sum = all.entry(mid.clone()).or_default();
            sum.pli += stream.rtcp.pli;
            sum.nacked += stream.rtcp.nacked;
            sum.recovered += stream.rtcp.recovered;
            sum.rtcp += stream.rtcp.rtcp;
        }
        all
    }

    fn received(&self, packet: &dyn rtc::rtcp::Packet) {
        let (now, packet) = (self.world.now(), packet.as_any());
        if let Some(report) = packet.downcast_ref::<SenderReport>() {
            self.lock().rtcp_from([report.ssrc]);
            report.reports.iter().for_each(|block| self.lock().report(block, now));
        } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
            self.lock().rtcp_from([report.ssrc]);
            report.reports.iter().for_each(|block| self.lock().report(block, now));
        } else if let Some(described) = packet.downcast_ref::<SourceDescription>() {
            self.lock().rtcp_from(described.chunks.iter().map(|chunk| chunk.source));
        } else if let Some(goodbye) = packet.downcast_ref::<Goodbye>() {
            self.lock().rtcp_from(goodbye.sources.iter().copied());
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
            self.feedback(nack.media_ssrc, |rtcp| rtcp.nacked += asked_for(nack));
        } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
            self.key_frame(pli.media_ssrc, |rtcp| rtcp.pli += 1);
        } else if let Some(requests) = packet.downcast_ref::<FullIntraRequest>() {
            // RFC 5104 §4.3.1: the stream is named by the entry; the header's media SSRC is zero.
            requests.fir.iter().for_each(|entry| self.key_frame(entry.ssrc, |rtcp| rtcp.fir += 1));
        }
    }

    fn sent(&self, packet: &dyn rtc::rtcp::Packet) {
        let (now, packet) = (self.world.now(), packet.as_any());
        if let Some(report) = packet.downcast_ref::<SenderReport>() {
            self.lock().reported(report.ssrc, report.ntp_time, now);
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
            self.lock().remote.entry(nack.media_ssrc).or_default().ask_for(nack);
        } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
            self.lock().remote.entry(pli.media_ssrc).or_default().rtcp.pli += 1;
        }
    }

    fn feedback(&self, ssrc: u32, count: impl FnOnce(&mut OutboundRtcp)) -> Option<String> {
        let mut streams = self.lock();
        let stream = streams.local.get_mut(&ssrc)?;
        count(&mut stream.rtcp);
        stream.mid.clone()
    }

    fn key_frame(&self, ssrc: u32, count: impl FnOnce(&mut OutboundRtcp)) {
        if let Some(mid) = self.feedback(ssrc, count) {
            let event = EngineEvent::KeyFrameRequested { mid };
            let _ = self.events.unbounded_send((self.world.now(), event));
        }
    }

    /// What leaves has the wire's payload type. Whether it leaves.
    fn leaves(&self, header: &mut rtc::rtp::Header) -> bool {
        let streams = self.lock();
        let Some(stream) = streams.local.get(&header.ssrc) else { return true };
        header.payload_type = stream.payload_type.unwrap_or(header.payload_type);
        let Some(faults) = self.faults.get() else { return true };
        let mut fields = RtpFields {
            kind: stream.kind,
            payload_type: header.payload_type,
            ssrc: header.ssrc,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
        };
        let leaves = faults.rtp(self.world.now(), &mut fields);
        (header.payload_type, header.ssrc) = (fields.payload_type, fields.ssrc);
        (header.sequence_number, header.timestamp) = (fields.sequence, fields.timestamp);
        leaves
    }

    /// Takes out the RTCP that a fault loses. Whether anything is left.
    fn passes(&self, packets: &mut Vec<Box<dyn rtc::rtcp::Packet>>, sent: bool) -> bool {
        if let Some(faults) = self.faults.get() {
            packets.retain(|packet| {
                let header = packet.header();
                let fields = RtcpFields { packet_type: header.packet_type as u8, format: header.count, sent };
                faults.rtcp(fields)
            });
        }
        !packets.is_empty()
    }

    fn waiting(&self) -> Option<Box<dyn rtc::rtcp::Packet>> {
        self.lock().waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().expect("no panic while the streams are held")
    }
}

impl RemoteStream {
    fn ask_for(&mut self, nack: &TransportLayerNack) {
        self.rtcp.nacked += asked_for(nack);
        self.awaited.extend(nack.nacks.iter().flat_map(|pair| pair.packet_list()));
        while self.awaited.len() > AWAITED {
            self.awaited.pop_first();
        }
    }
}

impl Streams {
    /// An RTCP packet came from these sources; only those that an m-section has count.
    fn rtcp_from(&mut self, sources: impl IntoIterator<Item = u32>) {
        for ssrc in sources {
            if let Some(stream) = self.remote.get_mut(&ssrc) {
                stream.rtcp.rtcp += 1;
            }
        }
    }

    /// A report block about one of our streams.
    fn report(&mut self, block: &ReceptionReport, now: Instant) {
        let Some(stream) = self.local.get_mut(&block.ssrc) else { return };
        stream.rtcp.fraction_lost = Some(f64::from(block.fraction_lost) / 256.0);
        stream.rtcp.total_lost = Some(u64::from(block.total_lost));
        let answered = stream.reports.iter().rev().find(|(ntp, _)| *ntp == block.last_sender_report);
        if let Some((_, left)) = answered.filter(|_| block.last_sender_report != 0) {
            stream.rtcp.rtt_ms = Some(round_trip_ms(now.duration_since(*left).as_secs_f64(), block.delay));
        }
    }

    /// One of our sender reports leaves.
    fn reported(&mut self, ssrc: u32, ntp_time: u64, now: Instant) {
        let Some(stream) = self.local.get_mut(&ssrc) else { return };
        if stream.reports.len() == REMEMBERED_REPORTS {
            stream.reports.pop_front();
        }
        stream.reports.push_back((middle_32_bits(ntp_time), now));
    }
}

/// RFC 3550 §6.4.1: the delay since the last report is in units of 1/65536 s.
fn round_trip_ms(since_report: f64, delay: u32) -> f64 {
    ((since_report - f64::from(delay) / 65_536.0) * 1e3).max(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "the middle 32 of 64 bits")]
fn middle_32_bits(ntp_time: u64) -> u32 {
    (ntp_time >> 16) as u32
}

fn asked_for(nack: &TransportLayerNack) -> u64 {
    nack.nacks.iter().map(|pair| pair.packet_list().len() as u64).sum()
}

/// The interceptor: passes everything on and tells the state what RTCP it saw.
pub(super) struct Tap {
    state: Arc<TapState>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Tap {
    pub(super) fn new(state: Arc<TapState>) -> Self {
        Self { state, reads: VecDeque::new(), writes: VecDeque::new() }
    }

    /// Where the packet goes in the queue: at its end, but RTCP that was made at the same moment is ordered by what it is
    /// about. The engine makes it in the order of a hash map, and each packet meets with another chance on the way.
    fn place_of(&self, packet: &TaggedPacket) -> usize {
        let Some(about) = about(packet) else { return self.writes.len() };
        let later = |queued: &&TaggedPacket| about_is_after(queued, &about);
        self.writes.len() - self.writes.iter().rev().take_while(later).count()
    }
}

/// What RTCP is about: the types and the SSRCs of its parts; none for anything else.
fn about(packet: &TaggedPacket) -> Option<Vec<(u8, Vec<u32>)>> {
    let Packet::Rtcp(parts) = &packet.message.packet else { return None };
    Some(parts.iter().map(|part| (part.header().packet_type as u8, part.destination_ssrc())).collect())
}

fn about_is_after(queued: &TaggedPacket, than: &Vec<(u8, Vec<u32>)>) -> bool {
    about(queued).is_some_and(|about| about > *than)
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &mut packet.message.packet {
            if !self.state.passes(packets, false) {
                return Ok(());
            }
            packets.iter().for_each(|packet| self.state.received(packet.as_ref()));
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        match &mut packet.message.packet {
            Packet::Rtp(rtp) => {
                let leaves = self.state.leaves(&mut rtp.header);
                if !leaves {
                    return Ok(());
                }
            }
            Packet::Rtcp(packets) => {
                if !self.state.passes(packets, true) {
                    return Ok(());
                }
                packets.iter().for_each(|packet| self.state.sent(packet.as_ref()));
            }
            _ => {}
        }
        let place = self.place_of(&packet);
        self.writes.insert(place, packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        if let Some(packet) = self.writes.pop_front() {
            return Some(packet);
        }
        let packet = self.state.waiting()?;
        self.state.sent(packet.as_ref());
        let message = AttributedPacket::new(Packet::Rtcp(vec![packet]));
        Some(TaggedPacket { now: self.state.world.now(), transport: TransportContext::default(), message })
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::channel::mpsc;
    use rtc::rtcp::goodbye::Goodbye;
    use rtc::rtcp::payload_feedbacks::full_intra_request::FirEntry;
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;

    use super::*;
    use crate::engine::tests::StillWorld;

    const SSRC: u32 = 7;

    fn tap() -> (TapState, Arc<StillWorld>, mpsc::UnboundedReceiver<(Instant, EngineEvent)>) {
        let (events, received) = mpsc::unbounded();
        let world = Arc::new(StillWorld::new());
        let tap = TapState::new(world.clone(), events);
        tap.add_local(SSRC, MediaKind::Audio);
        tap.set_local_mid(SSRC, Some("0".into()));
        (tap, world, received)
    }

    fn block(last_sender_report: u32, delay: u32) -> ReceptionReport {
        ReceptionReport {
            ssrc: SSRC,
            fraction_lost: 64,
            total_lost: 9,
            last_sender_report,
            delay,
            ..Default::default()
        }
    }

    #[test]
    fn round_trip_time_is_what_is_left_without_the_peers_delay() {
        let (tap, world, _events) = tap();
        tap.sent(&SenderReport { ssrc: SSRC, ntp_time: 0x0001_0002_0003_0004, ..Default::default() });
        world.advance(Duration::from_millis(150));
        tap.received(&ReceiverReport {
            reports: vec![block(0x0002_0003, 65_536 / 10)],
            ..Default::default()
        });
        let stream = tap.outbound()["0"];
        assert!((stream.rtt_ms.unwrap() - 50.0).abs() < 0.1, "{stream:?}");
        assert_eq!((stream.fraction_lost, stream.total_lost), (Some(0.25), Some(9)));
    }

    #[test]
    fn a_report_that_answers_none_of_ours_gives_no_round_trip_time() {
        let (tap, world, _events) = tap();
        tap.sent(&SenderReport { ssrc: SSRC, ntp_time: 5 << 16, ..Default::default() });
        world.advance(Duration::from_millis(10));
        for last in [0, 6] {
            tap.received(&SenderReport { reports: vec![block(last, 0)], ..Default::default() });
        }
        assert_eq!(tap.outbound()["0"].rtt_ms, None);
    }

    #[test]
    fn requests_for_key_frames_are_reported_and_counted() {
        let (tap, _world, mut events) = tap();
        tap.received(&PictureLossIndication { sender_ssrc: 1, media_ssrc: SSRC });
        let fir = vec![FirEntry { ssrc: SSRC, sequence_number: 0 }];
        tap.received(&FullIntraRequest { sender_ssrc: 1, media_ssrc: 0, fir });
        tap.received(&PictureLossIndication { sender_ssrc: 1, media_ssrc: 99 });
        for _ in 0..2 {
            let (_, event) = events.try_recv().unwrap();
            assert_eq!(event, EngineEvent::KeyFrameRequested { mid: "0".into() });
        }
        assert!(events.try_recv().is_err());
        assert_eq!((tap.outbound()["0"].pli, tap.outbound()["0"].fir), (1, 1));
    }

    #[test]
    fn nacks_count_packets_both_ways() {
        let (tap, _world, _events) = tap();
        let nacks = |media_ssrc| TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc,
            nacks: vec![NackPair { packet_id: 10, lost_packets: 0b101 }],
        };
        tap.received(&nacks(SSRC));
        tap.sent(&nacks(42));
        tap.sent(&PictureLossIndication { sender_ssrc: 1, media_ssrc: 42 });
        tap.set_remote_mid(42, "1");
        assert_eq!(tap.outbound()["0"].nacked, 3);
        assert_eq!(tap.inbound()["1"], InboundRtcp { pli: 1, nacked: 3, ..InboundRtcp::default() });
    }

    #[test]
    fn packets_that_come_after_they_were_asked_for_are_recovered_once() {
        let (tap, _world, _events) = tap();
        tap.set_remote_mid(42, "1");
        for sequence in [9, 10, 13] {
            tap.heard(42, "1", sequence);
        }
        let nacks = vec![NackPair { packet_id: 11, lost_packets: 0b1 }];
        tap.sent(&TransportLayerNack { sender_ssrc: 1, media_ssrc: 42, nacks });
        for sequence in [14, 11, 11] {
            tap.heard(42, "1", sequence);
        }
        assert_eq!((tap.inbound()["1"].nacked, tap.inbound()["1"].recovered), (2, 1));
    }

    #[test]
    fn rtcp_counts_for_the_m_section_of_its_source() {
        let (tap, _world, _events) = tap();
        tap.set_remote_mid(42, "1");
        tap.received(&SenderReport { ssrc: 42, ..Default::default() });
        tap.received(&SenderReport { ssrc: 43, ..Default::default() });
        tap.received(&Goodbye { sources: vec![42], ..Default::default() });
        assert_eq!(tap.inbound()["1"].rtcp, 2);
    }
}
