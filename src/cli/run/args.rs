//! The arguments of `callcheck run`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use crate::cli::args::SignalingArgs;
use crate::cli::error::CliError;
use crate::cli::value::{parse_count, parse_whole};
use crate::jsep::Role;
use crate::plan::Secret;
use crate::scenario::Scenario;

pub(in crate::cli) const NOTES: &str = "\
Examples:
  callcheck run scenarios                        every file in the folder
  callcheck run scenarios --tag smoke --jobs 4   some of them
  callcheck run call.toml --clock virtual        on simulated time
  callcheck run scenarios --report-junit out.xml --report-markdown summary.md
  callcheck run scenarios --role caller          and --role callee in another terminal

Exit codes:
  0  every scenario passed, or was skipped
  1  one failed, or passed only when it was tried again
  2  a file or the command line is wrong; nothing was run
  3  one could not be tested, or a report was unwritable
  4  nothing was selected
  130  interrupted; what was finished is reported";

/// Scenarios to run.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// Scenario files, or folders with some [default: scenarios]
    #[arg(value_name = "PATH", default_value = "scenarios", hide_default_value = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Run those whose name has this in it; repeatable
    #[arg(long, env = "CALLCHECK_FILTER", hide_env = true, value_name = "TEXT", value_delimiter = '\n')]
    filter: Vec<String>,
    /// Run those with this tag, or without `!TAG`; repeatable
    #[arg(long, env = "CALLCHECK_TAG", hide_env = true, value_name = "TAG", value_delimiter = '\n')]
    tag: Vec<String>,
    /// So many at a time [default: two for each core]
    #[arg(long, env = "CALLCHECK_JOBS", hide_env = true, value_name = "N", value_parser = parse_whole::<usize>)]
    jobs: Option<usize>,
    /// Try one that did not pass again up to N times
    #[arg(long, env = "CALLCHECK_RETRY", hide_env = true, value_name = "N", default_value = "0", hide_default_value = true, value_parser = parse_count)]
    pub(super) retry: u32,
    /// A pass on a retry is a pass
    #[arg(long, hide_short_help = true, env = "CALLCHECK_FLAKY_OK", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) flaky_ok: bool,
    /// End at the first that does not pass
    #[arg(long, env = "CALLCHECK_FAIL_FAST", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) fail_fast: bool,
    /// Print the names and titles, and run nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) list: bool,
    /// Print what would be run, and run nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Run again whenever a file changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["list", "dry_run"])]
    pub(super) watch: bool,
    /// All on this clock: real or virtual
    #[arg(long, env = "CALLCHECK_CLOCK", hide_env = true, value_name = "CLOCK", hide_possible_values = true)]
    pub(super) clock: Option<ClockArg>,
    /// Where every random choice starts
    #[arg(long, env = "CALLCHECK_SEED", hide_env = true, value_name = "N", value_parser = parse_whole::<u64>)]
    pub(super) seed: Option<u64>,
    /// Play this side alone; the other one is elsewhere
    ///
    /// The other process runs the same scenarios with the other role. They meet in a room for each scenario, at --signal,
    /// or at port 2255 of this machine, and tell each other their results: both end with the result of the whole call.
    #[arg(long, env = "CALLCHECK_ROLE", hide_env = true, value_name = "ROLE", value_parser = role)]
    pub(super) role: Option<Role>,
    /// Set a variable; repeatable
    #[arg(long, env = "CALLCHECK_VAR", hide_env = true, value_name = "NAME=VALUE", value_delimiter = '\n')]
    var: Vec<String>,
    /// Set a credential from the environment; repeatable
    ///
    /// The variable NAME has the value of the environment's NAME, which no shell history and no process list shows. It may
    /// stand in a `credential` and nowhere else.
    #[arg(long, env = "CALLCHECK_SECRET", hide_env = true, value_name = "NAME", value_delimiter = '\n')]
    secret: Vec<String>,
    /// Where the other side is.
    #[command(flatten)]
    pub(super) signaling: SignalingArgs,
    /// Write the timeline of each call into a folder
    ///
    /// A name that ends in .jsonl is a file, for one scenario.
    #[arg(long, env = "CALLCHECK_RECORD", hide_env = true, value_name = "FILE|DIR", help_heading = "Output")]
    pub(super) record: Option<PathBuf>,
    /// Write all of each failure into a folder
    ///
    /// One folder for each failure: the scenario as it was and as it was resolved, the verdict with its seed, the
    /// timeline and the ladder of both sides, and every description.
    #[arg(
        long,
        env = "CALLCHECK_SAVE_FAILURES",
        hide_env = true,
        value_name = "DIR",
        help_heading = "Output"
    )]
    pub(super) save_failures: Option<PathBuf>,
    /// Print the result as JSON on standard output
    #[arg(long, env = "CALLCHECK_JSON", hide_env = true, help_heading = "Output", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// Write the result as JSON; - is standard output
    #[arg(
        long,
        env = "CALLCHECK_REPORT_JSON",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_json: Option<PathBuf>,
    /// Write the result as JUnit XML
    #[arg(
        long,
        env = "CALLCHECK_REPORT_JUNIT",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_junit: Option<PathBuf>,
    /// Write the result as TAP
    #[arg(long, env = "CALLCHECK_REPORT_TAP", hide_env = true, value_name = "FILE", help_heading = "Output")]
    pub(super) report_tap: Option<PathBuf>,
    /// Write a summary as Markdown
    #[arg(
        long,
        env = "CALLCHECK_REPORT_MARKDOWN",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub(super) report_markdown: Option<PathBuf>,
}

/// Recorded browser cases.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The cases, as JSON
    #[arg(value_name = "FILE")]
    pub(super) cases: PathBuf,
    /// Where the scenarios go
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
}

/// On which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ClockArg {
    /// That of the machine, with real sockets.
    Real,
    /// Simulated.
    Virtual,
}

impl ClockArg {
    pub(super) fn is_virtual(self) -> bool {
        self == Self::Virtual
    }
}

impl RunArgs {
    /// Whether that scenario was asked for.
    pub(super) fn selects(&self, scenario: &Scenario) -> bool {
        let named =
            self.filter.is_empty() || self.filter.iter().any(|text| scenario.name.contains(text.as_str()));
        let (without, with): (Vec<&String>, Vec<&String>) =
            self.tag.iter().partition(|tag| tag.starts_with('!'));
        let has = |tag: &str| scenario.tags.iter().any(|own| own == tag);
        named
            && (with.is_empty() || with.iter().any(|tag| has(tag)))
            && !without.iter().any(|tag| has(&tag[1..]))
    }

    /// Calls wait more than they compute. Two processes that take turns play the same scenario at the same time.
    pub(super) fn jobs(&self) -> usize {
        if self.role.is_some() && self.jobs.is_none() {
            return 1;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or(cores * 2).max(1)
    }

    /// Whether a result goes to standard output.
    pub(super) fn wants_stdout(&self) -> bool {
        let files = [&self.report_json, &self.report_junit, &self.report_tap, &self.report_markdown];
        self.json || files.into_iter().flatten().any(|path| path == Path::new("-"))
    }
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|_| "the roles are caller and callee".to_owned())
}

/// What `--var` sets.
///
/// # Errors
/// A text without `=`; exit code 2.
pub(super) fn variables(args: &RunArgs) -> Result<BTreeMap<String, String>, CliError> {
    let variable = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.to_owned())),
        None => Err(CliError::usage(
            format!("`--var {text}` sets no value"),
            format!("write `--var {text}=VALUE`"),
        )),
    };
    args.var.iter().map(variable).collect()
}

/// What `--secret` sets.
///
/// # Errors
/// A name that the environment does not have; exit code 2.
pub(super) fn secrets(args: &RunArgs) -> Result<BTreeMap<String, Secret>, CliError> {
    let secret = |name: &String| match std::env::var(name) {
        Ok(value) => Ok((name.clone(), Secret::new(value))),
        Err(_) => Err(CliError::usage(
            format!("the environment has no {name} for --secret"),
            format!("set it, such as `{name}=... callcheck run ...`"),
        )),
    };
    args.secret.iter().map(secret).collect()
}
