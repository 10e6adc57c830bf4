//! The exit codes: the one place that decides them.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | every expectation held |
//! | 1 | a call was attempted and an expectation failed, or passed only on retry (`--flaky-ok` permits that) |
//! | 2 | the command line or an input file is invalid |
//! | 3 | could not test: nobody joined, room unreachable, port taken, report unwritable, something unknown and nothing failed |
//! | 4 | nothing was selected (no command of this version ends so) |
//! | 130 | interrupted |

use super::model::{Report, VerdictWord};

/// How a run ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every expectation held.
    Passed,
    /// A call was attempted, and an expectation failed or held only on retry.
    Failed,
    /// The command line or an input file is invalid.
    Usage,
    /// It could not be tested.
    CouldNotTest,
    /// Nothing was selected.
    NothingSelected,
    /// Somebody interrupted the run.
    Interrupted,
}

/// What besides the verdict decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Somebody interrupted the run.
    pub interrupted: bool,
    /// A report or a record could not be written to its end.
    pub report_lost: bool,
    /// A pass on a later try counts as a pass.
    pub flaky_ok: bool,
}

impl Outcome {
    /// How the run of `report` ended. The order is: interrupted, a lost report, failed, unknown, passed.
    #[must_use]
    pub fn of(report: &Report, ending: Ending) -> Self {
        let flaky = report.calls.iter().any(|call| call.verdict == VerdictWord::Flaky);
        match report.verdict {
            _ if ending.interrupted => Self::Interrupted,
            _ if ending.report_lost => Self::CouldNotTest,
            VerdictWord::Failed => Self::Failed,
            // Unless it is permitted, a pass on a later try is a failure, and a failure outweighs an unknown.
            _ if flaky && !ending.flaky_ok => Self::Failed,
            VerdictWord::Unknown | VerdictWord::NotRun => Self::CouldNotTest,
            VerdictWord::Flaky | VerdictWord::Passed => Self::Passed,
            VerdictWord::Skipped => Self::NothingSelected,
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::CouldNotTest => 3,
            Self::NothingSelected => 4,
            Self::Interrupted => 130,
        }
    }
}

/// The verdict of several: failed, then unknown, then flaky, then passed. What was skipped changes nothing unless all
/// was.
pub(super) fn combined(verdicts: impl IntoIterator<Item = VerdictWord>) -> VerdictWord {
    let severity = |verdict: &VerdictWord| match verdict {
        VerdictWord::Skipped => 0,
        VerdictWord::Passed => 1,
        VerdictWord::Flaky => 2,
        VerdictWord::NotRun => 3,
        VerdictWord::Unknown => 4,
        VerdictWord::Failed => 5,
    };
    verdicts.into_iter().max_by_key(severity).unwrap_or(VerdictWord::Skipped)
}
