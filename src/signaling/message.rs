//! The messages on the wire, as `docs/room-protocol.md` shows them: flat JSON objects with a `type` in kebab-case. They
//! are types of their own, so that neither the timeline nor the protocol binds the other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Capabilities, ErrorCode, PeerInfo, RoomError, Signal, Token};
use crate::jsep::{Role, SdpType};
use crate::timeline::{Event, Report};

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
    fields: Map<String, Value>,
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
    candidate: String,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    username_fragment: Option<String>,
}

/// A peer as the room describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct WirePeer {
    name: String,
    role: Option<Role>,
    number: u16,
    #[serde(default)]
    capabilities: Capabilities,
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

    /// What a peer says to us, if it is a signal; a type that is not known is an [`Signal::Ext`] without the envelope.
    pub(crate) fn into_signal(self) -> Option<Signal> {
        let signal = match self.body {
            Body::Offer { sdp } => Signal::Description { sdp_type: SdpType::Offer, sdp },
            Body::Answer { sdp } => Signal::Description { sdp_type: SdpType::Answer, sdp },
            Body::Pranswer { sdp } => Signal::Description { sdp_type: SdpType::Pranswer, sdp },
            Body::Rollback => Signal::Description { sdp_type: SdpType::Rollback, sdp: String::new() },
            Body::Candidate { candidate: Some(init) } => Signal::Candidate {
                candidate: init.candidate,
                sdp_mid: init.sdp_mid,
                sdp_m_line_index: init.sdp_m_line_index,
                username_fragment: init.username_fragment,
            },
            // What `onicecandidate` brings last, sent as it is.
            Body::Candidate { candidate: None } => Signal::EndOfCandidates { username_fragment: None },
            Body::EndOfCandidates { username_fragment } => Signal::EndOfCandidates { username_fragment },
            Body::Done => Signal::Done,
            Body::HangUp { reason } => Signal::HangUp { reason },
            Body::Report { epoch_us, events } => Signal::Report(Report { epoch_us, events }),
            Body::Again => Signal::Again,
            Body::Ext { data } => Signal::Ext(data),
            Body::Unknown => Signal::Ext(Value::Object(without_envelope(self.fields))),
            _ => return None,
        };
        Some(signal)
    }
}

impl From<Signal> for Body {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Description { sdp_type, sdp } => match sdp_type {
                SdpType::Offer => Self::Offer { sdp },
                SdpType::Answer => Self::Answer { sdp },
                SdpType::Pranswer => Self::Pranswer { sdp },
                SdpType::Rollback => Self::Rollback,
            },
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment } => {
                Self::Candidate {
                    candidate: Some(CandidateInit {
                        candidate,
                        sdp_mid,
                        sdp_m_line_index,
                        username_fragment,
                    }),
                }
            }
            Signal::EndOfCandidates { username_fragment } => Self::EndOfCandidates { username_fragment },
            Signal::Done => Self::Done,
            Signal::HangUp { reason } => Self::HangUp { reason },
            Signal::Report(Report { epoch_us, events }) => Self::Report { epoch_us, events },
            Signal::Again => Self::Again,
            Signal::Ext(data) => Self::Ext { data },
        }
    }
}

impl From<PeerInfo> for WirePeer {
    fn from(peer: PeerInfo) -> Self {
        Self { name: peer.name, role: peer.role, number: peer.number, capabilities: peer.capabilities }
    }
}

impl From<WirePeer> for PeerInfo {
    fn from(peer: WirePeer) -> Self {
        Self { name: peer.name, role: peer.role, number: peer.number, capabilities: peer.capabilities }
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

fn without_envelope(mut fields: Map<String, Value>) -> Map<String, Value> {
    for name in ["to", "from", "seq", "sent_at_us", "room_at_us", "call"] {
        fields.remove(name);
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(signal: Signal) -> Option<Signal> {
        Message::parse(&Message::bare(signal.into()).to_text()).unwrap().into_signal()
    }

    #[test]
    fn every_signal_comes_back_as_it_went() {
        for sdp_type in [SdpType::Offer, SdpType::Answer, SdpType::Pranswer] {
            let signal = Signal::Description { sdp_type, sdp: "v=0\r\n\u{e9}".to_owned() };
            assert_eq!(there_and_back(signal.clone()), Some(signal));
        }
        let candidate = Signal::Candidate {
            candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned(),
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        let events = vec![Event { id: "caller:1".to_owned(), at_us: 5, kind: crate::timeline::Kind::Closed }];
        for signal in [
            candidate,
            Signal::Description { sdp_type: SdpType::Rollback, sdp: String::new() },
            Signal::EndOfCandidates { username_fragment: Some("u".to_owned()) },
            Signal::Done,
            Signal::HangUp { reason: "enough".to_owned() },
            Signal::Report(Report { epoch_us: 7, events }),
            Signal::Again,
            Signal::Ext(serde_json::json!({"type": "offer", "to": "me", "n": [1, null, "\u{1F600}\n"]})),
        ] {
            assert_eq!(there_and_back(signal.clone()), Some(signal));
        }
    }

    #[test]
    fn a_type_of_tomorrow_is_an_extension_without_its_envelope() {
        let text = r#"{"type":"mute","from":"bob","to":"alice","seq":3,"kind":"audio"}"#;
        let signal = Message::parse(text).unwrap().into_signal();
        assert_eq!(signal, Some(Signal::Ext(serde_json::json!({"type": "mute", "kind": "audio"}))));
    }

    #[test]
    fn what_a_browser_sends_last_ends_the_candidates() {
        let signal = Message::parse(r#"{"type":"candidate","candidate":null}"#).unwrap().into_signal();
        assert_eq!(signal, Some(Signal::EndOfCandidates { username_fragment: None }));
    }

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
    const KNOWN_TYPES: usize = 20;

    proptest! {
        #[test]
        fn no_text_unwinds(text in "\\PC{0,200}") {
            let _ = Message::parse(&text);
        }
    }
}
