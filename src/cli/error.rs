//! Why a command could not be carried out: a wrong command line (2) or a machine that does not allow it (3).

use std::fmt;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use crate::diagnostic::{Diagnostic, reason};

/// A command that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CliError {
    /// The exit code that it leads to.
    pub(super) exit: Exit,
    /// What is wrong.
    pub(super) complaint: Complaint,
}

/// What is wrong, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// In words.
    Text {
        /// A lowercase fragment.
        title: String,
        /// How to mend it.
        help: Option<String>,
    },
    /// With a caret.
    Place(Box<Diagnostic>),
}

impl CliError {
    /// The command line, or a file that it names, is wrong.
    pub(super) fn usage(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::Usage, title, Some(help.into()))
    }

    /// Part of the command line is wrong, and it can be shown where.
    pub(super) fn place(diagnostic: Diagnostic) -> Self {
        Self { exit: Exit::Usage, complaint: Complaint::Place(Box::new(diagnostic)) }
    }

    /// The test could not be made.
    pub(super) fn untested(title: impl Into<String>, help: Option<String>) -> Self {
        Self::new(Exit::Untested, title, help)
    }

    /// A file that the command line names cannot be read.
    pub(super) fn unreadable(option: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::usage(
            format!("cannot read `{}` for {option}: {}", path.display(), reason(error)),
            "check the path and its permissions",
        )
    }

    /// A file cannot be sent.
    pub(super) fn media(error: &crate::media::MediaError) -> Self {
        Self::new(Exit::Usage, error.to_string(), None)
    }

    /// A file cannot be opened for writing.
    pub(super) fn unwritable(option: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::untested(
            format!("cannot write `{}` for {option}: {}", path.display(), reason(error)),
            Some("name a file in a folder that exists and that you may write to".to_owned()),
        )
    }

    /// What was asked for could not be written to its end.
    pub(super) fn lost(what: &str, error: &std::io::Error) -> Self {
        Self::untested(format!("could not write {what}: {}", reason(error)), None)
    }

    fn new(exit: Exit, title: impl Into<String>, help: Option<String>) -> Self {
        Self { exit, complaint: Complaint::Text { title: title.into(), help } }
    }

    /// What is wrong and how to mend it, to stand inside of another text.
    pub(super) fn words(&self) -> String {
        let (title, help) = match &self.complaint {
            Complaint::Place(diagnostic) => (&diagnostic.title, &diagnostic.help),
            Complaint::Text { title, help } => (title, help),
        };
        help.as_ref().map_or_else(|| title.clone(), |help| format!("{title}; {help}"))
    }

    /// As people read it. Without a trailing newline.
    #[must_use]
    pub(super) fn render(&self, color: bool) -> String {
        match &self.complaint {
            Complaint::Place(diagnostic) => diagnostic.render(color),
            Complaint::Text { title, help } => {
                let red = anstyle::AnsiColor::Red.on_default().bold();
                let mut text = if color { format!("{red}error{red:#}: ") } else { "error: ".to_owned() };
                text.push_str(title);
                if let Some(help) = help {
                    text.push_str("\n  = help: ");
                    text.push_str(help);
                }
                text
            }
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for CliError {}

/// The first line of a file that holds a secret.
pub(super) fn secret_from(option: &str, path: &PathBuf) -> Result<crate::plan::Secret, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| CliError::unreadable(option, path, &error))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(CliError::usage(
            format!("`{}` for {option} is empty", path.display()),
            "write the secret in its first line",
        ));
    }
    Ok(crate::plan::Secret::new(line))
}
