//! `make lab`: a shell in a lab, with coturn and callcheck, and nothing left of it afterwards.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use crate::coturn::is_installed;
use crate::harness::{Ended, Process};
use crate::lab::{Lab, script};

/// The shell of a lab, and where its commands come from.
fn shell(name: &str) -> (Process, ChildStdin) {
    let folder = Path::new(env!("CARGO_BIN_EXE_callcheck")).parent().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab.sh");
    let mut command = Command::new("bash");
    command.args([path, "shell", name]).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut process, input) = Process::start_with_input(command);
    process.says("Leave with exit or Ctrl-D");
    (process, input.unwrap())
}

/// Asserts that no namespace is left of the lab that printed its prefix.
#[track_caller]
fn gone(ended: &Ended) {
    let prefix = ended.stdout.lines().find_map(|line| line.strip_prefix("lab is ")).unwrap();
    let left = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let left = String::from_utf8_lossy(&left.stdout).into_owned();
    assert!(!left.contains(prefix), "{prefix} is left of:\n{left}");
}

#[test]
fn a_shell_in_a_lab_finds_coturn_and_leaves_nothing_behind() {
    if !is_installed() || Lab::up("open").is_none() {
        return;
    }
    let (process, mut stdin) = shell("symmetric");
    writeln!(stdin, "echo lab is $LAB; callcheck turn turn:203.0.113.10 --json 2>/dev/null; exit 7").unwrap();
    let ended = process.end().exits(7);
    assert!(ended.stdout.contains("symmetric NAT"), "{}", ended.stdout);
    gone(&ended);
}

#[test]
fn a_lab_that_is_interrupted_leaves_nothing_behind() {
    if !is_installed() || Lab::up("open").is_none() {
        return;
    }
    let (mut process, mut stdin) = shell("cone");
    // Ctrl-C is for all processes of the terminal.
    writeln!(stdin, "echo lab is $LAB; echo ready >&2; kill -INT -- -$PPID; sleep 60").unwrap();
    process.says("ready");
    gone(&process.end().exits(130));
}

#[test]
fn a_lab_that_does_not_exist_is_answered_with_those_that_do() {
    for name in ["", "cone-shaped", ".*"] {
        let asked = script(&["check", name]);
        assert_eq!(asked.status.code(), Some(2), "`{name}`");
        let said = String::from_utf8(asked.stderr).unwrap();
        for lab in ["open", "symmetric", "tcp-443", "loss"] {
            assert!(said.contains(&format!("\n  {lab} ")), "{said}");
        }
    }
}
