//! What a room server allows.

use std::time::Duration;

use crate::signaling::Token;

/// The bounds of what peers can cost the server and each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message taken, in bytes.
    pub message_bytes: usize,
    /// Rooms at a time.
    pub rooms: usize,
    /// Peers in one room, [`Limits::MAX_PEERS`] at most.
    pub peers_per_room: usize,
    /// Connections at a time, joined or not.
    pub connections: usize,
    /// Messages a second that one peer may send in the long run.
    pub messages_per_second: u32,
    /// Messages that one peer may send at once after a pause.
    pub burst: u32,
    /// Bytes that may wait for a peer that reads slowly.
    pub queued_bytes: usize,
    /// From the connection to the end of the HTTP request, and from there to `join`.
    pub join_within: Duration,
    /// How often each peer is pinged.
    pub ping_every: Duration,
    /// How long a peer may be silent after a ping.
    pub pong_within: Duration,
}

impl Limits {
    /// Peers' numbers differ modulo this, because their tones do.
    pub const MAX_PEERS: usize = 40;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            rooms: 1_000,
            peers_per_room: 16,
            connections: 8_000,
            messages_per_second: 200,
            burst: 1_000,
            queued_bytes: 16 << 20,
            join_within: Duration::from_secs(10),
            ping_every: Duration::from_secs(5),
            pong_within: Duration::from_secs(10),
        }
    }
}

/// How a room server behaves.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// What peers may cost.
    pub limits: Limits,
    /// What those who join must know.
    pub token: Option<Token>,
    /// Origins of web pages, such as `https://app.example.org`, that may join besides the server's own pages.
    pub allowed_origins: Vec<String>,
}
