//! What judging one demand comes to.

use crate::jsep::Role;
use crate::plan::{Subject, ValueKind};

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

/// What the call still lacks, and may get by waiting, before its media can run. Figures of that media do not count.
pub fn awaited(verdicts: &[Verdict]) -> impl Iterator<Item = Subject> {
    let lacks = |verdict: &&Verdict| verdict.status == Status::Unknown(Settles::MayHold);
    let subjects = verdicts.iter().filter(lacks).map(|verdict| verdict.subject);
    subjects.filter(|subject| stands_before_media(*subject))
}

fn stands_before_media(subject: Subject) -> bool {
    let figure = matches!(
        subject.info().value,
        ValueKind::Count | ValueKind::Share | ValueKind::Duration | ValueKind::Bitrate
    );
    !figure && !matches!(subject, Subject::Hangup | Subject::Finding)
}
