//! What judging one demand comes to.

use crate::jsep::Role;
use crate::plan::Subject;

/// A demand and whether it held.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The side it speaks of; null for the whole call.
    pub of: Option<Role>,
    /// What it speaks of.
    pub subject: Subject,
    /// Whether it held.
    pub status: Status,
    /// What was demanded, in words for people.
    pub expected: String,
    /// What was observed, in words for people.
    pub observed: String,
    /// The ids of the events that show it; may be empty for what did not happen.
    pub evidence: Vec<String>,
}

/// Whether a demand held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was measured, and it held.
    Passed,
    /// It was measured, and it did not hold.
    Failed,
    /// It was not measured, or not yet.
    Unknown(Settles),
}

/// What would settle an unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// It holds now, and only the end of the call can confirm it.
    AtEnd,
    /// It does not hold yet, and may come true while the call runs.
    MayHold,
    /// Nothing any more.
    Never,
}

impl Verdict {
    /// The subject with the side it speaks of: `caller.tracks`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.of {
            Some(role) => format!("{role}.{}", self.subject.name()),
            None => self.subject.name().to_owned(),
        }
    }
}

/// Whether waiting longer can change nothing: every verdict is final.
#[must_use]
pub fn settled(verdicts: &[Verdict]) -> bool {
    !verdicts
        .iter()
        .any(|verdict| matches!(verdict.status, Status::Unknown(Settles::AtEnd | Settles::MayHold)))
}

/// Whether all that is demanded holds for now: media is verified, and the plan's `duration` may begin.
#[must_use]
pub fn verified(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| matches!(verdict.status, Status::Passed | Status::Unknown(Settles::AtEnd)))
}
