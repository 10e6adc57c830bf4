//! `callcheck call` and `callcheck answer`: one side of a call, from the arguments to the exit code.

use std::sync::Arc;

use anyhow::Context;
use clap::ArgMatches;
use url::{Host, Url};

use super::args::{CallArgs, Noise};
use super::dialect::{Chosen, chosen};
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::live::Live as LiveView;
use super::output::Outputs;
use super::rendezvous::{Hosted, rendezvous};
use super::say::{View, say};
use crate::engine::local_addresses;
use crate::jsep::Role;
use crate::media;
use crate::network::{ImpairedNetwork, MachineNetwork, Network};
use crate::plan::{Plan, RoomUrl};
use crate::report::{self, Attempt, CallReport, Ending, Outcome, Report, VerdictWord};
use crate::runner::{self, Deps, Interrupt, Played, Run, RunError};
use crate::world::{Live, World};

pub(super) fn run(role: Role, args: &CallArgs, matches: &ArgMatches, noise: &Noise) -> anyhow::Result<Exit> {
    let mut plan = super::plan::plan(role, args, matches)?;
    let dialect = chosen(&args.dialect, &mut plan)?;
    check_media(&plan)?;
    super::probe::check(args)?;
    let outputs = Outputs::open(&args.output)?;
    if args.ice.insecure {
        say("warning: --insecure: certificates of the room and of TURN servers are not checked");
    }
    let seed = args.verdict.seed.unwrap_or_else(Live::random_seed);
    if args.probe.probe {
        return runtime()?.block_on(super::probe::play(plan, dialect, outputs, seed, View::of(noise)));
    }
    runtime()?.block_on(play(plan, dialect, outputs, seed, noise))
}

/// The runtime of this process.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("failed to start the runtime")
}

async fn play(
    plan: Plan,
    dialect: Option<Chosen>,
    mut outputs: Outputs,
    seed: u64,
    noise: &Noise,
) -> anyhow::Result<Exit> {
    let world: Arc<dyn World> = Arc::new(Live::new(seed));
    let interrupt = interrupt(&world);
    let rendezvous = rendezvous(&world, &plan.room, Some(&plan.leg), dialect).await?;
    let view = View::of(noise);
    let live = LiveView::new(view, &plan, rendezvous.hosted.is_some());
    let deps = Deps {
        world: Arc::clone(&world),
        network: network(&world, &plan),
        addresses: addresses(&plan.room.url),
        join: rendezvous.join,
        observe: live.observe(),
        record: outputs.record(),
        interrupt: interrupt.clone(),
    };
    let run = runner::run(&plan, deps).await;
    live.finish();
    let exit = conclude(&plan, run, outputs, view);
    if let Some(hosted) = rendezvous.hosted {
        stay(hosted, interrupt, view).await;
    }
    Ok(exit)
}

/// Prints the verdict, writes the reports and decides the exit code.
fn conclude(plan: &Plan, run: Result<Run, RunError>, outputs: Outputs, view: View) -> Exit {
    let (report, interrupted, mut lost) = match run {
        Ok(run) => judged(plan, run, view),
        Err(error) => {
            let interrupted = matches!(error, RunError::Interrupted);
            let reason = error.to_string();
            say(&CliError::untested(reason.as_str(), None).render(true));
            (not_run(reason), interrupted, Vec::new())
        }
    };
    lost.extend(outputs.write(&report));
    for error in &lost {
        say(&error.render(true));
    }
    let ending = Ending { interrupted, report_lost: !lost.is_empty(), flaky_ok: plan.flaky_ok };
    Exit::from(Outcome::of(&report, ending))
}

fn judged(plan: &Plan, run: Run, view: View) -> (Report, bool, Vec<CliError>) {
    let mut lost = Vec::new();
    let mut could_not_start = None;
    let mut attempts = Vec::new();
    for played in run.calls {
        // A command line states no steps.
        let Played { facts, verdicts, record_error, could_not_start: why, steps: _ } = played;
        lost.extend(record_error.map(|error| CliError::lost("the timeline", &error)));
        could_not_start = why;
        attempts.push(Attempt { facts, verdicts });
    }
    let mut call = report::flaky(plan, &attempts);
    if let Some(why) = could_not_start {
        // Nothing was tested, so nothing can have failed.
        (call.verdict, call.reason) = (VerdictWord::Unknown, Some(why));
    }
    let interrupted = attempts.last().is_some_and(|last| last.facts.interrupted.is_some());
    if let Some(last) = attempts.last() {
        show(plan, last, &call, view);
    }
    (report::build(vec![call]), interrupted, lost)
}

fn show(plan: &Plan, last: &Attempt, call: &CallReport, view: View) {
    let mut screen = report::render(plan, &last.facts, call, true);
    if view == View::Events {
        screen += &report::render_open(plan, &last.facts, true);
    }
    match view {
        View::Nothing => say(screen.lines().next().unwrap_or_default()),
        _ => {
            say(&format!("\n{}", screen.trim_end()));
            show_not_understood(last, call, view);
        }
    }
}

/// What the dialect did not understand, where the call is not as it should be and no finding tells of it, or with `-v`.
fn show_not_understood(last: &Attempt, call: &CallReport, view: View) {
    const SHOWN: usize = 3;
    let is_told = call.findings.iter().any(|finding| finding.id == "sig-message-not-understood");
    if view != View::Events && (is_told || call.verdict == VerdictWord::Passed) {
        return;
    }
    let of_dialect = |code: &str| ["unknown-message", "dialect", "refused"].contains(&code);
    let errors = last.facts.room_errors.iter().filter(|error| of_dialect(&error.code));
    let messages: Vec<&str> = errors.map(|error| error.message.as_str()).collect();
    if messages.is_empty() {
        return;
    }
    say(&format!(
        "\nthe room said what the dialect does not know, or refused something ({} times; -v shows each)",
        messages.len()
    ));
    for message in messages.iter().take(SHOWN) {
        say(&format!("  {}", message.escape_debug().to_string().replace("\\\"", "\"")));
    }
}

fn not_run(reason: String) -> Report {
    Report { verdict: VerdictWord::NotRun, reason: Some(reason), ..report::build(Vec::new()) }
}

pub(super) async fn stay(hosted: Hosted, interrupt: Interrupt, view: View) {
    if hosted.is_in_use() && view != View::Nothing {
        say("\nothers still use a room of this process; it stays until they leave (Ctrl-C ends it)");
    }
    hosted.stay(interrupt).await;
}

/// Reads every file before anything else happens.
pub(super) fn check_media(plan: &Plan) -> Result<(), CliError> {
    for track in &plan.leg.send {
        let nobody = media::Identity { peer: 0, stream: 0 };
        media::open(track, nobody).map_err(|error| CliError::media(&error))?;
    }
    Ok(())
}

/// The machine's network, with what shall go wrong on it: what we send, and what the other side sends, on its way in.
pub(super) fn network(world: &Arc<dyn World>, plan: &Plan) -> Arc<dyn Network> {
    let machine: Arc<dyn Network> = Arc::new(MachineNetwork);
    if plan.network.is_clean() {
        return machine;
    }
    let role = plan.leg.role;
    let (sent, received) = (plan.network.of(role).clone(), plan.network.of(role.other()).clone());
    Arc::new(ImpairedNetwork::new(Arc::clone(world), machine, role.as_str(), sent, received))
}

/// Every interface, and loopback where the other side is on this machine too.
pub(super) fn addresses(room: &RoomUrl) -> Vec<std::net::IpAddr> {
    let on_loopback = match Url::parse(room.reveal()).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let found = local_addresses(on_loopback);
    if found.is_empty() { local_addresses(true) } else { found }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed => Self::Failed,
            Outcome::Usage => Self::Usage,
            Outcome::CouldNotTest => Self::Untested,
            Outcome::NothingSelected => Self::Nothing,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}
