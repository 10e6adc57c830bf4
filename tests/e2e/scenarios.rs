//! `callcheck run`: the scenarios that we ship, what is said of failures, and the reports.

use std::fs;
use std::path::Path;

use crate::harness::{Ended, free_room, one_call_at_a_time, run, start};

fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").display().to_string()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Times, ports and the folder of this run differ from run to run.
fn stable(text: &str, folder: &Path) -> String {
    let text = text.replace(&*folder.to_string_lossy(), "DIR");
    text.lines()
        .filter(|line| !line.contains(" s: ") && !line.starts_with("slowest"))
        .map(without_time)
        .collect::<Vec<_>>()
        .join("\n")
}

/// How long a scenario took stands at the end of its line.
fn without_time(line: &str) -> &str {
    let is_time = |text: &str| text.strip_suffix(" s").is_some_and(|seconds| seconds.parse::<f64>().is_ok());
    match line.rsplit_once("  ") {
        Some((before, time)) if is_time(time) => before,
        _ => line,
    }
}

#[test]
fn every_scenario_that_we_ship_passes() {
    let _machine = one_call_at_a_time();
    let ended = run(&["run", &shipped(), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let calls = report["calls"].as_array().unwrap();
    // Those with a browser are left out where there is none; the reason stands in their line.
    let everything = std::env::var("CALLCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1");
    let wrong: Vec<String> = calls
        .iter()
        .filter(|call| call["verdict"] != "passed" && (everything || call["verdict"] != "skipped"))
        .map(|call| format!("{} {}: {}", call["name"], call["verdict"], call["reason"]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", ended.stderr);
    assert!(calls.len() > 100, "{}", calls.len());
    ended.exits(0);
}

#[test]
fn they_pass_on_simulated_time_as_well() {
    run(&["run", &shipped(), "--clock", "virtual"]).exits(0).says(&["passed"]);
}

#[test]
fn the_cases_of_browsers_are_those_of_the_data() {
    let made = tempfile::tempdir().unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wpt-cases.json");
    run(&["import", &cases.display().to_string(), &made.path().display().to_string()]).exits(0);
    for entry in fs::read_dir(made.path()).unwrap() {
        let path = entry.unwrap().path();
        let shipped = Path::new(&shipped()).join("wpt").join(path.file_name().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), fs::read_to_string(shipped).unwrap());
    }
}

#[test]
fn a_failure_is_shown_at_its_place_with_its_cause() {
    let bug = "[callee]\nattach = \"add-transceiver\"\nrenegotiate = false\n\n[expect.caller]\ntracks = \"audio,video\"\n";
    let folder = folder(&[("bug.toml", bug), ("good.toml", ""), ("later.toml", "skip = \"no camera here\"")]);
    let saved = folder.path().join("failures");
    let path = folder.path().display().to_string();
    let arguments = [
        "run",
        &path,
        "--clock",
        "virtual",
        "--report-junit",
        "-",
        "--save-failures",
        &saved.display().to_string(),
    ];
    let ended = run(&arguments).exits(1);
    let ended = ended.says(&[
        "bug.toml:6:10",
        "did not hold",
        "sdp-addtransceiver-unassociated",
        "1 skipped, 1 passed",
    ]);
    assert!(ended.stdout.contains("<failure") && ended.stdout.contains("<skipped"), "{}", ended.stdout);
    let kept: Vec<_> = fs::read_dir(&saved).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    let names =
        ["_scenario.toml", "scenario.json", "verdict.json", "verdict.txt", "timeline.jsonl", "ladder.txt"];
    for name in names.into_iter().chain(["01-caller-offer.sdp", "02-callee-answer.sdp"]) {
        assert!(!fs::read_to_string(kept[0].join(name)).unwrap().is_empty(), "{name}");
    }
    insta::assert_snapshot!("scenario_failure", stable(&ended.stderr, folder.path()));
}

#[test]
fn wrong_files_are_told_of_all_at_once_and_nothing_is_run() {
    let folder = folder(&[("a.toml", "tilte = \"x\""), ("b.toml", "duration = 5"), ("good.toml", "")]);
    let ended = run(&["run", &folder.path().display().to_string()]).exits(2);
    ended.says(&["did you mean `title`", "a time needs a unit", "2 faults in 3 files; nothing was run"]);
}

#[test]
fn what_is_selected_is_run_and_nothing_selected_is_a_4() {
    let folder = folder(&[("a.toml", "tags = [\"smoke\"]"), ("b.toml", "title = \"another\"")]);
    let path = folder.path().display().to_string();
    run(&["run", &path, "--clock", "virtual", "--tag", "smoke"]).exits(0).says(&["1 scenario in"]);
    run(&["run", &path, "--clock", "virtual", "--tag", "!smoke"]).exits(0).says(&["1 scenario in"]);
    run(&["run", &path, "--filter", "nothing-like-that"]).exits(4);
    let list = run(&["run", &path, "--list"]).exits(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    let plans = run(&["run", &path, "--dry-run"]).exits(0).stdout;
    assert!(plans.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{plans}");
}

#[test]
fn a_flaky_scenario_is_not_passed_and_fail_fast_leaves_the_rest() {
    let wrong = "[expect.caller]\ntracks = \"audio\"\n[callee]\nsend = { video = \"bars\" }";
    let folder = folder(&[("a.toml", wrong), ("b.toml", ""), ("c.toml", "")]);
    let path = folder.path().display().to_string();
    let ended = run(&["run", &path, "--clock", "virtual", "--jobs", "1", "--fail-fast", "--json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let verdicts: Vec<&str> =
        report["calls"].as_array().unwrap().iter().map(|call| call["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["failed", "not-run", "not-run"]);
    run(&["run", &path, "--clock", "virtual", "--retry", "2", "--filter", "a"])
        .exits(1)
        .says(&["try 1 of 3 failed"]);
}

#[test]
fn the_timeline_of_one_scenario_goes_into_a_file_and_those_of_many_into_a_folder() {
    let folder = folder(&[("a.toml", ""), ("b.toml", "")]);
    let path = folder.path().display().to_string();
    let file = folder.path().join("one.jsonl").display().to_string();
    run(&["run", &path, "--clock", "virtual", "--record", &file])
        .exits(2)
        .says(&["--record names a file, and 2 scenarios are run"]);
    run(&["run", &path, "--clock", "virtual", "--record", &file, "--filter", "/a"]).exits(0);
    run(&["explain", &file]).exits(0);
    let many = folder.path().join("many");
    run(&["run", &path, "--clock", "virtual", "--record", &many.display().to_string()]).exits(0);
    assert_eq!(fs::read_dir(many).unwrap().count(), 2);
}

#[test]
fn a_first_scenario_is_written_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    run(&["init", &path]).exits(0).says(&["written", "callcheck run scenarios"]);
    run(&["init", &path]).exits(0).says(&["kept"]);
    let scenarios = folder.path().join("scenarios").display().to_string();
    run(&["run", &scenarios, "--clock", "virtual"]).exits(0);
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/scenario.schema.json");
    let printed = run(&["schema", "scenario"]).exits(0).stdout;
    assert_eq!(fs::read_to_string(committed).unwrap(), printed);
}

/// Both processes play the folder, each its own side; what the two told and how they ended.
fn played_by_two(path: &str, more: &[&str]) -> [Ended; 2] {
    let room = free_room();
    let arguments = |role| [&["run", path, "--json", "--role", role], more].concat();
    let caller = start(&room, &arguments("caller"));
    let callee = start(&room, &arguments("callee"));
    [caller.end(), callee.end()]
}

#[test]
fn two_processes_play_a_side_each_and_end_with_the_same_result() {
    let _machine = one_call_at_a_time();
    let steps = "[both]\n[[step]]\nexpect = \"tracks=audio,video\"\n[[step]]\nwho = \"callee\"\nop = \"hold\"\n\
        [[step]]\nexpect = \"caller.transceivers=0 audio sendrecv/inactive, 1 video sendrecv/inactive\"\n\
        [[step]]\nwho = \"callee\"\nop = \"resume\"\n[expect]\nfinding = \"none\"\nnegotiations = 3\n";
    let bug = "[callee]\nattach = \"add-transceiver\"\nrenegotiate = false\n[expect]\ndefaults = false\n[expect.caller]\ntracks = \"audio,video\"\n";
    let script = "[[step]]\nwho = \"caller\"\nop = \"negotiate\"\n";
    let folder = folder(&[("bug.toml", bug), ("script.toml", script), ("steps.toml", steps)]);
    let ended = played_by_two(&folder.path().display().to_string(), &["--var", "x=1"]);
    for one in ended {
        let one = one.exits(1);
        let report = one.report();
        let calls = report["calls"].as_array().unwrap();
        let told =
            |index: usize| (calls[index]["verdict"].as_str().unwrap(), calls[index]["reason"].as_str());
        assert_eq!(told(0).0, "failed", "{}", one.stderr);
        assert_eq!(calls[0]["findings"][0]["id"], "sdp-addtransceiver-unassociated");
        assert_eq!(
            told(1),
            ("skipped", Some("its two bare connections are in one process; run it without --role"))
        );
        assert_eq!(told(2), ("passed", None), "{}", one.stderr);
        let roles: Vec<&str> =
            calls[2]["peers"].as_array().unwrap().iter().map(|peer| peer["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["caller", "callee"]);
        assert!(one.stderr.contains("bug.toml:7:10"), "{}", one.stderr);
    }
}

#[test]
fn a_process_whose_other_side_does_not_come_could_not_test() {
    let folder = folder(&[("a.toml", "wait = \"300ms\"")]);
    let path = folder.path().display().to_string();
    let ended = run(&["run", &path, "--role", "caller", "--json"]).exits(3);
    assert_eq!(ended.report()["calls"][0]["verdict"], "unknown");
    ended.says(&["the callee did not join within 0.3 s"]);
    // What was not tested neither passes nor fails, whatever little was demanded of it.
    for little in [
        "[expect]\ndefaults = false\n[expect.callee]\ntracks = \"none\"",
        "[expect]\nfinding = \"sdp-no-answer\"",
        "[expect]\nfinding = \"none\"",
    ] {
        let little = format!(
            "wait = \"300ms\"\n[both]\n{}",
            little.replace("sdp-no-answer", "sdp-addtransceiver-unassociated")
        );
        fs::write(folder.path().join("a.toml"), little).unwrap();
        let ended = run(&["run", &path, "--role", "caller", "--json"]).exits(3);
        assert_eq!(ended.report()["calls"][0]["verdict"], "unknown");
    }
    fs::create_dir_all(folder.path().join("x/b")).unwrap();
    fs::create_dir_all(folder.path().join("y/b")).unwrap();
    fs::write(folder.path().join("x/b/c.toml"), "").unwrap();
    fs::write(folder.path().join("y/b/c.toml"), "").unwrap();
    run(&["run", &path, "--role", "caller"])
        .exits(2)
        .says(&["would meet in the same room", "room = \"NAME\""]);
    fs::remove_file(folder.path().join("y/b/c.toml")).unwrap();
    fs::remove_file(folder.path().join("x/b/c.toml")).unwrap();
    run(&["run", &path, "--role", "caller", "--clock", "virtual", "--json"])
        .exits(4)
        .says(&["two processes have no simulated time in common"]);
    run(&["run", &path, "--role", "king"]).exits(2).says(&["the roles are caller and callee"]);
}

#[cfg(unix)]
#[test]
fn a_watched_folder_is_run_again_when_a_file_changes() {
    let folder = folder(&[("call.toml", "defaults = \"_shared.toml\"\n"), ("_shared.toml", "")]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let path = folder.path().display().to_string();
    let mut watching = start(&free_room(), &["run", &path, "--watch", "--clock", "virtual"]);
    watching.says("watching;");
    write("_shared.toml", "[expect.caller]\ntracks = \"audio\"\n");
    watching.says("_shared.toml has changed; running again");
    watching.says("watching;");
    write("_shared.toml", "tilte = 1\n");
    watching.says("_shared.toml has changed; running again");
    watching.says("watching;");
    write("_shared.toml", "");
    watching.says("_shared.toml has changed; running again");
    watching.says("watching;");
    write("other.toml", "[expect.callee]\ntracks = \"none\"\n");
    watching.says("other.toml is new; running again");
    watching.says("watching;");
    watching.signal("INT");
    // The code is that of the last run, which failed.
    let ended = watching.end().exits(1);
    for once in ["title", "nothing was run"] {
        assert!(ended.stderr.contains(once), "{}", ended.stderr);
    }
}

#[test]
fn a_watched_run_has_no_document_for_standard_output() {
    run(&["run", &shipped(), "--watch", "--json"]).exits(2).says(&["--watch", "standard output takes one"]);
    run(&["run", &shipped(), "--watch", "--report-junit", "-"]).exits(2);
    run(&["run", &shipped(), "--watch", "--list"]).exits(2);
}
