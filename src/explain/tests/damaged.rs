//! The recorded descriptions with one fault each, as people paste them: the fault is named first.

use super::*;
use crate::jsep::SdpType;

pub(super) const GOOD: [&str; 2] =
    ["s00-good-addTrack-before.1.caller.offer.sdp", "s00-good-addTrack-before.2.callee.answer.sdp"];
const TWO_ROUNDS: [&str; 4] = [
    "s42-late-addTrack-after-SLD-reneg.1.caller.offer.sdp",
    "s42-late-addTrack-after-SLD-reneg.2.callee.answer.sdp",
    "s42-late-addTrack-after-SLD-reneg.3.callee.offer.sdp",
    "s42-late-addTrack-after-SLD-reneg.4.caller.answer.sdp",
];

pub(super) type Edit = fn(&mut [String]);

/// The texts of files after an edit, explained.
pub(super) fn edited(files: &[&str], edit: Edit) -> Explanation {
    let mut texts: Vec<String> =
        files.iter().map(|file| fs::read_to_string(folder().join(file)).unwrap()).collect();
    let before = texts.clone();
    edit(&mut texts);
    assert_ne!(before, texts, "the edit changes something");
    let named = files.iter().zip(texts).map(|(file, text)| {
        let (author, kind) = (file.split('.').nth(2).unwrap(), file.split('.').nth(3).unwrap());
        Input { author: Some(author.parse().unwrap()), ..Input::new(format!("{kind}.sdp"), text) }
    });
    explain(&named.collect::<Vec<_>>(), &Thresholds::default()).unwrap()
}

pub(super) fn without(text: &str, start: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(start)).collect()
}

/// The text with the last m-section of that medium changed.
pub(super) fn in_video(text: &str, change: impl Fn(&str) -> String) -> String {
    let at = text.find("m=video").unwrap();
    text[..at].to_owned() + &change(&text[at..])
}

#[track_caller]
pub(super) fn named(cases: &[(&str, &[&str], Edit)]) {
    let mut wrong = Vec::new();
    for (id, files, edit) in cases {
        let explained = edited(files, *edit);
        let found: Vec<_> = explained.findings.ids().collect();
        let notes: Vec<_> = explained.findings.notes.iter().map(|note| note.id).collect();
        if found.first() != Some(id) {
            wrong.push(format!("{id}: {found:?}, notes {notes:?}, {:?}", explained.browsers[0].refused));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_answer_with_one_fault() {
    named(&[
        ("sdp-mline-count", &GOOD, |texts| {
            let at = texts[1].find("m=video").unwrap();
            texts[1].truncate(at);
        }),
        ("sdp-mid-mismatch", &GOOD, |texts| {
            texts[1] = texts[1].replace("a=mid:1", "a=mid:video").replace("BUNDLE 0 1", "BUNDLE 0 video");
        }),
        ("sdp-fingerprint-missing", &GOOD, |texts| texts[1] = without(&texts[1], "a=fingerprint")),
        ("sdp-ice-credentials", &GOOD, |texts| texts[1] = without(&texts[1], "a=ice-pwd")),
        ("sdp-setup-invalid", &GOOD, |texts| texts[1] = texts[1].replace("setup:active", "setup:actpass")),
        ("sdp-rtcp-mux-missing", &GOOD, |texts| texts[1] = without(&texts[1], "a=rtcp-mux")),
        ("sdp-bundle-absent", &GOOD, |texts| texts[1] = texts[1].replace("BUNDLE 0 1", "BUNDLE 0")),
        ("sdp-answer-inactive", &GOOD, |texts| texts[1] = texts[1].replace("a=sendrecv", "a=inactive")),
        ("sdp-answer-sendonly", &GOOD, |texts| texts[1] = texts[1].replace("a=sendrecv", "a=sendonly")),
        ("sdp-answer-without-track", &GOOD, |texts| texts[1] = texts[1].replace("a=sendrecv", "a=recvonly")),
        ("sdp-direction-illegal", &GOOD, |texts| texts[0] = texts[0].replace("a=sendrecv", "a=recvonly")),
        ("sdp-proto-mismatch", &GOOD, |texts| {
            texts[1] = texts[1].replace("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP");
        }),
        ("sdp-mline-rejected", &GOOD, |texts| {
            texts[1] = texts[1].replace("m=video 9", "m=video 0").replace("BUNDLE 0 1", "BUNDLE 0");
        }),
        ("sdp-pt-mapping", &GOOD, |texts| texts[1] = texts[1].replace("rtpmap:96 VP8", "rtpmap:96 VP9")),
        ("sdp-feedback-missing", &GOOD, |texts| {
            texts[1] = in_video(&texts[1], |video| without(video, "a=rtcp-fb"));
        }),
        ("sdp-rtx-apt-dangling", &GOOD, |texts| texts[1] = texts[1].replace("apt=96", "apt=33")),
        ("sdp-msid-absent", &GOOD, |texts| {
            let stream = texts[1].split("a=msid:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
            texts[1] = texts[1].replace(&format!("a=msid:{stream}"), "a=msid:-");
        }),
        ("sdp-streams-split", &GOOD, |texts| {
            texts[1] = in_video(&texts[1], |video| video.replace("a=msid:", "a=msid:x"));
        }),
        ("sdp-bandwidth-zero", &GOOD, |texts| {
            texts[1] = in_video(&texts[1], |video| video.replacen("a=rtpmap", "b=AS:30\r\na=rtpmap", 1));
        }),
        ("sdp-extmap-collision", &GOOD, |texts| {
            texts[1] = texts[1].replacen("a=extmap:1 ", "a=extmap:4 ", 1);
        }),
        ("sig-self-echo", &GOOD, |texts| texts[1] = texts[0].replace("setup:actpass", "setup:active")),
        ("sig-sdp-text-damaged", &GOOD, |texts| {
            texts[1] = texts[1].replace("a=mid:1\r\n", "a=mid:1\r\nbroken line\r\n")
        }),
        ("dtls-hash-unsupported", &GOOD, |texts| {
            texts[1] = texts[1].replace("fingerprint:sha-256", "fingerprint:sha-3")
        }),
        ("ice-lite-lite", &GOOD, |texts| {
            texts.iter_mut().for_each(|text| *text = text.replacen("a=group", "a=ice-lite\r\na=group", 1));
        }),
        ("sdp-non-trickle-empty", &GOOD, |texts| {
            texts[1] =
                without(&texts[1], "a=candidate").replace("a=ice-options:trickle", "a=end-of-candidates");
        }),
        ("sdp-plan-b", &GOOD, |texts| {
            texts[1] += "a=ssrc:1 msid:s one\r\na=ssrc:2 msid:s two\r\n";
        }),
    ]);
}

/// Pion writes no `a=ice-options:trickle` and trickles all the same.
#[test]
fn who_does_not_announce_trickle_may_trickle() {
    let explained = edited(&GOOD, |texts| {
        texts[1] = without(&without(&texts[1], "a=ice-options"), "a=candidate");
    });
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), [""; 0]);
    let notes = explained.findings.notes;
    assert!(notes[0].id == "sdp-non-trickle-empty" && !notes[0].observed.contains("trickled"), "{notes:?}");
}

#[test]
fn an_offer_with_one_fault() {
    named(&[
        ("sdp-offer-no-media", &GOOD[..1], |texts| {
            let at = texts[0].find("m=audio").unwrap();
            texts[0].truncate(at);
            texts[0] = without(&texts[0], "a=group");
        }),
        ("sdp-setup-invalid", &GOOD, |texts| texts[0] = texts[0].replace("setup:actpass", "setup:active")),
        ("sdp-fingerprint-missing", &GOOD, |texts| texts[0] = without(&texts[0], "a=fingerprint")),
        ("sdp-bundle-pt-collision", &GOOD[..1], |texts| {
            let audio = texts[0].find("m=audio").unwrap();
            let line_end = audio + texts[0][audio..].find('\r').unwrap();
            texts[0].insert_str(line_end, " 96");
            let at = texts[0].find("a=rtpmap:111").unwrap();
            texts[0].insert_str(at, "a=rtpmap:96 PCMA/8000\r\n");
        }),
    ]);
}

#[test]
fn a_second_round_with_one_fault() {
    named(&[
        ("sdp-mline-dropped", &TWO_ROUNDS[..3], |texts| {
            let at = texts[2].find("m=video").unwrap();
            texts[2].truncate(at);
            texts[2] = texts[2].replace("BUNDLE 0 1", "BUNDLE 0");
        }),
        ("sdp-mid-changed", &TWO_ROUNDS[..3], |texts| {
            texts[2] = texts[2].replace("a=mid:1", "a=mid:9").replace("BUNDLE 0 1", "BUNDLE 0 9");
        }),
        ("sdp-bundle-absent", &TWO_ROUNDS, |texts| texts[3] = texts[3].replace("BUNDLE 0 1", "BUNDLE 0")),
        ("ice-restart-unanswered", &TWO_ROUNDS, |texts| {
            let old = texts[2].split("a=ice-ufrag:").nth(1).unwrap().split('\r').next().unwrap().to_owned();
            texts[2] = texts[2].replace(&format!("ice-ufrag:{old}"), "ice-ufrag:new1");
        }),
        ("ice-creds-changed-no-restart", &TWO_ROUNDS, |texts| {
            let old = texts[3].split("a=ice-ufrag:").nth(1).unwrap().split('\r').next().unwrap().to_owned();
            texts[3] = texts[3].replace(&format!("ice-ufrag:{old}"), "ice-ufrag:new1");
        }),
        ("sdp-setup-flipped", &TWO_ROUNDS, |texts| {
            let setup =
                if texts[3].contains("setup:active") { ("active", "passive") } else { ("passive", "active") };
            texts[3] = texts[3].replace(&format!("setup:{}", setup.0), &format!("setup:{}", setup.1));
        }),
    ]);
}

#[test]
fn complaints_have_their_line_and_caret() {
    let explained = edited(&GOOD, |texts| {
        texts[1] = texts[1].replacen("a=sendrecv", "a=sendonly", 1).replace("setup:active", "setup:actpass");
        texts[0] = texts[0].replacen("a=sendrecv", "a=sendonly", 1);
        texts[1] = in_video(&texts[1], |video| video.replace("rtpmap:96 VP8", "rtpmap:96 VP9"));
    });
    let shown: Vec<String> = explained.lints.iter().map(|lint| lint.diagnostic.render(false)).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

/// Both offered, the callee took its offer back, and its transceivers did not pair with the offer that went first.
#[test]
fn a_rollback_unpairs_what_add_transceiver_made() {
    let text = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    for flagged in [true, false] {
        let inputs = vec![
            Input::new("1.sdp", text("s51-glare.1.caller.offer.sdp")),
            Input { undelivered: flagged, ..Input::new("2.sdp", text("s51-glare.2.callee.offer.sdp")) },
            Input::new("3.sdp", text("s51-glare.3.callee.answer.sdp").replace("a=sendrecv", "a=recvonly")),
        ];
        let explained = explain(&inputs, &Thresholds::default()).unwrap();
        assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["sdp-addtransceiver-unassociated"]);
        let finding = &explained.findings.findings[0];
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Certain);
        assert_eq!(finding.evidence, ["1.sdp", "3.sdp", "2.sdp"]);
        assert_eq!(explained.findings.notes[0].id, "glare-both-offers");
    }
}

/// Peers from before BUNDLE write no mids: places stand for them.
#[test]
fn descriptions_without_mids_are_followed() {
    let texts = GOOD.map(|file| {
        let text = fs::read_to_string(folder().join(file)).unwrap();
        let text = without(&without(&text, "a=mid"), "a=group");
        text.split_inclusive('\n').filter(|line| !line.contains("sdes:mid")).collect::<String>()
    });
    let inputs = texts.map(|text| Input::new("-", text)).to_vec();
    let explained = explain(&inputs, &Thresholds::default()).unwrap();
    assert!(explained.browsers.iter().all(|browser| browser.lost.is_none()), "{:?}", explained.browsers);
    assert!(explained.findings.findings.is_empty(), "{:?}", explained.findings);
}

#[test]
fn secrets_are_not_shown() {
    let explained = edited(&GOOD, |texts| {
        let old = texts[1].split("a=ice-pwd:").nth(1).unwrap().split('\r').next().unwrap().to_owned();
        texts[1] = texts[1].replace(&old, "hunter2");
    });
    let shown: String = explained.lints.iter().map(|lint| lint.diagnostic.render(false)).collect();
    assert!(shown.contains("a=ice-pwd:*******") && !shown.contains("hunter2"), "{shown}");
    assert_eq!(explained.findings.ids().next(), Some("sdp-ice-credentials"));
    assert!(!format!("{:?}", explained.findings).contains("hunter2"));
}

/// A line end that was lost, a letter too many, a line end too many, a control character.
#[test]
fn secrets_are_not_shown_where_the_text_is_damaged() {
    let edits: [fn(&str, &str) -> String; 4] = [
        |text, pwd| text.replacen(&format!("\r\na=ice-pwd:{pwd}"), "a=ice-pwd:SECRET!", 1),
        |text, pwd| text.replacen(&format!("a=ice-pwd:{pwd}"), "aa=ice-pwd:SECRET", 1),
        |text, pwd| text.replacen(&format!("a=ice-pwd:{pwd}"), "a=ice-pwd:\r\nSECRET", 1),
        |text, pwd| text.replacen(&format!("a=ice-pwd:{pwd}"), "a=ice-pwd:\u{1}SECRET", 1),
    ];
    for edit in edits {
        let text = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
        let answer = text(GOOD[1]);
        let pwd = answer.split("a=ice-pwd:").nth(1).unwrap().split('\r').next().unwrap();
        let damaged = edit(&answer, pwd);
        assert!(damaged.contains("SECRET"), "the edit changes something");
        let inputs = [Input::new("offer.sdp", text(GOOD[0])), Input::new("answer.sdp", damaged)];
        let explained = explain(&inputs, &Thresholds::default()).unwrap();
        let shown: String = explained.lints.iter().map(|lint| lint.diagnostic.render(false)).collect();
        assert!(!explained.lints.is_empty() && !shown.contains("SECRET"), "{shown}");
        let findings = format!("{:?}", explained.findings);
        assert!(!explained.findings.findings.is_empty() && !findings.contains("SECRET"), "{findings}");
    }
}

#[test]
fn types_and_authors_are_inferred_where_they_can_be() {
    let text = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    let run = |inputs: Vec<Input>| explain(&inputs, &Thresholds::default()).unwrap();
    // An answer alone.
    let explained = run(vec![Input::new("-", text(GOOD[1]))]);
    assert!(explained.said.iter().any(|said| said.contains("without its offer")), "{:?}", explained.said);
    assert!(explained.findings.findings.is_empty());
    // The name of the file decides where the text cannot.
    let wrong = text(GOOD[1]).replace("setup:active", "setup:actpass");
    let explained = run(vec![Input::new("a/offer.sdp", text(GOOD[0])), Input::new("a/answer.sdp", wrong)]);
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["sdp-setup-invalid"]);
    // Both in one file.
    let explained = run(vec![Input::new("both.txt", text(GOOD[0]) + "\r\n\r\n" + &text(GOOD[1]))]);
    assert!(explained.findings.findings.is_empty());
    assert_eq!(explained.browsers[0].fired.len(), 2);
    assert_eq!(explained.facts.own().history.descriptions[1].sdp_type, SdpType::Answer);
}

#[test]
fn a_new_session_id_in_each_description_makes_no_other_author() {
    let texts: Vec<String> =
        TWO_ROUNDS.iter().map(|file| fs::read_to_string(folder().join(file)).unwrap()).collect();
    // aiortc writes a new one each time.
    let renamed = texts.iter().enumerate().map(|(number, text)| {
        let line = text.lines().find(|line| line.starts_with("o=")).unwrap();
        let text = text.replace(line, &format!("o=- {number}77 {number}77 IN IP4 0.0.0.0"));
        Input::new(format!("{number}.sdp"), text)
    });
    let explained = explain(&renamed.collect::<Vec<_>>(), &Thresholds::default()).unwrap();
    let said = explained.said.join(" ");
    for word in [
        "0.sdp is the caller's offer",
        "1.sdp is the callee's answer",
        "2.sdp is the callee's offer",
        "3.sdp is the caller's answer",
    ] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn a_text_with_lost_line_ends_is_damaged_and_a_text_of_another_kind_is_none() {
    let first = |edit: Edit| edited(&GOOD, edit).findings.ids().next();
    assert_eq!(first(|texts| texts[0] = texts[0].replace("\r\n", "\r")), Some("sig-sdp-text-damaged"));
    assert_eq!(first(|texts| texts[0] = texts[0].replace("v=0\r\n", "")), Some("sig-sdp-shape"));
}
