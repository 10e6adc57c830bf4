//! `callcheck explain`: why a call was not as expected, from recorded timelines, pasted SDP or a webrtc-internals dump; and
//! the catalogue of everything that can be found.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::{Noise, OutputArgs};
use super::error::CliError;
use super::exit::Exit;
use super::output::Outputs;
use super::say::{View, say};
use crate::diagnose::Thresholds;
use crate::explain::{Input, explain};
use crate::report::{self, Ending, Outcome};

/// The text under the long help.
pub(super) const NOTES: &str = "\
Examples:
  callcheck explain call.jsonl
  callcheck explain caller.jsonl callee.jsonl
  callcheck explain offer.sdp answer.sdp
  callcheck explain caller:offer.sdp callee:answer.sdp callee:offer2.sdp:undelivered
  pbpaste | callcheck explain -
  callcheck explain --about sdp-addtransceiver-unassociated

Exit codes:
  0  nothing major was found
  1  a major finding or worse
  2  the command line or a file is wrong
  3  callcheck itself was at fault, or a report was unwritable";

/// Files to explain.
#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArgs {
    /// Timelines, SDP in the order sent, or a webrtc-internals dump; - is stdin
    ///
    /// Timelines of one call (one side's, or both), or descriptions in the order in which they were sent (SDP, JSON with
    /// type and sdp, or a text with escaped newlines), or a dump of chrome://webrtc-internals, gzipped or not. A
    /// description may be `caller:FILE`, `callee:FILE` and `FILE:undelivered`; otherwise its author is inferred. `-` reads
    /// standard input.
    #[arg(value_name = "FILE", required_unless_present_any = ["list", "about"])]
    pub(super) files: Vec<String>,
    /// Print every finding that there can be
    #[arg(long, conflicts_with_all = ["files", "about"])]
    pub(super) list: bool,
    /// Print what a finding means and how to mend it
    #[arg(long, value_name = "ID", conflicts_with = "files")]
    pub(super) about: Option<String>,
    /// Print the result as JSON on standard output
    #[arg(long, env = "CALLCHECK_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// Write the result as JSON; - is standard output
    #[arg(long, env = "CALLCHECK_REPORT_JSON", hide_env = true, value_name = "FILE")]
    pub(super) report_json: Option<PathBuf>,
}

pub(super) fn run(args: &ExplainArgs, noise: &Noise) -> anyhow::Result<Exit> {
    if args.list {
        return print(&report::catalogue_list(true));
    }
    if let Some(id) = &args.about {
        return about(id);
    }
    let output = OutputArgs { json: args.json, report_json: args.report_json.clone(), record: None };
    super::plan::check_outputs(&output)?;
    let outputs = Outputs::open(&output)?;
    let inputs = args.files.iter().map(|file| input(file)).collect::<Result<Vec<_>, _>>()?;
    let explanation = explain(&inputs, &Thresholds::default()).map_err(|error| {
        CliError::usage(
            format!("failed to explain: {error}"),
            "give timelines of --record, descriptions in the order sent, or one webrtc-internals dump",
        )
    })?;
    let name = args.files.join(" ");
    let report = report::explain_report(&name, &explanation);
    let screen = report::render_explanation(&name, &explanation, noise.verbose > 0, true);
    match View::of(noise) {
        View::Nothing => say(screen.lines().next().unwrap_or_default()),
        _ => say(screen.trim_end()),
    }
    let lost = outputs.write(&report);
    for error in &lost {
        say(&error.render(true));
    }
    let ending = Ending { interrupted: false, report_lost: !lost.is_empty(), flaky_ok: false };
    Ok(Exit::from(Outcome::of(&report, ending)))
}

fn about(id: &str) -> anyhow::Result<Exit> {
    if let Some(text) = report::catalogue_about(id, true) {
        return print(&text);
    }
    let help = match report::closest_finding(id) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`callcheck explain --list` prints all".to_owned(),
    };
    Err(CliError::usage(format!("there is no finding `{id}`"), help).into())
}

fn print(text: &str) -> anyhow::Result<Exit> {
    let mut out = anstream::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| CliError::lost("the catalogue", &error))?;
    Ok(Exit::Passed)
}

/// A file with what its argument says of it.
fn input(argument: &str) -> Result<Input, CliError> {
    // A file that is there is meant, whatever its name looks like.
    let (author, path, undelivered) = match Path::new(argument).exists() {
        true => (None, argument, false),
        false => Input::argument(argument),
    };
    let bytes = match path {
        "-" => stdin(),
        path => std::fs::read(path),
    };
    let bytes = bytes.map_err(|error| CliError::unreadable("explain", Path::new(path), &error))?;
    Ok(Input { author, undelivered, ..Input::new(path, bytes) })
}

fn stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
