//! Where the text on the wire differs from the engine's: two texts, composed apart.
//!
//! The wire text is what is recorded, modelled and compared; the engine only ever sees its own. Ours on the wire is
//! composed from the model's [`LocalDescription`](crate::jsep::LocalDescription) and the engine's facts; the peer's
//! for the engine from what came over the wire. The engine's own text is only read for its facts.
//!
//! | difference | who mends it | why |
//! |---|---|---|
//! | mids, order, rejected and recycled sections | [`compose()`] | the engine numbers its sections itself and never gives one up (RFC 9429 §5.2.2) |
//! | directions, `a=msid` | [`compose()`] | the engine's sections always send and receive; the gates decide where media flows |
//! | `a=ssrc` | [`compose()`] | only where we send; the engine would name the source of every section |
//! | payload types, feedback and header extensions of an answer | [`compose()`] | an answer uses what was offered (RFC 3264 §6.1, RFC 8285 §7) |
//! | what is not understood | [`compose()`] | rejected on the wire, and never shown to the engine |
//! | `a=setup` of a re-answer | [`SetupRole`] | the engine always answers `active`; a flipped role is refused (RFC 8842 §5.5) |
//! | `a=ice-options:trickle` | [`compose()`] | we trickle and must say so (RFC 8840 §4.1.1) |
//! | candidates of component 2 | [`compose()`] | RTCP is multiplexed, so they do not exist (RFC 8834 §4.5) |
//! | offers of the peer in mid-call | [`for_engine`] | the engine is shown an answer to an offer of its own: its roles, pairing and rollbacks differ from the W3C's |
//! | the peer's inactive sections | [`for_engine`] | the engine stops them for good |
//! | the peer's sections without `a=ssrc` | [`for_engine`], `intake` | the engine refuses them (RFC 8843 §9.2) |
//! | mid and ufrag of a candidate | `gathering` | the engine gives an empty mid and no ufrag (W3C webrtc §4.8.1) |
//! | mid and ufrag of a peer's candidate | [`IceTarget`] | the engine takes any (W3C webrtc §4.4.2, addIceCandidate) |
//! | end of candidates | `gathering` | the engine never says it (RFC 8838 §8.2) |
//! | null and empty candidates | `Engine::add_candidate` | they mark the end and are no candidates |

mod compose;
mod engine_view;
mod media;
mod remote;
mod sdp;
mod setup;
#[cfg(test)]
mod tests;

use crate::jsep::MediaKind;

pub(super) use compose::{Composed, Facts, answers, compose};
pub(super) use engine_view::{EngineSection, engine_sections, for_engine};
pub(super) use media::{Agreed, Capability, Format, SDES_MID, capability, shared_formats};
pub(super) use remote::{Credentials, Remote, RemoteSection};
pub(super) use sdp::{IceTarget, sections, with_candidates};
pub(super) use setup::SetupRole;

/// A description as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WireSdp(pub(super) String);

/// A description as the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EngineSdp(pub(super) String);

/// What an m-section of ours became on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ComposedSection {
    /// Port 0.
    Rejected { protocol: String, formats: String },
    /// Data channels.
    Data { protocol: String },
    /// RTP.
    Media { kind: MediaKind, formats: Vec<Format>, extensions: Vec<(u8, &'static str)> },
}
