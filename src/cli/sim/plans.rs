//! The plans of both sides from one command line.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::args::{ClockArg, SimArgs};
use crate::cli::args::{CallArgs, Cli, Command};
use crate::cli::error::CliError;
use crate::cli::network::network_plan;
use crate::cli::plan;
use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, IcePolicy, Plan, RoomUrl};
use crate::sim::SimCall;

/// What the room is called where there is but one.
const ROOM: &str = "sim";

/// Options of `call` and `answer` that belong to the run and not to a side of it.
const NOT_OF_A_SIDE: &[&str] = &[
    "signal",
    "dialect",
    "peer",
    "dialect_var",
    "dialect_secret",
    "token",
    "token_file",
    "network",
    "network_caller",
    "network_callee",
    "retry",
    "probe",
    "flaky_ok",
    "seed",
    "json",
    "report_json",
    "record",
    "quiet",
    "verbose",
    "color",
];

/// The call that the command line describes.
///
/// # Errors
/// Whatever contradicts itself, or that no simulated call can do; exit code 2.
pub(super) fn call(args: &SimArgs) -> Result<SimCall, CliError> {
    let network = network_plan(&args.network)?;
    let side = |role| {
        let mut plan = side(role, args)?;
        plan.network = network.clone();
        plan.strict |= args.verdict.strict;
        if args.clock.clock == ClockArg::Virtual {
            check_virtual(&plan.leg.bind.is_empty(), &plan)?;
        }
        Ok(plan)
    };
    let (mut caller, mut callee) = (side(Role::Caller)?, side(Role::Callee)?);
    // A finding is demanded of the call, and the caller is asked for it.
    if caller.expects_symptoms || callee.expects_symptoms {
        for plan in [&mut caller, &mut callee] {
            (plan.expects_symptoms, plan.leg.receive) = (true, MediaKind::ALL.to_vec());
        }
    }
    Ok(SimCall { caller, callee, path: Some(args.clock.signal_delay.path()) })
}

fn side(role: Role, args: &SimArgs) -> Result<Plan, CliError> {
    let (mut own, matches) = parsed(role, args)?;
    let stated = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    if let Some(id) = NOT_OF_A_SIDE.iter().find(|id| stated(id)) {
        let option = format!("--{}", id.replace('_', "-"));
        return Err(CliError::usage(
            format!("{option} does not belong in {}", option_of(role)),
            "what concerns the whole run stands beside it; a simulated call needs no room server",
        ));
    }
    if !stated("duration") && role == Role::Caller {
        own.media.duration = args.duration;
    }
    for (id, given, common) in [
        ("wait", &mut own.times.wait, args.times.wait),
        ("answer_timeout", &mut own.times.answer_timeout, args.times.answer_timeout),
        ("timeout", &mut own.times.timeout, args.times.timeout),
        ("follow_up", &mut own.times.follow_up, args.times.follow_up),
    ] {
        if !stated(id) {
            *given = common;
        }
    }
    // What the environment says of expectations and outputs was said of the whole run.
    if !stated("expect") {
        own.verdict.expect.clear();
    }
    (own.output.json, own.output.report_json, own.output.record) = (false, None, None);
    (own.verdict.retry, own.verdict.flaky_ok) = (0, false);
    (own.signaling.signal, own.signaling.token, own.signaling.token_file) = (None, None, None);
    for text in &args.verdict.expect {
        if of_side(text, role)? {
            own.verdict.expect.push(text.clone());
        }
    }
    let mut plan = plan::plan(role, &own, &matches)?;
    (plan.room.url, plan.room.host) = (RoomUrl::default(), false);
    Ok(plan)
}

/// The options of one side, read as those of its own command.
fn parsed(role: Role, args: &SimArgs) -> Result<(CallArgs, ArgMatches), CliError> {
    let (command, text) = match role {
        Role::Caller => ("call", &args.caller),
        Role::Callee => ("answer", &args.callee),
    };
    let Some(words) = shlex::split(text) else {
        return Err(CliError::usage(
            format!("a quotation mark in {} is not closed", option_of(role)),
            "close it, such as --caller \"--send 'audio=my song.opus'\"",
        ));
    };
    let line = ["callcheck", command, ROOM].into_iter().map(str::to_owned).chain(words);
    let read = Cli::command().try_get_matches_from(line).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    let (cli, matches) = read.map_err(|error| explained(role, command, &error))?;
    let (Command::Call(own) | Command::Answer(own)) = cli.command else {
        // Invariant: the command was given above.
        unreachable!("another command than {command}")
    };
    let matches = matches.subcommand().map_or_else(|| matches.clone(), |(_, matches)| matches.clone());
    Ok((own, matches))
}

/// clap's complaint in our words: what is wrong, and its own tip.
fn explained(role: Role, command: &str, error: &clap::Error) -> CliError {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let title = lines.first().map_or("cannot be read", |line| line.trim_start_matches("error: "));
    let tip = lines.iter().find_map(|line| line.strip_prefix("tip: "));
    let help = tip.map_or_else(|| format!("`callcheck {command} --help` lists the options"), str::to_owned);
    CliError::usage(format!("in {}: {title}", option_of(role)), help)
}

fn option_of(role: Role) -> String {
    format!("--{role}")
}

/// Whether an expectation of the run is one of that side: of the side that it names, of the caller where it speaks of
/// the call, and of both otherwise.
fn of_side(text: &str, role: Role) -> Result<bool, CliError> {
    let read = |default| Expectation::parse(text, default).map_err(CliError::place);
    let (as_caller, as_callee) = (read(Role::Caller)?, read(Role::Callee)?);
    Ok(match (as_caller.of, as_callee.of) {
        (None, _) => role == Role::Caller,
        (caller, callee) if caller == callee => caller == Some(role),
        _ => true,
    })
}

fn check_virtual(every_interface: &bool, plan: &Plan) -> Result<(), CliError> {
    let option = option_of(plan.leg.role);
    let on_real = "leave it out, or add `--clock real`";
    if !every_interface {
        return Err(CliError::usage(
            format!("--bind in {option}: a simulated peer has one address of its own"),
            on_real,
        ));
    }
    if !plan.leg.ice_servers.is_empty() || plan.leg.ice_policy == IcePolicy::Relay {
        return Err(CliError::usage(
            format!("--ice-server in {option}: there are no servers on simulated time"),
            on_real,
        ));
    }
    Ok(())
}
