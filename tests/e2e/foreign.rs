//! Scenarios whose other side is a program: a good one, and those that end, hang, talk nonsense or do not exist.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Ended, Process, callcheck, free_room, run};

/// A folder with a scenario that is played against `script`, and with whatever more it says.
fn against(script: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let peer = folder.path().join("peer.sh");
    fs::write(&peer, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&peer, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "wait = \"2s\"\nanswer-timeout = \"1s\"\n[callee]\nplayed-by = [\"./peer.sh\", \"-x\"]\n{more}"
    );
    fs::write(folder.path().join("it.toml"), text).unwrap();
    folder
}

fn played(script: &str, more: &str) -> Ended {
    let folder = against(script, more);
    run(&["run", &folder.path().display().to_string(), "--json"])
}

fn verdict(ended: &Ended) -> String {
    ended.report()["calls"][0]["verdict"].as_str().unwrap().to_owned()
}

/// Joins, reads the offer and hangs up: enough to show that lines go both ways.
const POLITE: &str = r#"echo "{\"type\":\"join\",\"room\":\"$CALLCHECK_ROOM\",\"name\":\"sh\",\"role\":\"$CALLCHECK_ROLE\"}"
while read -r line; do
  case "$line" in
    *'"type":"offer"'*) echo '{"type":"hang-up","reason":"I have no camera"}'; exit 0;;
  esac
done"#;

#[test]
fn a_program_talks_in_lines_both_ways() {
    let ended =
        played(POLITE, "[expect]\ndefaults = false\n[expect.caller]\nsignaling = \"have-local-offer\"\n");
    assert_eq!(verdict(&ended), "passed", "{}", ended.stderr);
    ended.exits(0);
    let ended = played(POLITE, "").exits(1);
    ended.says(&["the callee hung up", "I have no camera"]);
}

#[test]
fn a_program_that_ends_at_once_is_told_with_how_it_ended_and_what_it_said_last() {
    let ended = played("echo trouble >&2\nexit 7", "").exits(3);
    assert_eq!(verdict(&ended), "unknown");
    ended.says(&["ended before the call did: exit status: 7", "said last: trouble"]);
    // However little is demanded: nothing was tested.
    for little in [
        "[expect]\ndefaults = false\nfinding = \"none\"",
        "[expect]\nfinding = \"sdp-addtransceiver-unassociated\"",
    ] {
        assert_eq!(verdict(&played("exit 7", little).exits(3)), "unknown");
    }
}

#[test]
fn a_program_that_hangs_is_waited_for_no_longer_than_the_scenario_says_and_killed_with_its_children() {
    let folder = against("sleep 4711 & echo $! > \"$(dirname \"$0\")/child\"\nwait", "");
    let ended = run(&["run", &folder.path().display().to_string(), "--json"]).exits(3);
    assert_eq!(verdict(&ended), "unknown");
    ended.says(&["the callee did not join within 2 s"]);
    let child = fs::read_to_string(folder.path().join("child")).unwrap();
    let proc = format!("/proc/{}/cmdline", child.trim());
    let still = fs::read(proc).map(|line| String::from_utf8_lossy(&line).contains("4711")).unwrap_or(false);
    assert!(!still, "the child of the program is left");
}

#[test]
fn a_program_that_talks_nonsense_is_quoted_without_its_control_characters() {
    let ended = played("printf 'hello \\033[31m\\n{\\n'\nsleep 100", "").exits(3);
    ended.says(&["wrote 2 lines that are no messages, such as `hello \\u{1b}[31m`"]);
}

#[test]
fn a_program_that_is_not_there_could_not_be_tested() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[caller]\nplayed-by = [\"./nobody\"]\n";
    fs::write(folder.path().join("it.toml"), text).unwrap();
    let ended = run(&["run", &folder.path().display().to_string(), "--json"]).exits(3);
    assert_eq!(verdict(&ended), "not-run");
    ended.says(&["which plays the caller, does not start"]);
}

#[test]
fn without_a_browser_and_on_simulated_time_a_foreign_side_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("it.toml"), "[callee]\nplayed-by = \"chromium\"\n").unwrap();
    let path = folder.path().display().to_string();
    run(&["run", &path, "--clock", "virtual"]).exits(4).says(&["knows no simulated time"]);
    let mut command = callcheck(&free_room(), &["run", &path]);
    command.env("PATH", "/nowhere").env_remove("CHROME");
    Process::start(command).end().exits(4).says(&["no Chromium is installed"]);
    run(&["run", &path, "--role", "caller"]).exits(4).says(&["somebody else plays one of its sides already"]);
}
