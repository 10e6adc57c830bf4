//! `callcheck turn`: TURN servers step by step, and what to change where a step fails.

mod args;
mod engine;
mod outside;
mod targets;
mod watch;

use std::path::Path;
use std::sync::Arc;

use futures::future::{Either, select};

use super::args::Noise;
use super::documents::{Documents, json};
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::say::{View, say};
use crate::runner::Interrupt;
use crate::stun::Stop;
use crate::trust::Trust;
use crate::turn::{self, Config, TurnExpectation, TurnReport, Verdict};
use crate::world::{Live, World};

use targets::Targets;
use watch::Watch;

pub(super) use args::{NOTES, TurnArgs};

pub(super) fn run(args: &TurnArgs, noise: &Noise) -> anyhow::Result<Exit> {
    let stated = args.expect.iter().map(|text| expectation(text)).collect::<Result<Vec<_>, _>>()?;
    let mut config = config(args, &stated)?;
    let reports = documents(args)?;
    super::call::runtime()?.block_on(async {
        let world: Arc<dyn World> = Arc::new(Live::new(Live::random_seed()));
        let interrupted = interrupt(&world);
        if args.urls.is_empty() && args.ice_servers.is_none() {
            return Ok(outside::play(&world, args, interrupted).await?);
        }
        let mut targets = targets::targets(args, world.wall())?;
        if let Some(note) = targets.note.filter(|_| noise.verbose > 0) {
            say(note);
        }
        if args.insecure {
            say("warning: --insecure: certificates are told, and not demanded");
        }
        let found = match select(interrupted.clone(), Box::pin(outside::find(&world, args))).await {
            Either::Left(_) => return Ok(Exit::Interrupted),
            Either::Right((found, _)) => found?,
        };
        config.vantage = found.as_ref().map(|found| Arc::clone(&found.vantage));
        let exit = probe(&world, args, (&config, &mut targets, &stated), reports, noise, interrupted).await;
        if let Some(found) = found {
            found.leave().await;
        }
        exit
    })
}

/// Probes once, or again and again.
async fn probe(
    world: &Arc<dyn World>,
    args: &TurnArgs,
    (config, targets, stated): (&Config, &mut Targets, &[TurnExpectation]),
    reports: Documents<TurnReport>,
    noise: &Noise,
    interrupted: Interrupt,
) -> anyhow::Result<Exit> {
    if let Some(pause) = args.watch {
        let (world, quiet) = (Arc::clone(world), noise.quiet);
        let watch = Watch { world, config, targets, stated, pause, quiet };
        return Ok(watch.run(args.metrics, interrupted).await?);
    }
    let (cancel, stop) = Stop::pair();
    let probed = Box::pin(turn::probe(world, config, &targets.list, &stop));
    match select(interrupted.clone(), probed).await {
        Either::Left((_, probed)) => {
            say("interrupted; allocations are released");
            drop(cancel);
            probed.await;
            Ok(Exit::Interrupted)
        }
        Either::Right((mut servers, _)) => {
            if args.engine {
                engine::calls(world, args, &targets.list, &mut servers, &interrupted).await;
            }
            Ok(conclude(&turn::report(stated, servers), reports, noise))
        }
    }
}

fn expectation(text: &str) -> Result<TurnExpectation, CliError> {
    turn::parse_turn_expectation(text).map_err(|diagnostic| CliError::place(*diagnostic))
}

fn config(args: &TurnArgs, stated: &[TurnExpectation]) -> Result<Config, CliError> {
    let pem = match &args.ca {
        Some(path) => {
            Some(std::fs::read_to_string(path).map_err(|error| CliError::unreadable("--ca", path, &error))?)
        }
        None => None,
    };
    let trust = Trust::new(pem.as_deref(), args.insecure).map_err(|error| {
        let path = args.ca.as_deref().unwrap_or_else(|| Path::new("")).display().to_string();
        CliError::usage(format!("`{path}` for --ca is not usable: {error}"), "give certificates as PEM")
    })?;
    Ok(Config {
        trust,
        limits: Config::LIMITS,
        also_443: args.also_443,
        duration: args.duration,
        hold: args.hold,
        audit: args.audit,
        resolver: args.resolver,
        vantage: None,
        loss_limit: (!stated.iter().any(TurnExpectation::is_of_loss)).then_some(Config::LOSS_LIMIT),
        demanded: stated.iter().filter_map(TurnExpectation::transport).collect(),
    })
}

/// Prints the verdict, writes the reports and decides the exit code.
fn conclude(report: &TurnReport, reports: Documents<TurnReport>, noise: &Noise) -> Exit {
    match View::of(noise) {
        View::Nothing => say(&turn::summary(report, true)),
        _ => say(turn::screen(report, noise.verbose > 0, true).trim_end()),
    }
    let lost = reports.write(report);
    for error in &lost {
        say(&error.render(true));
    }
    match report.verdict {
        _ if !lost.is_empty() => Exit::Untested,
        Verdict::Passed => Exit::Passed,
        Verdict::Failed => Exit::Failed,
        Verdict::Unknown => Exit::Untested,
    }
}

fn documents(args: &TurnArgs) -> Result<Documents<TurnReport>, CliError> {
    Documents::open(
        args.json,
        &[
            ("--report-json", args.report_json.as_deref(), json),
            ("--report-junit", args.report_junit.as_deref(), turn::junit),
            ("--report-markdown", args.report_markdown.as_deref(), turn::markdown),
        ],
    )
}
