//! One m-section as facts.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::jsep::{Direction, MediaKind};

/// One m-section. Attributes that stand at session level only are inherited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MediaSection {
    /// Its lines, from `m=` on; the first line of the text is 1.
    pub lines: RangeInclusive<usize>,
    /// `audio`, `video`, `application`, ...
    pub media: String,
    /// The same as a kind of track; null for data and the like.
    pub kind: Option<MediaKind>,
    /// 0 rejects the section unless it is bundle-only.
    pub port: u16,
    /// Such as `UDP/TLS/RTP/SAVPF`.
    pub protocol: String,
    /// `a=mid` (RFC 5888 §4).
    pub mid: Option<String>,
    /// What is sent and received; `sendrecv` if nothing is said (RFC 8866 §6.7).
    pub direction: Direction,
    /// The line that says so; null if it is the default.
    pub direction_line: Option<usize>,
    /// `a=msid` (RFC 8830 §2), in order.
    pub msids: Vec<Msid>,
    /// In the order of preference of the `m=` line.
    pub codecs: Vec<Codec>,
    /// `a=setup` (RFC 4145 §4, RFC 5763 §5).
    pub setup: Option<String>,
    /// `a=fingerprint` (RFC 8122 §5).
    pub fingerprints: Vec<Fingerprint>,
    /// `a=ice-ufrag` (RFC 8839 §5.4).
    pub ice_ufrag: Option<String>,
    /// `a=ice-pwd` (RFC 8839 §5.4).
    pub ice_pwd: Option<String>,
    /// The words of `a=ice-options` (RFC 8839 §5.6).
    pub ice_options: Vec<String>,
    /// `a=candidate` (RFC 8839 §5.1), in order.
    pub candidates: Vec<SdpCandidate>,
    /// `a=end-of-candidates` (RFC 8840 §8.2).
    pub end_of_candidates: bool,
    /// `a=bundle-only` (RFC 9143 §6).
    pub bundle_only: bool,
    /// The sources of `a=ssrc` (RFC 5576 §4.1), each once, in order.
    pub ssrcs: Vec<u32>,
    /// The same sources with what is said of them, in the same order.
    pub sources: Vec<Source>,
    /// `a=ssrc-group` (RFC 5576 §4.2), such as FID and SIM.
    pub ssrc_groups: Vec<SsrcGroup>,
    /// `a=extmap` (RFC 8285 §5), in order; those of the session are in `SdpFacts`.
    pub extmaps: Vec<ExtMap>,
    /// `a=extmap-allow-mixed` (RFC 8285 §6) for this section.
    pub extmap_allow_mixed: bool,
    /// `a=rid` (RFC 8851 §4), in order.
    pub rids: Vec<Rid>,
    /// `a=simulcast` (RFC 8853 §5.1).
    pub simulcast: Option<Simulcast>,
    /// `a=rtcp-mux` (RFC 5761 §5.1.1).
    pub rtcp_mux: bool,
    /// `a=rtcp-mux-only` (RFC 8858 §3).
    pub rtcp_mux_only: bool,
    /// `a=rtcp-rsize` (RFC 5506 §5).
    pub rtcp_rsize: bool,
    /// `a=sctp-port` (RFC 8841 §5).
    pub sctp_port: Option<u16>,
    /// `a=max-message-size` (RFC 8841 §6), bytes; 0 is without limit.
    pub max_message_size: Option<u64>,
    /// Where the attributes above stand that have no line of their own.
    pub at: SectionLines,
}

impl MediaSection {
    /// A section of which only its first line is known.
    pub(super) fn new(line: usize, media: &str, port: u16, protocol: &str, codecs: Vec<Codec>) -> Self {
        Self {
            lines: line..=line,
            media: media.to_owned(),
            kind: media.parse().ok(),
            port,
            protocol: protocol.to_owned(),
            mid: None,
            direction: Direction::Sendrecv,
            direction_line: None,
            msids: Vec::new(),
            codecs,
            setup: None,
            fingerprints: Vec::new(),
            ice_ufrag: None,
            ice_pwd: None,
            ice_options: Vec::new(),
            candidates: Vec::new(),
            end_of_candidates: false,
            bundle_only: false,
            ssrcs: Vec::new(),
            sources: Vec::new(),
            ssrc_groups: Vec::new(),
            extmaps: Vec::new(),
            extmap_allow_mixed: false,
            rids: Vec::new(),
            simulcast: None,
            rtcp_mux: false,
            rtcp_mux_only: false,
            rtcp_rsize: false,
            sctp_port: None,
            max_message_size: None,
            at: SectionLines::default(),
        }
    }

    /// The line of `m=`; the first line of the text is 1.
    #[must_use]
    pub fn line(&self) -> usize {
        *self.lines.start()
    }

    /// Port 0 without `a=bundle-only`: the section is rejected or was stopped (RFC 9429 §5.3.1).
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && !self.bundle_only
    }

    /// What is really sent and received: nothing in a rejected section.
    #[must_use]
    pub fn effective_direction(&self) -> Direction {
        if self.is_rejected() { Direction::Inactive } else { self.direction }
    }

    /// The streams of its track, each once (RFC 9429 §5.10).
    #[must_use]
    pub fn streams(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let streams = self.msids.iter().filter_map(|msid| msid.stream.as_deref());
        streams.filter(|stream| seen.insert(*stream)).collect()
    }
}

/// `a=msid:stream track`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Msid {
    /// The line.
    pub line: usize,
    /// The id of the stream; null for `-`, a track without a stream.
    pub stream: Option<String>,
    /// The id of the track; browsers leave it out or invent it.
    pub track: Option<String>,
}

/// A payload type with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Codec {
    /// The RTP payload type.
    pub payload_type: u8,
    /// Such as `VP8`; null where neither `a=rtpmap` nor RFC 3551 names it.
    pub name: Option<String>,
    /// Hertz.
    pub clock_rate: Option<u32>,
    /// Of audio.
    pub channels: Option<u16>,
    /// The text of `a=fmtp`.
    pub fmtp: Option<String>,
    /// The texts of `a=rtcp-fb`, those for `*` included (the first 64 of them).
    pub rtcp_fb: Vec<String>,
    /// The line of `a=rtpmap`.
    pub rtpmap_line: Option<usize>,
    /// The line of `a=fmtp`.
    pub fmtp_line: Option<usize>,
    /// The lines of `rtcp_fb`, in its order.
    pub rtcp_fb_lines: Vec<usize>,
}

/// `a=fingerprint:algorithm value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Such as `sha-256`.
    pub algorithm: String,
    /// Hex with colons.
    pub value: String,
}

impl Fingerprint {
    /// How many octets its hash has (RFC 8122 §5); none for a hash that the RFC does not name.
    #[must_use]
    pub fn octets(&self) -> Option<usize> {
        const HASHES: &[(&str, usize)] = &[
            ("md2", 16),
            ("md5", 16),
            ("sha-1", 20),
            ("sha-224", 28),
            ("sha-256", 32),
            ("sha-384", 48),
            ("sha-512", 64),
        ];
        let known = HASHES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&self.algorithm));
        known.map(|(_, octets)| *octets)
    }
}

/// A candidate inside a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SdpCandidate {
    /// The line.
    pub line: usize,
    /// `candidate:...`, as a trickled one would read.
    pub candidate: String,
    /// `host`, `srflx`, `prflx` or `relay`; null if the text does not say.
    #[serde(rename = "type")]
    pub candidate_type: Option<String>,
}

/// The lines of a section's attributes; null where an attribute is absent. Inherited ones have a line before `m=`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SectionLines {
    /// `a=mid`
    pub mid: Option<usize>,
    /// `a=setup`
    pub setup: Option<usize>,
    /// `a=fingerprint`, in the order of `fingerprints`
    pub fingerprints: Vec<usize>,
    /// `a=ice-ufrag`
    pub ice_ufrag: Option<usize>,
    /// `a=ice-pwd`
    pub ice_pwd: Option<usize>,
    /// `a=ice-options`
    pub ice_options: Option<usize>,
    /// `a=end-of-candidates`
    pub end_of_candidates: Option<usize>,
    /// `a=bundle-only`
    pub bundle_only: Option<usize>,
    /// `a=rtcp-mux`
    pub rtcp_mux: Option<usize>,
    /// `a=sctp-port`
    pub sctp_port: Option<usize>,
    /// `a=max-message-size`
    pub max_message_size: Option<usize>,
}

/// A source of `a=ssrc` with what its lines say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The first line.
    pub line: usize,
    /// The SSRC.
    pub ssrc: u32,
    /// `cname:`
    pub cname: Option<String>,
    /// `msid:`, which JSEP ignores and browsers still write.
    pub msid: Option<Msid>,
}

/// `a=ssrc-group:FID 1 2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SsrcGroup {
    /// The line.
    pub line: usize,
    /// `FID`, `FEC-FR`, `SIM`, ...
    pub semantics: String,
    /// In order.
    pub ssrcs: Vec<u32>,
}

/// `a=extmap:id/direction uri`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExtMap {
    /// The line.
    pub line: usize,
    /// 1 to 14 in one-byte headers, to 255 in two-byte headers; 4096 to 4351 ask for an id.
    pub id: u16,
    /// Null is sendrecv.
    pub direction: Option<Direction>,
    /// The name of the header extension.
    pub uri: String,
}

/// `a=rid:id send pt=96;max-width=1280`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rid {
    /// The line.
    pub line: usize,
    /// The id.
    pub id: String,
    /// `sendonly` for `send`, `recvonly` for `recv`.
    pub direction: Direction,
    /// The payload types of `pt=`; empty is all.
    pub formats: Vec<u8>,
    /// The other restrictions as name and value, in order; the value is empty where none stands.
    pub restrictions: Vec<(String, String)>,
}

/// `a=simulcast:send 1,~2;3 recv 4`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Simulcast {
    /// The line.
    pub line: usize,
    /// The streams to send, each with its alternatives in order of preference.
    pub send: Vec<Vec<SimulcastStream>>,
    /// The streams to receive.
    pub recv: Vec<Vec<SimulcastStream>>,
}

/// A stream of a simulcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimulcastStream {
    /// The `a=rid` that describes it.
    pub rid: String,
    /// `~`: not sent at first.
    pub paused: bool,
}
