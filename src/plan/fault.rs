//! Mistakes that a side makes on purpose, by their names in the catalogue of failure modes.

use std::time::Duration;

use humantime::format_duration;
use serde::{Serialize, Serializer};

/// A mistake that our side makes on purpose. Written down as it is stated: `sig-answer-late=8s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// Its name.
    pub id: &'static str,
    /// When, or for how long; none is its default.
    pub time: Option<Duration>,
}

impl Serialize for FaultPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.time {
            Some(time) => serializer.collect_str(&format_args!("{}={}", self.id, format_duration(time))),
            None => serializer.serialize_str(self.id),
        }
    }
}
