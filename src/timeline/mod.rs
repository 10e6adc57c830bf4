//! What happened: append-only events of one call, written as JSON lines the moment they happen and read back by
//! `facts`, by reports and later by `explain`. Nothing here judges.

mod event;
mod file;
mod header;
mod impaired;
mod network;
mod recorder;
mod signal;

pub use event::{
    CandidatePair, Event, IceCandidate, InboundMedia, Kind, Latency, OutboundMedia, PeerInfo, Proof,
    TransceiverRow,
};
pub use file::{ReadError, Storage, Timeline, TimelineWriter, schema};
pub use header::{Header, HeaderLeg, SCHEMA_VERSION};
pub use impaired::{Carries, ImpairedPackets, Way};
pub use network::{ChannelState, DtlsError, IceChecks, ServerError, UnboundRtp};
pub use recorder::{Observer, Recorder};
pub use signal::{Capabilities, Report, Signal};
