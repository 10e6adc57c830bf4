//! Whatever a room says, in whatever state we are, nothing unwinds, and nothing that is said is broken JSON. The messages are
//! those of the transcripts with pieces exchanged, so that they reach what is behind the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Dialect, Place, SHIPPED, Shipped, Speaker};
use crate::jsep::{Role, SdpType};
use crate::plan::Secret;
use crate::timeline::Signal;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// One of the room's messages, with these pieces in it, each at the place of that number.
    Hear(usize, Vec<(usize, Piece)>),
    Say(usize),
    Again,
    KeepAlive,
    Leave,
}

#[derive(Clone, Debug)]
enum Piece {
    Is(Json),
    Gone,
    /// The value as JSON in a text.
    InText,
    /// The value alone in a list.
    InList,
}

fn value() -> impl Strategy<Value = Json> {
    let words =
        ["", "caller", "callee", "ann", "offer", "candidate", "completed", "{", "e30=", "[[[[[[null]]]]]]"];
    let line = "candidate:1 1 udp 1 192.0.2.1 9 typ host";
    prop_oneof![
        prop::sample::select(words.map(Json::from).to_vec()),
        prop::sample::select(vec![json!(null), json!(true), json!(-1), json!(65_536), json!(1e300)]),
        prop::sample::select(vec![
            json!([]),
            json!({}),
            json!([null]),
            json!({ "candidate": line, "label": -1 })
        ]),
        "\\PC{0,12}".prop_map(Json::from),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let piece = prop_oneof![
        4 => value().prop_map(Piece::Is),
        1 => Just(Piece::Gone),
        1 => Just(Piece::InText),
        1 => Just(Piece::InList),
    ];
    let pieces = prop::collection::vec((0..12_usize, piece), 0..3);
    prop_oneof![
        8 => (0..64_usize, pieces).prop_map(|(message, pieces)| Step::Hear(message, pieces)),
        3 => (0..5_usize).prop_map(Step::Say),
        1 => Just(Step::Again),
        1 => Just(Step::KeepAlive),
        1 => Just(Step::Leave),
    ]
}

/// What the room says in the transcripts.
fn messages(shipped: &Shipped) -> Vec<Json> {
    let lines = shipped.transcripts.iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| serde_json::from_str(line.strip_prefix('<')?).ok()).collect()
}

fn signal(number: usize) -> Signal {
    let sdp = "v=0 ours".to_owned();
    match number {
        0 => Signal::Description { sdp_type: SdpType::Offer, sdp },
        1 => Signal::Description { sdp_type: SdpType::Answer, sdp },
        2 => Signal::Candidate {
            candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".into(),
            sdp_mid: None,
            sdp_m_line_index: Some(0),
            username_fragment: None,
        },
        3 => Signal::EndOfCandidates { username_fragment: None },
        _ => Signal::HangUp { reason: "enough".into() },
    }
}

/// Every place of a message, from outside in.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Json::Object(members) => {
            members.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), found));
        }
        _ => {}
    }
}

fn changed(mut message: Json, pieces: &[(usize, Piece)]) -> Json {
    for (number, piece) in pieces {
        let mut found = Vec::new();
        places(&message, "", &mut found);
        let at = found[number % found.len()].clone();
        if let (Piece::Gone, Some((above, name))) = (piece, at.rsplit_once('/')) {
            if let Some(Json::Object(members)) = message.pointer_mut(above) {
                members.remove(name);
            }
            continue;
        }
        let place = message.pointer_mut(&at).unwrap();
        *place = match piece {
            Piece::Is(value) => value.clone(),
            Piece::Gone => Json::Null,
            Piece::InText => place.to_string().into(),
            Piece::InList => json!([place.clone(), place.clone()]),
        };
    }
    message
}

proptest! {
    #[test]
    fn no_message_unwinds(
        dialect in 0..SHIPPED.len(),
        is_caller in any::<bool>(),
        peer in prop::option::of("[a-z]{0,4}"),
        steps in prop::collection::vec(step(), 1..16),
    ) {
        let shipped = &SHIPPED[dialect];
        let role = if is_caller { Role::Caller } else { Role::Callee };
        let dialect = Arc::new(Dialect::parse(shipped.name, "x", shipped.text).unwrap());
        let place = Place {
            room: "demo".into(),
            name: role.to_string(),
            role,
            peer,
            token: Some(Secret::new("hush-token")),
            given: BTreeMap::new(),
            hidden: BTreeSet::new(),
            nonce: "n".into(),
            hasty: false,
        };
        let mut speaker = Speaker::new(dialect, place).unwrap();
        let messages = messages(shipped);
        prop_assert!(messages.len() > 2, "{} has hardly a message", shipped.name);
        speaker.begin(0);
        for step in steps {
            let turn = match step {
                Step::Hear(number, pieces) => {
                    let message = changed(messages[number % messages.len()].clone(), &pieces);
                    speaker.hear(&message.to_string(), 0)
                }
                Step::Say(number) => speaker.say(&signal(number), 0),
                Step::Again => speaker.again(),
                Step::KeepAlive => speaker.keep_alive(0),
                Step::Leave => speaker.leave(0),
            };
            for text in turn.send {
                prop_assert!(serde_json::from_str::<Json>(&text).is_ok(), "{text}");
            }
            for text in turn.understood {
                prop_assert!(!text.contains("hush-token") && !text.chars().any(char::is_control), "{text:?}");
            }
        }
    }

    #[test]
    fn no_text_unwinds(text in "\\PC{0,120}") {
        for shipped in SHIPPED {
            let dialect = Arc::new(Dialect::parse(shipped.name, "x", shipped.text).unwrap());
            let place = Place {
                room: "demo".into(),
                name: "me".into(),
                role: Role::Callee,
                peer: None,
                token: None,
                given: BTreeMap::new(),
                hidden: BTreeSet::new(),
                nonce: "n".into(),
                hasty: false,
            };
            let mut speaker = Speaker::new(dialect, place).unwrap();
            speaker.begin(0);
            speaker.hear(&text, 0);
        }
    }
}
