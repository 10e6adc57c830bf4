//! What came of a run: the result as JSON, as one screen for people, and as an exit code. Pure; nothing prints here.

mod both;
mod build;
mod console;
mod explain;
mod findings;
mod model;
mod next;
mod outcome;
mod schema;
mod text;

pub use both::{both, explored};
pub use build::{Attempt, build, call_report, flaky};
pub use console::{render, render_both, render_open};
pub use explain::{catalogue_about, catalogue_list, closest_finding, explain_report, render_explanation};
pub use model::{
    BrowserReport, CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus,
    ExplainedReport, ExplorationReport, FindingReport, FiredReport, LintReport, PairReport, PeerReport,
    PlaceReport, Report, ReportKind, ScenarioReport, SeedGroupReport, StatesReport, TimingReport,
    TrackReport, VerdictWord,
};
pub use outcome::{Ending, Outcome};
pub use schema::schema;

#[cfg(test)]
mod tests;
