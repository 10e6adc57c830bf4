//! RTP that no m-section takes (RFC 9143 §9.2): which of it is worth telling.
//!
//! Much that comes is nobody's for good reasons: media that overtakes its answer, or that was under way when its
//! m-section ended; repair streams; probes. Only what goes on being nobody's after the negotiation has settled is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rtc::rtp::Header;

use super::translate::Remote;
use crate::timeline::UnboundRtp;

/// After a negotiation and after its first packet a source may be nobody's for so long, and for so many packets.
const PATIENCE: Duration = Duration::from_secs(1);
const PACKETS: u64 = 20;
/// A source that had an m-section hears of its end by signalling, which can be slow.
const FAREWELL: Duration = Duration::from_secs(5);
/// So many sources are followed at once.
const MOST: usize = 16;

/// Formats that come beside the media, and need none of it.
const BESIDE: [&str; 7] = ["rtx", "red", "ulpfec", "flexfec", "flexfec-03", "telephone-event", "CN"];
/// RFC 8852 §3.1.
const SDES_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

/// What the peer's description says of RTP that is no media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    repairs: BTreeSet<u32>,
    payload_types: BTreeSet<u8>,
    /// The id of sdes:rtp-stream-id.
    rid_extension: Option<u8>,
}

/// The sources of one engine that nobody takes.
#[derive(Debug, Default)]
pub(super) struct Unbound {
    beside: Beside,
    /// Since when no description waits for its answer; none while one does.
    stable: Option<Instant>,
    sources: BTreeMap<u32, Source>,
    /// Sources of m-sections that are gone, and since when.
    former: BTreeMap<u32, Instant>,
}

#[derive(Debug)]
struct Source {
    rtp: UnboundRtp,
    since: Instant,
    /// The count that was told last; none before.
    told: Option<u64>,
}

impl Beside {
    pub(super) fn of(remote: &Remote) -> Self {
        let sections = || remote.sections.iter().filter(|section| !section.rejected);
        let beside = |name: &str| BESIDE.iter().any(|known| known.eq_ignore_ascii_case(name));
        let codecs = sections().flat_map(|section| &section.codecs);
        let mut extensions = sections().flat_map(|section| &section.extensions);
        Self {
            repairs: sections().flat_map(|section| section.repairs.iter().copied()).collect(),
            payload_types: codecs
                .filter(|codec| codec.name.as_deref().is_some_and(beside))
                .map(|codec| codec.payload_type)
                .collect(),
            rid_extension: extensions.find(|(_, uri)| uri == SDES_RID).map(|(id, _)| *id),
        }
    }
}

impl Unbound {
    /// A description was applied; `stable`: none waits for its answer. Sources of `gone` have lost their m-section.
    pub(super) fn negotiated(
        &mut self,
        now: Instant,
        stable: bool,
        beside: Beside,
        gone: impl Iterator<Item = u32>,
    ) {
        self.stable = stable.then_some(now);
        self.beside = beside;
        self.sources.retain(|_, source| source.told.is_some());
        self.former.extend(gone.map(|ssrc| (ssrc, now)));
    }

    /// A packet with a payload that no m-section takes. Returns what is worth telling, once for each source.
    pub(super) fn packet(&mut self, at: Instant, header: &Header, mid: Option<&str>) -> Option<UnboundRtp> {
        let stable = self.stable?;
        let ssrc = header.ssrc;
        if self.beside.repairs.contains(&ssrc) || self.beside.payload_types.contains(&header.payload_type) {
            return None;
        }
        let (full, rid_extension) = (self.sources.len() >= MOST, self.beside.rid_extension);
        let source = match self.sources.get_mut(&ssrc) {
            Some(source) => source,
            None if full => return None,
            None => {
                let rtp = UnboundRtp { ssrc, ..UnboundRtp::default() };
                self.sources.entry(ssrc).or_insert(Source { rtp, since: at, told: None })
            }
        };
        source.rtp.packets += 1;
        source.rtp.payload_type = header.payload_type;
        if source.rtp.mid.as_deref() != mid {
            source.rtp.mid = mid.map(str::to_owned);
        }
        if source.rtp.rid.is_none()
            && let Some(rid) = rid_extension.and_then(|id| header.get_extension(id))
        {
            source.rtp.rid = Some(String::from_utf8_lossy(&rid).into_owned());
        }
        let waited = |since: Instant, long| at.saturating_duration_since(since) >= long;
        let former = self.former.get(&ssrc).is_some_and(|gone| !waited(*gone, FAREWELL));
        let settled = waited(stable, PATIENCE) && waited(source.since, PATIENCE) && !former;
        if source.told.is_some() || source.rtp.packets <= PACKETS || !settled {
            return None;
        }
        source.told = Some(source.rtp.packets);
        Some(source.rtp.clone())
    }

    /// The sources that were told of and went on since.
    pub(super) fn take_counts(&mut self) -> Vec<UnboundRtp> {
        let grown = |source: &mut Source| {
            let packets = source.rtp.packets;
            let before = source.told.as_mut()?;
            (std::mem::replace(before, packets) != packets).then(|| source.rtp.clone())
        };
        self.sources.values_mut().filter_map(grown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::SdpType;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00:11\r\na=setup:actpass\r\na=rtcp-mux\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\na=ssrc-group:FID 5 6\r\n\
        a=ssrc:5 cname:x\r\na=ssrc:6 cname:x\r\n";

    struct Bench {
        unbound: Unbound,
        start: Instant,
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
        fn new() -> Self {
            let mut bench = Self { unbound: Unbound::default(), start: Instant::now() };
            bench.negotiated(0, true, &[]);
            bench
        }

        fn negotiated(&mut self, ms: u64, stable: bool, gone: &[u32]) {
            let beside = Beside::of(&Remote::read(SdpType::Offer, OFFER).unwrap());
            self.unbound.negotiated(self.at(ms), stable, beside, gone.iter().copied());
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        /// 50 packets a second.
        fn packets(&mut self, ssrc: u32, payload_type: u8, ms: std::ops::Range<u64>) -> Vec<UnboundRtp> {
            let header = Header { ssrc, payload_type, ..Header::default() };
            let told = ms.step_by(20).filter_map(|ms| self.unbound.packet(self.at(ms), &header, Some("x")));
            told.collect()
        }
    }

    impl Unbound {
        fn told(&self) -> usize {
            self.sources.values().filter(|source| source.told.is_some()).count()
        }
    }

    #[test]
    fn what_stays_nobodys_is_told_once_and_counted_at_the_end() {
        let mut bench = Bench::new();
        let told = bench.packets(7, 96, 100..3000);
        let expected =
            UnboundRtp { ssrc: 7, payload_type: 96, mid: Some("x".into()), rid: None, packets: 51 };
        assert_eq!(told, [expected]);
        assert_eq!(bench.unbound.take_counts().iter().map(|rtp| rtp.packets).collect::<Vec<_>>(), [145]);
        assert_eq!(bench.unbound.take_counts(), []);
    }

    #[test]
    fn what_has_reasons_is_not_told() {
        let mut bench = Bench::new();
        assert_eq!(bench.packets(7, 96, 0..900), [], "only just negotiated");
        assert_eq!(bench.packets(6, 96, 0..3000), [], "a repair stream");
        assert_eq!(bench.packets(9, 97, 0..3000), [], "retransmissions");
        assert_eq!(bench.packets(10, 96, 2000..2380), [], "few packets");
        bench.negotiated(4000, false, &[]);
        assert_eq!(bench.packets(11, 96, 4000..9000), [], "before the answer");
        bench.negotiated(9000, true, &[12]);
        assert_eq!(bench.packets(12, 96, 9000..13_900), [], "its m-section ended");
        assert_eq!(bench.packets(12, 96, 14_000..14_100).len(), 1, "a good while ago");
    }

    #[test]
    fn only_so_many_sources_are_followed() {
        let mut bench = Bench::new();
        for ssrc in 100..1000 {
            bench.packets(ssrc, 96, 0..3000);
        }
        assert_eq!(bench.unbound.told(), MOST);
    }

    #[test]
    fn a_rid_is_read_from_its_extension() {
        let mut bench = Bench::new();
        let mut header = Header { ssrc: 7, extension: true, extension_profile: 0xbede, ..Header::default() };
        header.set_extension(3, bytes::Bytes::from_static(b"hi")).unwrap();
        let told = (0..100_u64).find_map(|i| bench.unbound.packet(bench.at(i * 20), &header, None));
        assert_eq!(told.and_then(|rtp| rtp.rid).as_deref(), Some("hi"));
    }
}
