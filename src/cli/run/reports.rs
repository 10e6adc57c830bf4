//! The reports of a run: opened before anything is played, so that a wrong path costs nothing.

use std::path::Path;

use super::args::RunArgs;
use crate::cli::error::CliError;
use crate::cli::output::{Target, to_stdout};
use crate::report::{self, Report};

/// Everything that was asked for, open.
pub(super) struct Reports {
    json: bool,
    open: Vec<(&'static str, Target, Format)>,
}

type Format = fn(&Report) -> String;

impl Reports {
    /// Opens every file.
    ///
    /// # Errors
    /// Two that want standard output (2), or one that cannot be written (3).
    pub(super) fn open(args: &RunArgs) -> Result<Self, CliError> {
        let wanted: [(&'static str, Option<&Path>, Format); 4] = [
            ("--report-json", args.report_json.as_deref(), json),
            ("--report-junit", args.report_junit.as_deref(), report::junit),
            ("--report-tap", args.report_tap.as_deref(), report::tap),
            ("--report-markdown", args.report_markdown.as_deref(), report::markdown),
        ];
        let on_stdout = wanted.iter().filter(|(_, path, _)| *path == Some(Path::new("-"))).count();
        if on_stdout + usize::from(args.json) > 1 {
            return Err(CliError::usage(
                "standard output takes one document",
                "give all but one of the reports a file of their own",
            ));
        }
        let mut open = Vec::new();
        for (option, path, format) in wanted {
            if let Some(path) = path {
                open.push((option, Target::open(option, path)?, format));
            }
        }
        Ok(Self { json: args.json, open })
    }

    /// Writes them all. The complaints about what could not be written.
    pub(super) fn write(self, report: &Report) -> Vec<CliError> {
        let mut lost = Vec::new();
        if self.json {
            lost.extend(
                to_stdout(json(report).as_bytes()).err().map(|error| CliError::lost("--json", &error)),
            );
        }
        for (option, target, format) in self.open {
            lost.extend(target.write(option, format(report).as_bytes()).err());
        }
        lost
    }
}

fn json(report: &Report) -> String {
    // Invariant: a report is plain data with string keys.
    serde_json::to_string_pretty(report).expect("a report is plain data") + "\n"
}
