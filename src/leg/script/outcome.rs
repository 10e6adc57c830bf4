//! What a scripted call has shown, in the form in which browsers' results are recorded.

use crate::jsep::{ConnectionState, Direction, ErrorName, IceState, MediaKind, Role, SignalingState};
use crate::timeline::Event;

/// How a script went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the caller saw.
    pub caller: SideOutcome,
    /// What the callee saw.
    pub callee: SideOutcome,
    /// The operations that were rejected.
    pub rejected: Vec<Rejected>,
    /// The transceivers at each checkpoint.
    pub checkpoints: Vec<Checkpoint>,
}

/// What one side saw.
#[derive(Clone, Debug)]
pub struct SideOutcome {
    /// At the end.
    pub signaling_state: SignalingState,
    /// getTransceivers() at the end.
    pub transceivers: Vec<ScriptRow>,
    /// `track` events in order.
    pub ontrack: Vec<FiredTrack>,
    /// How often `negotiationneeded` fired.
    pub negotiationneeded: usize,
    /// In order, without the initial one.
    pub signaling_states: Vec<SignalingState>,
    /// In order, without the initial one.
    pub ice_connection_states: Vec<IceState>,
    /// In order, without the initial one.
    pub connection_states: Vec<ConnectionState>,
    /// The m-sections of localDescription: the first word, and whether it is rejected (port 0).
    pub local_sections: Vec<(String, bool)>,
    /// Everything else.
    pub events: Vec<Event>,
}

/// A row of getTransceivers().
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRow {
    /// Null until associated.
    pub mid: Option<String>,
    /// The kind.
    pub kind: MediaKind,
    /// `stopped` once stop() was called.
    pub direction: Direction,
    /// What was negotiated; null before.
    pub current_direction: Option<Direction>,
    /// The sender has a track.
    pub sender_track: bool,
    /// The receiver's track is muted.
    pub receiver_muted: bool,
}

/// A `track` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiredTrack {
    /// Of what kind.
    pub kind: MediaKind,
    /// Its m-section.
    pub mid: String,
    /// Its place in getTransceivers() when it fired; null if it was gone again.
    pub transceiver: Option<usize>,
    /// The length of `event.streams`.
    pub streams: usize,
}

/// A rejected operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place in the script.
    pub step: usize,
    /// Whose it was; null for what concerns both.
    pub who: Option<Role>,
    /// The W3C name of the error.
    pub error: ErrorName,
}

/// The transceivers of both sides at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of the caller.
    pub caller: Vec<ScriptRow>,
    /// Of the callee.
    pub callee: Vec<ScriptRow>,
}

impl Default for SideOutcome {
    fn default() -> Self {
        Self {
            signaling_state: SignalingState::Stable,
            transceivers: Vec::new(),
            ontrack: Vec::new(),
            negotiationneeded: 0,
            signaling_states: Vec::new(),
            ice_connection_states: Vec::new(),
            connection_states: Vec::new(),
            local_sections: Vec::new(),
            events: Vec::new(),
        }
    }
}
