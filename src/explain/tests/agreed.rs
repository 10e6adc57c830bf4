//! Codecs, groups and fingerprints of an answer that its offer does not fit, or fits after all.

use super::damaged::{GOOD, edited, in_video, named, without};
use super::*;

/// The answer with one codec for video.
fn only(texts: &mut [String], number: u8, name: &str, fmtp: &str) {
    let offered = format!("a=rtpmap:{number} {name}/90000");
    assert!(texts[0].contains(&offered), "{offered}");
    texts[1] = in_video(&texts[1], |video| {
        let of_codecs = ["a=rtpmap", "a=fmtp", "a=rtcp-fb"];
        let kept = |line: &&str| !of_codecs.iter().any(|start| line.starts_with(start));
        let rest: String = video.split_inclusive('\n').filter(kept).skip(1).collect();
        let feedback = format!("a=rtcp-fb:{number} nack pli\r\n");
        let fmtp = format!("a=fmtp:{number} {fmtp}\r\n");
        format!("m=video 9 UDP/TLS/RTP/SAVPF {number}\r\n{rest}{offered}\r\n{feedback}{fmtp}")
    });
}

fn titles(explained: &Explanation) -> String {
    explained.lints.iter().map(|lint| lint.diagnostic.title.clone() + "\n").collect()
}

#[test]
fn codecs_that_are_not_in_common() {
    named(&[
        ("sdp-no-common-codec", &GOOD, |texts| {
            texts[1] = texts[1].replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/48000");
            let audio = texts[1].find("m=audio").unwrap();
            let line_end = audio + texts[1][audio..].find('\r').unwrap();
            texts[1].replace_range(audio..line_end, "m=audio 9 UDP/TLS/RTP/SAVPF 111");
        }),
        ("sdp-pt-mapping", &GOOD, |texts| {
            texts[1] = texts[1].replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/48000");
        }),
        ("sdp-no-common-codec", &GOOD, |texts| {
            let audio = texts[1].find("m=audio").unwrap();
            let line_end = audio + texts[1][audio..].find('\r').unwrap();
            texts[1].replace_range(audio..line_end, "m=audio 9 UDP/TLS/RTP/SAVPF 126");
        }),
        ("sdp-no-common-codec", &GOOD, |texts| only(texts, 98, "VP9", "profile-id=7")),
    ]);
}

#[test]
fn a_profile_under_the_number_of_another_one_is_complained_of() {
    let explained = edited(&GOOD, |texts| only(texts, 98, "VP9", "profile-id=2"));
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), [""; 0]);
    let titles = titles(&explained);
    assert!(titles.contains("payload type 98 was offered with VP9 profile 0 and is 2 here"), "{titles}");
}

#[test]
fn ids_of_the_same_h264_profile_may_differ() {
    let of_offer = |id: &str| {
        let text = fs::read_to_string(folder().join(GOOD[0])).unwrap();
        let line = text.lines().find(|line| line.starts_with("a=fmtp") && line.contains(id)).unwrap();
        line.split([':', ' ']).nth(1).unwrap().parse::<u8>().unwrap()
    };
    assert_eq!(of_offer("packetization-mode=1;profile-level-id=42e01f"), 108, "the number below");
    let explained = edited(&GOOD, |texts| {
        only(texts, 108, "H264", "packetization-mode=1;profile-level-id=42c01f");
    });
    assert_eq!(titles(&explained), "");
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), [""; 0]);
    let explained = edited(&GOOD, |texts| {
        only(texts, 108, "H264", "packetization-mode=1;profile-level-id=64001f");
    });
    assert!(titles(&explained).contains("H.264 profile constrained baseline and is high here"));
}

#[test]
fn an_answer_adds_no_bundle_group() {
    let explained = edited(&GOOD, |texts| texts[0] = without(&texts[0], "a=group"));
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["sdp-bundle-absent"]);
    assert!(explained.browsers[0].refused[0].error.contains("BUNDLE"), "{:?}", explained.browsers[0].refused);
    assert!(titles(&explained).contains("the answer has a BUNDLE group"), "{}", titles(&explained));
}

#[test]
fn a_hash_has_the_length_of_its_algorithm() {
    let explained =
        edited(&GOOD, |texts| texts[1] = texts[1].replace("fingerprint:sha-256", "fingerprint:sha-1"));
    assert!(
        titles(&explained).contains("`sha-1` has 20 octets, and 32 are written"),
        "{}",
        titles(&explained)
    );
}

#[test]
fn a_text_that_ends_in_the_middle_was_cut() {
    for end in ["a=rtpmap:97 r", "a=rtcp-fb:96 transport-cc", "a=rtcp-rsize", "a=extmap:2 htt"] {
        let text = fs::read_to_string(folder().join(GOOD[0])).unwrap();
        let video = text.find("m=video").unwrap();
        let at = video + text[video..].find(end).unwrap() + end.len();
        let explained = explain(&[Input::new("x.sdp", &text[..at])], &Thresholds::default()).unwrap();
        assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["sig-sdp-text-damaged"], "{end}");
        assert_eq!(explained.findings.findings[0].severity, Severity::Major);
        assert!(explained.findings.notes.is_empty(), "{:?}", explained.findings.notes);
    }
    // A last line end that was trimmed is no loss.
    let text = fs::read_to_string(folder().join(GOOD[0])).unwrap();
    let explained = explain(&[Input::new("x.sdp", text.trim_end())], &Thresholds::default()).unwrap();
    assert!(explained.findings.findings.is_empty(), "{:?}", explained.findings);
}

#[test]
fn lines_that_were_joined_are_told_as_such() {
    for between in [" ", "", "\r"] {
        let text = fs::read_to_string(folder().join(GOOD[0])).unwrap().replace("\r\n", between);
        let explained = explain(&[Input::new("x.sdp", text)], &Thresholds::default()).unwrap();
        assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["sig-sdp-text-damaged"]);
        let observed = &explained.findings.findings[0].observed;
        assert!(observed.contains("the line ends were lost"), "{observed}");
    }
}
