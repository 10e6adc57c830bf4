//! TURN as the engine cannot do it by itself. It speaks to servers over UDP alone and tells nobody what they answer:
//! `bridge` carries its datagrams over TCP, TLS and DTLS, `watch` reads what servers over UDP answer, and `exchange`
//! knows which answers are errors that an application would be told of.

mod bridge;
mod exchange;
mod watch;

pub(super) use bridge::{Bridge, Upstream, bridge};
pub(super) use watch::ServerWatch;
