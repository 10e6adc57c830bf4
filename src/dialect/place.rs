//! Who we are in a room, and how its WebSocket is opened.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::rule::{Meaning, Rule};
use super::{Dialect, Template};
use crate::diagnostic::nearest;
use crate::jsep::Role;
use crate::plan::Secret;

/// Who we are there.
#[derive(Clone, Debug)]
pub struct Place {
    /// The room's name.
    pub room: String,
    /// Our name.
    pub name: String,
    /// Our role in the call.
    pub role: Role,
    /// The other side, where the room has several; by its name or id.
    pub peer: Option<String>,
    /// `{{ token }}`.
    pub token: Option<Secret>,
    /// Values of the dialect's variables.
    pub given: BTreeMap<String, Secret>,
    /// Those of them that must not show, whatever the dialect says of them.
    pub hidden: BTreeSet<String>,
    /// A text that nobody else has: `{{ nonce }}`, and part of the ids of calls.
    pub nonce: String,
    /// Candidates are held back for nothing, whatever the dialect says: to learn what the app makes of early ones.
    pub hasty: bool,
}

/// What a place needs and was not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// A variable has neither a value nor a default.
    #[error("the dialect `{dialect}` needs a value for `{name}`")]
    Missing {
        /// The dialect.
        dialect: String,
        /// The variable.
        name: String,
        /// It must not show.
        secret: bool,
    },
    /// What is said needs the other side's name, and the room does not tell it.
    #[error(
        "what the dialect `{dialect}` says as {says} of the {role} needs `{{{{peer}}}}`, and no rule tells who that is"
    )]
    Nameless {
        /// The dialect.
        dialect: String,
        /// Our role.
        role: Role,
        /// The key under `[say]`.
        says: &'static str,
    },
    /// It was made for the other side alone.
    #[error("with the dialect `{dialect}` nobody can be the {role}: {why}")]
    OneSided {
        /// The dialect.
        dialect: String,
        /// Our role.
        role: Role,
        /// What it lacks.
        why: String,
        /// What helps.
        help: String,
    },
    /// What is said needs a token, and none was given.
    #[error("the dialect `{dialect}` needs a token")]
    Tokenless {
        /// The dialect.
        dialect: String,
    },
    /// A value was given for what is no variable.
    #[error("the dialect `{dialect}` has no variable `{name}`")]
    Unknown {
        /// The dialect.
        dialect: String,
        /// The name that was given.
        name: String,
        /// What helps.
        help: String,
    },
}

/// How the WebSocket is to be opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// What is offered, the best first.
    pub subprotocols: Vec<String>,
    /// The path, where the URL has none.
    pub path: Option<Secret>,
    /// What the URL's query says besides.
    pub query: Vec<(String, Secret)>,
    /// Header fields of the request.
    pub headers: Vec<(String, Secret)>,
}

/// What that side says that needs the name of the other one, where no rule of the dialect tells it in time.
pub(super) fn nameless(dialect: &Dialect, role: Role) -> Option<&'static str> {
    let say = &dialect.say;
    let names = |rule: &Rule| {
        let slots = &rule.slots;
        let told = match rule.meaning {
            Some(Meaning::Joined | Meaning::Peers | Meaning::PeerJoined | Meaning::Start) => {
                slots.peer.is_some() || slots.peers.is_some()
            }
            _ => false,
        };
        // Whoever calls speaks first.
        let from = role == Role::Callee || rule.meaning == Some(Meaning::Start);
        told || (from && slots.from.is_some()) || rule.capture.iter().any(|(name, _)| name == "peer")
    };
    if dialect.rules.iter().any(names) {
        return None;
    }
    let said = match role {
        Role::Caller => [("offer", &say.offer)].to_vec(),
        Role::Callee => [("answer", &say.answer), ("candidate", &say.candidate)].to_vec(),
    };
    let needs =
        |messages: &[Template]| messages.iter().flat_map(Template::texts).any(|text| text.needs("peer"));
    said.into_iter().find(|(_, messages)| needs(messages)).map(|(what, _)| what)
}

/// The value that a text means where `default` stood.
pub(super) fn typed_as(default: Option<&Json>, text: &str) -> Json {
    let read = default.filter(|default| !default.is_string()).and_then(|_| serde_json::from_str(text).ok());
    read.unwrap_or_else(|| Json::String(text.to_owned()))
}

pub(super) fn unknown_variable(dialect: &Dialect, name: &str) -> PlaceError {
    let names: Vec<&str> = dialect.variables.iter().map(|variable| variable.name.as_str()).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has none".to_owned(),
        None => format!("it has {}", names.join(", ")),
    };
    PlaceError::Unknown { dialect: dialect.name.clone(), name: name.to_owned(), help }
}
