//! The rules of JSEP and of W3C WebRTC, pure: what a description says, which directions follow, whether `ontrack`
//! fires, which state may follow which. No I/O, no clock, and nothing of the engine.

mod error;
mod local;
mod ontrack;
mod peer;
mod perfect;
mod sdp;
mod states;
mod words;

pub use error::{ErrorName, W3cError};
pub use local::{LocalDescription, LocalMsid, LocalSection, SectionMedia, TransceiverId};
pub use ontrack::{TrackEvent, fired_direction, ontrack, remote_streams};
pub use peer::{KnownCodec, Peer, PeerEvent, Transceiver, TransceiverInit};
pub use perfect::{PerfectNegotiation, Receive};
pub use sdp::{
    BundleGroup, Codec, Complaint, ExtMap, Fault, Fingerprint, MediaSection, Msid, MsidSemantic, Rid,
    SdpCandidate, SdpFacts, SectionLines, Simulcast, SimulcastStream, Source, SsrcGroup, masked,
};
pub use states::{IllegalStep, State, legal_path};
pub use words::{
    Association, ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpType,
    Side, SignalingState, UnknownWord,
};
