//! What can go wrong with a room, typed, each with its remedy.

use std::fmt;
use std::time::Duration;

/// Declares [`ErrorCode`] with its spellings, so that the enum, its text and its parser cannot differ.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        /// Why a room refused something. The words of the protocol; a newer room may have more.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $word, "`: ")] $(#[$doc])* $variant,)+
            /// A code that this version does not know.
            Other(String),
        }

        impl ErrorCode {
            /// Every code that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(word: &str) -> Self {
                match word { $($word => Self::$variant,)+ other => Self::Other(other.to_owned()) }
            }
        }
    };
}

codes! {
    /// As many peers as the room takes are in it.
    RoomFull = "room-full",
    /// The server has as many rooms as it takes.
    TooManyRooms = "too-many-rooms",
    /// Another peer of that room has that name.
    NameTaken = "name-taken",
    /// The token is missing or wrong.
    TokenRefused = "token-refused",
    /// Not JSON, not an object, or a field is missing or of the wrong type.
    BadMessage = "bad-message",
    /// The room does not know that type of message, and it is not addressed to a peer that might.
    UnknownType = "unknown-type",
    /// Larger than the room's limit; the connection is closed.
    TooLarge = "too-large",
    /// More messages a second than the room's limit; the connection is closed.
    TooFast = "too-fast",
    /// More is waiting for this peer than it reads; the connection is closed.
    TooSlow = "too-slow",
    /// There is no such peer, or no other one.
    PeerAbsent = "peer-absent",
    /// A message before `join`, or no `join` in time; in the latter case the connection is closed.
    NotJoined = "not-joined",
    /// A second `join` on the same connection.
    AlreadyJoined = "already-joined",
    /// No pong came in time; the connection is closed.
    NoPong = "no-pong",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal by the room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct RoomError {
    /// Which one.
    pub code: ErrorCode,
    /// In words for people; names the remedy.
    pub message: String,
}

/// Why joining a room failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The URL cannot be one of a room.
    #[error("`{url}` is not the URL of a room: {reason}; write ws://HOST:PORT or wss://HOST")]
    Url {
        /// As given, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host's name does not resolve.
    #[error("no address for `{host}`: {reason}; check the spelling of the host and this machine's DNS")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nobody listens there.
    #[error("nothing listens at {address}; start a room there with `callcheck serve`, or correct the URL")]
    Refused {
        /// `host:port`.
        address: String,
    },
    /// No connection for another reason.
    #[error("cannot connect to {address}: {reason}; check the route and any firewall in between")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the operating system said.
        reason: String,
    },
    /// The TLS handshake failed.
    #[error("TLS with {address} failed: {reason}; {remedy}")]
    Tls {
        /// `host:port`.
        address: String,
        /// What failed.
        reason: String,
        /// What helps against it.
        remedy: String,
    },
    /// Something else than a room answers there.
    #[error("{url} is not {wanted}: {answer}; {remedy}")]
    NotARoom {
        /// The URL, without credentials.
        url: String,
        /// What should be there: `a callcheck room`.
        wanted: String,
        /// What it said instead.
        answer: String,
        /// What helps against it.
        remedy: String,
    },
    /// The room answered and said no.
    #[error("the room refused us: {0}")]
    Rejected(RoomError),
    /// The connection ended before the room had answered.
    #[error(
        "the connection ended before the room had answered: {reason}; try again, and look at the room's log"
    )]
    Closed {
        /// How.
        reason: String,
    },
    /// No answer in time.
    #[error("{doing} took longer than {}; check that a room runs there and that nothing in between drops packets", humantime::format_duration(*.limit))]
    Timeout {
        /// What we waited for, such as `connecting to 192.0.2.1:2255`.
        doing: String,
        /// How long.
        limit: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from(code.as_str()), *code);
        }
        assert_eq!(ErrorCode::from("moon-phase"), ErrorCode::Other("moon-phase".to_owned()));
    }
}
