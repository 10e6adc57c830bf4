//! Where the room is: its URL may hold a secret in its query, which nobody sees.

use std::fmt;

use serde::{Serialize, Serializer};

/// The URL of a room. What is shown, written or sent of it has neither user, query nor fragment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RoomUrl(String);

impl RoomUrl {
    /// Of the text that somebody wrote.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// All of it, for the one who must connect.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// There is no room server.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for RoomUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = text.split_once("://") else { return f.write_str(text) };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        write!(f, "{scheme}://{host}{path}")
    }
}

impl fmt::Debug for RoomUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RoomUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        for (text, shown) in [
            ("wss://example.org/room?key=hunter2", "wss://example.org/room"),
            ("wss://me:hunter2@example.org:1/a@b#x", "wss://example.org:1/a@b"),
            ("ws://[::1]:2255", "ws://[::1]:2255"),
            ("hunter?2", "hunter"),
            ("", ""),
        ] {
            let url = RoomUrl::new(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
            assert_eq!(url.reveal(), text);
        }
    }
}
