//! `chromium/manifest.json`: recorded calls of Chromium with itself, with every description as it was.

use callcheck::jsep::{Direction, MediaKind, Role, SdpType, SignalingState};
use serde::Deserialize;

use super::{Row, TrackRow};

/// One recorded call.
#[derive(Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) timeline: Vec<Act>,
    pub(crate) messages: Vec<Message>,
    pub(crate) observed: Observed,
}

/// One operation of the recording.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Act {
    pub(crate) who: Role,
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) kinds: Vec<MediaKind>,
    #[serde(default)]
    pub(crate) streams: Vec<String>,
    pub(crate) file: Option<String>,
    /// Such as `caller offer`.
    pub(crate) of: Option<String>,
    #[serde(default)]
    pub(crate) legacy_options: LegacyOptions,
    #[serde(default)]
    pub(crate) replace_track: bool,
    pub(crate) set_direction: Option<Direction>,
    pub(crate) set_streams: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LegacyOptions {
    pub(crate) offer_to_receive_audio: bool,
    pub(crate) offer_to_receive_video: bool,
}

/// A description that somebody made.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) who: Role,
    #[serde(rename = "type")]
    pub(crate) sdp_type: SdpType,
    pub(crate) file: String,
}

/// How both sides ended.
#[derive(Debug, Deserialize)]
pub(crate) struct Observed {
    pub(crate) caller: SideObserved,
    pub(crate) callee: SideObserved,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SideObserved {
    pub(crate) transceivers: Vec<Row>,
    pub(crate) ontrack: Vec<TrackRow>,
    pub(crate) negotiationneeded: usize,
    pub(crate) signaling_states: Vec<SignalingState>,
}

/// All recorded calls.
pub(crate) fn scenarios() -> Vec<Scenario> {
    #[derive(Deserialize)]
    struct File {
        scenarios: Vec<Scenario>,
    }
    let file: File = serde_json::from_str(&super::read(super::data("chromium/manifest.json")))
        .expect("the schema of the manifest");
    file.scenarios
}

/// The text of a recorded description.
pub(crate) fn sdp(file: &str) -> String {
    super::read(super::data(&format!("chromium/{file}")))
}

impl Observed {
    pub(crate) fn side(&self, role: Role) -> &SideObserved {
        match role {
            Role::Caller => &self.caller,
            Role::Callee => &self.callee,
        }
    }
}
