//! How a room speaks that is not ours: a TOML file says what its messages mean and how ours are written, and a
//! [`Speaker`] follows it. Nothing here knows a socket or a clock; `signaling` carries the messages.

mod candidate;
mod extract;
mod file;
mod keys;
mod listen;
mod news;
mod place;
mod read;
mod recognise;
mod rule;
mod say;
mod shipped;
mod speaker;
mod template;
mod transcript;

use std::time::Duration;

use serde_json_path::JsonPath;

use rule::{Meaning, Rule};
use say::Say;
use template::{Template, Text};

use crate::jsep::Role;

pub use news::{News, Turn};
pub use place::{Connection, Place, PlaceError};
pub use shipped::{SHIPPED, Shipped};
pub use speaker::Speaker;
pub use transcript::{Checked, Line, check};

/// A dialect, read and found to make sense.
#[derive(Debug)]
pub struct Dialect {
    /// What it is called: the name of its file without the ending.
    pub name: String,
    /// What it is for, in a line.
    pub about: String,
    /// Its variables, in the order of the file.
    pub variables: Vec<Variable>,
    /// How often something is said so that the room does not think us gone, if it is.
    pub keepalive: Option<Duration>,
    /// Only the caller may offer again.
    pub only_caller_reoffers: bool,
    connect: Connect,
    /// Paths of texts that hold JSON.
    unpack: Vec<JsonPath>,
    hold: Hold,
    say: Say,
    rules: Vec<Rule>,
}

/// A name that somebody gives a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value where nobody gives one; without it somebody must.
    pub default: Option<serde_json::Value>,
    /// It never shows.
    pub secret: bool,
}

/// How the WebSocket is opened.
#[derive(Debug, Default)]
struct Connect {
    subprotocols: Vec<Text>,
    path: Option<Text>,
    query: Vec<(String, Text)>,
    headers: Vec<(String, Text)>,
}

/// For what our candidates wait, because the application loses those that it cannot use yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hold {
    /// For nothing.
    #[default]
    No,
    /// Until we have said a description.
    Description,
    /// Until both descriptions are said.
    Answer,
}

/// What a dialect has no word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Says(&'static str),
    Hears(&'static str),
}

impl Lack {
    fn told(self) -> String {
        match self {
            Self::Says(what) => format!("the dialect cannot say an {what}"),
            Self::Hears(what) => format!("no rule hears an {what}"),
        }
    }

    fn help(self) -> String {
        match self {
            Self::Says(what) => format!("add `{what} = {{ ... }}` under [say]; it may use `{{{{ sdp }}}}`"),
            Self::Hears(what) => format!("add a rule under [[hear]] with `signal = \"{what}\"`"),
        }
    }
}

impl Dialect {
    /// Whether candidates can be said one by one; otherwise they must stand in the description.
    #[must_use]
    pub fn trickles(&self) -> bool {
        !self.say.candidate.is_empty()
    }

    /// Whether the room tells that we are in.
    fn tells_joined(&self) -> bool {
        self.rules.iter().any(|rule| rule.meaning == Some(Meaning::Joined))
    }

    /// What keeps us from being that side of a call.
    fn lacks(&self, role: Role) -> Vec<Lack> {
        let (says, messages, hears, meaning) = match role {
            Role::Caller => ("offer", &self.say.offer, "answer", Meaning::Answer),
            Role::Callee => ("answer", &self.say.answer, "offer", Meaning::Offer),
        };
        let told = |rule: &Rule| [Some(meaning), Some(Meaning::Description)].contains(&rule.meaning);
        let says = messages.is_empty().then_some(Lack::Says(says));
        let hears = (!self.rules.iter().any(told)).then_some(Lack::Hears(hears));
        says.into_iter().chain(hears).collect()
    }

    /// Every text that somebody may be asked to fill in.
    fn texts(&self) -> impl Iterator<Item = &Text> {
        let Say { join, offer, answer, candidate, end_of_candidates, hang_up, leave, keepalive } = &self.say;
        let said = [join, offer, answer, candidate, end_of_candidates, hang_up, leave, keepalive];
        let replies = self.rules.iter().map(|rule| &rule.reply);
        let Connect { subprotocols, path, query, headers } = &self.connect;
        let pairs = query.iter().chain(headers).map(|(_, text)| text);
        let messages = said.into_iter().chain(replies).flatten().flat_map(Template::texts);
        subprotocols.iter().chain(path).chain(pairs).chain(messages)
    }

    fn tells_start(&self) -> bool {
        self.rules.iter().any(|rule| rule.meaning == Some(Meaning::Start))
    }

    /// Whether the room tells who is there.
    fn tells_peers(&self) -> bool {
        self.rules.iter().any(|rule| match rule.meaning {
            Some(Meaning::PeerJoined | Meaning::Peers) => true,
            Some(Meaning::Joined) => rule.slots.peers.is_some() || rule.slots.peer.is_some(),
            _ => false,
        })
    }
}

#[cfg(test)]
mod any_message;
#[cfg(test)]
mod tests;
