//! The exit codes of commands.

use std::process::ExitCode;

/// How the process ends. The codes of verdicts come from `report`; these are what can come before a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: done, and every expectation held.
    Passed,
    /// 1: a call was attempted and an expectation failed.
    Failed,
    /// 2: the command line or an input file is wrong.
    Usage,
    /// 3: could not test.
    Untested,
    /// 4: nothing was selected.
    Nothing,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Untested => 3,
            Self::Nothing => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
