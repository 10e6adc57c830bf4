//! What browsers did, as data, for every test binary that asks whether somebody does the same.

pub mod chromium;
pub mod oracle;
pub mod wpt;

use std::path::PathBuf;

use callcheck::jsep::{Direction, MediaKind};
use serde::Deserialize;

/// One row of getTransceivers().
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub mid: Option<String>,
    pub kind: MediaKind,
    pub direction: Direction,
    pub current_direction: Option<Direction>,
    pub sender_track: bool,
    #[serde(default)]
    pub receiver_track_ended: bool,
    /// Known in recordings of whole calls only; a receiver is muted until media comes.
    #[serde(default)]
    pub receiver_muted: Option<bool>,
}

/// One `track` event.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct TrackRow {
    pub kind: MediaKind,
    pub mid: String,
    /// Its index when the event fired, where that was noted.
    #[serde(default)]
    pub transceiver: Option<usize>,
    /// How many streams.
    pub streams: usize,
}

/// A file of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read(name: &str) -> String {
    let path = data(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
