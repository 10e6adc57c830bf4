//! Whole texts, and what becomes of the parts.

use super::*;
use crate::jsep::{
    Direction, LocalDescription, LocalMsid, LocalSection, SdpFacts, SdpType, SectionMedia, TransceiverId,
};

const CHROMIUM: &str = include_str!("../../../tests/sdp/chromium-offer.sdp");

fn facts(setup: &'static str) -> Facts {
    Facts {
        ufrag: "ufrag".into(),
        pwd: "passwordof22characters".into(),
        fingerprints: vec!["sha-256 AA:BB".into()],
        candidates: vec!["candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host".into()],
        end_of_candidates: true,
        setup,
        session: 4_611_686_018,
        version: 3,
        cname: "cname".into(),
        ssrcs: [("0", 1000), ("1", 1001), ("2", 1002)].map(|(mid, ssrc)| (mid.to_owned(), ssrc)).into(),
        data: true,
    }
}

fn section(mid: &str, media: SectionMedia, direction: Direction, streams: &[&str]) -> LocalSection {
    let streams = streams.iter().map(|stream| (*stream).to_owned()).collect();
    let msid = LocalMsid { streams, track: format!("track-{mid}") };
    LocalSection {
        mid: mid.into(),
        transceiver: Some(TransceiverId(0)),
        rejected: false,
        msid: (direction.sends() && matches!(media, SectionMedia::Track(_))).then_some(msid),
        media,
        direction,
    }
}

fn track(mid: &str, kind: MediaKind, direction: Direction) -> LocalSection {
    section(mid, SectionMedia::Track(kind), direction, &["stream"])
}

fn rejected(section: LocalSection) -> LocalSection {
    LocalSection { rejected: true, direction: Direction::Inactive, msid: None, ..section }
}

fn description(sdp_type: SdpType, sections: Vec<LocalSection>) -> LocalDescription {
    LocalDescription { sdp_type, sections, ice_restart: false }
}

/// The text with line ends that a golden file can hold, after the checks that hold for each of ours.
fn text(ours: &LocalDescription, facts: &Facts, agreed: &Agreed, offer: Option<&Remote>) -> String {
    let wire = compose(ours, facts, agreed, offer).wire.0;
    let parsed = SdpFacts::parse(&wire);
    assert_eq!(parsed.complaints, [], "{wire}");
    assert_eq!(ours.differences(&parsed, None), [], "{wire}");
    wire.replace("\r\n", "\n")
}

#[test]
fn an_offer_says_what_the_model_says() {
    let ours = description(
        SdpType::Offer,
        vec![
            section("0", SectionMedia::Track(MediaKind::Audio), Direction::Sendrecv, &["camera", "backup"]),
            track("1", MediaKind::Video, Direction::Recvonly),
            rejected(track("old", MediaKind::Video, Direction::Inactive)),
            section("2", SectionMedia::Track(MediaKind::Video), Direction::Sendonly, &[]),
            section("3", SectionMedia::Data, Direction::Sendrecv, &[]),
        ],
    );
    insta::assert_snapshot!(text(&ours, &facts("actpass"), &Agreed::default(), None));
}

#[test]
fn an_answer_uses_what_was_offered() {
    let offer = CHROMIUM.replace("111", "109").to_owned()
        + "m=text 9 RTP/AVP 98\r\na=mid:t\r\na=ice-ufrag:pVt/\r\na=ice-pwd:rFiLrd1hvGRiUcpT9l1pF0RL\r\n\
           a=fingerprint:sha-256 AA\r\n";
    let offer = Remote::read(SdpType::Offer, &offer).unwrap();
    let unknown = SectionMedia::Unknown { media: "text".into(), protocol: "RTP/AVP".into() };
    let ours = description(
        SdpType::Answer,
        vec![
            track("0", MediaKind::Audio, Direction::Sendrecv),
            track("1", MediaKind::Video, Direction::Recvonly),
            rejected(section("t", unknown, Direction::Inactive, &[])),
        ],
    );
    let mut facts = facts("active");
    (facts.candidates, facts.end_of_candidates) = (Vec::new(), false);
    insta::assert_snapshot!(text(&ours, &facts, &Agreed::default(), Some(&offer)));
}

#[test]
fn the_engine_sees_sections_of_its_own() {
    let offer = Remote::read(SdpType::Offer, CHROMIUM).unwrap();
    let section = |mid: &str, kind: Option<MediaKind>| EngineSection { mid: mid.into(), kind };
    let sections = [
        (section("4", Some(MediaKind::Video)), Some("1".to_owned())),
        (section("5", Some(MediaKind::Audio)), Some("0".to_owned())),
        (section("6", Some(MediaKind::Video)), None),
        (section("data", None), None),
    ];
    let seen = for_engine(&offer, &Agreed::default(), &sections, None).unwrap();
    let parsed = SdpFacts::parse(&seen.0);
    assert_eq!(parsed.complaints, []);
    assert_eq!(engine_sections(&seen), sections.map(|(section, _)| section));
    // The repair stream of the video is not a source of its own.
    let sources: Vec<_> = parsed.sections.iter().map(|section| section.ssrcs.len()).collect();
    assert_eq!(sources, [1, 1, 0, 0], "{}", seen.0);
    insta::assert_snapshot!(seen.0.replace("\r\n", "\n"));
}

#[test]
fn a_peer_that_rejects_everything_is_not_shown() {
    let offer = CHROMIUM.replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0");
    let offer = Remote::read(SdpType::Answer, &offer).unwrap();
    assert_eq!(for_engine(&offer, &Agreed::default(), &[], None), None);
}

#[test]
fn what_cannot_be_taken_is_rejected() {
    let without = |from: &str, to: &str| {
        let text = CHROMIUM.replace(from, to);
        Remote::read(SdpType::Offer, &text).unwrap()
    };
    let ours = description(
        SdpType::Answer,
        vec![
            track("0", MediaKind::Audio, Direction::Sendrecv),
            track("1", MediaKind::Video, Direction::Sendrecv),
        ],
    );
    let kept = |offer: &Remote| -> Vec<bool> {
        let composed = compose(&ours, &facts("active"), &Agreed::default(), Some(offer));
        composed.sections.iter().map(|section| matches!(section, ComposedSection::Media { .. })).collect()
    };
    assert_eq!(kept(&without("nothing", "")), [true, true]);
    assert_eq!(kept(&without("opus/48000/2", "speex/16000")), [false, true]);
    assert_eq!(kept(&without("VP8/90000", "H265/90000")), [true, false]);
    let late = Facts { data: false, ..facts("actpass") };
    let data = description(SdpType::Offer, vec![section("0", SectionMedia::Data, Direction::Sendrecv, &[])]);
    let composed = compose(&data, &late, &Agreed::default(), None);
    assert!(composed.wire.0.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel"), "{composed:?}");
    assert!(!composed.wire.0.contains("BUNDLE"), "{composed:?}");
}

#[test]
fn an_offer_without_a_bundle_gets_an_answer_without_one() {
    let offer = Remote::read(SdpType::Offer, &CHROMIUM.replace("a=group:BUNDLE 0 1\r\n", "")).unwrap();
    let ours = description(SdpType::Answer, vec![track("0", MediaKind::Audio, Direction::Sendrecv)]);
    let composed = compose(&ours, &facts("active"), &Agreed::default(), Some(&offer));
    assert!(!composed.wire.0.contains("a=group"), "{}", composed.wire.0);
    assert_eq!(offer.unbundled().map(|section| &*section.mid), Some("1"));
    assert_eq!(Remote::read(SdpType::Offer, CHROMIUM).unwrap().unbundled(), None);
}

#[test]
fn later_offers_keep_the_numbers_of_the_peer() {
    let numbers = |agreed: &Agreed| {
        let kinds = [MediaKind::Audio, MediaKind::Video];
        let ours = kinds.map(|kind| track(kind.as_str(), kind, Direction::Sendrecv)).into();
        let wire = compose(&description(SdpType::Offer, ours), &facts("actpass"), agreed, None).wire.0;
        let lines = wire.lines().filter(|line| line.starts_with("a=extmap:") || line.starts_with("m="));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let twcc = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    let expected = |audio: u8, mid: u8, cc: u8, video: u8| {
        let extensions = [format!("a=extmap:{mid} {SDES_MID}"), format!("a=extmap:{cc} {twcc}")];
        let section = |kind: &str, number: u8| {
            let line = format!("m={kind} 9 UDP/TLS/RTP/SAVPF {number}");
            [vec![line], extensions.to_vec()].concat()
        };
        [section("audio", audio), section("video", video)].concat()
    };
    let mut agreed = Agreed::default();
    assert_eq!(numbers(&agreed), expected(111, 1, 2, 96));
    agreed.learn(&Remote::read(SdpType::Offer, CHROMIUM).unwrap());
    assert_eq!(numbers(&agreed), expected(111, 4, 3, 96));
    // The peer's Opus has the number that our VP8 would have.
    let mut agreed = Agreed::default();
    let audio = &CHROMIUM[..CHROMIUM.find("m=video").unwrap()];
    agreed.learn(
        &Remote::read(SdpType::Offer, &audio.replace(":111", ":96").replace(" 111 ", " 96 ")).unwrap(),
    );
    assert_eq!(numbers(&agreed), expected(96, 4, 3, 97));
}

#[test]
fn candidates_are_put_where_the_transport_is() {
    let wire =
        "v=0\r\nm=audio 0 X 0\r\na=mid:0\r\nm=video 9 X 96\r\na=mid:1\r\na=candidate:old\r\nm=text 0 X 0\r\n";
    let whole = with_candidates(wire, 1, &["candidate:new".to_owned()], true);
    let expected = "v=0\r\nm=audio 0 X 0\r\na=mid:0\r\nm=video 9 X 96\r\na=mid:1\r\na=candidate:new\r\n\
                    a=end-of-candidates\r\nm=text 0 X 0\r\n";
    assert_eq!(whole, expected);
    assert_eq!(with_candidates(expected, 1, &["candidate:new".to_owned()], true), expected);
}
