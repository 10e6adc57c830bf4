//! What came of a run: the result as JSON, as one screen for people, and as an exit code. Pure; nothing prints here.

mod both;
mod build;
mod console;
mod model;
mod next;
mod outcome;
mod schema;
mod text;

pub use both::{both, explored};
pub use build::{Attempt, build, call_report, flaky};

pub use console::{render, render_both};
pub use model::{
    CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus, ExplorationReport,
    FindingReport, PairReport, PeerReport, Report, ReportKind, SeedGroupReport, StatesReport, TimingReport,
    TrackReport, VerdictWord,
};
pub use outcome::{Ending, Outcome};
pub use schema::schema;

#[cfg(test)]
mod tests;
