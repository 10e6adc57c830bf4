//! What a message must look like for a rule to apply, and what the rule takes out of it.

use std::ops::Range;

use minijinja::Value;
use serde_json::Value as Json;
use serde_json_path::JsonPath;

use super::template::{Formula, Template, Text, as_text};

/// A receive rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Where it stands in the file, for people: `file:line`.
    pub(super) place: String,
    pub(super) span: Range<usize>,
    pub(super) when: Pattern,
    pub(super) condition: Option<Formula>,
    pub(super) meaning: Option<Meaning>,
    /// The things that the message tells of, each in the same way.
    pub(super) each: Option<Slot>,
    pub(super) slots: Slots,
    /// What is kept for later, by name.
    pub(super) capture: Vec<(String, Slot)>,
    /// What is said at once.
    pub(super) reply: Vec<Template>,
    /// The rules below look at the message too.
    pub(super) more: bool,
}

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Joined,
    PeerJoined,
    PeerLeft,
    Peers,
    Start,
    Offer,
    Answer,
    Description,
    Candidate,
    EndOfCandidates,
    HangUp,
    Error,
    Ignore,
}

impl Meaning {
    /// With the words of the file.
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("joined", Self::Joined),
        ("peer-joined", Self::PeerJoined),
        ("peer-left", Self::PeerLeft),
        ("peers", Self::Peers),
        ("start", Self::Start),
        ("offer", Self::Offer),
        ("answer", Self::Answer),
        ("description", Self::Description),
        ("candidate", Self::Candidate),
        ("end-of-candidates", Self::EndOfCandidates),
        ("hang-up", Self::HangUp),
        ("error", Self::Error),
        ("ignore", Self::Ignore),
    ];

    /// The slot without which it means nothing.
    pub(super) const fn needs(self) -> Option<&'static str> {
        match self {
            Self::Offer | Self::Answer | Self::Description => Some("sdp"),
            Self::Candidate => Some("candidate"),
            Self::PeerJoined => Some("peer"),
            Self::Peers => Some("peers"),
            _ => None,
        }
    }

    /// The slots that it reads besides `from`, `to` and `role`.
    pub(super) const fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Offer | Self::Answer => &["sdp"],
            Self::Description => &["sdp", "type"],
            Self::Candidate => &["candidate", "mid", "index", "ufrag"],
            Self::EndOfCandidates => &["ufrag"],
            Self::Joined => &["peers", "peer"],
            Self::Peers => &["peers"],
            Self::PeerJoined | Self::Start => &["peer"],
            Self::PeerLeft => &["peer", "reason"],
            Self::HangUp | Self::Error => &["reason"],
            Self::Ignore => &[],
        }
    }
}

/// What a rule takes out of a message.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) from: Option<Slot>,
    pub(super) to: Option<Slot>,
    pub(super) role: Option<Slot>,
    pub(super) peer: Option<Slot>,
    pub(super) peers: Option<Slot>,
    pub(super) sdp: Option<Slot>,
    pub(super) sdp_type: Option<Slot>,
    pub(super) candidate: Option<Slot>,
    pub(super) mid: Option<Slot>,
    pub(super) index: Option<Slot>,
    pub(super) ufrag: Option<Slot>,
    pub(super) reason: Option<Slot>,
}

impl Slots {
    /// The slot of that key.
    pub(super) fn of(&mut self, key: &str) -> Option<&mut Option<Slot>> {
        Some(match key {
            "from" => &mut self.from,
            "to" => &mut self.to,
            "role" => &mut self.role,
            "peer" => &mut self.peer,
            "peers" => &mut self.peers,
            "sdp" => &mut self.sdp,
            "type" => &mut self.sdp_type,
            "candidate" => &mut self.candidate,
            "mid" => &mut self.mid,
            "index" => &mut self.index,
            "ufrag" => &mut self.ufrag,
            "reason" => &mut self.reason,
            _ => return None,
        })
    }

    /// One of them uses the name.
    pub(super) fn use_name(&self, name: &str) -> bool {
        let Self { from, to, role, peer, peers, sdp, sdp_type, candidate, mid, index, ufrag, reason } = self;
        let all = [from, to, role, peer, peers, sdp, sdp_type, candidate, mid, index, ufrag, reason];
        all.into_iter().flatten().any(|slot| slot.uses(name))
    }

    /// Those whose absence is told, and does not keep the rest of the message from being used. What a rule cannot do without
    /// is told where it is needed, and of a candidate's `mid`, `index` and `ufrag` and a description's `type` any may be
    /// absent.
    pub(super) fn told(&self) -> impl Iterator<Item = &Slot> {
        [&self.from, &self.to, &self.role, &self.peers, &self.reason].into_iter().flatten()
    }

    /// The keys of all of them.
    pub(super) const KEYS: &'static [&'static str] = &[
        "from",
        "to",
        "role",
        "peer",
        "peers",
        "sdp",
        "type",
        "candidate",
        "mid",
        "index",
        "ufrag",
        "reason",
    ];
}

/// Where a value is found.
#[derive(Debug)]
pub(super) enum Slot {
    /// In the message, by RFC 9535.
    Path(JsonPath, String),
    /// By an expression that knows the message as `msg`.
    Text(Text),
}

impl Slot {
    /// The value; none if the path leads nowhere.
    pub(super) fn find(&self, message: &Json, names: &Value) -> Result<Option<Json>, String> {
        match self {
            Self::Path(path, _) => Ok(path.query(message).first().cloned()),
            Self::Text(text) => text.value(names).map(Some),
        }
    }

    /// Every value; a list counts as its items.
    pub(super) fn all(&self, message: &Json, names: &Value) -> Result<Vec<Json>, String> {
        let found = match self {
            Self::Path(path, _) => path.query(message).all().into_iter().cloned().collect(),
            Self::Text(text) => vec![text.value(names)?],
        };
        let items = found.into_iter().flat_map(|value| match value {
            Json::Array(items) => items,
            other => vec![other],
        });
        Ok(items.collect())
    }

    /// It uses the name.
    pub(super) fn uses(&self, name: &str) -> bool {
        matches!(self, Self::Text(text) if text.names().iter().any(|used| used == name))
    }

    /// Whether the message lacks the place itself: a list with nothing in it is a place.
    pub(super) fn leads_nowhere(&self, message: &Json) -> bool {
        let Self::Path(path, source) = self else { return false };
        if !path.query(message).is_empty() {
            return false;
        }
        let stem = &source[..MANY.iter().filter_map(|many| source.find(many)).min().unwrap_or(source.len())];
        // What cannot be read as a path by itself was no end of one.
        JsonPath::parse(stem).is_ok_and(|stem| stem.query(message).is_empty())
    }

    /// As it is written.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Path(_, source) => source,
            Self::Text(text) => &text.source,
        }
    }
}

/// What in a path stands for any number of places (RFC 9535 §2.3).
const MANY: &[&str] = &["[*]", "[?", "..", ".*"];

/// A part of a message: what is not in it may be anything.
#[derive(Debug)]
pub(super) enum Pattern {
    /// This value.
    Text(Text),
    /// This value.
    Fixed(Json),
    /// A list that begins with these.
    List(Vec<Self>),
    /// An object with at least these members; a path needs one place with that value.
    Object(Vec<(Member, Self)>),
}

/// A member of a pattern.
#[derive(Debug)]
pub(super) enum Member {
    Name(String),
    Path(JsonPath, String),
}

impl Member {
    fn source(&self) -> &str {
        match self {
            Self::Name(source) | Self::Path(_, source) => source,
        }
    }
}

impl Pattern {
    /// Whether the message looks like this.
    pub(super) fn matches(&self, message: &Json, names: &Value) -> bool {
        match self {
            // What has no value yet is no value of a message.
            Self::Text(text) => text.value(names).is_ok_and(|value| same(&value, message)),
            Self::Fixed(value) => same(value, message),
            Self::List(items) => message.as_array().is_some_and(|list| {
                items.len() <= list.len()
                    && items.iter().zip(list).all(|(item, value)| item.matches(value, names))
            }),
            Self::Object(members) => members.iter().all(|(member, pattern)| match member {
                Member::Name(name) => message.get(name).is_some_and(|value| pattern.matches(value, names)),
                Member::Path(path, _) => {
                    path.query(message).iter().any(|value| pattern.matches(value, names))
                }
            }),
        }
    }

    /// Whether whatever looks like `other` looks like this too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(own), Self::Text(other)) => own.source == other.source,
            (Self::Fixed(own), Self::Fixed(other)) => own == other,
            (Self::List(own), Self::List(other)) => {
                own.len() <= other.len() && own.iter().zip(other).all(|(own, other)| own.covers(other))
            }
            // Without members it says nothing, also of what is no object.
            (Self::Object(own), _) if own.is_empty() => true,
            (Self::Object(own), Self::Object(others)) => own.iter().all(|(member, pattern)| {
                let mut alike = others.iter().filter(|(other, _)| other.source() == member.source());
                alike.any(|(_, other)| pattern.covers(other))
            }),
            _ => false,
        }
    }
}

/// Equal, where a number and its digits are the same: rooms write ids in both ways.
pub(super) fn same(one: &Json, other: &Json) -> bool {
    let is_word = |value: &Json| value.is_string() || value.is_number();
    one == other || (is_word(one) && is_word(other) && as_text(one) == as_text(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::template::valued;
    use super::*;

    fn pattern(value: &Json) -> Pattern {
        match value {
            Json::String(text) => Pattern::Text(Text::parse(text).unwrap()),
            Json::Array(items) => Pattern::List(items.iter().map(pattern).collect()),
            Json::Object(members) => Pattern::Object(
                members
                    .iter()
                    .map(|(name, value)| {
                        let member = match JsonPath::parse(name) {
                            Ok(path) => Member::Path(path, name.clone()),
                            Err(_) => Member::Name(name.clone()),
                        };
                        (member, pattern(value))
                    })
                    .collect(),
            ),
            other => Pattern::Fixed(other.clone()),
        }
    }

    #[test]
    fn a_message_looks_like_a_part_of_it() {
        let names = valued(json!({ "self": 7 }));
        for (written, message, expected) in [
            (json!({ "type": "offer" }), json!({ "type": "offer", "to": 1 }), true),
            (json!({ "type": "offer" }), json!({ "type": "answer" }), false),
            (json!({ "type": "offer" }), json!("offer"), false),
            (json!({ "to": "{{self}}" }), json!({ "to": "7" }), true),
            (json!({ "to": "{{nobody}}" }), json!({ "to": null }), false),
            (json!({ "data": { "kind": 3 } }), json!({ "data": { "kind": 3, "x": [] } }), true),
            (json!({ "ok": true }), json!({ "ok": "true" }), false),
            (json!({ "$.users[*]": "bob" }), json!({ "users": ["al", "bob"] }), true),
            (json!({ "$.users[*]": "bob" }), json!({ "users": ["al"] }), false),
            (json!(["offer"]), json!(["offer", { "sdp": "" }]), true),
            (json!(["offer", {}]), json!(["offer"]), false),
            (json!("ping"), json!("ping"), true),
        ] {
            assert_eq!(pattern(&written).matches(&message, &names), expected, "{written} {message}");
        }
    }

    #[test]
    fn what_says_less_covers_what_says_more() {
        for (less, more, expected) in [
            (json!({}), json!({ "type": "offer" }), true),
            (json!({}), json!("ping"), true),
            (json!({ "type": "offer" }), json!({ "type": "offer", "to": "x" }), true),
            (json!({ "type": "offer", "to": "x" }), json!({ "type": "offer" }), false),
            (json!({ "type": "offer" }), json!({ "type": "answer" }), false),
            (json!(["a"]), json!(["a", "b"]), true),
            (json!({ "d": { "a": 1 } }), json!({ "d": { "a": 1, "b": 2 } }), true),
        ] {
            assert_eq!(pattern(&less).covers(&pattern(&more)), expected, "{less} {more}");
        }
    }
}
