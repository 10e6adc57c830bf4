//! What a connection is told when it is made.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{IceServer, Trusting};
use crate::fault::Faults;
use crate::jsep::Association;

/// RTCConfiguration, and what the sinks need to know to prove media.
#[derive(Clone, Debug)]
pub struct Config {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Whose certificates are believed of TURN servers over TLS and DTLS.
    pub trusting: Trusting,
    /// Only relayed candidates may be used.
    pub relay_only: bool,
    /// Local addresses to gather on.
    pub bind: Vec<IpAddr>,
    /// Gathering is called complete after this long, whatever servers do.
    pub gathering_timeout: Duration,
    /// How an offered m-section finds a transceiver.
    pub association: Association,
    /// Who we are and whom we expect.
    pub identity: Identity,
    /// What is wrong on purpose.
    pub faults: Arc<Faults>,
}

/// Who sends what, by the numbers that stamps and tones carry.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Our number.
    pub own: u16,
    /// The other side's number; none where the room does not give numbers.
    pub peer: Option<u16>,
    /// The other side has announced that its media carries stamps.
    pub peer_stamps: bool,
}
