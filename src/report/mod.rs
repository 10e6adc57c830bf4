//! What came of a run: the result as JSON, as one screen for people, and as an exit code. Pure; nothing prints here.

mod build;
mod console;
mod explain;
mod findings;
mod model;
mod next;
mod outcome;
mod schema;
mod text;

pub use build::{Attempt, build, call_report, flaky};

pub use console::render;
pub use explain::{catalogue_about, catalogue_list, closest_finding, explain_report, render_explanation};
pub use model::{
    BrowserReport, CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus,
    ExplainedReport, FindingReport, FiredReport, LintReport, PairReport, PeerReport, Report, ReportKind,
    StatesReport, TimingReport, TrackReport, VerdictWord,
};
pub use outcome::{Ending, Outcome};
pub use schema::schema;

#[cfg(test)]
mod tests;
