//! What came of a run: the result as JSON, as one screen for people, and as an exit code. Pure; nothing prints here.

mod build;
mod console;
mod model;
mod next;
mod outcome;
mod schema;
mod text;

pub use build::{Attempt, build, call_report, flaky};

pub use console::render;
pub use model::{
    CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus, FindingReport,
    PairReport, PeerReport, Report, ReportKind, StatesReport, TimingReport, TrackReport, VerdictWord,
};
pub use outcome::{Ending, Outcome};
pub use schema::schema;

#[cfg(test)]
mod tests;
