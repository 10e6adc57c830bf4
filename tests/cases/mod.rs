//! What browsers did, as data, for every test binary that asks whether somebody does the same.

pub(crate) mod arbitrary;
pub(crate) mod chromium;
pub(crate) mod oracle;
pub(crate) mod wpt;

use std::path::PathBuf;

use callcheck::jsep::{Direction, MediaKind};
use serde::Deserialize;

/// One row of getTransceivers().
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) mid: Option<String>,
    pub(crate) kind: MediaKind,
    pub(crate) direction: Direction,
    pub(crate) current_direction: Option<Direction>,
    pub(crate) sender_track: bool,
    #[serde(default)]
    pub(crate) receiver_track_ended: bool,
    /// Known in recordings of whole calls only; a receiver is muted until media comes.
    #[serde(default)]
    pub(crate) receiver_muted: Option<bool>,
}

/// One `track` event.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct TrackRow {
    pub(crate) kind: MediaKind,
    pub(crate) mid: String,
    /// Its index when the event fired, where that was noted.
    #[serde(default)]
    pub(crate) transceiver: Option<usize>,
    /// How many streams.
    pub(crate) streams: usize,
}

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
