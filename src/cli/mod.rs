//! The command line: arguments become a plan, files are opened, the world is built, the run is shown while it happens,
//! and its verdict becomes an exit code. Nobody else prints.

mod args;
mod call;
mod dialect;
mod documents;
mod error;
mod exit;
mod expect;
mod explain;
mod fault;
mod fetch;
mod habits;
mod ice;
mod init;
mod interrupt;
mod live;
mod network;
mod output;
mod plan;
mod probe;
mod rendezvous;
mod run;
mod say;
mod send;
mod serve;
mod sim;
mod turn;
mod value;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::jsep::Role;

use args::{Cli, Command, SchemaName};
use error::CliError;
use exit::Exit;

/// Does what the arguments ask for.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    say_where_we_are_wrong();
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(error) => complain(&error).into(),
    }
}

/// Prints what stopped us. Errors of ours know their exit code; any other one means that nothing was tested.
fn complain(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<CliError>() {
        Some(known) => {
            say::say(&known.render(true));
            known.exit
        }
        None => {
            say::say(&format!("error: {error:#}"));
            Exit::Untested
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Exit> {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let matches = match Cli::command().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(error) => return Ok(help_or_usage(&error)),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return Ok(help_or_usage(&error)),
    };
    say::set_up(&cli.noise);
    plan::check_noise(&cli.noise)?;
    if let Command::Call(args) | Command::Answer(args) = &cli.command
        && args.fault.wants_list()
    {
        let text = fault::listed();
        output::to_stdout(text.as_bytes()).map_err(|error| CliError::lost("the list", &error))?;
        return Ok(Exit::Passed);
    }
    let matches = matches.subcommand().map(|(_, matches)| matches).unwrap_or(&matches);
    match &cli.command {
        Command::Call(args) => call::run(Role::Caller, args, matches, &cli.noise),
        Command::Answer(args) => call::run(Role::Callee, args, matches, &cli.noise),
        Command::Serve(args) => serve::run(args, &cli.noise),
        Command::Explain(args) => explain::run(args, &cli.noise),
        Command::Dialect(command) => dialect::run(command),
        Command::Run(args) => run::run(args, &cli.noise),
        Command::Turn(args) => turn::run(args, &cli.noise),
        Command::Init(args) => init::run(args),
        Command::Import(args) => run::import(args),
        Command::Sim(args) => sim::run(args, matches, &cli.noise, &words),
        Command::Schema(args) => schema(args.name),
    }
}

/// clap prints its own words: help to standard output, complaints to standard error.
fn help_or_usage(error: &clap::Error) -> Exit {
    // Whoever closed the stream does not want to read.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Passed }
}

fn schema(name: SchemaName) -> anyhow::Result<Exit> {
    let text = match name {
        SchemaName::Report => crate::report::schema(),
        SchemaName::Turn => crate::turn::schema(),
        SchemaName::Probe => crate::probe::schema(),
        SchemaName::Timeline => crate::timeline::schema(),
        SchemaName::Scenario => format!("{:#}\n", crate::scenario::schema()),
    };
    output::to_stdout(text.as_bytes()).map_err(|error| CliError::lost("the schema", &error))?;
    Ok(Exit::Passed)
}

/// A panic is a defect of callcheck; say so instead of leaving a stranger with a backtrace.
fn say_where_we_are_wrong() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        say::say(&format!(
            "callcheck has a defect at {place}: {what}\nplease report it with this line and the command"
        ));
    }));
}

#[cfg(test)]
mod tests;
