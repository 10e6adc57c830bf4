//! The documents of a result: opened before anything is done, so that a wrong path costs nothing.

use std::path::Path;

use serde::Serialize;

use super::error::CliError;
use super::output::{Target, to_stdout};

/// How a result is written.
pub(super) type Format<R> = fn(&R) -> String;

/// Everything that was asked for, open.
pub(super) struct Documents<R> {
    json: bool,
    open: Vec<(&'static str, Target, Format<R>)>,
}

impl<R: Serialize> Documents<R> {
    /// Opens every file: those of options that were given. `json` is standard output.
    ///
    /// # Errors
    /// Two that want standard output (2), or one that cannot be written (3).
    pub(super) fn open(
        json: bool,
        wanted: &[(&'static str, Option<&Path>, Format<R>)],
    ) -> Result<Self, CliError> {
        let on_stdout = wanted.iter().filter(|(_, path, _)| *path == Some(Path::new("-"))).count();
        if on_stdout + usize::from(json) > 1 {
            return Err(CliError::usage(
                "standard output takes one document",
                "give all but one of the reports a file of their own",
            ));
        }
        let mut open = Vec::new();
        for (option, path, format) in wanted {
            if let Some(path) = path {
                open.push((*option, Target::open(option, path)?, *format));
            }
        }
        Ok(Self { json, open })
    }

    /// Writes them all. The complaints about what could not be written.
    pub(super) fn write(self, result: &R) -> Vec<CliError> {
        let mut lost = Vec::new();
        if self.json {
            let written = to_stdout(json(result).as_bytes());
            lost.extend(written.err().map(|error| CliError::lost("--json", &error)));
        }
        for (option, target, format) in self.open {
            lost.extend(target.write(option, format(result).as_bytes()).err());
        }
        lost
    }
}

/// A result as JSON, for people and machines.
pub(super) fn json<R: Serialize>(result: &R) -> String {
    // Invariant: a result is plain data with string keys.
    serde_json::to_string_pretty(result).expect("a result is plain data") + "\n"
}
