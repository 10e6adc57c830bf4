//! What a description says, as facts with their lines. The reading itself is in `sdp_parse`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::{Direction, MediaKind, sdp_parse};

/// A session description (RFC 8866), read tolerantly: what cannot be understood becomes a complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SdpFacts {
    /// The session id of the `o=` line; tells whose description it is.
    pub session_id: Option<String>,
    /// The session version of the `o=` line; rises with each new description of the same session.
    pub session_version: Option<String>,
    /// The mids of the BUNDLE group (RFC 9143 §7), in order; empty without one.
    pub bundle: Vec<String>,
    /// `a=ice-lite` (RFC 8839 §5.3).
    pub ice_lite: bool,
    /// The m-sections in order.
    pub sections: Vec<MediaSection>,
    /// What is wrong with the text.
    pub complaints: Vec<Complaint>,
}

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
}

/// A line that could not be understood, or contradicts another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// The line; the first one is 1.
    pub line: usize,
    /// What is wrong.
    pub text: String,
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
    /// The texts of `a=rtcp-fb`, those for `*` included.
    pub rtcp_fb: Vec<String>,
}

/// `a=fingerprint:algorithm value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Such as `sha-256`.
    pub algorithm: String,
    /// Hex with colons.
    pub value: String,
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

impl SdpFacts {
    /// Reads `text`. Never fails: what is wrong is in `complaints`. Takes time linear in the length of the text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        sdp_parse::parse(text)
    }

    /// The section with that mid.
    #[must_use]
    pub fn section(&self, mid: &str) -> Option<&MediaSection> {
        self.sections.iter().find(|section| section.mid.as_deref() == Some(mid))
    }

    /// The candidates of all sections.
    pub fn candidates(&self) -> impl Iterator<Item = &SdpCandidate> {
        self.sections.iter().flat_map(|section| &section.candidates)
    }
}

impl MediaSection {
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
