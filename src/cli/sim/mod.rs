//! `callcheck sim`: both sides of a call in one process, with one seed or many.

mod args;
mod plans;
mod prove;
mod replay;

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::Noise;
use super::call::{check_media, runtime};
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::live::brief;
use super::output::Outputs;
use super::say::{View, say};
use crate::report::{
    self, CallReport, Ending, ExplorationReport, Outcome, Report, SeedGroupReport, VerdictWord,
};
use crate::runner::{Interrupt, RunError};
use crate::sim::{self, Group, SimCall, SimError, explore};
use crate::suite::call_report;
use crate::timeline::Event;
use crate::world::{Live, World};

use args::ClockArg;
pub(super) use args::{SimArgs, notes};
use replay::replay;

/// Good calls of each shape in the proof.
const GOOD_CALLS: u64 = 12;
/// The seed of a simulated call that states none: the first run of everybody shows the same.
const FIRST_SEED: u64 = 1;

pub(super) fn run(
    args: &SimArgs,
    matches: &ArgMatches,
    noise: &Noise,
    words: &[OsString],
) -> anyhow::Result<Exit> {
    let args = &resolved(args, matches);
    let call = plans::call(args)?;
    check(args)?;
    check_media(&call.caller)?;
    check_media(&call.callee)?;
    let outputs = Outputs::open(&args.output)?;
    let runtime = runtime()?;
    let _entered = runtime.enter();
    let world: Arc<dyn World> = Arc::new(Live::new(0));
    let interrupt = interrupt(&world);
    let view = View::of(noise);
    if let Some(filter) = &args.clock.prove {
        let seeds = args.clock.seeds.as_ref().map_or(GOOD_CALLS, |seeds| seeds.end() - seeds.start() + 1);
        return prove::run(filter, seeds, threads(args), &interrupt);
    }
    match &args.clock.seeds {
        Some(seeds) => {
            let again = |seed| replay(words, matches, seed);
            Ok(many(args, &call, seeds.clone(), &interrupt, outputs, view, &again))
        }
        None => Ok(one(args, &call, &runtime, &interrupt, outputs, view)),
    }
}

/// How many seeds at a time.
fn threads(args: &SimArgs) -> usize {
    args.clock.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// What is wrong with these arguments, if anything is.
#[cfg(test)]
pub(super) fn complaint(args: &SimArgs, matches: &ArgMatches) -> Option<CliError> {
    let args = &resolved(args, matches);
    plans::call(args).and_then(|_| check(args)).err()
}

/// What the environment says gives way to what the command line says.
fn resolved(args: &SimArgs, matches: &ArgMatches) -> SimArgs {
    let stated = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let mut args = args.clone();
    if stated("seed") && !stated("seeds") {
        args.clock.seeds = None;
    }
    if args.clock.seeds.is_some() {
        args.clock.seed = args.clock.seed.filter(|_| stated("seed"));
        args.output.record = args.output.record.filter(|_| stated("record"));
        if !stated("clock") {
            args.clock.clock = ClockArg::Virtual;
        }
    } else {
        args.clock.jobs = args.clock.jobs.filter(|_| stated("jobs") || args.clock.prove.is_some());
    }
    args
}

fn check(args: &SimArgs) -> Result<(), CliError> {
    super::plan::check_outputs(&args.output)?;
    let clock = &args.clock;
    let contradiction = |title: &str, help: &str| Err(CliError::usage(title, help));
    match &clock.seeds {
        Some(_) if clock.seed.is_some() => {
            contradiction("--seed and --seeds contradict each other", "leave one of them out")
        }
        Some(_) if clock.clock == ClockArg::Real => {
            contradiction("--seeds explores simulated time only", "leave --clock real out")
        }
        Some(_) if args.output.record.is_some() => {
            contradiction("--record needs one seed", "take --seed instead of --seeds")
        }
        None if clock.jobs.is_some() && clock.prove.is_none() => {
            contradiction("--jobs needs --seeds", "add `--seeds 1..100`")
        }
        _ => Ok(()),
    }
}

/// One call.
fn one(
    args: &SimArgs,
    call: &SimCall,
    runtime: &tokio::runtime::Runtime,
    interrupt: &Interrupt,
    mut outputs: Outputs,
    view: View,
) -> Exit {
    let record = outputs.record();
    let recorded = record.is_some() || view == View::Events;
    let (seed, played) = match args.clock.clock {
        ClockArg::Virtual => {
            let seed = args.clock.seed.unwrap_or(FIRST_SEED);
            (seed, sim::play(call, seed, recorded, interrupt.clone()))
        }
        ClockArg::Real => {
            let seed = args.clock.seed.unwrap_or_else(Live::random_seed);
            let world: Arc<dyn World> = Arc::new(Live::new(seed));
            (seed, runtime.block_on(sim::play_live(call, world, recorded, interrupt.clone())))
        }
    };
    let mut lost = Vec::new();
    let mut interrupted = matches!(played, Err(SimError::Run(RunError::Interrupted)));
    let call_report = match played {
        Ok(mut outcome) => {
            interrupted |=
                outcome.caller.facts.interrupted.is_some() || outcome.callee.facts.interrupted.is_some();
            let timeline = outcome.timeline.take();
            if let Some(timeline) = timeline.as_ref().filter(|_| view == View::Events) {
                timeline.events.iter().for_each(trace);
            }
            if let (Some(mut open), Some(timeline)) = (record, timeline) {
                let written = open(0).and_then(|storage| sim::write_merged(&timeline, storage));
                lost.extend(written.err().map(|error| CliError::lost("the timeline", &error)));
            }
            let report = judged(call, &outcome, seed);
            show(call, &outcome, &report, view);
            report
        }
        Err(error) => {
            say(&CliError::untested(error.to_string(), None).render(true));
            not_played(seed, &error)
        }
    };
    finish(&report::build(vec![call_report]), outputs, lost, interrupted)
}

/// `-v`: the time, whose event it is, and the event in short.
fn trace(event: &Event) {
    let (at, dim) = (event.at_us as f64 / 1e6, anstyle::Style::new().dimmed());
    say(&format!("{dim}{at:10.6} {:<11}{dim:#} {}", event.id, brief(&event.kind)));
}

/// One call for each seed.
fn many(
    args: &SimArgs,
    call: &SimCall,
    seeds: RangeInclusive<u64>,
    interrupt: &Interrupt,
    outputs: Outputs,
    view: View,
    again: &dyn Fn(u64) -> String,
) -> Exit {
    let threads = threads(args);
    let world = Live::new(0);
    let start = world.now();
    let bar = bar(view, &seeds);
    let found = explore(call, seeds.clone(), threads, interrupt, &|explored| {
        bar.inc(1);
        if view == View::Events {
            let word = match explored.outcome {
                Ok(outcome) if outcome.passed() => "passed".to_owned(),
                Ok(outcome) => judged(call, outcome, explored.seed).verdict.as_str().to_owned(),
                Err(error) => error.to_string(),
            };
            say(&format!("seed {}: {word}", explored.seed));
        }
    });
    bar.finish_and_clear();
    let took = world.now() - start;
    let calls = found.groups.iter().map(|group| first_of(call, group)).collect();
    let exploration = ExplorationReport {
        first_seed: *seeds.start(),
        last_seed: *seeds.end(),
        played: found.played,
        passed: found.passed,
        virtual_ms: found.virtual_time.as_secs_f64() * 1e3,
        groups: found
            .groups
            .iter()
            .map(|group| SeedGroupReport {
                cause: group.cause.clone(),
                seeds: group.seeds.clone(),
                replay: again(group.seeds[0]),
            })
            .collect(),
    };
    let report = report::explored(calls, exploration);
    show_many(&report, found.interrupted, took, threads, view);
    finish(&report, outputs, Vec::new(), found.interrupted)
}

fn finish(report: &Report, outputs: Outputs, mut lost: Vec<CliError>, interrupted: bool) -> Exit {
    lost.extend(outputs.write(report));
    for error in &lost {
        say(&error.render(true));
    }
    let ending = Ending { interrupted, report_lost: !lost.is_empty(), flaky_ok: false };
    Exit::from(Outcome::of(report, ending))
}

fn judged(call: &SimCall, outcome: &sim::Outcome, seed: u64) -> CallReport {
    CallReport { name: format!("seed {seed}"), ..call_report(call, outcome) }
}

fn first_of(call: &SimCall, group: &Group) -> CallReport {
    match &group.first {
        Ok(outcome) => judged(call, outcome, group.seeds[0]),
        Err(error) => not_played(group.seeds[0], error),
    }
}

fn not_played(seed: u64, error: &SimError) -> CallReport {
    CallReport::bare(&format!("seed {seed}"), VerdictWord::NotRun, error.to_string())
}

fn show(call: &SimCall, outcome: &sim::Outcome, report: &CallReport, view: View) {
    let mut screen = report::render_both(&call.caller, &outcome.caller.facts, report, true);
    if view == View::Events {
        screen += &report::render_open(&call.caller, &outcome.caller.facts, true);
    }
    match view {
        View::Nothing => say(screen.lines().next().unwrap_or_default()),
        _ => say(screen.trim_end()),
    }
}

fn show_many(report: &Report, interrupted: bool, took: Duration, threads: usize, view: View) {
    let Some(exploration) = &report.exploration else { return };
    let ExplorationReport { first_seed, last_seed, played, passed, virtual_ms, groups } = exploration;
    let word = if interrupted { "interrupted" } else { report.verdict.as_str() }.to_uppercase();
    let reason = match groups.is_empty() {
        true => format!("all {played} seeds that were played passed"),
        false => format!("{passed} of {played} seeds passed"),
    };
    say(&format!("{word}  seeds {first_seed} to {last_seed}: {reason}"));
    if view == View::Nothing {
        return;
    }
    let seconds = took.as_secs_f64().max(1e-6);
    let rate = *played as f64 / seconds;
    say(&format!(
        "        {:.0} s of simulated time in {seconds:.1} s on {threads} threads: {rate:.0} calls a second",
        virtual_ms / 1e3
    ));
    for group in groups {
        say(&format!("\n  {} x {}", group.seeds.len(), group.cause));
        say(&format!("      seeds   {}", some_of(&group.seeds)));
        say(&format!("      replay  {}", group.replay));
    }
}

/// As many as fit a line.
fn some_of(seeds: &[u64]) -> String {
    const MOST: usize = 10;
    let mut text = seeds.iter().take(MOST).map(u64::to_string).collect::<Vec<_>>().join(", ");
    if seeds.len() > MOST {
        text += &format!(" and {} more", seeds.len() - MOST);
    }
    text
}

fn bar(view: View, seeds: &RangeInclusive<u64>) -> ProgressBar {
    if view != View::Moving {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new((seeds.end() - seeds.start()).saturating_add(1));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} seeds, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
