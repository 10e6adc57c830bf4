//! What somebody who wants to join says of himself.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Capabilities;
use crate::jsep::Role;

/// Everything that a peer says when it joins.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The room's name; it comes into being with its first peer.
    pub room: String,
    /// Our role in the call; none takes part without being paired.
    pub role: Option<Role>,
    /// Our name, unique in the room.
    pub name: String,
    /// What we can do.
    pub capabilities: Capabilities,
    /// What the room asks of those who join.
    pub token: Option<Token>,
}

/// A join token. It never shows: not in `Debug`, not in an error, not in a message of the room.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// `text` without any trace of the token.
    pub(crate) fn strike_from(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[redacted]") }
    }

    /// Whether `offered` is this token; takes the same time wherever they differ.
    #[must_use]
    pub fn admits(&self, offered: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), offered.0.as_bytes());
        let difference = ours.iter().zip(theirs).fold(0, |difference, (a, b)| difference | (a ^ b));
        ours.len() == theirs.len() && std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// For the `join` message only; nothing else that is serialised holds a token.
impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's own complaint would show what was sent.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            _ => Err(de::Error::custom("`token` is not a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_admits_only_itself_and_does_not_show() {
        let token = Token::new("open sesame");
        assert!(token.admits(&Token::new("open sesame")));
        for wrong in ["", "open sesamE", "open sesam", "open sesame!", "Open sesame"] {
            assert!(!token.admits(&Token::new(wrong)), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "[redacted]");
    }
}
