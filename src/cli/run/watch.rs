//! `--watch`: runs the scenarios, and runs them again whenever one of their files changes, until it is interrupted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::{Either, select};

use super::args::RunArgs;
use super::kept::Kept;
use super::reports;
use super::{interrupt, play, selected};
use crate::cli::args::Noise;
use crate::cli::complain;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::say::say;
use crate::plan::SourcePlan;
use crate::scenario::{Given, Scenario};
use crate::suite::{self, FileError, Found};
use crate::world::{Live, World};

/// How long a change may go unseen.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs again and again. The exit code is that of the last run.
///
/// # Errors
/// A report that wants standard output; exit code 2.
pub(super) async fn watch(args: &RunArgs, noise: &Noise, given: &Given) -> anyhow::Result<Exit> {
    if args.wants_stdout() {
        let help = "give the reports files of their own, or leave --watch out";
        return Err(
            CliError::usage("--watch prints many results, and standard output takes one", help).into()
        );
    }
    let world: Arc<dyn World> = Arc::new(Live::new(0));
    let interrupt = interrupt(&world);
    let mut beside: Vec<PathBuf> = Vec::new();
    loop {
        // Before the files are read, so that a change in between is seen afterwards.
        let mut before = Stamps::of(&args.paths, &beside);
        let found = suite::find(&args.paths, given);
        let more = named_in(&found);
        before.add(&more);
        beside.extend(more);
        beside.sort();
        beside.dedup();
        let last = match once(args, noise, found, &world, &interrupt).await {
            Ok(exit) => exit,
            Err(error) => complain(&error),
        };
        if interrupt.clone().now_or_never().is_some() {
            return Ok(last);
        }
        say("\nwatching; save a file to run again, Ctrl-C ends");
        let why = loop {
            match select(interrupt.clone(), world.sleep(LOOK_EVERY)).await {
                Either::Left(_) => return Ok(last),
                Either::Right(_) => {}
            }
            if let Some(why) = before.change(&Stamps::of(&args.paths, &beside)) {
                break why;
            }
        };
        say(&format!("\n{why}; running again"));
    }
}

async fn once(
    args: &RunArgs,
    noise: &Noise,
    found: Found,
    world: &Arc<dyn World>,
    interrupt: &crate::runner::Interrupt,
) -> anyhow::Result<Exit> {
    match selected(args, found) {
        Ok(scenarios) => {
            let outputs = (Kept::open(args, &scenarios)?, reports::open(args)?);
            play(args, noise, scenarios, outputs, world, interrupt).await
        }
        Err(exit) => Ok(exit),
    }
}

/// The files that no listing of the paths names: with defaults, and with media.
fn named_in(found: &Found) -> Vec<PathBuf> {
    let of = |scenario: &Scenario| {
        let media = |source: &SourcePlan| match source {
            SourcePlan::File(path) => Some(path.clone()),
            SourcePlan::Tone | SourcePlan::Bars => None,
        };
        let sends = scenario.caller.leg.send.iter().chain(&scenario.callee.leg.send);
        let media: Vec<PathBuf> = sends.filter_map(|send| media(&send.source)).collect();
        scenario.sources.iter().map(|source| PathBuf::from(&source.name)).chain(media).collect::<Vec<_>>()
    };
    let wrong = found.errors.iter().filter_map(|error| match error {
        FileError::Wrong(diagnostic) => Some(PathBuf::from(&diagnostic.source)),
        FileError::Unreadable { .. } => None,
    });
    found.scenarios.iter().flat_map(of).chain(wrong).collect()
}

/// When each file was last written, and how long it is; none is a file that is not there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stamps(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Stamps {
    fn of(paths: &[PathBuf], beside: &[PathBuf]) -> Self {
        let mut stamps = Self::default();
        stamps.add(&suite::listing(paths));
        stamps.add(beside);
        stamps
    }

    fn add(&mut self, files: &[PathBuf]) {
        for file in files {
            self.0.entry(file.clone()).or_insert_with(|| stamp(file));
        }
    }

    /// What is different in `now`, in words.
    fn change(&self, now: &Self) -> Option<String> {
        let files: std::collections::BTreeSet<&PathBuf> = self.0.keys().chain(now.0.keys()).collect();
        let told = |file: &&PathBuf| {
            let (before, after) = (self.0.get(*file).copied().flatten(), now.0.get(*file).copied().flatten());
            let verb = match (before, after) {
                (None, Some(_)) => "is new",
                (Some(_), None) => "is gone",
                (Some(before), Some(after)) if before != after => "has changed",
                _ => return None,
            };
            Some(format!("{} {verb}", file.to_string_lossy().escape_debug()))
        };
        let all: Vec<String> = files.iter().filter_map(told).collect();
        let first = all.first()?;
        let more = all.len() - 1;
        Some(if more == 0 { first.clone() } else { format!("{first}, and {more} more") })
    }
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let told = std::fs::metadata(file).ok()?;
    Some((told.modified().ok()?, told.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_changed_and_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned()];
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("a.toml"), "").unwrap();
        std::fs::write(file("tone.opus"), "").unwrap();
        let beside = [file("tone.opus")];
        let first = Stamps::of(&paths, &beside);
        assert_eq!(first.change(&Stamps::of(&paths, &beside)), None);
        std::fs::write(file("report.xml"), "").unwrap();
        assert_eq!(first.change(&Stamps::of(&paths, &beside)), None, "reports are no scenarios");
        std::fs::write(file("b.toml"), "").unwrap();
        let second = Stamps::of(&paths, &beside);
        assert!(first.change(&second).unwrap().ends_with("b.toml is new"));
        std::fs::write(file("tone.opus"), "longer").unwrap();
        let third = Stamps::of(&paths, &beside);
        assert!(second.change(&third).unwrap().ends_with("tone.opus has changed"));
        std::fs::remove_file(file("a.toml")).unwrap();
        assert!(third.change(&Stamps::of(&paths, &beside)).unwrap().ends_with("a.toml is gone"));
    }
}
