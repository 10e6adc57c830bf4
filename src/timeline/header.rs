//! The header: line 1 of a timeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jsep::Role;

/// Rises only when the meaning of something existing changes.
pub const SCHEMA_VERSION: u32 = 1;

/// Line 1 of a timeline file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The version of callcheck that wrote the file.
    pub tool_version: String,
    /// The id that the room gave to the call; null if the call never began.
    pub call: Option<String>,
    /// Who wrote it.
    pub role: Role,
    /// The writer's name in the room.
    pub name: String,
    /// The wall clock at `at_us` 0, in microseconds since 1970-01-01 UTC.
    pub epoch_us: u64,
    /// `real` or `virtual`.
    pub clock: String,
    /// What every random choice derives from.
    pub seed: u64,
    /// The resolved plan, without secrets; the caller's in the merged timeline of both sides.
    pub plan: Value,
    /// Both sides, in a timeline that was merged from theirs; missing in the timeline of one side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legs: Option<Vec<HeaderLeg>>,
}

/// A side of a merged timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderLeg {
    /// Which.
    pub role: Role,
    /// Its name in the room.
    pub name: String,
    /// Its resolved plan, without secrets.
    pub plan: Value,
}
