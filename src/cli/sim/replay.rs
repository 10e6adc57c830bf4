//! The command that plays one seed again.

use std::ffi::OsString;

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Options that choose the seeds, or say where the result of all goes; they are left out with their values.
const LEFT_OUT: &[&str] = &["--seeds", "--seed", "--jobs", "--report-json"];

/// What of the environment belongs to the call; the shell of the next person does not have it.
const FROM_ENVIRONMENT: &[&str] = &[
    "caller",
    "callee",
    "duration",
    "signal_delay",
    "network",
    "network_caller",
    "network_callee",
    "wait",
    "answer_timeout",
    "timeout",
    "follow_up",
    "expect",
];

/// This command line with one seed instead of many, quoted for a shell.
pub(super) fn replay(words: &[OsString], matches: &ArgMatches, seed: u64) -> String {
    let mut kept = vec!["callcheck".to_owned()];
    let mut rest = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = rest.next() {
        if LEFT_OUT.contains(&word.as_str()) {
            rest.next();
        } else if !LEFT_OUT.iter().any(|option| word.starts_with(&format!("{option}="))) {
            kept.push(word);
        }
    }
    for id in FROM_ENVIRONMENT.iter().filter(|id| matches.value_source(id) == Some(ValueSource::EnvVariable))
    {
        for value in matches.get_raw(id).into_iter().flatten() {
            kept.extend([format!("--{}", id.replace('_', "-")), value.to_string_lossy().into_owned()]);
        }
    }
    kept.extend(["--seed".to_owned(), seed.to_string()]);
    // Only a zero byte cannot be quoted, and no argument holds one.
    shlex::try_join(kept.iter().map(String::as_str)).unwrap_or_else(|_| kept.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn the_line_names_one_seed_and_is_quoted() {
        let words =
            ["./target/callcheck", "sim", "--seeds", "1..9", "--jobs=2", "--callee", "--attach none", "-q"];
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let matches = Cli::command().get_matches_from(&words);
        let (_, matches) = matches.subcommand().unwrap();
        assert_eq!(replay(&words, matches, 7), "callcheck sim --callee '--attach none' -q --seed 7");
    }
}
