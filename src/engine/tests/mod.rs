//! Two engines on loopback: real sockets, real RTP.

mod calls;
mod closing;
mod descriptions;
mod foreign;
mod observed;
mod pair;
mod renegotiation;
mod servers;
mod simulated;
mod trickling;
mod worlds;

pub(super) use worlds::StillWorld;
