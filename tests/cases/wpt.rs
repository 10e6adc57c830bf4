//! `wpt-cases.json`: scripts for two peers, and how two browsers ended.

use std::time::Duration;

use callcheck::jsep::{ConnectionState, Direction, IceState, MediaKind, Role, Side, SignalingState};
use callcheck::plan::{Operation, Step};
use serde::Deserialize;

use super::{Row, TrackRow};

/// One script.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) number: u32,
    pub(crate) id: String,
    #[serde(rename = "steps")]
    raw_steps: Vec<RawStep>,
    pub(crate) engines_agree: bool,
    pub(crate) expected: Expected,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    #[serde(rename = "chromium-156")]
    pub(crate) chromium: Ending,
    #[serde(rename = "firefox-esr-153")]
    pub(crate) firefox: Ending,
}

/// How a browser ended.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ending {
    /// Why nothing is known.
    #[serde(default)]
    pub(crate) not_observed: Option<String>,
    #[serde(default)]
    pub(crate) caller: Option<SideEnding>,
    #[serde(default)]
    pub(crate) callee: Option<SideEnding>,
    #[serde(default)]
    pub(crate) checkpoints: Vec<Checkpoint>,
    #[serde(default)]
    pub(crate) rejected: Vec<Rejected>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SideEnding {
    pub(crate) signaling_state: SignalingState,
    pub(crate) transceivers: Vec<Row>,
    pub(crate) ontrack: Vec<TrackRow>,
    #[serde(default)]
    pub(crate) negotiationneeded: Option<usize>,
    #[serde(default)]
    pub(crate) ice_connection_states: Option<Vec<IceState>>,
    #[serde(default)]
    pub(crate) connection_states: Option<Vec<ConnectionState>>,
    #[serde(default)]
    pub(crate) local_mlines: Option<Vec<Mline>>,
    #[serde(default)]
    pub(crate) local_mline_kinds: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Mline {
    pub(crate) kind: String,
    pub(crate) port0: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) caller: Vec<Row>,
    pub(crate) callee: Vec<Row>,
}

/// A step that was refused, and the name of the error.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) step: usize,
    pub(crate) error: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStep {
    who: Option<Role>,
    op: String,
    kind: Option<MediaKind>,
    #[serde(default)]
    with_track: bool,
    init: Option<RawInit>,
    #[serde(default)]
    streams: Vec<String>,
    transceiver: Option<usize>,
    sender: Option<usize>,
    direction: Option<Direction>,
    track: Option<String>,
    side: Option<Side>,
    #[serde(default)]
    remove_lines_starting_with: Vec<String>,
    ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct RawInit {
    direction: Option<Direction>,
    #[serde(default)]
    streams: Vec<String>,
}

/// All scripts of the file, or of the one that `CALLCHECK_SCRIPTS` names.
pub(crate) fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct File {
        cases: Vec<Case>,
    }
    let path =
        std::env::var_os("CALLCHECK_SCRIPTS").map_or_else(|| super::data("wpt-cases.json"), Into::into);
    let file: File = serde_json::from_str(&super::read(path)).expect("the schema of the cases");
    file.cases
}

impl Case {
    /// The script.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.raw_steps.iter().map(RawStep::step).collect()
    }
}

impl RawStep {
    fn step(&self) -> Step {
        Step { who: self.who, operation: self.operation() }
    }

    fn operation(&self) -> Operation {
        let kind = || self.kind.expect("kind");
        let transceiver = || self.transceiver.expect("transceiver");
        match self.op.as_str() {
            "addTrack" => Operation::AddTrack { kind: kind(), streams: self.streams.clone() },
            "addTransceiver" => Operation::AddTransceiver {
                kind: kind(),
                with_track: self.with_track,
                direction: self.init.as_ref().and_then(|init| init.direction),
                streams: self.init.as_ref().map(|init| init.streams.clone()).unwrap_or_default(),
            },
            "setDirection" => Operation::SetDirection {
                transceiver: transceiver(),
                direction: self.direction.expect("direction"),
            },
            "replaceTrack" => Operation::ReplaceTrack {
                transceiver: transceiver(),
                track: self.track.as_ref().map(|kind| kind.parse().expect("a kind of track")),
            },
            "setStreams" => {
                Operation::SetStreams { transceiver: transceiver(), streams: self.streams.clone() }
            }
            "removeTrack" => Operation::RemoveTrack { sender: self.sender.expect("sender") },
            "stop" => Operation::Stop { transceiver: transceiver() },
            "createDataChannel" => Operation::CreateDataChannel,
            "restartIce" => Operation::RestartIce,
            "setLocalOffer" => Operation::SetLocalOffer,
            "deliver" => Operation::Deliver,
            "offer" => Operation::Offer,
            "createAnswer" => Operation::CreateAnswer,
            "applyKeptAnswer" => Operation::ApplyKeptAnswer,
            "answer" => Operation::Answer,
            "negotiate" => Operation::Negotiate,
            "rollback" => Operation::Rollback { side: self.side.expect("side") },
            "editNextSdp" => {
                Operation::EditNextSdp { remove_lines_starting_with: self.remove_lines_starting_with.clone() }
            }
            "close" => Operation::Close,
            "wait" => Operation::Wait(Duration::from_millis(self.ms.expect("ms"))),
            "waitIceConnected" => Operation::WaitIceConnected,
            "checkpoint" => Operation::Checkpoint,
            other => panic!("no operation of the schema: {other}"),
        }
    }
}
