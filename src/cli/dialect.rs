//! Rooms that speak something else: which dialect a call uses, and `callcheck dialect`, which shows and checks dialects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::exit::Exit;
use super::output;
use super::say::say;
use crate::diagnostic::{Diagnostic, nearest};
use crate::dialect::{Checked, Dialect, Place, PlaceError, SHIPPED, Shipped, Speaker, check};
use crate::jsep::Role;
use crate::plan::{Plan, Secret};
use crate::world::Live;

/// The dialect that needs no file.
const OURS: &str = "callcheck";

/// The text under the long help.
pub(super) const NOTES: &str = "\
Examples:
  callcheck dialect list
  callcheck dialect show mdn-chat > mine.toml
  callcheck dialect check mine.toml

Exit codes:
  0  the dialect makes sense, and speaks as was recorded
  1  a transcript says otherwise
  2  the command line or the dialect is wrong";

/// How the room speaks.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Room")]
pub(super) struct DialectArgs {
    /// How an app's room speaks: a name or a file
    ///
    /// How the room at --signal speaks, if it is none of callcheck's: a name of `callcheck dialect list`, or a file.
    #[arg(long, env = "CALLCHECK_DIALECT", hide_env = true, value_name = "NAME|FILE")]
    pub(super) dialect: Option<String>,
    /// The other side, by its name in the room
    ///
    /// The other side, by its name or id in an app's room, where there may be several. Without it whoever is there.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_PEER", hide_env = true, value_name = "NAME")]
    pub(super) peer: Option<String>,
    /// Value of a dialect's variable; repeatable
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_DIALECT_VAR",
        hide_env = true,
        value_name = "NAME=VALUE",
        value_delimiter = '\n'
    )]
    pub(super) dialect_var: Vec<String>,
    /// The same, from the environment; repeatable
    ///
    /// A variable of the dialect whose value the environment variable of that name holds, so that it is in no list of
    /// processes.
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_DIALECT_SECRET",
        hide_env = true,
        value_name = "NAME",
        value_delimiter = '\n'
    )]
    pub(super) dialect_secret: Vec<String>,
}

/// What can be done with dialects.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum DialectCommand {
    /// Print the dialects that come with callcheck.
    List,
    /// Print one of them, to read or to begin with.
    Show {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Read a dialect and replay its transcripts; needs no server.
    Check {
        /// A file, or the name of one that comes with callcheck.
        #[arg(value_name = "FILE")]
        file: String,
        /// Recorded conversations [default: those beside FILE: NAME.transcript, NAME.*.transcript]
        #[arg(value_name = "TRANSCRIPT")]
        transcripts: Vec<PathBuf>,
    },
}

/// A dialect, and who we are in its room.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) dialect: Arc<Dialect>,
    pub(super) place: Place,
}

/// The dialect that was asked for; none for callcheck's own. What it cannot do is taken out of the plan.
///
/// # Errors
/// There is none, it is wrong, or it lacks a value; exit code 2.
pub(super) fn chosen(args: &DialectArgs, plan: &mut Plan) -> Result<Option<Chosen>, CliError> {
    let given = given(args)?;
    let named = match args.dialect.as_deref() {
        None | Some(OURS) => {
            let stray = [("--peer", args.peer.is_some()), ("--dialect-var", !given.is_empty())];
            if let Some((option, _)) = stray.iter().find(|(_, stated)| *stated) {
                return Err(CliError::usage(
                    format!("{option} needs the dialect of an app's room"),
                    "add `--dialect NAME`; `callcheck dialect list` prints the names",
                ));
            }
            return Ok(None);
        }
        Some(named) => named,
    };
    let (dialect, _) = find(named)?;
    plan.room.dialect = Some(named.to_owned());
    if plan.room.host {
        return Err(CliError::usage(
            "--dialect needs --signal: callcheck hosts its own room only",
            "add `--signal ws://HOST:PORT/PATH`, the URL that the app opens",
        ));
    }
    if !dialect.trickles() {
        plan.leg.trickle = false;
    }
    if dialect.only_caller_reoffers && plan.leg.role == Role::Callee {
        plan.leg.habits.renegotiate = false;
    }
    let place = Place {
        room: plan.room.name.clone(),
        name: plan.leg.name.clone(),
        role: plan.leg.role,
        peer: args.peer.clone(),
        token: plan.room.token.clone(),
        given,
        hidden: args.dialect_secret.iter().cloned().collect(),
        nonce: format!("{:08x}", Live::random_seed() & 0xffff_ffff),
        hasty: false,
    };
    let chosen = Chosen { dialect: Arc::new(dialect), place };
    chosen.speaker().map_err(|error| match &error {
        PlaceError::Missing { name, secret: true, .. } => CliError::usage(
            error.to_string(),
            format!("export {name}=..., and add `--dialect-secret {name}`"),
        ),
        PlaceError::Missing { name, .. } => {
            CliError::usage(error.to_string(), format!("add `--dialect-var {name}=VALUE`"))
        }
        PlaceError::Nameless { .. } => {
            let help =
                "add `--peer NAME`, or say with `from` or `peer` in a [[hear]] rule where the name stands";
            CliError::usage(error.to_string(), help)
        }
        PlaceError::Tokenless { .. } => {
            CliError::usage(error.to_string(), "add `--token TEXT`, or `--token-file FILE`")
        }
        PlaceError::OneSided { help, .. } | PlaceError::Unknown { help, .. } => {
            CliError::usage(error.to_string(), help.clone())
        }
    })?;
    Ok(Some(chosen))
}

impl Chosen {
    pub(super) fn speaker(&self) -> Result<Speaker, PlaceError> {
        Speaker::new(Arc::clone(&self.dialect), self.place.clone())
    }
}

fn given(args: &DialectArgs) -> Result<BTreeMap<String, Secret>, CliError> {
    let mut given = BTreeMap::new();
    for text in &args.dialect_var {
        let Some((name, value)) = text.split_once('=') else {
            // Not shown: it may be a value without its name.
            return Err(CliError::usage("--dialect-var has no `=`", "write `--dialect-var NAME=VALUE`"));
        };
        given.insert(name.trim().to_owned(), Secret::new(value));
    }
    for name in &args.dialect_secret {
        let value = std::env::var(name).map_err(|_| {
            CliError::usage(
                format!("--dialect-secret {name}: the environment has no such variable"),
                format!("export {name}=... before the command"),
            )
        })?;
        given.insert(name.clone(), Secret::new(value));
    }
    Ok(given)
}

/// A shipped dialect or a file, and what is wrong with it.
fn find(named: &str) -> Result<(Dialect, Option<&'static Shipped>), CliError> {
    read(named).map_err(|wrong| match wrong {
        Wrong::Absent(error) => error,
        Wrong::Complaints(complaints) => {
            let first = complaints.into_iter().next();
            first.map_or_else(|| CliError::usage("the dialect is wrong", ""), CliError::place)
        }
    })
}

enum Wrong {
    Absent(CliError),
    Complaints(Vec<Diagnostic>),
}

fn read(named: &str) -> Result<(Dialect, Option<&'static Shipped>), Wrong> {
    if let Some(shipped) = Shipped::find(named) {
        let source = format!("{named}.toml (comes with callcheck)");
        let dialect = Dialect::parse(named, &source, shipped.text).map_err(Wrong::Complaints)?;
        return Ok((dialect, Some(shipped)));
    }
    let path = Path::new(named);
    let text = std::fs::read_to_string(path).map_err(|error| Wrong::Absent(absent(named, path, &error)))?;
    let name = path.file_stem().map_or_else(|| named.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Dialect::parse(&name, named, &text).map(|dialect| (dialect, None)).map_err(Wrong::Complaints)
}

fn absent(named: &str, path: &Path, error: &std::io::Error) -> CliError {
    if named.contains(['/', '.']) {
        return CliError::unreadable("the dialect", path, error);
    }
    let names = SHIPPED.iter().map(|shipped| shipped.name);
    let help = match nearest(named, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`callcheck dialect list` prints the names; a file is named with its path".to_owned(),
    };
    CliError::usage(format!("there is no dialect `{named}`"), help)
}

pub(super) fn run(command: &DialectCommand) -> anyhow::Result<Exit> {
    match command {
        DialectCommand::List => print(&listed()),
        DialectCommand::Show { name } => match Shipped::find(name) {
            Some(shipped) => print(shipped.text),
            None => {
                let error = std::io::Error::from(std::io::ErrorKind::NotFound);
                Err(absent(name, Path::new(name), &error).into())
            }
        },
        DialectCommand::Check { file, transcripts } => check_file(file, transcripts),
    }
}

fn print(text: &str) -> anyhow::Result<Exit> {
    output::to_stdout(text.as_bytes()).map_err(|error| CliError::lost("the dialect", &error))?;
    Ok(Exit::Passed)
}

fn listed() -> String {
    let mut text = String::new();
    for shipped in SHIPPED {
        // Invariant: a test reads every shipped dialect.
        let about = Dialect::parse(shipped.name, shipped.name, shipped.text).map(|dialect| dialect.about);
        text += &format!("{:<12} {}\n", shipped.name, about.unwrap_or_default());
    }
    text
}

fn check_file(named: &str, transcripts: &[PathBuf]) -> anyhow::Result<Exit> {
    let (dialect, shipped) = match read(named) {
        Ok(read) => read,
        Err(Wrong::Absent(error)) => return Err(error.into()),
        Err(Wrong::Complaints(complaints)) => {
            complaints.iter().for_each(|complaint| say(&complaint.render(true)));
            return Ok(Exit::Usage);
        }
    };
    let dialect = Arc::new(dialect);
    let mut texts: Vec<(String, String)> = Vec::new();
    if let (Some(shipped), true) = (shipped, transcripts.is_empty()) {
        texts.extend(shipped.transcripts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    let beside =
        if transcripts.is_empty() && shipped.is_none() { beside(named) } else { transcripts.to_vec() };
    for path in beside {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| CliError::unreadable("dialect check", &path, &error))?;
        texts.push((path.display().to_string(), text));
    }
    let mut wrong = 0;
    for (name, text) in &texts {
        let checked = check(&dialect, name, text);
        show(name, &checked);
        wrong += checked.complaints.len();
    }
    say(&match (texts.len(), wrong) {
        (0, _) => format!("{named} makes sense; no transcript beside it tells whether it fits the room"),
        (some, 0) => {
            format!("{named} makes sense, and speaks as was recorded in {}", counted(some, "transcript"))
        }
        (_, wrong) => {
            format!("{named} makes sense by itself, and does not fit in {}", counted(wrong, "place"))
        }
    });
    Ok(if wrong == 0 { Exit::Passed } else { Exit::Failed })
}

fn counted(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// The transcripts beside a dialect's file, by name.
fn beside(file: &str) -> Vec<PathBuf> {
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let belongs = |found: &Path| {
        let name = found.file_name().unwrap_or_default().to_string_lossy();
        let rest = name.strip_prefix(&stem).and_then(|rest| rest.strip_suffix(".transcript"));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| belongs(path)).collect();
    found.sort();
    found
}

/// What every line means.
fn show(name: &str, checked: &Checked) {
    const WIDTH: usize = 60;
    for line in &checked.lines {
        let arrow = if line.ours { '>' } else { '<' };
        let letters = line.text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let shown: String = letters.take(WIDTH).collect();
        say(&format!("{name}:{} {arrow} {shown:<WIDTH$}  {}", line.number, line.understood.join("; ")));
    }
    for complaint in &checked.complaints {
        say(&complaint.render(true));
    }
}
