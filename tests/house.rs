//! Holds the house together: who may use whom, who may print, who may ask a clock, and that the README tells the truth.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is not there")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use callcheck::report::Outcome;

/// Who may `use crate::` whom; `cli` may use everything, and everybody may use `diagnostic`, which uses nobody. The
/// README's map of the folders says the same.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "suite",
        &[
            "scenario",
            "plan",
            "jsep",
            "report",
            "expect",
            "runner",
            "sim",
            "leg",
            "media",
            "network",
            "server",
            "signaling",
            "timeline",
            "world",
        ],
    ),
    ("scenario", &["plan", "jsep", "fault"]),
    ("fault", &["plan", "jsep", "media", "network", "timeline"]),
    (
        "sim",
        &[
            "plan",
            "jsep",
            "diagnose",
            "fault",
            "runner",
            "expect",
            "server",
            "signaling",
            "network",
            "timeline",
            "world",
        ],
    ),
    (
        "runner",
        &[
            "plan",
            "jsep",
            "leg",
            "connection",
            "fault",
            "network",
            "signaling",
            "facts",
            "expect",
            "diagnose",
            "timeline",
            "world",
        ],
    ),
    ("leg", &["plan", "fault", "jsep", "connection", "network", "media", "timeline", "world"]),
    ("connection", &["jsep", "fault", "engine", "network", "media", "timeline", "world"]),
    ("engine", &["jsep", "fault", "network", "plan", "stun", "trust", "timeline", "world"]),
    ("network", &["plan", "timeline", "world"]),
    ("signaling", &["dialect", "plan", "jsep", "trust", "timeline", "world"]),
    ("dialect", &["plan", "jsep", "timeline"]),
    ("server", &["signaling", "jsep", "timeline", "world"]),
    ("media", &["plan", "jsep", "timeline", "world"]),
    ("turn", &["stun", "trust", "plan", "diagnose", "report", "world"]),
    ("stun", &["trust", "plan", "world"]),
    ("probe", &["plan", "facts", "expect", "report", "jsep"]),
    ("trust", &[]),
    ("world", &[]),
    ("plan", &["jsep"]),
    ("jsep", &[]),
    ("timeline", &["jsep"]),
    ("facts", &["timeline", "jsep"]),
    ("diagnose", &["plan", "timeline", "facts", "jsep"]),
    ("expect", &["plan", "facts", "diagnose", "jsep"]),
    ("explain", &["timeline", "facts", "diagnose", "jsep"]),
    ("report", &["plan", "timeline", "facts", "expect", "diagnose", "explain", "jsep"]),
];

/// Longer files have more than one job.
const LONGEST_FILE: usize = 500;

struct Source {
    path: PathBuf,
    /// The folder under `src`, or the file's stem for `src/main.rs` and the like.
    folder: String,
    /// How many modules stand above what this file defines: as many `super` lead to the root of the crate.
    depth: usize,
    /// The text without tests and comments.
    code: String,
    lines: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The files of the product: without those that are compiled for tests only.
fn sources() -> Vec<Source> {
    let all = rust_files("src");
    let test_only = test_only_modules(&all);
    let is_product = |path: &PathBuf| !test_only.iter().any(|module| path.starts_with(module));
    all.into_iter().filter(is_product).map(source).collect()
}

/// The paths of modules behind `#[cfg(test)] mod name;`, as `.rs` files and as folders.
fn test_only_modules(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let folder = match file.file_name().unwrap().to_str().unwrap() {
            "mod.rs" | "lib.rs" | "main.rs" => file.parent().unwrap().to_owned(),
            _ => file.with_extension(""),
        };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2) {
            let declared = pair[1].trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let Some(name) = declared.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else {
                continue;
            };
            if pair[0].starts_with("#[cfg(") && pair[0].contains("test") {
                modules.push(folder.join(name));
                modules.push(folder.join(format!("{name}.rs")));
            }
        }
    }
    modules
}

fn source(path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let inside = path.strip_prefix(root().join("src")).unwrap().to_owned();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    let folder = first.trim_end_matches(".rs").to_owned();
    let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
    // By the house rules a module's tests stand at its bottom.
    let tests = text.find("\nmod tests {").and_then(|at| text[..at].rfind("\n#[cfg(test)]"));
    let product = &text[..tests.unwrap_or(text.len())];
    let code: Vec<&str> = product.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    Source { path, folder, depth, code: code.join("\n"), lines: text.lines().count() }
}

/// The first names after `crate::`, in `use` lines and in paths; `{` for a group, which names several folders at once.
fn used_folders(code: &str) -> Vec<String> {
    let first_name = |(at, found): (usize, &str)| {
        let rest = &code[at + found.len()..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() { rest.chars().take(1).collect() } else { name }
    };
    code.match_indices("crate::").map(first_name).collect()
}

/// The most `super::` in a row.
fn longest_climb(code: &str) -> usize {
    (1..).take_while(|length| code.contains(&"super::".repeat(*length))).last().unwrap_or(0)
}

fn folders() -> Vec<String> {
    let entries = fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap());
    let mut folders: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "tests" && name != "snapshots")
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_use_follows_the_table() {
    let mut table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    table.insert("diagnostic", &[]);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources() {
        if ["cli", "lib", "main"].contains(&source.folder.as_str()) {
            continue;
        }
        let allowed = table.get(source.folder.as_str()).copied().unwrap_or_default();
        for used in used_folders(&source.code) {
            seen += 1;
            let fine = used == source.folder || used == "diagnostic" || allowed.contains(&used.as_str());
            if !fine {
                wrong.push(format!("{} uses crate::{used}", source.path.display()));
            }
        }
        if longest_climb(&source.code) >= source.depth {
            wrong.push(format!("{} climbs out of its folder with super::", source.path.display()));
        }
    }
    assert!(seen > 100, "the files were read: {seen} uses");
    assert!(wrong.is_empty(), "against the table:\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_in_the_table_and_introduces_itself() {
    let mut expected: Vec<String> = MAY_USE.iter().map(|(folder, _)| (*folder).to_owned()).collect();
    expected.push("cli".to_owned());
    expected.sort();
    assert_eq!(folders(), expected);
    for folder in folders() {
        let text = read(format!("src/{folder}/mod.rs"));
        assert!(text.starts_with("//! "), "src/{folder}/mod.rs says nothing of its folder");
    }
}

#[test]
fn only_cli_prints() {
    let ways = ["print!", "println!", "eprint!", "eprintln!", "dbg!", "io::stdout", "io::stderr"];
    refuse(&ways, |folder| folder == "cli" || folder == "main");
}

#[test]
fn only_engine_names_the_crates_below() {
    refuse(&["rtc_"], |folder| ["engine", "media", "stun"].contains(&folder));
    refuse(&["webrtc::", "rtc::", "webrtc as", "rtc as"], |folder| folder == "engine");
}

#[test]
fn only_world_asks_for_time_and_tasks() {
    let asks =
        ["Instant::now", "SystemTime::now", "tokio::spawn", "tokio::time", "rand::random", "rand::rng("];
    refuse(&asks, |folder| folder == "world" || folder == "cli");
}

#[test]
fn pure_folders_know_no_clock_and_do_no_io() {
    let asks = ["std::net::", "tokio", "std::env::var", "crate::world"];
    let pure = ["dialect", "plan", "jsep", "facts", "diagnose", "expect", "explain", "report", "timeline"];
    for source in sources().iter().filter(|source| pure.contains(&source.folder.as_str())) {
        for word in asks {
            // `plan` names addresses as data.
            let code = source.code.replace("std::net::IpAddr", "");
            assert!(!code.contains(word), "{} says {word}", source.path.display());
        }
    }
}

/// No file outside the allowed folders says any of `words`.
fn refuse(words: &[&str], allowed: impl Fn(&str) -> bool) {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !allowed(&source.folder)) {
        for word in words {
            let starts_word = |at: usize| {
                let before = source.code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            };
            if source.code.match_indices(word).any(|(at, _)| starts_word(at)) {
                wrong.push(format!("{}: {word}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_fits_in_the_head() {
    let files = ["src", "tests", "benches"].into_iter().flat_map(rust_files);
    let long: Vec<String> = files
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
    assert!(sources().iter().any(|source| source.lines > 100), "the files were read");
}

#[test]
fn the_readme_names_the_commands_and_every_folder_with_its_uses() {
    let readme = read("README.md");
    for command in ["make demo", "make test", "callcheck answer demo", "callcheck call demo"] {
        assert!(readme.contains(command), "README.md does not name `{command}`");
    }
    let rows: BTreeMap<&str, &str> = readme
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
            let folder = cells.next()?.strip_prefix('`')?.strip_suffix("/`")?;
            Some((folder, cells.nth(1)?))
        })
        .collect();
    let mut named: Vec<&str> = rows.keys().copied().collect();
    named.sort_unstable();
    assert_eq!(named, folders());
    for (folder, uses) in MAY_USE {
        let stated = if uses.is_empty() { "nothing".to_owned() } else { uses.join(", ") };
        assert_eq!(rows[folder].trim_end_matches(" |"), stated, "what README.md says that {folder} may use");
    }
}

#[test]
fn the_readme_tells_the_exit_codes() {
    let documented = read("src/report/outcome.rs");
    let documented = exit_code_rows(documented.lines().filter_map(|line| line.strip_prefix("//! ")));
    let readme = read("README.md");
    assert_eq!(exit_code_rows(readme.lines()), documented);

    let outcomes = [
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Usage,
        Outcome::CouldNotTest,
        Outcome::NothingSelected,
        Outcome::Interrupted,
    ];
    let codes: Vec<String> = outcomes.iter().map(|outcome| outcome.exit_code().to_string()).collect();
    let told: Vec<&String> = documented.iter().map(|(code, _)| code).collect();
    assert_eq!(told, codes.iter().collect::<Vec<_>>());
}

/// The rows of a table whose first cell is a number: the code and its meaning.
fn exit_code_rows<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let rows = lines.filter_map(|line| {
        let (code, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        code.parse::<u8>().ok()?;
        Some((code.to_owned(), meaning.to_owned()))
    });
    rows.collect()
}

#[test]
fn ci_runs_the_checks_and_the_tests() {
    let ci = read(".ci/run");
    assert!(ci.contains("make check") && ci.contains("make test") && ci.contains("CALLCHECK_REQUIRE_ALL=1"));
}
