//! Finds scenario files, reads them and all that is in them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, reason};
use crate::media::{self, Identity};
use crate::plan::SendPlan;
use crate::scenario::{Given, LARGEST, Placing, Scenario, scenarios};

/// What was found: scenarios in the order of their files, and what is wrong with some of the files.
#[derive(Debug, Default)]
pub struct Found {
    /// Every scenario of every file that is right.
    pub scenarios: Vec<Scenario>,
    /// How many files were read.
    pub files: usize,
    /// What is wrong.
    pub errors: Vec<FileError>,
}

/// Something is wrong with a file.
#[derive(Debug)]
pub enum FileError {
    /// It cannot be read: which, why, and what helps.
    Unreadable {
        /// The path as it was given.
        path: String,
        /// Why.
        why: String,
    },
    /// A place in it is wrong.
    Wrong(Box<Diagnostic>),
}

/// Reads files and, of folders, every `*.toml` in them and below, in the order of their names. Files that only hold
/// defaults have a name that begins with `_`, and are no scenarios.
#[must_use]
pub fn find(paths: &[PathBuf], given: &Given) -> Found {
    let mut found = Found::default();
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        let before = files.len();
        match collect(path, &mut files) {
            Ok(()) if path.is_dir() && files.len() == before => found.errors.push(FileError::Unreadable {
                path: shown(path),
                why: "there is no scenario in this folder; a scenario is a file that ends in `.toml`".into(),
            }),
            Ok(()) => {}
            Err(why) => found.errors.push(FileError::Unreadable { path: shown(path), why }),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    for file in files {
        read(&file, given, &mut found);
    }
    found
}

/// The files that [`find`] would read now, and every path that cannot be looked into.
#[must_use]
pub fn listing(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if collect(path, &mut files).is_err() {
            files.push(path.clone());
        }
    }
    files
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = fs::metadata(path).map_err(|error| reason(&error))?;
    if !told.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| reason(&error))?;
    let mut inside: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    inside.sort();
    for path in inside {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_scenario =
            path.extension().is_some_and(|extension| extension == "toml") && !name.starts_with('_');
        // Links that lead in a circle are not followed.
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|told| told.is_dir());
        if (is_folder && !name.starts_with('.')) || (is_scenario && !path.is_dir()) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn read(file: &Path, given: &Given, found: &mut Found) {
    let name = shown(file);
    found.files += 1;
    let text = match text(file) {
        Ok(text) => text,
        Err(why) => return found.errors.push(FileError::Unreadable { path: name, why }),
    };
    match scenarios(&name, &text, given, &text_of) {
        Ok(mut all) => {
            let mut wrong: Vec<Diagnostic> = all.iter().flat_map(silent_files).collect();
            // What is wrong in every cell is said once.
            wrong.dedup_by(|a, b| a.span == b.span && a.source == b.source);
            found.errors.extend(wrong.into_iter().map(|one| FileError::Wrong(Box::new(one))));
            found.scenarios.append(&mut all);
        }
        Err(wrong) => found.errors.extend(wrong.into_iter().map(|one| FileError::Wrong(Box::new(one)))),
    }
}

/// The files with media that cannot be played.
fn silent_files(scenario: &Scenario) -> Vec<Diagnostic> {
    let nobody = Identity { peer: 0, stream: 0 };
    let wrong = |(track, placing): (&SendPlan, Placing)| {
        let error = media::open(track, nobody).err()?;
        let source = &scenario.sources[placing.file];
        Some(Diagnostic {
            source: source.name.clone(),
            text: source.text.clone(),
            span: placing.span,
            title: error.to_string(),
            label: "this file".to_owned(),
            help: Some("the path is relative to the scenario".to_owned()),
        })
    };
    scenario.media().filter_map(wrong).collect()
}

fn text_of(path: &Path) -> Result<String, String> {
    text(path)
}

/// Scenarios are short; what is not is no scenario, and is not read to its end.
fn text(file: &Path) -> Result<String, String> {
    let told = fs::metadata(file).map_err(|error| reason(&error))?;
    if told.len() > LARGEST as u64 {
        return Err(format!("it has {} bytes, and a scenario has {LARGEST} at most", told.len()));
    }
    let bytes = fs::read(file).map_err(|error| reason(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        format!("it is not UTF-8: the byte at {} begins no character", error.utf8_error().valid_up_to())
    })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_of_their_names_and_faults_do_not_hide_others() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write("b.toml", b"");
        write("a/z.toml", b"[matrix]\nx = [1, 2]");
        write("a/_defaults.toml", b"nonsense");
        write("c.toml", b"tilte = 1");
        write("d.toml", b"\xff");
        write("notes.txt", b"");
        write(".git/x.toml", b"nonsense");
        let found = find(&[folder.path().to_owned()], &Given::default());
        let names: Vec<&str> =
            found.scenarios.iter().map(|one| one.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["z [x=1]", "z [x=2]", "b"]);
        assert_eq!((found.files, found.errors.len()), (4, 2));
        let nothing = find(&[folder.path().join("nowhere")], &Given::default());
        assert!(matches!(&nothing.errors[..], [FileError::Unreadable { .. }]));
    }
}
