//! Arguments → a plan, or one clear complaint. Reads the small files that hold secrets and servers; opens nothing else.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;

use super::args::{CallArgs, IcePolicyArg, Noise, OutputArgs, SignalingArgs, YesNo};
use super::error::{CliError, secret_from};
use super::expect::expectations;
use super::habits::habits;
use super::ice::ice_servers;
use super::network::network_plan;
use super::send::send_plan;
use crate::jsep::Role;
use crate::plan::{
    Attach, Habits, IcePolicy, LegPlan, Plan, RoomPlan, RoomUrl, Secret, SendPlan, are_symptoms, wanted,
};
use crate::trust::Trust;

/// How long media flows when the caller was not told.
const DEFAULT_DURATION: Duration = Duration::from_secs(5);

/// The call that the command line describes. `matches` are those of the same command, for the order of its options.
///
/// # Errors
/// Whatever contradicts itself, or that no call can do; exit code 2.
pub(super) fn plan(role: Role, args: &CallArgs, matches: &ArgMatches) -> Result<Plan, CliError> {
    check_outputs(&args.output)?;
    let verdict = &args.verdict;
    if verdict.flaky_ok && verdict.retry == 0 {
        return Err(CliError::usage(
            "--flaky-ok without --retry permits nothing",
            "add `--retry 2`, for example",
        ));
    }
    let expectations = expectations(&verdict.expect, role)?;
    Ok(Plan {
        room: room_plan(&args.room, &args.signaling)?,
        leg: LegPlan { receive: wanted(&expectations, role), ..leg_plan(role, args, matches)? },
        network: network_plan(&args.ice.network)?,
        steps: Vec::new(),
        expects_symptoms: are_symptoms(&expectations),
        expectations,
        strict: verdict.strict,
        retries: verdict.retry,
        flaky_ok: verdict.flaky_ok,
    })
}

/// `-q` and `-v` contradict each other wherever they come from.
///
/// # Errors
/// Exit code 2.
pub(super) fn check_noise(noise: &Noise) -> Result<(), CliError> {
    if noise.quiet && noise.verbose > 0 {
        return Err(CliError::usage("-q and -v contradict each other", "leave one of them out"));
    }
    Ok(())
}

fn leg_plan(role: Role, args: &CallArgs, matches: &ArgMatches) -> Result<LegPlan, CliError> {
    let ice_servers = ice_servers(&args.ice, matches)?;
    let relay = args.ice.ice_policy == IcePolicyArg::Relay;
    if relay && !ice_servers.iter().flat_map(|server| &server.urls).any(|url| url.starts_with("turn")) {
        return Err(CliError::usage(
            "--ice-policy relay needs a TURN server",
            "name one with `--ice-server turn:HOST --username NAME`, or leave --ice-policy out",
        ));
    }
    let duration = args.media.duration.or_else(|| (role == Role::Caller).then_some(DEFAULT_DURATION));
    let habits = habits(role, &args.habits)?;
    Ok(LegPlan {
        role,
        name: name(role, args.signaling.name.as_deref())?,
        send: attached(&habits, &args.media.send)?,
        receive: Vec::new(),
        habits,
        data: args.media.data,
        faults: super::fault::plans(role, &args.fault.fault)?,
        ice_servers,
        ca: authorities(args.ice.ca.as_deref())?,
        insecure: args.ice.insecure,
        ice_policy: if relay { IcePolicy::Relay } else { IcePolicy::All },
        trickle: args.ice.trickle == YesNo::Yes,
        bind: args.ice.bind.iter().map(|text| address(text)).collect::<Result<_, _>>()?,
        wait: args.times.wait,
        answer_timeout: args.times.answer_timeout,
        follow_up: args.times.follow_up,
        probe_reoffer: args.verdict.probe_reoffer,
        timeout: args.times.timeout,
        duration,
    })
}

/// What is sent; nothing where the application attaches nothing.
fn attached(habits: &Habits, stated: &[String]) -> Result<Vec<SendPlan>, CliError> {
    let send = send_plan(stated)?;
    if habits.attach != Attach::None {
        return Ok(send);
    }
    if !stated.is_empty() && !send.is_empty() {
        return Err(CliError::usage(
            format!("--attach none attaches nothing, so `--send {}` cannot be sent", stated[0]),
            "leave one of them out",
        ));
    }
    Ok(Vec::new())
}

pub(super) fn room_plan(name: &str, args: &SignalingArgs) -> Result<RoomPlan, CliError> {
    if name.trim().is_empty() {
        return Err(CliError::usage("the room has no name", "name it, such as `callcheck call demo`"));
    }
    let stated = args.signal.is_some();
    let url = args.signal.as_ref().unwrap_or(&args.default_room_url);
    Ok(RoomPlan {
        name: name.to_owned(),
        url: signal_url(url)?,
        host: !stated,
        token: token(args.token.as_deref(), args.token_file.as_deref())?,
        dialect: None,
    })
}

/// A file with certificates that can be used.
///
/// # Errors
/// It cannot be read, or holds none; exit code 2.
fn authorities(path: Option<&Path>) -> Result<Option<PathBuf>, CliError> {
    let Some(path) = path else { return Ok(None) };
    let pem = std::fs::read_to_string(path).map_err(|error| CliError::unreadable("--ca", path, &error))?;
    Trust::new(Some(&pem), false).map_err(|error| {
        let title = format!("`{}` for --ca is not usable: {error}", path.display());
        CliError::usage(title, "give certificates as PEM")
    })?;
    Ok(Some(path.to_owned()))
}

/// The token, said directly or by a file.
///
/// # Errors
/// Both were said, or the file is unreadable or empty.
pub(super) fn token(text: Option<&str>, file: Option<&Path>) -> Result<Option<Secret>, CliError> {
    match (text, file) {
        (Some(_), Some(_)) => {
            Err(CliError::usage("--token and --token-file contradict each other", "leave one of them out"))
        }
        (Some(""), None) => Err(CliError::usage("the token is empty", "leave --token out, or say one")),
        (Some(text), None) => Ok(Some(Secret::new(text))),
        (None, Some(file)) => secret_from("--token-file", &file.to_path_buf()).map(Some),
        (None, None) => Ok(None),
    }
}

fn signal_url(text: &str) -> Result<RoomUrl, CliError> {
    let stated = RoomUrl::new(text);
    let wrong = |why: String, help: &str| CliError::usage(format!("--signal `{stated}` {why}"), help);
    let form = "write `ws://HOST:PORT` or `wss://HOST`";
    let url = url::Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => wrong("has no scheme".into(), form),
        other => wrong(format!("is not a URL: {other}"), form),
    })?;
    let instead = |scheme: &str| {
        let shown = stated.to_string();
        let rest = shown.split_once(':').map_or("", |(_, rest)| rest);
        format!("did you mean `{scheme}:{rest}`?")
    };
    match url.scheme() {
        "ws" | "wss" => {}
        "http" => return Err(wrong("is no WebSocket".into(), &instead("ws"))),
        "https" => return Err(wrong("is no WebSocket".into(), &instead("wss"))),
        // `localhost:2255` parses as a URL whose scheme is `localhost`.
        _ => return Err(wrong("does not begin with `ws://` or `wss://`".into(), form)),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CliError::usage(
            "--signal holds a user or a password",
            "leave them out, and use --token-file",
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong("has a fragment".into(), "leave out `#` and what follows"));
    }
    Ok(stated)
}

fn name(role: Role, stated: Option<&str>) -> Result<String, CliError> {
    match stated.map(str::trim) {
        None => Ok(role.to_string()),
        Some("") => Err(CliError::usage("--name is empty", "leave it out, or say a name")),
        Some(name) => Ok(name.to_owned()),
    }
}

fn address(text: &str) -> Result<IpAddr, CliError> {
    text.parse().map_err(|_| {
        CliError::usage(
            format!("--bind `{text}` is not an IP address"),
            "write an address of this machine, such as `192.0.2.7` or `::1`",
        )
    })
}

/// Standard output carries one thing, and no file carries two.
pub(super) fn check_outputs(output: &OutputArgs) -> Result<(), CliError> {
    let named = [("--report-json", &output.report_json), ("--record", &output.record)];
    let mut taken: Vec<(&str, &Path)> = Vec::new();
    if output.json {
        taken.push(("--json", Path::new("-")));
    }
    for (option, path) in named.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?))) {
        if let Some((other, _)) = taken.iter().find(|(_, used)| *used == path) {
            let place = if path == Path::new("-") {
                "standard output".into()
            } else {
                format!("`{}`", path.display())
            };
            return Err(CliError::usage(
                format!("{other} and {option} both write to {place}"),
                "give one of them a file of its own",
            ));
        }
        taken.push((option, path));
    }
    Ok(())
}
