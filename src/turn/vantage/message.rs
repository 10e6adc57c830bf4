//! What the prober and the peer that plays the outside say to each other, each as `data` of an `ext` message of the room.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One message; `docs/room-protocol.md` shows each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "outside", rename_all = "kebab-case")]
pub enum OutsideMessage {
    /// Open a socket, and ask these servers in turn how they see it.
    Open {
        /// The asker's number of it.
        socket: u64,
        /// What its datagrams begin with.
        stamp: Bytes,
        /// Where Binding requests are answered.
        servers: Vec<SocketAddr>,
    },
    /// It is open.
    Opened {
        /// Which.
        socket: u64,
        /// How the first server that answered sees it.
        mapped: SocketAddr,
    },
    /// It is not.
    Refused {
        /// Which.
        socket: u64,
        /// Why.
        reason: String,
    },
    /// Send these from it.
    Send {
        /// Which.
        socket: u64,
        /// The relayed address.
        to: SocketAddr,
        /// A datagram each.
        payloads: Vec<Bytes>,
    },
    /// They are sent, and what had arrived by then is told.
    Sent {
        /// From which.
        socket: u64,
    },
    /// A datagram with the stamp came.
    Arrived {
        /// Where.
        socket: u64,
        /// From whom.
        from: SocketAddr,
        /// All of it.
        payload: Bytes,
    },
    /// Close it.
    Close {
        /// Which.
        socket: u64,
    },
}

impl OutsideMessage {
    /// The socket that it is about.
    pub(super) const fn socket(&self) -> u64 {
        match self {
            Self::Open { socket, .. }
            | Self::Opened { socket, .. }
            | Self::Refused { socket, .. }
            | Self::Send { socket, .. }
            | Self::Sent { socket }
            | Self::Arrived { socket, .. }
            | Self::Close { socket } => *socket,
        }
    }
}

/// Bytes, which are base64 on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| de::Error::custom("not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_protocol_shows_every_message() {
        let page = include_str!("../../../docs/room-protocol.md");
        let shown = page.lines().filter(|line| line.starts_with(r#"{"type":"ext","data":{"outside":"#));
        let mut kinds: Vec<String> = shown
            .map(|line| {
                let data = serde_json::from_str::<serde_json::Value>(line).unwrap()["data"].clone();
                let message: OutsideMessage =
                    serde_json::from_value(data.clone()).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert_eq!(serde_json::to_value(&message).unwrap(), data, "nothing more and nothing less");
                data["outside"].as_str().unwrap().to_owned()
            })
            .collect();
        kinds.sort();
        assert_eq!(kinds, ["arrived", "close", "open", "opened", "refused", "send", "sent"]);
    }
}
