use proptest::prelude::*;

use super::*;
use crate::jsep::{Direction, MediaKind};

const OFFER: &str = include_str!("../../../tests/sdp/chromium-offer.sdp");
const ANSWER: &str = include_str!("../../../tests/sdp/chromium-answer-recvonly.sdp");
const REOFFER: &str = include_str!("../../../tests/sdp/chromium-reoffer.sdp");

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
    assert_eq!((opus.name.as_deref(), opus.clock_rate, opus.channels), (Some("opus"), Some(48000), Some(2)));
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
        ("v=0\nm=audio 9 RTP 0\na=sendonly\na=recvonly\n", 4, "a second direction; line 3 has one already"),
        ("v=0\nm=audio 9 RTP 0\na=rtpmap:96 VP8/90000\n", 3, "payload type 96 is not in the `m=` line"),
        ("v=0\nm=audio 9 RTP 0\na=setup:act\n", 3, "`setup` is actpass, active or passive, not `act`"),
        ("v=0\nm=audio 9 RTP 0\na=candidate:1 1 udp\n", 3, "a candidate has six fields and `typ`: `1 1 udp`"),
        ("v=0\na=group:BUNDLE 7\n", 1, "the BUNDLE group names mid `7`, which no m-section has"),
    ] {
        let found = SdpFacts::parse(text).complaints;
        assert!(
            found.iter().any(|found| (found.line, found.text.as_str()) == (line, complaint)),
            "{text:?}: {found:?}"
        );
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
    let mut mixed = SdpFacts::parse(&OFFER.replacen("\r\n", "\n", 20));
    let complaint = mixed.complaints.remove(0);
    assert_eq!((complaint.line, complaint.fault), (21, Fault::MixedLineEnds));
    assert_eq!(mixed, SdpFacts::parse(OFFER));
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
