//! Operations of a scripted leg, as data: the W3C vocabulary, and what delivers a description to the other side.

use std::time::Duration;

use serde::Serialize;

use crate::jsep::{Direction, MediaKind, Role, Side};

/// One operation of a script.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Who does it; none for what concerns both.
    pub who: Option<Role>,
    /// What.
    pub operation: Operation,
}

/// What a scripted leg can do. Transceivers and senders are counted as getTransceivers() and getSenders() list them
/// at that moment. An operation that the W3C rejects is recorded as such, and the next one runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// addTrack with a new track of that kind.
    AddTrack {
        /// Of what kind.
        kind: MediaKind,
        /// In which streams; labels of this side.
        streams: Vec<String>,
    },
    /// addTransceiver.
    AddTransceiver {
        /// Of what kind.
        kind: MediaKind,
        /// With a new track, or by kind.
        with_track: bool,
        /// `init.direction`; sendrecv by default.
        direction: Option<Direction>,
        /// `init.streams`.
        streams: Vec<String>,
    },
    /// transceiver.direction = ...
    SetDirection {
        /// Which transceiver.
        transceiver: usize,
        /// The wish.
        direction: Direction,
    },
    /// sender.replaceTrack.
    ReplaceTrack {
        /// Which transceiver's sender.
        transceiver: usize,
        /// A new track of that kind, or null.
        track: Option<MediaKind>,
    },
    /// sender.setStreams.
    SetStreams {
        /// Which transceiver's sender.
        transceiver: usize,
        /// Labels of this side.
        streams: Vec<String>,
    },
    /// removeTrack.
    RemoveTrack {
        /// Which sender.
        sender: usize,
    },
    /// transceiver.stop().
    Stop {
        /// Which transceiver.
        transceiver: usize,
    },
    /// createDataChannel.
    CreateDataChannel,
    /// restartIce.
    RestartIce,
    /// createOffer and setLocalDescription; nothing is delivered.
    SetLocalOffer,
    /// The other side sets our local description.
    Deliver,
    /// SetLocalOffer, then Deliver.
    Offer,
    /// createAnswer; the answer is kept.
    CreateAnswer,
    /// setLocalDescription of the kept answer, then Deliver.
    ApplyKeptAnswer,
    /// CreateAnswer, then ApplyKeptAnswer.
    Answer,
    /// A whole round: our offer, the other side's answer.
    Negotiate,
    /// setLocalDescription or setRemoteDescription of a rollback.
    Rollback {
        /// Which.
        side: Side,
    },
    /// From now on our descriptions lose lines on their way to the other side.
    EditNextSdp {
        /// Lines that begin so are removed.
        remove_lines_starting_with: Vec<String>,
    },
    /// close().
    Close,
    /// Nothing, for a while.
    Wait(#[serde(serialize_with = "super::millis")] Duration),
    /// Until ICE is connected or completed on both sides, as a page sees it that looks at intervals.
    WaitIceConnected,
    /// The transceivers of both sides are noted.
    Checkpoint,
}

impl Operation {
    /// As a scenario names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddTrack { .. } => "add-track",
            Self::AddTransceiver { .. } => "add-transceiver",
            Self::SetDirection { .. } => "set-direction",
            Self::ReplaceTrack { .. } => "replace-track",
            Self::SetStreams { .. } => "set-streams",
            Self::RemoveTrack { .. } => "remove-track",
            Self::Stop { .. } => "stop",
            Self::CreateDataChannel => "create-data-channel",
            Self::RestartIce => "restart-ice",
            Self::SetLocalOffer => "set-local-offer",
            Self::Deliver => "deliver",
            Self::Offer => "offer",
            Self::CreateAnswer => "create-answer",
            Self::ApplyKeptAnswer => "apply-kept-answer",
            Self::Answer => "answer",
            Self::Negotiate => "negotiate",
            Self::Rollback { .. } => "rollback",
            Self::EditNextSdp { .. } => "edit-next-sdp",
            Self::Close => "close",
            Self::Wait(_) => "wait",
            Self::WaitIceConnected => "wait-ice-connected",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// The kind of the new track that the operation needs; none if it needs none.
    #[must_use]
    pub fn new_track(&self) -> Option<MediaKind> {
        match self {
            Self::AddTrack { kind, .. } | Self::AddTransceiver { kind, with_track: true, .. } => Some(*kind),
            Self::ReplaceTrack { track, .. } => *track,
            _ => None,
        }
    }
}
