//! What strangers send, at random: each target must neither unwind nor hang, and keep what it promises. As plain tests they
//! run for a moment each, over bytes and over good examples with a few bytes changed; `make fuzz TARGET=stun_message` runs one
//! with coverage for as long as you like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use bolero::check;
use callcheck::diagnose::Thresholds;
use callcheck::diagnostic::Diagnostic;
use callcheck::dialect::{Dialect, Place, SHIPPED, Speaker, check as replay};
use callcheck::explain::{Input, explain};
use callcheck::jsep::{Role, SdpFacts, SdpType};
use callcheck::plan::{Expectation, parse_ice_url};
use callcheck::scenario::{Given, scenarios};
use callcheck::stun::{Deframer, Reply, attribute};
use callcheck::timeline::Timeline;

const OFFER: &str = include_str!("../../tests/data/chromium/s00-good-addTrack-before.1.caller.offer.sdp");
const ANSWER: &str = include_str!("../../tests/data/chromium/s00-good-addTrack-before.2.callee.answer.sdp");
const README: &str = include_str!("../../README.md");

/// What a target is given: the bytes themselves, or one of the examples with a few places changed.
fn made(input: &[u8], examples: &[&[u8]]) -> Vec<u8> {
    let Some((&first, rest)) = input.split_first() else { return Vec::new() };
    if first.is_multiple_of(2) || examples.is_empty() {
        return rest.to_vec();
    }
    let mut bytes = examples[usize::from(first / 2) % examples.len()].to_vec();
    for edit in rest.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % (bytes.len() + 1);
        match (edit[2] % 4, at < bytes.len()) {
            (0, true) => bytes[at] = edit[3],
            (1, true) => drop(bytes.remove(at)),
            (2, true) => {
                let again = bytes[at..bytes.len().min(at + usize::from(edit[3]))].to_vec();
                bytes.splice(at..at, again);
            }
            _ => bytes.insert(at, edit[3]),
        }
    }
    bytes
}

fn text(input: &[u8], examples: &[&str]) -> String {
    let examples: Vec<&[u8]> = examples.iter().map(|example| example.as_bytes()).collect();
    String::from_utf8_lossy(&made(input, &examples)).into_owned()
}

/// Nothing that a terminal would obey.
fn is_tame(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_control() && letter != '\n')
}

fn all_render(complaints: &[Diagnostic]) {
    assert!(!complaints.is_empty(), "a refusal says why");
    for complaint in complaints {
        assert!(!complaint.render(false).is_empty());
    }
}

/// A success response with XOR-MAPPED-ADDRESS and SOFTWARE (RFC 8489 §14), and an error response.
const REPLIES: [&[u8]; 2] = [
    b"\x01\x01\x00\x18\x21\x12\xa4\x42abcdefghijkl\x00\x20\x00\x08\x00\x01\x11\x2b\x5e\x12\xa4\x43\x80\x22\x00\x08callchek",
    b"\x01\x13\x00\x0c\x21\x12\xa4\x42abcdefghijkl\x00\x09\x00\x08\x00\x00\x04\x01nope",
];

#[test]
fn stun_message() {
    check!().for_each(|input: &[u8]| {
        let mut bytes = made(input, &REPLIES);
        // Most of what is no message is refused by its length or cookie; half of the time these are mended.
        if bytes.len() >= 20 && input.last().is_some_and(|last| last.is_multiple_of(2)) {
            let length = (bytes.len() - 20).min(0xfffc) as u16;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        let Some(reply) = Reply::read(&bytes) else { return };
        for shown in
            [reply.error().map(|(_, reason)| reason), reply.text(attribute::REALM)].into_iter().flatten()
        {
            assert!(is_tame(&shown) && !shown.contains('\n'), "{shown:?}");
        }
        let _ = (reply.alternate(), reply.unknown(), reply.lifetime(), reply.address(attribute::MAPPED));
    });
}

#[test]
fn stun_framing() {
    check!().for_each(|input: &[u8]| {
        let bytes = made(input, &REPLIES);
        let piece = usize::from(input.last().copied().unwrap_or(1)).max(1);
        // However a stream is cut into pieces, the same messages come out.
        let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut deframer = Deframer::default();
            let mut frames = Vec::new();
            for piece in pieces {
                if deframer.push(piece).is_err() {
                    return (frames, true);
                }
                loop {
                    match deframer.next_message() {
                        Ok(Some(frame)) => frames.push(frame),
                        Ok(None) => break,
                        Err(_) => return (frames, true),
                    }
                }
            }
            (frames, false)
        };
        let whole = frames(&mut std::iter::once(&bytes[..]));
        let cut = frames(&mut bytes.chunks(piece));
        assert_eq!(whole, cut);
        assert!(whole.0.iter().map(Vec::len).sum::<usize>() <= bytes.len());
    });
}

#[test]
fn ice_url() {
    let examples = ["turn:turn.example.org:3478?transport=tcp", "turns:[2001:db8::1]:443", "stun:192.0.2.1"];
    check!().for_each(|input: &[u8]| {
        if let Err(error) = parse_ice_url(&text(input, &examples)) {
            assert!(is_tame(&error.title) && is_tame(&error.help), "{error:?}");
        }
    });
}

#[test]
fn sdp() {
    check!().for_each(|input: &[u8]| {
        let bytes = made(input, &[OFFER.as_bytes(), ANSWER.as_bytes()]);
        let sdp = SdpFacts::parse_bytes(&bytes);
        let _ = sdp.candidates().count();
        let offer = SdpFacts::parse(OFFER);
        for complaint in sdp.complaints_as(SdpType::Answer, Some(&offer)) {
            let _ = format!("{complaint:?}");
        }
    });
}

#[test]
fn explained() {
    check!().with_iterations(300).for_each(|input: &[u8]| {
        let dump = serde_json::json!({ "type": "offer", "sdp": OFFER }).to_string();
        let bytes = made(input, &[OFFER.as_bytes(), dump.as_bytes()]);
        if let Err(error) = explain(&[Input::new("strange", bytes)], &Thresholds::default()) {
            assert!(!error.to_string().is_empty());
        }
    });
}

#[test]
fn timeline() {
    let line = r#"{"t_us":12,"leg":"caller","event":{"type":"note","text":"x"}}"#;
    check!().for_each(|input: &[u8]| {
        if let Err(error) = Timeline::parse(&text(input, &[line])) {
            assert!(!error.to_string().is_empty());
        }
    });
}

#[test]
fn expectation() {
    let examples = ["tracks=audio", "time.connected<500ms", "transceivers=0 audio sendrecv/sendonly"];
    check!().for_each(|input: &[u8]| {
        if let Err(complaint) = Expectation::parse(&text(input, &examples), Role::Caller) {
            all_render(&[complaint]);
        }
    });
}

#[test]
fn dialect_file() {
    let examples: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.text).collect();
    check!().with_iterations(500).for_each(|input: &[u8]| {
        if let Err(complaints) = Dialect::parse("strange", "strange.toml", &text(input, &examples)) {
            all_render(&complaints);
        }
    });
}

/// Those that are shipped, read once.
fn shipped() -> &'static [Arc<Dialect>] {
    static READ: OnceLock<Vec<Arc<Dialect>>> = OnceLock::new();
    READ.get_or_init(|| {
        let read = |shipped: &callcheck::dialect::Shipped| {
            Dialect::parse(shipped.name, shipped.name, shipped.text).ok()
        };
        SHIPPED.iter().filter_map(read).map(Arc::new).collect()
    })
}

#[test]
fn dialect_message() {
    let examples = [
        r#"{"type":"video-offer","name":"bob","target":"me","sdp":{"type":"offer","sdp":"v=0"}}"#,
        r#"{"type":"userlist","users":["bob","me"]}"#,
        r#"{"type":"candidate","ice":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}"#,
        r#"{"type":"webrtc/candidate","value":""}"#,
        r#"{"type":"handleVideoOfferMsg","sdp":{"type":"offer","sdp":"v=0"}}"#,
        r#"{"type":"accept","isExistClient":true}"#,
    ];
    assert_eq!(shipped().len(), SHIPPED.len());
    check!().for_each(|input: &[u8]| {
        for dialect in shipped() {
            let place = Place {
                room: "demo".into(),
                name: "me".into(),
                role: if input.len().is_multiple_of(2) { Role::Callee } else { Role::Caller },
                peer: None,
                token: None,
                given: BTreeMap::new(),
                hidden: BTreeSet::new(),
                nonce: "n".into(),
                hasty: false,
            };
            let Ok(mut speaker) = Speaker::new(Arc::clone(dialect), place) else { continue };
            speaker.begin(0);
            // Several messages, so that it is in some state when the strange one comes.
            for (index, piece) in input.chunks(64).enumerate() {
                let turn = speaker.hear(&text(piece, &examples), index as u64);
                assert!(turn.understood.iter().all(|words| is_tame(words)), "{:?}", turn.understood);
            }
        }
    });
}

#[test]
fn dialect_transcript() {
    let examples: Vec<&str> =
        SHIPPED.iter().flat_map(|shipped| shipped.transcripts.iter().map(|(_, text)| *text)).collect();
    check!().with_iterations(300).for_each(|input: &[u8]| {
        let text = text(input, &examples);
        for dialect in shipped() {
            for complaint in replay(dialect, "strange.transcript", &text).complaints {
                assert!(!complaint.render(false).is_empty());
            }
        }
    });
}

#[test]
fn scenario() {
    let examples: Vec<&str> =
        README.split("```toml").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    check!().with_iterations(500).for_each(|input: &[u8]| {
        let none = |_: &std::path::Path| Err("there are no other files here".to_owned());
        if let Err(complaints) = scenarios("strange", &text(input, &examples), &Given::default(), &none) {
            all_render(&complaints);
        }
    });
}
