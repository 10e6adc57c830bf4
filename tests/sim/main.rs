//! Calls on simulated time: that they repeat, and the long and rare things that nobody waits for on the real clock.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not there")]

mod calls;
mod consent;
mod explore;
mod glare;
mod hangup;
mod impairment;
mod proof;
mod repeat;
mod signals;
mod waiting;
