//! `callcheck run`: scenario files, many at a time, and what came of them for people, for CI and for the pull request.

mod args;
mod kept;
mod reports;
mod show;
mod watch;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Noise;
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::output::to_stdout;
use super::rendezvous::{Hosted, Rendezvous, rendezvous};
use super::say::{View, say};
use crate::jsep::Role;
use crate::report::{self, Ending, Outcome, Report, VerdictWord};
use crate::runner::Interrupt;
use crate::scenario::{Given, Scenario};
use crate::suite::{self, Done, Elsewhere, FileError, Found, Settings};
use crate::world::{Live, World};

pub(super) use args::{ImportArgs, NOTES, RunArgs};
use kept::Kept;
use reports::Reports;

pub(super) fn run(args: &RunArgs, noise: &Noise) -> anyhow::Result<Exit> {
    let given = Given { variables: args::variables(args)?, secrets: args::secrets(args)? };
    if args.watch {
        return to_the_end(watch::watch(args, noise, &given));
    }
    let selected = match selected(args, suite::find(&args.paths, &given)) {
        Ok(selected) => selected,
        Err(exit) => return Ok(exit),
    };
    if args.list {
        return print(&show::list(&selected));
    }
    if args.dry_run {
        return print(&show::plans(&selected));
    }
    let kept = Kept::open(args, &selected)?;
    let reports = reports::open(args)?;
    to_the_end(async {
        let world: Arc<dyn World> = Arc::new(Live::new(0));
        let interrupt = interrupt(&world);
        play(args, noise, selected, (kept, reports), &world, &interrupt).await
    })
}

/// A child of somebody's program that has run away may hold a pipe that we read; it is not waited for.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn to_the_end(run: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = super::call::runtime()?;
    let exit = runtime.block_on(run);
    runtime.shutdown_timeout(LEFT_BEHIND);
    exit
}

/// The scenarios that were asked for. Where there are none, or a file is wrong, it says so and how the run ends.
fn selected(args: &RunArgs, found: Found) -> Result<Vec<Scenario>, Exit> {
    let wrong = found.errors.len();
    for error in &found.errors {
        say(&format!("{}\n", wrong_file(error).render(true)));
    }
    if wrong > 0 {
        let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        say(&format!("{} in {}; nothing was run", many(wrong, "fault"), many(found.files, "file")));
        return Err(Exit::Usage);
    }
    let Found { scenarios, files, .. } = found;
    let all = scenarios.len();
    let selected: Vec<Scenario> = scenarios.into_iter().filter(|one| args.selects(one)).collect();
    if selected.is_empty() {
        let help = "leave --filter and --tag out to run them all; --list shows what there is";
        let title = format!("none of the {all} scenarios in {files} files is selected");
        say(&CliError::untested(title, Some(help.to_owned())).render(true));
        return Err(Exit::Nothing);
    }
    Ok(selected)
}

async fn play(
    args: &RunArgs,
    noise: &Noise,
    scenarios: Vec<Scenario>,
    (kept, reports): (Kept, Reports),
    world: &Arc<dyn World>,
    interrupt: &Interrupt,
) -> anyhow::Result<Exit> {
    let view = View::of(noise);
    let meeting = match args.role {
        Some(role) => Some(meet(role, &scenarios, args, world).await?),
        None => None,
    };
    let (elsewhere, hosted) = meeting.unzip();
    let settings = Settings {
        elsewhere,
        jobs: args.jobs(),
        retry: args.retry,
        fail_fast: args.fail_fast,
        is_virtual: args.clock.map(args::ClockArg::is_virtual),
        seed: args.seed,
    };
    let begun = world.now();
    let bar = bar(view, scenarios.len());
    let mut lost: Vec<CliError> = Vec::new();
    let mut watch = |done: &Done| {
        bar.inc(1);
        if matches!(view, View::Lines | View::Events) && show::is_told(done) {
            say(&show::line(&done.call));
        }
        let scenario = scenarios.iter().find(|one| one.name == done.call.name);
        lost.extend(scenario.and_then(|scenario| kept.keep(scenario, done).err()));
    };
    let mut all = suite::run(&scenarios, &settings, world, interrupt, &mut watch).await;
    bar.finish_and_clear();
    let took = world.now() - begun;
    for done in &mut all {
        let wrong = matches!(done.call.verdict, VerdictWord::Failed | VerdictWord::Unknown);
        if let (true, Some(scenario), Some(timeline)) = (wrong, &mut done.call.scenario, &done.timeline) {
            scenario.ladder = Some(report::ladder(timeline));
        }
    }
    let interrupted = interrupt.peek().is_some();
    show::result(&all, took, interrupted, view);
    let report = result(all.into_iter().map(|done| done.call).collect());
    if is_github() {
        // A runner reads these lines wherever they are printed.
        say(report::annotations(&report).trim_end());
    }
    lost.extend(reports.write(&report));
    if let Some(hosted) = hosted.flatten() {
        super::call::stay(hosted, interrupt.clone(), view).await;
    }
    for error in &lost {
        say(&error.render(true));
    }
    let ending = Ending { interrupted, report_lost: !lost.is_empty(), flaky_ok: args.flaky_ok };
    Ok(Exit::from(Outcome::of(&report, ending)))
}

/// Where the process that plays the other side is met.
async fn meet(
    role: Role,
    scenarios: &[Scenario],
    args: &RunArgs,
    world: &Arc<dyn World>,
) -> Result<(Elsewhere, Option<Hosted>), CliError> {
    let mut rooms: BTreeMap<String, &str> = BTreeMap::new();
    for scenario in scenarios {
        if let Some(other) = rooms.insert(suite::room_name(scenario), &scenario.name) {
            let title = format!("`{other}` and `{}` would meet in the same room", scenario.name);
            return Err(CliError::usage(title, "give one of them a name of its own: `room = \"NAME\"`"));
        }
    }
    let room = super::plan::room_plan("scenarios", &args.signaling)?;
    // There is one way into the room, and whoever vouches for a TURN server of ours may vouch for it.
    let ours = |scenario: &'_ Scenario| match role {
        Role::Caller => scenario.caller.leg.clone(),
        Role::Callee => scenario.callee.leg.clone(),
    };
    let trusting = scenarios.iter().map(ours).find(|leg| leg.ca.is_some() || leg.insecure);
    let Rendezvous { join, hosted } = rendezvous(world, &room, trusting.as_ref(), None).await?;
    let addresses = super::call::addresses(&room.url);
    Ok((Elsewhere { role, join: Arc::new(join), token: room.token, addresses }, hosted))
}

/// What must not be left out is failed where it was.
fn result(calls: Vec<report::CallReport>) -> Report {
    let mut report = report::build(calls);
    let required = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
    let skipped = report.calls.iter().find(|call| call.verdict == VerdictWord::Skipped);
    if let Some(skipped) = skipped.filter(|_| required) {
        report.reason =
            Some(format!("{} was skipped, and CALLCHECK_REQUIRE_ALL=1 demands all", skipped.name));
        report.verdict = VerdictWord::Failed;
    }
    report
}

fn wrong_file(error: &FileError) -> CliError {
    match error {
        FileError::Wrong(diagnostic) => CliError::place((**diagnostic).clone()),
        FileError::Unreadable { path, why } => CliError::usage(
            format!("`{path}` cannot be read: {why}"),
            "name a scenario file, or a folder that holds some; `callcheck init` writes a first one",
        ),
    }
}

fn print(text: &str) -> anyhow::Result<Exit> {
    to_stdout(text.as_bytes()).map_err(|error| CliError::lost("the list", &error))?;
    std::io::stdout().flush().map_err(|error| CliError::lost("the list", &error))?;
    Ok(Exit::Passed)
}

/// Makes scenarios of recorded browser cases, a file each.
pub(super) fn import(args: &ImportArgs) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.cases)
        .map_err(|error| CliError::unreadable("import", &args.cases, &error))?;
    let all = crate::scenario::import(&text).map_err(|error| {
        CliError::usage(format!("`{}`: {error}", args.cases.display()), "give a file of the cases' schema")
    })?;
    std::fs::create_dir_all(&args.folder)
        .map_err(|error| CliError::unwritable("import", &args.folder, &error))?;
    for made in &all {
        let path = args.folder.join(&made.file);
        std::fs::write(&path, &made.text).map_err(|error| CliError::unwritable("import", &path, &error))?;
    }
    say(&format!("written  {} scenarios into {}", all.len(), args.folder.display()));
    Ok(Exit::Passed)
}

fn is_github() -> bool {
    std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true")
}

fn bar(view: View, scenarios: usize) -> ProgressBar {
    if view != View::Moving {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(scenarios as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} scenarios, {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
