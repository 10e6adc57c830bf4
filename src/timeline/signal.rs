//! What peers say to each other in a room, whatever dialect the room speaks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::jsep::SdpType;

/// A message from one peer of a call to the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// An offer, an answer, a provisional answer or a rollback.
    Description {
        /// What the description is.
        #[serde(rename = "type")]
        sdp_type: SdpType,
        /// The text; empty for a rollback.
        sdp: String,
    },
    /// A trickled candidate: RTCIceCandidateInit (W3C webrtc §4.8.1), absent members are null.
    Candidate {
        /// `candidate:...`
        candidate: String,
        /// The mid of its m-section.
        sdp_mid: Option<String>,
        /// The index of its m-section.
        sdp_m_line_index: Option<u16>,
        /// The generation that it belongs to.
        username_fragment: Option<String>,
    },
    /// No candidate follows in this generation.
    EndOfCandidates {
        /// The generation that has ended, where the sender says so.
        username_fragment: Option<String>,
    },
    /// The sender has seen all that it wanted to see; the call ends when both have said so.
    Done,
    /// The sender leaves the call.
    HangUp {
        /// Why, in words for people.
        reason: String,
    },
    /// What the sender saw, so that both sides can judge the whole call.
    Report(Report),
    /// The sender wants to make the call once more, under a new call id.
    Again,
    /// The sender has taken all its steps of the plan before this one, counted from 0.
    Step {
        /// The first step that it has not come past.
        done: u32,
    },
    /// Something this version does not know; carried untouched.
    Ext(serde_json::Value),
}

/// What a peer tells the other one about its side, shortly before it hangs up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// What `at_us` 0 of the events is, in microseconds since 1970-01-01 UTC, by the sender's wall clock.
    pub epoch_us: u64,
    /// The sender's key events, with its own ids and times.
    pub events: Vec<Event>,
}

/// What a peer can do, said when it joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Capabilities {
    /// Its media carries stamps, so media without them is somebody else's.
    pub stamps: bool,
    /// It says `done`, sends a report and announces its hang-up.
    pub end_of_call: bool,
}
