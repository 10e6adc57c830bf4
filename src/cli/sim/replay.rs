//! The command that plays one seed again.

use std::ffi::OsString;

/// Options that choose the seeds; what they chose is replaced by one seed.
const CHOOSING: &[&str] = &["--seeds", "--seed", "--jobs"];

/// This command line with one seed instead of many, quoted for a shell.
pub(super) fn replay(words: &[OsString], seed: u64) -> String {
    let mut kept = vec!["callcheck".to_owned()];
    let mut rest = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = rest.next() {
        if CHOOSING.contains(&word.as_str()) {
            rest.next();
        } else if !CHOOSING.iter().any(|option| word.starts_with(&format!("{option}="))) {
            kept.push(word);
        }
    }
    kept.extend(["--seed".to_owned(), seed.to_string()]);
    // Only a zero byte cannot be quoted, and no argument holds one.
    shlex::try_join(kept.iter().map(String::as_str)).unwrap_or_else(|_| kept.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_one_seed_and_is_quoted() {
        let words =
            ["./target/callcheck", "sim", "--seeds", "1..9", "--jobs=2", "--callee", "--attach none", "-q"];
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        assert_eq!(replay(&words, 7), "callcheck sim --callee '--attach none' -q --seed 7");
    }
}
