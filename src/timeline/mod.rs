//! What happened: append-only events of one call, written as JSON lines the moment they happen and read back by
//! `facts`, by reports and later by `explain`. Nothing here judges.

mod event;
mod file;
mod network;
mod recorder;
mod signal;

pub use event::{
    CandidatePair, Event, Header, IceCandidate, InboundMedia, Kind, Latency, OutboundMedia, PeerInfo, Proof,
    SCHEMA_VERSION, TransceiverRow,
};
pub use file::{ReadError, Storage, Timeline, TimelineWriter, schema};
pub use network::{ChannelState, DtlsError, IceChecks, ServerError, UnboundRtp};
pub use recorder::{Observer, Recorder};
pub use signal::{Capabilities, Report, Signal};
