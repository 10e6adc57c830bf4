//! Two engines on loopback: real sockets, real RTP.

mod calls;
mod closing;
mod pair;
mod simulated;
mod worlds;

pub(super) use worlds::StillWorld;
