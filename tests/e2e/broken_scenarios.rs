//! `callcheck run` given what it cannot use, and interrupted in the middle: each is told at its place, and nothing that was
//! finished is lost.

use std::fs;
use std::path::Path;

use crate::harness::{Ended, callcheck, free_room, one_call_at_a_time, run, start};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn stable(ended: &Ended, folder: &Path) -> String {
    ended.stderr.replace(&*folder.to_string_lossy(), "DIR")
}

#[test]
fn what_is_said_of_files_that_are_no_scenarios() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let large = vec![b'#'; 10 << 20];
    let matrix = "[matrix]\na = [1,2,3,4,5,6,7,8,9,10,11,12]\nb = [1,2,3,4,5,6,7,8,9,10,11,12]\nc = [1,2,3,4,5,6,7,8,9,10]";
    let folder = folder(&[
        ("binary.toml", b"title = \"\xff\xfe\""),
        ("deep.toml", deep.as_bytes()),
        ("foreign.toml", b"[package]\nname = \"not-a-scenario\"\n"),
        ("large.toml", &large),
        ("matrix.toml", matrix.as_bytes()),
        ("negative.toml", b"duration = \"-5s\""),
        ("round-a.toml", b"defaults = \"round-b.toml\""),
        ("round-b.toml", b"defaults = \"round-a.toml\""),
        ("steps.toml", b"[both]\n[[step]]\nwho = \"caller\"\nop = \"deliver\"\n"),
        ("twice.toml", b"title = \"a\"\ntitle = \"b\""),
    ]);
    let ended = run(&["run", &folder.path().display().to_string()]).exits(2);
    // A line of a hundred thousand brackets is shown in part.
    assert!(ended.stderr.len() < 20_000, "{}", ended.stderr.len());
    insta::assert_snapshot!("no_scenarios", stable(&ended, folder.path()));
}

#[test]
fn what_is_said_of_paths_and_media_that_are_not_there() {
    let folder = folder(&[("a.toml", b"[caller]\nsend = { audio = \"./nowhere.ogg\" }\n")]);
    let path = folder.path().display().to_string();
    let nowhere = format!("{path}/nowhere");
    let said: Vec<String> = [
        vec!["run", path.as_str()],
        vec!["run", nowhere.as_str()],
        vec!["run", path.as_str(), "--var", "name"],
        vec!["run", path.as_str(), "--secret", "NO_SUCH_NAME"],
        vec!["run", path.as_str(), "--json", "--report-tap", "-"],
    ]
    .iter()
    .map(|arguments| stable(&run(arguments).exits(2), folder.path()))
    .collect();
    insta::assert_snapshot!("nothing_there", said.join("\n"));
}

#[test]
fn a_report_that_cannot_be_written_costs_no_call() {
    let folder = folder(&[("a.toml", b"")]);
    let path = folder.path().display().to_string();
    let nowhere = format!("{path}/no/such/folder/report.xml");
    let ended = run(&["run", &path, "--report-junit", &nowhere]).exits(3);
    insta::assert_snapshot!("unwritable_report", stable(&ended, folder.path()));
    // A disk that fills up is noticed at the end: the calls were made, and that is told.
    let ended = run(&["run", &path, "--clock", "virtual", "--report-junit", "/dev/full"]).exits(3);
    ended.says(&["1 passed", "/dev/full"]);
}

#[test]
fn an_interrupt_reports_what_is_finished_and_the_rest_was_not_run() {
    let _turn = one_call_at_a_time();
    let folder =
        folder(&[("a.toml", b"duration = \"100ms\""), ("b.toml", b"duration = \"60s\""), ("c.toml", b"")]);
    let path = folder.path().display().to_string();
    let junit = folder.path().join("out.xml");
    let arguments = ["run", &path, "--jobs", "1", "--json", "--report-junit", &junit.display().to_string()];
    let mut running = start(&free_room(), &arguments);
    running.says("/a ");
    running.signal("INT");
    let ended = running.end().exits(130);
    let report = ended.report();
    let verdicts: Vec<&str> =
        report["calls"].as_array().unwrap().iter().map(|call| call["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["passed", "unknown", "not-run"]);
    let junit = fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase").count(), 3, "{junit}");
    ended.says(&["interrupted, 1 unknown, 1 not run, 1 passed"]);
}

#[test]
fn a_step_that_does_not_hold_is_shown_at_its_place_and_the_next_ones_are_taken() {
    let steps = b"[both]\nsend = { audio = \"tone\" }\n\n[[step]]\nexpect = \"callee.tracks=audio,video\"\nwithin = \"300ms\"\n\n\
        [[step]]\nwho = \"callee\"\nop = \"remove-track\"\nsender = 4\n\n[[step]]\nwho = \"caller\"\nop = \"stop\"\n\
        transceiver = 0\nrejected = \"InvalidStateError\"\n\n[[step]]\nwho = \"callee\"\nop = \"hang-up\"\n\n\
        [[step]]\nwho = \"caller\"\nop = \"hold\"\n\n[expect]\ndefaults = false\n";
    let folder = folder(&[("steps.toml", steps)]);
    let path = folder.path().display().to_string();
    let ended = start(&free_room(), &["run", &path, "--clock", "virtual", "--json"]).end().exits(1);
    let rows: Vec<String> = ended.report()["calls"][0]["expectations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["subject"], row["status"]).replace('"', ""))
        .collect();
    assert_eq!(rows, ["step 1 callee.tracks failed", "step 2 failed", "step 3 failed", "step 5 unknown"]);
    // The ladder below is that of every failure.
    let told = stable(&ended, folder.path());
    let complaints = told.split("\n  note:").next().unwrap();
    insta::assert_snapshot!("failed_steps", complaints.split_once("\n\n").unwrap().1);
}

#[test]
fn what_is_required_must_not_be_skipped() {
    let folder = folder(&[("a.toml", b"skip = \"no camera here\"")]);
    let mut command = callcheck(&free_room(), &["run", &folder.path().display().to_string()]);
    command.env("CALLCHECK_REQUIRE_ALL", "1");
    crate::harness::Process::start(command).end().exits(1).says(&["skipped"]);
}
