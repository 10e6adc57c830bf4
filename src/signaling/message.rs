//! The messages on the wire, as `docs/room-protocol.md` shows them: flat JSON objects with a `type` in kebab-case. They
//! are types of their own, so that neither the timeline nor the protocol binds the other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Capabilities, ErrorCode, RoomError, Token};
use crate::jsep::Role;
use crate::timeline::Event;

/// The WebSocket subprotocol; its number rises only when a meaning changes.
pub(crate) const SUBPROTOCOL: &str = "callcheck.v1";

/// What a complaint about a message shows of what it complains about, in bytes.
const COMPLAINT_BYTES: usize = 200;

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) envelope: Envelope,
    pub(crate) body: Body,
    /// The whole object as it came, fields that this version does not know included.
    pub(super) fields: Map<String, Value>,
}

/// What every message may carry besides its body.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Envelope {
    /// The peer that it is for; none means the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// Who sent it; written by the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// The sender's count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
    /// The sender's wall clock, microseconds since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent_at_us: Option<u64>,
    /// The room's wall clock when it relayed the message; written by the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_at_us: Option<u64>,
    /// The call that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<String>,
}

/// The types of messages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Body {
    // To the room.
    Join(Join),
    Leave,
    // From peer to peer.
    Offer {
        sdp: String,
    },
    Answer {
        sdp: String,
    },
    Pranswer {
        sdp: String,
    },
    Rollback,
    Candidate {
        candidate: Option<CandidateInit>,
    },
    EndOfCandidates {
        #[serde(default)]
        username_fragment: Option<String>,
    },
    Done,
    HangUp {
        #[serde(default)]
        reason: String,
    },
    Report {
        epoch_us: u64,
        events: Vec<Event>,
    },
    Again,
    Step {
        done: u32,
    },
    Ext {
        data: Value,
    },
    Probe {
        id: u64,
    },
    ProbeReply {
        id: u64,
        received_at_us: u64,
        replied_at_us: u64,
    },
    // From the room.
    Joined {
        room: String,
        me: WirePeer,
        peers: Vec<WirePeer>,
    },
    PeerJoined {
        peer: WirePeer,
    },
    PeerLeft {
        name: String,
        reason: String,
    },
    CallStarted {
        peer: WirePeer,
    },
    Error {
        code: String,
        message: String,
    },
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The body of `join`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Join {
    pub(crate) room: String,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    #[serde(default)]
    pub(crate) capabilities: Capabilities,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
}

/// RTCIceCandidateInit (W3C webrtc §4.8.1) with the names that a browser uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CandidateInit {
    pub(super) candidate: String,
    pub(super) sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    pub(super) sdp_m_line_index: Option<u16>,
    pub(super) username_fragment: Option<String>,
}

/// A peer as the room describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct WirePeer {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    pub(super) number: u16,
    #[serde(default)]
    pub(super) capabilities: Capabilities,
}

impl Message {
    /// A message of ours.
    pub(crate) fn new(envelope: Envelope, body: Body) -> Self {
        Self { envelope, body, fields: Map::new() }
    }

    /// A message without an envelope.
    pub(crate) fn bare(body: Body) -> Self {
        Self::new(Envelope::default(), body)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// `bad-message` says what is wrong; a type that is not known is no error.
    pub(crate) fn parse(text: &str) -> Result<Self, RoomError> {
        let value: Value = serde_json::from_str(text).map_err(|error| bad("not JSON", &error))?;
        if value.get("type").and_then(Value::as_str).is_none() {
            return Err(RoomError::bad("a message is a JSON object with a `type` that is a string"));
        }
        let envelope = Envelope::deserialize(&value).map_err(|error| bad("a bad envelope", &error))?;
        let body = Body::deserialize(&value).map_err(|error| bad(&type_of(&value), &error))?;
        let fields = if let Value::Object(fields) = value { fields } else { Map::new() };
        Ok(Self { envelope, body, fields })
    }

    /// The `type` that came, whether known or not.
    pub(crate) fn type_name(&self) -> &str {
        self.fields.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The text of one of our own messages.
    pub(crate) fn to_text(&self) -> String {
        let mut value = to_object(&self.body);
        value.append(&mut to_object(&self.envelope));
        Value::Object(value).to_string()
    }

    /// The text of a message that came, with its envelope as it is now and every other field untouched.
    pub(crate) fn to_relayed_text(&self) -> String {
        let mut fields = self.fields.clone();
        fields.append(&mut to_object(&self.envelope));
        Value::Object(fields).to_string()
    }
}

impl RoomError {
    /// A refusal with `code`.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A `bad-message`.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadMessage, message)
    }
}

/// Cuts `text` to `bytes` at most, and says so.
pub(crate) fn shorten(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}...", &text[..text.floor_char_boundary(bytes)])
}

fn type_of(value: &Value) -> String {
    format!("a bad `{}`", shorten(value["type"].as_str().unwrap_or_default(), 40))
}

fn bad(what: &str, error: &serde_json::Error) -> RoomError {
    RoomError::bad(format!("{what}: {}", shorten(&error.to_string(), COMPLAINT_BYTES)))
}

fn to_object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        // Maps with keys that are strings, and numbers that JSON has, always serialise.
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bad_messages_are_refused_in_words() {
        let deep = "[".repeat(100_000);
        let long = format!(r#"{{"type":"{}","seq":-1}}"#, "x".repeat(5_000));
        let complaints: Vec<String> = [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"offer"}"#,
            r#"{"type":"offer","sdp":5}"#,
            r#"{"type":"offer","sdp":"","seq":-1}"#,
            r#"{"type":"offer","sdp":"","seq":123456789012345678901234567890}"#,
            r#"{"type":"candidate","candidate":{"sdpMLineIndex":70000}}"#,
            r#"{"type":"join","room":"r","name":"n","role":"king"}"#,
            r#"{"type":"join","room":"r","name":"n","token":4711}"#,
            deep.as_str(),
            long.as_str(),
        ]
        .iter()
        .map(|text| Message::parse(text).unwrap_err().to_string())
        .collect();
        assert!(complaints.iter().all(|complaint| complaint.len() < 300 && !complaint.contains("4711")));
        insta::assert_snapshot!(complaints.join("\n"));
    }

    /// The messages in the page's blocks that begin with `fence`.
    fn shown(fence: &str) -> Vec<Message> {
        let page = include_str!("../../docs/room-protocol.md");
        let blocks = page.split(fence).skip(1).map(|rest| rest.split("```").next().unwrap());
        blocks
            .flat_map(str::lines)
            .map(|line| Message::parse(line).unwrap_or_else(|error| panic!("{line}: {error}")))
            .collect()
    }

    #[test]
    fn every_message_on_the_page_of_the_protocol_is_one() {
        let messages = shown("```json\n");
        let mut types: Vec<&str> = messages.iter().map(Message::type_name).collect();
        types.sort_unstable();
        types.dedup();
        assert!(messages.iter().all(|message| !matches!(message.body, Body::Unknown)), "{types:?}");
        assert_eq!(types.len(), KNOWN_TYPES, "the page leaves out a type: {types:?}");
        let unknown = shown("```json unknown\n");
        assert!(unknown.iter().all(|message| matches!(message.body, Body::Unknown)) && !unknown.is_empty());
        for code in ErrorCode::ALL {
            assert!(
                include_str!("../../docs/room-protocol.md").contains(&format!("\n| `{code}` |")),
                "{code}"
            );
        }
    }

    /// How many variants [`Body`] has besides `Unknown`.
    const KNOWN_TYPES: usize = 21;

    proptest! {
        #[test]
        fn no_text_unwinds(text in "\\PC{0,200}") {
            let _ = Message::parse(&text);
        }
    }
}
