//! `callcheck init`: a first scenario, and a line of CI that runs it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::error::CliError;
use super::exit::Exit;
use super::say::say;

const SCENARIO: &str = include_str!("init/good-call.toml");
const GITHUB: &str = include_str!("init/github.yml");
const GITLAB: &str = include_str!("init/gitlab.yml");

/// Where to write.
#[derive(Clone, Debug, Args)]
pub(super) struct InitArgs {
    /// The folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Write over files that are there
    #[arg(long, env = "CALLCHECK_FORCE", hide_env = true, value_parser = FalseyValueParser::new())]
    force: bool,
}

/// Writes the files. Nothing is written over unless that was asked for; one that is there already is left alone.
///
/// # Errors
/// A file that cannot be written; exit code 3.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    let files = [
        ("scenarios/good-call.toml", SCENARIO),
        (".github/workflows/callcheck.yml", GITHUB),
        (".gitlab/callcheck.yml", GITLAB),
    ];
    for (name, text) in files {
        let path = args.folder.join(name);
        if path.exists() && !args.force {
            say(&format!("kept     {} (it was there; --force writes over it)", path.display()));
            continue;
        }
        write(&path, text).map_err(|error| CliError::unwritable("init", &path, &error))?;
        say(&format!("written  {}", path.display()));
    }
    say("\nnext     callcheck run scenarios");
    Ok(Exit::Passed)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
