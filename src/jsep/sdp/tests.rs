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
        ("v=0\na=group:BUNDLE 7\n", 2, "the BUNDLE group names mid `7`, which no m-section has"),
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

/// Every text that a browser made, but for the manifest.
#[test]
fn what_chromium_wrote_is_not_complained_of() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chromium");
    let mut texts = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".sdp") {
            continue;
        }
        texts += 1;
        let bytes = std::fs::read(&path).unwrap();
        let facts = SdpFacts::parse_bytes(&bytes);
        assert_eq!(facts.complaints, [], "{name}");
        let sdp_type = if name.contains(".offer.") { SdpType::Offer } else { SdpType::Answer };
        assert_eq!(facts.complaints_as(sdp_type, None), [], "{name}");
        for section in &facts.sections {
            assert!(section.rtcp_mux && section.at.mid.is_some() && !section.extmaps.is_empty(), "{name}");
            let cnames = section.sources.iter().filter(|source| source.cname.is_some());
            assert_eq!(cnames.count(), section.ssrcs.len(), "{name}");
        }
    }
    assert_eq!(texts, 59);
}

/// A whole description of two bundled sections, into which faults are planted.
const GOOD: &str = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1\n\
    a=fingerprint:sha-256 AA:BB\na=setup:actpass\na=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\na=rtcp-mux\na=sendrecv\na=rtpmap:111 opus/48000/2\n\
    a=extmap:1 urn:one\na=ssrc:7 cname:c\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:1\na=rtcp-mux\na=sendonly\na=rtpmap:96 VP8/90000\n\
    a=extmap:1 urn:one\na=ssrc:8 cname:c\na=rid:h send pt=96;max-width=640\na=rid:l send\n\
    a=simulcast:send h;~l\n";

#[test]
fn complaints_name_line_clause_and_remedy() {
    assert_eq!(SdpFacts::parse(GOOD).complaints, []);
    let mut golden = Vec::new();
    for (from, to) in [
        ("v=0\n", ""),
        ("s=-\nt=0 0\n", ""),
        ("o=- 1 2 IN IP4 127.0.0.1", "o=- 1"),
        ("BUNDLE 0 1", "BUNDLE 0 1 2 0"),
        ("a=mid:1", "a=mid:0"),
        ("a=mid:1\n", ""),
        ("a=mid:1\n", "a=mid:1\na=mid:2\n"),
        ("a=sendrecv", "a=sendrecv\na=recvonly"),
        ("v=0\n", "v=0\r\n"),
        ("m=audio 9", "m=audio 99999"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio"),
        ("m=audio", "m=smell"),
        ("SAVPF 96", "SAVPF 96 97 300"),
        ("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8\na=fmtp:98 x=1"),
        ("SAVPF 96\na=mid:1", "SAVPF 96 111\na=rtpmap:111 H264/90000\na=mid:1"),
        ("a=ssrc:8", "a=ssrc:7"),
        ("a=ssrc:8", "a=ssrc:minus"),
        ("a=ssrc:7 cname:c", "a=extmap:1 urn:two\na=extmap:0 urn:nil"),
        ("a=extmap:1 urn:one\na=ssrc:8", "a=extmap:1 urn:other\na=ssrc:8"),
        ("a=rid:l send", "a=rid:h send"),
        ("a=rid:l send", "a=rid:l sideways"),
        ("a=simulcast:send h;~l", "a=simulcast:send"),
        ("a=fingerprint:sha-256 AA:BB\na=setup:actpass\na=ice-ufrag:abcd\n", ""),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:a b"),
        ("a=setup:actpass", "a=setup:both"),
        ("a=mid:0\na=rtcp-mux", "a=mid:0"),
        ("a=mid:1", "a=mid:1\na=msid:a b c\na=msid:\na=msid:<x> y"),
        ("a=mid:1", "a=mid:1\na=candidate:1 1 udp"),
        ("a=mid:1", "a=mid:1\nhello\na=x\u{0}y"),
        ("a=mid:1", "a=mid:1\na=sctp-port:many"),
    ] {
        let bad = GOOD.replacen(from, to, 1);
        assert_ne!(bad, GOOD, "{from:?} is not in the text");
        let facts = SdpFacts::parse(&bad);
        assert_ne!(facts.complaints, [], "{from:?} -> {to:?}");
        golden.push(format!("{from:?} -> {to:?}"));
        for complaint in &facts.complaints {
            let (clause, help) = (complaint.clause(), complaint.help());
            golden.push(format!("  line {}: {} ({clause}); {help}", complaint.line, complaint.text));
        }
    }
    insta::assert_snapshot!(golden.join("\n"));
}

#[test]
fn what_is_not_utf8_is_read_and_complained_of() {
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes.extend_from_slice(b"a=x:\xff\n");
    let facts = SdpFacts::parse_bytes(&bytes);
    assert_eq!(facts.sections.len(), 2);
    let faults: Vec<_> = facts.complaints.iter().map(|complaint| (complaint.line, complaint.fault)).collect();
    assert_eq!(faults, [(GOOD.lines().count() + 1, Fault::NotUtf8)]);
}

#[test]
fn an_answer_is_held_against_its_offer() {
    let offer = SdpFacts::parse(GOOD);
    let answer = GOOD.replace("actpass", "active").replace("sendonly", "recvonly");
    assert_eq!(SdpFacts::parse(&answer).complaints_as(SdpType::Answer, Some(&offer)), []);
    let faults = |text: &str| {
        let complaints = SdpFacts::parse(text).complaints_as(SdpType::Answer, Some(&offer));
        complaints.into_iter().map(|complaint| complaint.fault).collect::<Vec<_>>()
    };
    assert_eq!(faults(GOOD), [Fault::SetupRole, Fault::SetupRole, Fault::AnswerDirection]);
    assert_eq!(faults(&answer.replace("m=video", "m=audio")), [Fault::AnswerMismatch]);
    assert_eq!(faults(&answer.replace("a=mid:1", "a=mid:9")), [Fault::AnswerMismatch]);
    let short = &answer[..answer.find("m=video").unwrap()];
    assert_eq!(faults(short), [Fault::AnswerMismatch]);
    assert_eq!(offer.complaints_as(SdpType::Rollback, None), []);
}

/// What is inherited or copied does not multiply: facts are of the size of the text.
#[test]
fn facts_do_not_outgrow_the_text() {
    let long = "x".repeat(1 << 16);
    for text in [
        format!("v=0\na=ice-ufrag:{long}\na=ice-pwd:{long}\n{}", "m=audio 9 RTP 0\n".repeat(10_000)),
        format!("v=0\na=fingerprint:{long} {long}\n{}", "m=audio 9 RTP 0\n".repeat(10_000)),
        format!("v=0\na=ice-options:{long}\n{}", "m=audio 9 RTP 0\n".repeat(10_000)),
        format!("v=0\nm=audio 9 RTP 0 3 8 9\n{}", format!("a=rtcp-fb:* {long}\n").repeat(100)),
        format!("v=0\nm=audio 9 RTP 0\n{}", "a=ssrc:1 cname:x\n".repeat(100_000)),
    ] {
        let size = serde_json::to_string(&SdpFacts::parse(&text)).unwrap().len();
        assert!(size < 100 * text.len(), "{size} of {}", text.len());
    }
}

/// What a random section says.
#[derive(Clone, Debug)]
struct Said {
    video: bool,
    port: u16,
    direction: usize,
    codecs: std::collections::BTreeSet<u8>,
    streams: Vec<String>,
    extmaps: std::collections::BTreeSet<u16>,
    ssrcs: Vec<u32>,
    rids: std::collections::BTreeSet<String>,
}

prop_compose! {
    fn said()(
        video in any::<bool>(), port in any::<u16>(), direction in 0..4usize,
        codecs in prop::collection::btree_set(96..128u8, 1..6),
        streams in prop::collection::vec("[a-z0-9{}-]{2,20}", 0..3),
        extmaps in prop::collection::btree_set(1..15u16, 0..5),
        ssrcs in prop::collection::vec(any::<u32>(), 0..3),
        rids in prop::collection::btree_set("[a-z0-9]{1,5}", 0..4),
    ) -> Said {
        Said { video, port, direction, codecs, streams, extmaps, ssrcs, rids }
    }
}

fn render(sections: &[Said], end: &str) -> String {
    let mut lines: Vec<String> =
        ["v=0", "o=- 1 2 IN IP4 0.0.0.0", "s=-", "t=0 0"].map(str::to_owned).to_vec();
    for (mid, said) in sections.iter().enumerate() {
        let formats: Vec<String> = said.codecs.iter().map(u8::to_string).collect();
        let media = if said.video { "video" } else { "audio" };
        lines.push(format!("m={media} {} UDP/TLS/RTP/SAVPF {}", said.port, formats.join(" ")));
        lines.push(format!("a=mid:{mid}"));
        lines.push(format!("a={}", Direction::ALL[said.direction]));
        lines.extend(said.codecs.iter().map(|number| format!("a=rtpmap:{number} c{number}/{number}000")));
        lines.extend(said.codecs.iter().map(|number| format!("a=fmtp:{number} x={number}")));
        lines.extend(said.streams.iter().map(|stream| format!("a=msid:{stream} t")));
        lines.extend(said.extmaps.iter().map(|id| format!("a=extmap:{id}/sendonly urn:{id}")));
        lines.extend(said.ssrcs.iter().map(|ssrc| format!("a=ssrc:{ssrc} cname:c{ssrc}")));
        lines.extend(said.rids.iter().map(|rid| format!("a=rid:{rid} send max-width={mid}")));
    }
    lines.join(end) + end
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

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let facts = SdpFacts::parse_bytes(&bytes);
        let _ = facts.complaints_as(SdpType::Answer, Some(&facts));
    }

    /// Lines that almost are right reach further than arbitrary bytes.
    #[test]
    fn no_lines_panic(lines in prop::collection::vec(
        "(m=(audio|video|application|x) [0-9]{0,6}|a=(mid|msid|rid|simulcast|extmap|ssrc|ssrc-group|rtpmap|fmtp|\
         rtcp-fb|group|candidate|sctp-port|ice-ufrag|setup|fingerprint|msid-semantic)):?[ -~]{0,12}", 0..40
    )) {
        let _ = SdpFacts::parse(&lines.join("\n"));
    }

    #[test]
    fn a_rendered_description_parses_back(sections in prop::collection::vec(said(), 0..6), crlf in any::<bool>()) {
        let text = render(&sections, if crlf { "\r\n" } else { "\n" });
        let lines: Vec<&str> = text.lines().collect();
        let facts = SdpFacts::parse(&text);
        prop_assert_eq!(facts.sections.len(), sections.len());
        for (mid, (section, said)) in facts.sections.iter().zip(&sections).enumerate() {
            let mid_text = mid.to_string();
            prop_assert_eq!(section.mid.as_deref(), Some(mid_text.as_str()));
            prop_assert_eq!(section.kind, Some(if said.video { MediaKind::Video } else { MediaKind::Audio }));
            prop_assert_eq!(section.port, said.port);
            prop_assert_eq!(section.direction, Direction::ALL[said.direction]);
            prop_assert!(section.codecs.iter().map(|codec| codec.payload_type).eq(said.codecs.iter().copied()));
            for codec in &section.codecs {
                let fmtp = format!("x={}", codec.payload_type);
                prop_assert_eq!(codec.fmtp.as_deref(), Some(fmtp.as_str()));
                prop_assert_eq!(codec.clock_rate, Some(u32::from(codec.payload_type) * 1000));
                prop_assert!(lines[codec.fmtp_line.unwrap() - 1].ends_with(&fmtp));
            }
            prop_assert!(section.msids.iter().map(|msid| msid.stream.clone().unwrap()).eq(said.streams.clone()));
            prop_assert!(section.extmaps.iter().map(|extmap| extmap.id).eq(said.extmaps.iter().copied()));
            let ssrcs: std::collections::BTreeSet<u32> = said.ssrcs.iter().copied().collect();
            prop_assert_eq!(section.ssrcs.iter().copied().collect::<std::collections::BTreeSet<_>>(), ssrcs);
            prop_assert!(section.rids.iter().map(|rid| &rid.id).eq(said.rids.iter()));
            prop_assert!(section.rids.iter().all(|rid| rid.restrictions == [("max-width".into(), mid_text.clone())]));
            prop_assert_eq!(section.lines.end() - section.lines.start() + 1, lines_of(said));
        }
    }
}

/// How many lines `render` writes for a section.
fn lines_of(said: &Said) -> usize {
    3 + 2 * said.codecs.len() + said.streams.len() + said.extmaps.len() + said.ssrcs.len() + said.rids.len()
}
