//! What an engine is built with.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::Faults;

/// The settings of one engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Tells engines of one world apart, such as `caller`: their random numbers derive from it.
    pub label: String,
    /// STUN and TURN servers, as the application gave them. Names are resolved before the engine sees them.
    pub ice_servers: Vec<IceServer>,
    /// Whose certificates are believed of TURN servers over TLS and DTLS.
    pub trusting: Trusting,
    /// Only relayed candidates may be used.
    pub relay_only: bool,
    /// The local addresses to use; see [`local_addresses`](super::local_addresses).
    pub bind: Vec<IpAddr>,
    /// Gathering counts as complete after this time, whatever the servers do.
    pub gathering_timeout: Duration,
    /// What is wrong with our packets on purpose.
    pub faults: Arc<Faults>,
}

impl EngineConfig {
    /// No servers, every candidate, gathering for 5 s at most.
    #[must_use]
    pub fn new(label: impl Into<String>, bind: Vec<IpAddr>) -> Self {
        Self {
            label: label.into(),
            ice_servers: Vec::new(),
            trusting: Trusting::default(),
            relay_only: false,
            bind,
            gathering_timeout: Duration::from_secs(5),
            faults: Arc::default(),
        }
    }
}

/// Which certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusting {
    /// Certificates of authorities besides the public ones, as PEM.
    pub authorities: Option<String>,
    /// All of them, whatever they say.
    pub insecure: bool,
}

/// An entry of RTCConfiguration.iceServers (W3C webrtc §4.2.4).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// RFC 7064 and RFC 7065 URIs.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN; never shown.
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}
