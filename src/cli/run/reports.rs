//! The reports of a run.

use super::args::RunArgs;
use crate::cli::documents::{Documents, json};
use crate::cli::error::CliError;
use crate::report::{self, Report};

/// Everything that was asked for, open.
pub(super) type Reports = Documents<Report>;

/// Opens every file.
///
/// # Errors
/// As [`Documents::open`].
pub(super) fn open(args: &RunArgs) -> Result<Reports, CliError> {
    Documents::open(
        args.json,
        &[
            ("--report-json", args.report_json.as_deref(), json),
            ("--report-junit", args.report_junit.as_deref(), report::junit),
            ("--report-tap", args.report_tap.as_deref(), report::tap),
            ("--report-markdown", args.report_markdown.as_deref(), report::markdown),
        ],
    )
}
