//! callcheck makes a WebRTC call and says whether it came out right.
//!
//! Read the house in the order in which data flows:
//!
//! ```text
//! args ─► plan ─► runner ─► leg ─► connection ─► engine     (the call)
//!                   │        │         │            │
//!                   │        ▼         ▼            ▼
//!                   │      timeline: append-only events, one call per file
//!                   │        │
//!                   ▼        ▼ fold
//!          settled? ◄────  facts ─► expect ─► verdicts ┐
//!                            └─────► diagnose ─► findings ┴─► report ─► exit code
//! ```
//!
//! The runner asks `expect` whether everything is settled and ends the call then; nothing downstream ever steers a
//! peer. `cli` turns arguments into a plan, builds the world and prints; nobody else prints. `world` holds time, tasks
//! and randomness; `jsep` the rules of WebRTC; `signaling` and `server` the room where the two sides meet; `media` what
//! they send each other. `stun` and `turn` stand beside the call: they probe TURN servers.
//!
//! Everything from `dialect`, `plan`, `jsep`, `timeline`, `facts`, `diagnose`, `expect`, `explain` and `report` is pure: no I/O and no
//! clock. These
//! folders build and test without the engine (`--no-default-features`).

pub mod diagnose;
pub mod diagnostic;
pub mod dialect;
pub mod expect;
pub mod explain;
pub mod facts;
pub mod jsep;
pub mod plan;
pub mod probe;
pub mod report;
pub mod timeline;
pub mod world;

#[cfg(feature = "engine")]
pub mod cli;
#[cfg(feature = "engine")]
pub mod connection;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod fault;
#[cfg(feature = "engine")]
pub mod leg;
#[cfg(feature = "engine")]
pub mod media;
#[cfg(feature = "engine")]
pub mod network;
#[cfg(feature = "engine")]
pub mod runner;
#[cfg(feature = "engine")]
pub mod scenario;
#[cfg(feature = "engine")]
pub mod server;
#[cfg(feature = "engine")]
pub mod signaling;
#[cfg(feature = "engine")]
pub mod sim;
#[cfg(feature = "engine")]
pub mod stun;
#[cfg(feature = "engine")]
pub mod suite;
#[cfg(feature = "engine")]
pub mod trust;
#[cfg(feature = "engine")]
pub mod turn;

#[cfg(all(test, feature = "engine"))]
mod tests;
