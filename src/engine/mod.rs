//! The adapter of the `webrtc` crate, and the only place that names it: one [`Engine`] is one RTCPeerConnection whose
//! time, tasks and randomness come from a [`World`](crate::world::World) and whose sockets come from a
//! [`Network`](crate::network::Network).
//!
//! An engine is a bundle of sections that always send and receive, over one transport. Which m-section of the wire
//! uses which of them, what the wire's texts say and what the engine sees of them is composed in `translate`; the
//! engine's own negotiations are in `rounds`. The model in `jsep` decides what is negotiated, and says so as a
//! [`LocalDescription`](crate::jsep::LocalDescription).
//!
//! The engine underneath differs from the W3C in many measured ways. What can be mended is mended here, each time with
//! its reason; what cannot is recognised and reported as [`EngineEvent::Limit`]. `connection` gives the result W3C
//! meaning.

mod addresses;
mod callbacks;
mod candidates;
mod channels;
mod codecs;
mod config;
mod dtls;
mod error;
mod event;
mod follow;
mod gates;
mod gathering;
mod handshake;
mod intake;
mod negotiation;
mod pace;
mod peer_connection;
mod repeatable;
mod rounds;
mod routing;
mod runtime;
mod sections;
mod servers;
mod shared;
mod socket;
mod stun;
mod tap;
#[cfg(test)]
mod tests;
mod translate;
mod transport;
mod trickle;
mod turn;
mod turn_bridge;
mod unbound;
mod words;
mod writer;

pub use addresses::local_addresses;
pub use codecs::supported as codecs;
pub use config::{EngineConfig, IceServer, Trusting};
pub use error::EngineError;
pub use event::{EngineEvent, EngineStats, InboundRtcp, OutboundRtcp, RtpIn};
pub use negotiation::Applied;
pub use peer_connection::Engine;
pub use turn_bridge::TurnBridge;
pub use writer::{RtpOut, RtpWriter};

/// A filter for `env_logger` that keeps the crates below from printing: they warn once per packet in harmless moments.
pub const QUIET_LOG_FILTER: &str = "off";
/// A filter for `env_logger` that shows what the crates below say, without their per-packet complaints.
pub const VERBOSE_LOG_FILTER: &str = "warn,webrtc=info,rtc=info,rtc_ice=info,rtc_dtls=info";
