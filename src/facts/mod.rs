//! What is known of a call, folded from its timeline one event at a time. Nothing here judges; nothing is forgotten
//! that a verdict may have to cite.

mod call;
mod history;
mod media;
mod peer;

pub use call::{Facts, HangUp, Loss, RoomRefusal, TesterFault};
pub use history::{Exchanged, History, Moment, Operated, Trickled};
pub use media::{MidFacts, Wrong};
// Facts hold these rows as they were recorded.
pub use crate::timeline::{
    ChannelState, DtlsError, IceCandidate, IceChecks, InboundMedia, Latency, OutboundMedia, Proof,
    ServerError, TransceiverRow, UnboundRtp,
};
pub use peer::{CandidateCounts, Described, PeerFacts, Presence, Reached, States, Timing};

#[cfg(test)]
pub(crate) mod testcall;
#[cfg(test)]
pub(crate) mod tests;
