//! TURN as the engine cannot do it by itself. It speaks to servers over UDP alone, tells nobody what they answer, takes a
//! stale nonce for a refusal, and waits for ever for who is silent. So it speaks to a socket of ours: `bridge` is that
//! socket, `client` carries what comes in over UDP, TCP, TLS or DTLS, `reach` finds the address that answers, `session`
//! does what the engine leaves out, `signed` signs what is written anew, and `exchange` knows which answers are errors
//! that an application would be told of. On simulated time there are no sockets beside the engine's: there `watch` reads
//! what passes.

mod bridge;
mod client;
mod exchange;
mod reach;
mod session;
mod signed;
mod watch;

pub(super) use bridge::{Bridge, OpenBridge, bridge};
pub(super) use reach::Upstream;
pub(super) use watch::ServerWatch;
