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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = include_str!("../../tests/sdp/chromium-offer.sdp");
    const ANSWER: &str = include_str!("../../tests/sdp/chromium-answer-recvonly.sdp");
    const REOFFER: &str = include_str!("../../tests/sdp/chromium-reoffer.sdp");

    #[test]
    fn an_offer_of_a_browser_is_read_whole() {
        let facts = SdpFacts::parse(OFFER);
        assert_eq!(facts.complaints, []);
        assert_eq!(facts.bundle, ["0", "1"]);
        assert_eq!(facts.session_id.as_deref(), Some("4597074698140685266"));
        let [audio, video] = facts.sections.as_slice() else { panic!("two sections") };
        assert_eq!((audio.kind, video.kind), (Some(MediaKind::Audio), Some(MediaKind::Video)));
        assert_eq!(audio.mid.as_deref(), Some("0"));
        assert_eq!(audio.direction, Direction::Sendrecv);
        assert_eq!(audio.setup.as_deref(), Some("actpass"));
        assert_eq!(audio.ice_ufrag.as_deref(), Some("pVt/"));
        assert_eq!(audio.ice_options, ["trickle"]);
        assert_eq!(audio.fingerprints[0].algorithm, "sha-256");
        assert_eq!(audio.streams(), ["5d9e28a0-b2cd-427e-b50a-957942436115"]);
        assert_eq!(audio.ssrcs, [2_945_990_362]);
        assert_eq!(OFFER.lines().nth(audio.lines.start() - 1).map(|line| &line[..7]), Some("m=audio"));
        assert_eq!(audio.lines.end() + 1, *video.lines.start());
        let opus = &audio.codecs[0];
        assert_eq!(
            (opus.name.as_deref(), opus.clock_rate, opus.channels),
            (Some("opus"), Some(48000), Some(2))
        );
        assert!(opus.fmtp.as_deref().is_some_and(|fmtp| fmtp.contains("useinbandfec=1")));
        assert!(video.codecs[0].rtcp_fb.iter().any(|feedback| feedback == "nack pli"));
    }

    #[test]
    fn the_answer_of_the_founding_case_only_receives() {
        let facts = SdpFacts::parse(ANSWER);
        assert_eq!(facts.complaints, []);
        for section in &facts.sections {
            assert_eq!(section.direction, Direction::Recvonly);
            assert_eq!(section.msids, []);
            let line = ANSWER.lines().nth(section.direction_line.expect("stated") - 1);
            assert_eq!(line, Some("a=recvonly"));
        }
    }

    #[test]
    fn candidates_in_a_description_are_counted() {
        let facts = SdpFacts::parse(REOFFER);
        let lines = REOFFER.lines().filter(|line| line.starts_with("a=candidate:")).count();
        assert!(lines > 0);
        assert_eq!(facts.candidates().count(), lines);
        assert!(facts.candidates().all(|candidate| candidate.candidate_type.is_some()));
    }

    #[test]
    fn sections_inherit_from_the_session() {
        let text = "v=0\na=recvonly\na=setup:active\na=ice-ufrag:u\na=fingerprint:SHA-256 aa\n\
                    m=audio 9 RTP 0\na=sendonly\nm=video 9 RTP 96\na=ice-ufrag:own\n";
        let facts = SdpFacts::parse(text);
        let [audio, video] = facts.sections.as_slice() else { panic!("two sections") };
        assert_eq!((audio.direction, audio.direction_line), (Direction::Sendonly, Some(7)));
        assert_eq!((video.direction, video.direction_line), (Direction::Recvonly, Some(2)));
        assert_eq!(audio.ice_ufrag.as_deref(), Some("u"));
        assert_eq!(video.ice_ufrag.as_deref(), Some("own"));
        assert_eq!(video.fingerprints[0], Fingerprint { algorithm: "sha-256".into(), value: "AA".into() });
        assert_eq!(audio.codecs[0].name.as_deref(), Some("PCMU"));
    }

    #[test]
    fn what_is_wrong_is_complained_of_with_its_line() {
        for (text, line, complaint) in [
            ("", 1, "the description is empty"),
            ("hello\n", 1, "not `x=value`: `hello`"),
            ("o=- 1 1 IN IP4 0\n", 1, "a description begins with `v=0`"),
            ("v=0\nm=audio\n", 2, "`m=` needs media, port, protocol and formats: `audio`"),
            ("v=0\nm=audio 9 RTP 0\na=mid:0\nm=video 9 RTP 96\na=mid:0\n", 5, "mid `0` is used twice"),
            (
                "v=0\nm=audio 9 RTP 0\na=sendonly\na=recvonly\n",
                4,
                "a second direction; line 3 has one already",
            ),
            ("v=0\nm=audio 9 RTP 0\na=rtpmap:96 VP8/90000\n", 3, "payload type 96 is not in the `m=` line"),
            ("v=0\nm=audio 9 RTP 0\na=setup:act\n", 3, "`setup` is actpass, active or passive, not `act`"),
            (
                "v=0\nm=audio 9 RTP 0\na=candidate:1 1 udp\n",
                3,
                "a candidate has six fields and `typ`: `1 1 udp`",
            ),
            ("v=0\na=group:BUNDLE 7\n", 1, "the BUNDLE group names mid `7`, which no m-section has"),
        ] {
            let found = SdpFacts::parse(text).complaints;
            assert!(found.contains(&Complaint { line, text: complaint.into() }), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn port_0_rejects_unless_bundle_only() {
        let facts = SdpFacts::parse("v=0\nm=audio 0 RTP 0\nm=video 0 RTP 96\na=bundle-only\n");
        assert!(facts.sections[0].is_rejected() && !facts.sections[1].is_rejected());
        assert_eq!(facts.sections[0].effective_direction(), Direction::Inactive);
    }

    #[test]
    fn line_ends_may_be_mixed() {
        let unix = OFFER.replace("\r\n", "\n");
        assert_eq!(SdpFacts::parse(&unix), SdpFacts::parse(OFFER));
        let mixed = OFFER.replacen("\r\n", "\n", 20);
        assert_eq!(SdpFacts::parse(&mixed), SdpFacts::parse(OFFER));
    }

    #[test]
    fn a_megabyte_of_anything_is_read_once() {
        let megabyte = 1 << 20;
        for text in [
            "a".repeat(megabyte),
            format!("v=0\nm=video 9 RTP {}", "96 ".repeat(megabyte / 3)),
            format!("v=0\n{}", "m=audio 9 RTP 0\n".repeat(megabyte / 16)),
            format!("v=0\n{}", "a=fingerprint:x y\nm=audio 9 RTP 0\n".repeat(megabyte / 34)),
            format!("v=0\nm=audio 9 RTP 0\n{}", "a=rtcp-fb:* nack\n".repeat(megabyte / 17)),
            format!("v=0\na=group:BUNDLE{}\n", " 1".repeat(megabyte / 2)),
            "=\r\n".repeat(megabyte / 3),
        ] {
            let facts = SdpFacts::parse(&text);
            assert!(facts.complaints.len() <= 50);
            facts.sections.iter().for_each(|section| drop(section.streams()));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = SdpFacts::parse(&text);
        }

        #[test]
        fn a_damaged_offer_keeps_its_lines_in_order(at in 0..OFFER.len(), cut in 0..200usize, junk in "\\PC{0,20}") {
            let mut text = OFFER.as_bytes().to_vec();
            let end = (at + cut).min(text.len());
            text.splice(at..end, junk.bytes());
            let text = String::from_utf8_lossy(&text);
            let facts = SdpFacts::parse(&text);
            let lines = text.lines().count();
            for pair in facts.sections.windows(2) {
                prop_assert!(pair[0].lines.end() < pair[1].lines.start());
            }
            prop_assert!(facts.sections.iter().all(|section| *section.lines.end() <= lines));
        }
    }
}
