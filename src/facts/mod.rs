//! What is known of a call, folded from its timeline one event at a time. Nothing here judges; nothing is forgotten
//! that a verdict may have to cite.

mod call;
mod media;
mod peer;

pub use call::{Facts, HangUp, Loss, TesterFault};
pub use media::{MidFacts, Wrong};
pub use peer::{CandidateCounts, Described, PeerFacts, Presence, Reached, States, Timing};

#[cfg(test)]
mod tests;
