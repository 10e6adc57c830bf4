//! How much is said, and whether with colours and moving lines: one value decides it all.

use std::io::{IsTerminal, Write};

use super::args::{ColorArg, Noise};
use crate::engine::{QUIET_LOG_FILTER, VERBOSE_LOG_FILTER};

/// What is shown while a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Nothing until the verdict.
    Nothing,
    /// A line that changes.
    Moving,
    /// A line for each change.
    Lines,
    /// A line for each event.
    Events,
}

impl View {
    /// For this process.
    pub(super) fn of(noise: &Noise) -> Self {
        Self::resolve(noise.quiet, noise.verbose, std::io::stderr().is_terminal(), is_ci())
    }

    fn resolve(quiet: bool, verbose: u8, terminal: bool, ci: bool) -> Self {
        match (quiet, verbose > 0, terminal && !ci) {
            (true, _, _) => Self::Nothing,
            (_, true, _) => Self::Events,
            (_, _, true) => Self::Moving,
            _ => Self::Lines,
        }
    }
}

/// Colours and logs, for the whole process.
pub(super) fn set_up(noise: &Noise) {
    match noise.color {
        ColorArg::Auto => {}
        ColorArg::Always => anstream::ColorChoice::Always.write_global(),
        ColorArg::Never => anstream::ColorChoice::Never.write_global(),
    }
    let filter = if noise.verbose >= 2 { VERBOSE_LOG_FILTER } else { QUIET_LOG_FILTER };
    let logs = env_logger::Env::default().default_filter_or(filter);
    // A second run in one process, as in tests, keeps the first logger.
    let _ = env_logger::Builder::from_env(logs).try_init();
}

/// Tells people something, on a line of its own. Where standard error is closed or full nobody can read, and that must not
/// change how the run ends.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_decides_what_is_shown() {
        let table = [
            ((true, 0, true, false), View::Nothing),
            ((true, 0, false, true), View::Nothing),
            ((false, 1, true, false), View::Events),
            ((false, 2, false, true), View::Events),
            ((false, 0, true, false), View::Moving),
            ((false, 0, true, true), View::Lines),
            ((false, 0, false, false), View::Lines),
            ((false, 0, false, true), View::Lines),
        ];
        for ((quiet, verbose, terminal, ci), view) in table {
            assert_eq!(
                View::resolve(quiet, verbose, terminal, ci),
                view,
                "{quiet} {verbose} {terminal} {ci}"
            );
        }
    }
}
