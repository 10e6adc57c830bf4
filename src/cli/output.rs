//! Where results go. Files are opened before the call, so that a wrong path costs nothing, and what cannot be written
//! is told and never hides the verdict.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::OutputArgs;
use super::error::CliError;
use crate::runner::Record;
use crate::timeline::Storage;

/// Everything that was asked for, open.
pub(super) struct Outputs {
    json: bool,
    report: Option<Target>,
    record: Option<(PathBuf, Box<dyn Storage>)>,
}

/// Where a document goes.
pub(super) enum Target {
    Stdout,
    File(PathBuf, File),
}

impl Outputs {
    /// Opens every file.
    ///
    /// # Errors
    /// The first one that cannot be written; exit code 3.
    pub(super) fn open(args: &OutputArgs) -> Result<Self, CliError> {
        let report =
            args.report_json.as_deref().map(|path| Target::open("--report-json", path)).transpose()?;
        let record = match args.record.as_deref() {
            None => None,
            Some(path) => {
                let storage: Box<dyn Storage> = match Target::open("--record", path)? {
                    Target::Stdout => Box::new(Stdout),
                    Target::File(_, file) => Box::new(file),
                };
                Some((path.to_owned(), storage))
            }
        };
        Ok(Self { json: args.json, report, record })
    }

    /// Gives the storage for the timeline of each call: the file itself first, `NAME-2.jsonl` for a second try.
    pub(super) fn record(&mut self) -> Option<Record> {
        let (path, storage) = self.record.take()?;
        let mut first = Some(storage);
        Some(Box::new(move |number| match first.take() {
            Some(storage) => Ok(storage),
            None if path == Path::new("-") => Ok(Box::new(Stdout)),
            None => Ok(Box::new(File::create(numbered(&path, number + 1))?)),
        }))
    }

    /// Writes the report wherever it was asked for. The complaints about what could not be written.
    pub(super) fn write(self, report: &impl Serialize) -> Vec<CliError> {
        // Invariant: a report is plain data with string keys.
        let mut text = serde_json::to_vec_pretty(report).expect("a report is plain data");
        text.push(b'\n');
        let mut lost = Vec::new();
        if self.json
            && let Err(error) = to_stdout(&text)
        {
            lost.push(CliError::lost("--json", &error));
        }
        lost.extend(self.report.and_then(|target| target.write("--report-json", &text).err()));
        lost
    }
}

impl Target {
    /// Writes the whole document, over what was there.
    pub(super) fn write(self, option: &str, text: &[u8]) -> Result<(), CliError> {
        match self {
            Self::Stdout => to_stdout(text).map_err(|error| CliError::lost(option, &error)),
            Self::File(path, mut file) => {
                let written = file.set_len(0).or_else(not_a_file).and_then(|()| file.write_all(text));
                written.map_err(|error| CliError::lost(&format!("`{}`", path.display()), &error))
            }
        }
    }

    pub(super) fn open(option: &str, path: &Path) -> Result<Self, CliError> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        // Not emptied yet: a run that never comes to a report leaves the old one alone.
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        match opened {
            Ok(file) => Ok(Self::File(path.to_owned(), file)),
            Err(error) => Err(CliError::unwritable(option, path, &error)),
        }
    }
}

/// Writes to standard output, and says when nobody takes it.
pub(super) fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// A timeline on standard output: cannot go back.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

impl Storage for Stdout {
    fn restart(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

/// Pipes and devices cannot be emptied, and need not be.
fn not_a_file(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{}", extension.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_try_has_a_file_of_its_own() {
        assert_eq!(numbered(Path::new("a/call.jsonl"), 2), Path::new("a/call-2.jsonl"));
        assert_eq!(numbered(Path::new("call"), 3), Path::new("call-3"));
    }
}
