//! `chromium/manifest.json`: recorded calls of Chromium with itself, with every description as it was.

use callcheck::jsep::{Direction, MediaKind, Role, SdpType, SignalingState};
use serde::Deserialize;

use super::{Row, TrackRow};

/// One recorded call.
#[derive(Debug, Deserialize)]
pub struct Scenario {
    pub name: String,
    pub timeline: Vec<Act>,
    pub messages: Vec<Message>,
    pub observed: Observed,
}

/// One operation of the recording.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    pub who: Role,
    pub op: String,
    #[serde(default)]
    pub kinds: Vec<MediaKind>,
    #[serde(default)]
    pub streams: Vec<String>,
    pub file: Option<String>,
    /// Such as `caller offer`.
    pub of: Option<String>,
    #[serde(default)]
    pub legacy_options: LegacyOptions,
    #[serde(default)]
    pub replace_track: bool,
    pub set_direction: Option<Direction>,
    pub set_streams: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LegacyOptions {
    pub offer_to_receive_audio: bool,
    pub offer_to_receive_video: bool,
}

/// A description that somebody made.
#[derive(Debug, Deserialize)]
pub struct Message {
    pub who: Role,
    #[serde(rename = "type")]
    pub sdp_type: SdpType,
    pub file: String,
}

/// How both sides ended.
#[derive(Debug, Deserialize)]
pub struct Observed {
    pub caller: SideObserved,
    pub callee: SideObserved,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SideObserved {
    pub transceivers: Vec<Row>,
    pub ontrack: Vec<TrackRow>,
    pub negotiationneeded: usize,
    pub signaling_states: Vec<SignalingState>,
}

/// All recorded calls.
pub fn scenarios() -> Vec<Scenario> {
    #[derive(Deserialize)]
    struct File {
        scenarios: Vec<Scenario>,
    }
    let file: File =
        serde_json::from_str(&super::read("chromium/manifest.json")).expect("the schema of the manifest");
    file.scenarios
}

/// The text of a recorded description.
pub fn sdp(file: &str) -> String {
    super::read(&format!("chromium/{file}"))
}

impl Observed {
    pub fn side(&self, role: Role) -> &SideObserved {
        match role {
            Role::Caller => &self.caller,
            Role::Callee => &self.callee,
        }
    }
}
