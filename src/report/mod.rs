//! What came of a run: the result as JSON, as one screen for people, as files for CI, and as an exit code. Pure; nothing
//! prints here.

mod annotations;
mod both;
mod build;
mod console;
mod explain;
mod findings;
mod junit;
mod ladder;
mod markdown;
mod model;
mod next;
mod outcome;
mod schema;
mod tap;
mod text;
mod words;

pub use annotations::annotations;
pub use both::{both, explored, joined};
pub use build::{Attempt, build, call_report, flaky};
#[cfg(test)]
pub(crate) use committed::is_committed;
pub use console::{render, render_both, render_findings, render_open};
pub use explain::{catalogue_about, catalogue_list, closest_finding, explain_report, render_explanation};
pub use junit::junit;
pub use ladder::ladder;
pub use markdown::markdown;
#[cfg(feature = "engine")]
pub(crate) use markdown::{escaped, with_code};
pub use model::{
    BrowserReport, CallReport, CandidateReport, CandidatesReport, ExpectationReport, ExpectationStatus,
    ExplainedReport, ExplorationReport, FindingReport, FiredReport, LintReport, PairReport, PeerReport,
    PlaceReport, Report, ReportKind, ScenarioReport, SeedGroupReport, StatesReport, TimingReport,
    TrackReport, VerdictWord,
};
pub use outcome::{Ending, Outcome};
pub use schema::schema;
pub(crate) use schema::schema_of;
pub use tap::tap;
// The prober of TURN says its result in the same way.
pub(crate) use text::wrapped;
#[cfg(feature = "engine")]
pub(crate) use words::one_line;
pub(crate) use words::printable;

#[cfg(test)]
mod committed;
#[cfg(test)]
mod testcalls;
#[cfg(test)]
mod tests;
