//! What is known of a call, folded from its timeline one event at a time. Nothing here judges; nothing is forgotten
//! that a verdict may have to cite.

mod call;
mod media;
mod peer;

pub use call::{Facts, HangUp, Loss, TesterFault};
pub use media::{MidFacts, Wrong};
// Facts hold these rows as they were recorded.
pub use crate::timeline::{InboundMedia, Latency, Proof, TransceiverRow};
pub use peer::{CandidateCounts, Described, PeerFacts, Presence, Reached, States, Timing};

#[cfg(test)]
pub(crate) mod testcall;
#[cfg(test)]
mod tests;
