//! Mistakes on purpose over real sockets: one of each layer is named by the good side; and what is said of `--fault`.

use serde_json::Value;

use crate::harness::{free_room, one_call_at_a_time, run, start};

/// What the good caller of that call is told first. `caller` are its options.
fn first_finding(fault: &str, caller: &str) -> String {
    let _machine = one_call_at_a_time();
    let room = free_room();
    let callee = start(&room, &["answer", "room", "--timeout", "12s", "--fault", fault]);
    let caller: Vec<&str> = caller.split_whitespace().collect();
    let ended = start(&room, &[&["call", "room", "--json", "--timeout", "12s"], &caller[..]].concat()).end();
    callee.end();
    let report = ended.report();
    let ids: Vec<&str> = report["calls"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|found| found["id"].as_str())
        .collect();
    assert!(!ids.is_empty(), "{fault}: {}", ended.stderr);
    ids[0].to_owned()
}

#[test]
fn one_mistake_of_each_layer_is_named_over_real_sockets() {
    for (fault, caller) in [
        ("sig-answer-in-stable", "--duration 2s"),
        ("sdp-streams-split", "--duration 1s"),
        ("nn-storm", "--duration 6s"),
        ("ice-creds-changed-no-restart", "--hold 1s --resume 2s --duration 3s"),
        ("dtls-fingerprint-mismatch", "--duration 1s"),
        ("rtp-ssrc-changed=1s", "--duration 6s"),
        ("media-low-fps", "--duration 4s"),
        ("dc-rejected", "--duration 1s --data"),
        ("end-no-hangup-message=1s", "--duration 3s"),
    ] {
        assert_eq!(first_finding(fault, caller), fault.split('=').next().unwrap());
    }
}

#[test]
fn the_list_names_every_fault_and_a_wrong_one_is_told_of() {
    let list = run(&["answer", "room", "--fault", "list"]).exits(0).stdout;
    assert!(list.lines().count() >= 120, "{}", list.lines().count());
    assert!(list.lines().all(|line| line.contains("  ")), "{list}");
    insta::assert_snapshot!("fault_list", list);
    let errors = [
        vec!["--fault", "sdp-mline-rejectd"],
        vec!["--fault", "no"],
        vec!["--fault", "sdp-plan-b"],
        vec!["--fault", "sdp-mline-rejected=3s"],
        vec!["--fault", "media-frozen=soon"],
    ]
    .iter()
    .map(|arguments| run(&[&["answer", "room"], &arguments[..]].concat()).exits(2).stderr)
    .collect::<Vec<_>>();
    insta::assert_snapshot!("fault_errors", errors.join("\n"));
}

#[test]
fn a_faulty_side_says_what_it_does_on_purpose() {
    let report: Value = run(&["sim", "--json", "--callee", "--fault media-silence"]).report();
    assert_eq!(report["calls"][0]["findings"][0]["id"], "media-silence");
}
