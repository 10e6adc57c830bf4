//! The rules of JSEP and of W3C WebRTC, pure: what a description says, which directions follow, whether `ontrack`
//! fires, which state may follow which. No I/O, no clock, and nothing of the engine.

mod words;

pub use words::{
    ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpType, Side,
    SignalingState,
};
