//! What was done on purpose to datagrams.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was done on purpose to the datagrams of one kind in one direction; counts since the connection was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImpairedPackets {
    /// Which way they went.
    pub direction: Way,
    /// What they carried, as their first bytes tell (RFC 7983 §7, RFC 5761 §4).
    pub carries: Carries,
    /// All of them.
    pub packets: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Held up by `block`.
    pub blocked: u64,
    /// Larger than the MTU.
    pub oversized: u64,
    /// Found the queue of the rate full.
    pub overflowed: u64,
    /// Sent on twice.
    pub duplicated: u64,
    /// Held back, so that later ones overtook.
    pub reordered: u64,
    /// Held back for whatever reason.
    pub delayed: u64,
    /// The mean of how long those were held back, in milliseconds; null if none was.
    pub mean_delay_ms: Option<f64>,
}

/// Which way datagrams went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From us.
    Sent,
    /// To us.
    Received,
}

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carries {
    /// Connectivity checks and consent.
    Stun,
    /// The handshake, alerts, data channels.
    Dtls,
    /// Media.
    Rtp,
    /// Reports and feedback.
    Rtcp,
    /// Something else.
    Other,
}
