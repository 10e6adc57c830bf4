//! What a run leaves behind besides its reports: timelines, and everything that belongs to a failure.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::show;
use crate::cli::error::CliError;
use crate::report;
use crate::scenario::Scenario;
use crate::sim::write_merged;
use crate::suite::Done;
use crate::timeline::{Kind, Signal, Timeline};

/// Where it goes.
pub(super) struct Kept {
    timelines: Option<Timelines>,
    failures: Option<PathBuf>,
}

enum Timelines {
    File(PathBuf),
    Folder(PathBuf),
}

impl Kept {
    /// Makes the folders.
    ///
    /// # Errors
    /// A folder that cannot be made (3), or one file for the timelines of several scenarios (2).
    pub(super) fn open(args: &RunArgs, scenarios: &[Scenario]) -> Result<Self, CliError> {
        let timelines = match &args.record {
            None => None,
            Some(path) if path.extension().is_some_and(|extension| extension == "jsonl") => {
                if scenarios.len() > 1 {
                    let title = format!("--record names a file, and {} scenarios are run", scenarios.len());
                    return Err(CliError::usage(title, "name a folder, which takes a file for each"));
                }
                Some(Timelines::File(path.clone()))
            }
            Some(folder) => {
                make("--record", folder)?;
                Some(Timelines::Folder(folder.clone()))
            }
        };
        if let Some(folder) = &args.save_failures {
            make("--save-failures", folder)?;
        }
        Ok(Self { timelines, failures: args.save_failures.clone() })
    }

    /// Keeps what came of a scenario, as far as that was asked for.
    ///
    /// # Errors
    /// Something could not be written.
    pub(super) fn keep(&self, scenario: &Scenario, done: &Done) -> Result<(), CliError> {
        if let (Some(timelines), Some(timeline)) = (&self.timelines, &done.timeline) {
            match timelines {
                Timelines::File(path) => record(path, timeline)?,
                Timelines::Folder(folder) => {
                    record(&folder.join(format!("{}.jsonl", file_name(&done.call.name))), timeline)?;
                }
            }
        }
        match &self.failures {
            Some(folder) if done.had_its_turn && !done.is_fine() => failure(folder, scenario, done),
            _ => Ok(()),
        }
    }
}

fn make(option: &str, folder: &Path) -> Result<(), CliError> {
    fs::create_dir_all(folder).map_err(|error| CliError::unwritable(option, folder, &error))
}

/// A folder with all that is known of a failure.
fn failure(folder: &Path, scenario: &Scenario, done: &Done) -> Result<(), CliError> {
    let folder = folder.join(file_name(&done.call.name));
    make("--save-failures", &folder)?;
    without_descriptions(&folder);
    let save = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| CliError::unwritable("--save-failures", &path, &error))
    };
    // Credentials are hidden in it, and its name keeps it from being run.
    save("_scenario.toml", &scenario.sources[0].text)?;
    save("scenario.json", &show::plans(std::slice::from_ref(scenario)))?;
    // Invariant: a report is plain data with string keys.
    save("verdict.json", &serde_json::to_string_pretty(&done.call).expect("a report is plain data"))?;
    let complaints: Vec<String> = done.complaints.iter().map(|one| one.render(false)).collect();
    save("verdict.txt", &complaints.join("\n\n"))?;
    let Some(timeline) = &done.timeline else { return Ok(()) };
    record(&folder.join("timeline.jsonl"), timeline)?;
    save("ladder.txt", &report::ladder(timeline))?;
    for (name, sdp) in descriptions(timeline) {
        save(&name, &sdp)?;
    }
    Ok(())
}

/// Those of a run before are no part of this one.
fn without_descriptions(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "sdp") {
            // What cannot be removed is written over, or told when it cannot be.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Every description that was sent, in order.
fn descriptions(timeline: &Timeline) -> Vec<(String, String)> {
    let sent = timeline.events.iter().filter_map(|event| match &event.kind {
        Kind::SignalSent { signal: Signal::Description { sdp_type, sdp }, .. } => {
            Some((event.id.split(':').next().unwrap_or_default(), sdp_type, sdp))
        }
        _ => None,
    });
    let named = sent.enumerate().map(|(index, (side, sdp_type, sdp))| {
        (format!("{:02}-{side}-{sdp_type}.sdp", index + 1), sdp.clone())
    });
    named.collect()
}

fn record(path: &Path, timeline: &Timeline) -> Result<(), CliError> {
    let written = fs::File::create(path).and_then(|file| write_merged(timeline, Box::new(file)));
    written.map_err(|error| CliError::unwritable("--record", path, &error))
}

/// A name as part of a path.
fn file_name(name: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.=".contains(letter) { letter } else { '-' };
    let file: String = name.chars().map(plain).collect();
    let file = file.trim_matches(['-', '.']).to_owned();
    if name.chars().all(|letter| letter == '/' || plain(letter) == letter) {
        return file;
    }
    // What is not in it tells it from others.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{file}-{:08x}", hash >> 32)
}
