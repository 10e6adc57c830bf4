//! The recorded calls of Chromium, explained from their descriptions alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::diagnose::Severity;
use crate::jsep::{Direction, Role};
use crate::timeline::{Event, Kind, TransceiverRow};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chromium")
}

fn manifest() -> Vec<Value> {
    let text = fs::read_to_string(folder().join("manifest.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["scenarios"].as_array().unwrap().clone()
}

/// The files of a scenario as they would be given on the command line.
fn inputs(scenario: &Value, with_authors: bool) -> Vec<Input> {
    let messages = scenario["messages"].as_array().unwrap();
    let input = |message: &Value| {
        let name = message["file"].as_str().unwrap();
        let undelivered = message["delivered"] == Value::Bool(false);
        // A name that tells nothing, so that everything has to be inferred.
        let told = if with_authors { name.to_owned() } else { format!("{}.sdp", message["seq"]) };
        Input {
            author: with_authors.then(|| message["who"].as_str().unwrap().parse().unwrap()),
            undelivered,
            ..Input::new(told, fs::read(folder().join(name)).unwrap())
        }
    };
    messages.iter().map(input).collect()
}

fn words(value: &Value) -> BTreeSet<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// What is found differs from what is expected, minor ones aside.
fn difference(findings: &Findings, expected: &BTreeSet<&str>, allowed: &BTreeSet<&str>) -> Option<String> {
    let found: BTreeSet<&str> = findings.ids().filter(|id| !allowed.contains(id)).collect();
    (found != *expected).then(|| format!("found {found:?}, expected {expected:?}"))
}

#[test]
fn every_recorded_call_is_explained_from_its_descriptions() {
    let mut wrong = Vec::new();
    let mut right = 0;
    for scenario in manifest() {
        let id = scenario["id"].as_str().unwrap();
        // Two good descriptions without candidates look like trickle: that one needs a timeline.
        let expected = if id == "s32" { BTreeSet::new() } else { words(&scenario["expected_findings"]) };
        for with_authors in [true, false] {
            let explained = explain(&inputs(&scenario, with_authors), &Thresholds::default()).unwrap();
            let lost: Vec<_> = explained.browsers.iter().filter_map(|browser| browser.lost.clone()).collect();
            assert_eq!(lost, [""; 0], "{id}");
            if let Some(text) =
                difference(&explained.findings, &expected, &words(&scenario["expected_minor"]))
            {
                wrong.push(format!("{id}: {text}"));
            }
            for finding in &explained.findings.findings {
                assert!(!finding.evidence.is_empty(), "{id}: {} cites nothing", finding.id);
                if let Some(alternatives) = scenario["alternatives"].as_array()
                    && finding.id == "sdp-answer-without-track"
                {
                    let named: Vec<Value> = finding.alternatives.iter().map(|id| Value::from(*id)).collect();
                    assert_eq!(&named, alternatives, "{id}");
                }
            }
            right += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(right, 2 * 23);
}

/// The callee's own transceivers and its negotiationneeded events, as its report would bring them.
fn callee_state(scenario: &Value, answered_at: u64) -> Kind {
    let seen = &scenario["observed"]["callee"];
    let row = |row: &Value| TransceiverRow {
        mid: row["mid"].as_str().map(str::to_owned),
        kind: row["kind"].as_str().unwrap().parse().unwrap(),
        direction: row["direction"].as_str().unwrap().parse().unwrap(),
        current_direction: row["currentDirection"].as_str().map(|word| word.parse().unwrap()),
    };
    let rows = seen["transceivers"].as_array().unwrap().iter().map(row).collect();
    let kinds = std::iter::once((answered_at + 9_000, Kind::Transceivers(rows)));
    let acts = scenario["timeline"].as_array().unwrap().iter();
    let ignored = acts.filter(|act| act["op"] == "ignoreNegotiationneeded" && act["who"] == "callee");
    let needed = ignored.map(|_| (answered_at + 1, Kind::NegotiationNeeded));
    let events = needed.chain(kinds).enumerate();
    let event = |(number, (at_us, kind))| Event { id: format!("callee:{}", number + 1), at_us, kind };
    Kind::PeerReport { role: Role::Callee, epoch_us: 0, events: events.map(event).collect() }
}

#[test]
fn with_the_callees_state_the_cause_is_named() {
    let mut wrong = Vec::new();
    for scenario in manifest() {
        let id = scenario["id"].as_str().unwrap();
        if id == "s32" {
            continue;
        }
        let explained = explain(&inputs(&scenario, true), &Thresholds::default()).unwrap();
        let mut facts = explained.facts.clone();
        // The callee's descriptions as it set them, so that its report has them as well.
        let own = facts.own().history.descriptions.clone();
        let mut events: Vec<Event> = Vec::new();
        let mut answered = None;
        for known in &own {
            let at_us = known.first().at_us;
            let side = if known.side == crate::jsep::Side::Local {
                crate::jsep::Side::Remote
            } else {
                crate::jsep::Side::Local
            };
            if known.sdp_type == crate::jsep::SdpType::Answer {
                answered.get_or_insert(at_us);
            }
            events.push(Event {
                id: format!("callee:d{at_us}"),
                at_us,
                kind: Kind::DescriptionSet {
                    side,
                    sdp_type: known.sdp_type,
                    sdp: known.text.to_string(),
                    engine_sdp: None,
                },
            });
        }
        let Kind::PeerReport { events: state, .. } = callee_state(&scenario, answered.unwrap()) else {
            unreachable!()
        };
        events.extend(state);
        events.sort_by_key(|event| event.at_us);
        let kind = Kind::PeerReport { role: Role::Callee, epoch_us: 0, events };
        facts.apply(&Event { id: "caller:report".into(), at_us: facts.last_us, kind });
        let findings = diagnose(&explained.context, &facts, true);
        let expected = words(&scenario["expected_findings_with_callee_state"]);
        if let Some(text) = difference(&findings, &expected, &words(&scenario["expected_minor"])) {
            wrong.push(format!("{id}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn browsers_do_what_chromium_did() {
    let mut wrong = Vec::new();
    for scenario in manifest() {
        let id = scenario["id"].as_str().unwrap();
        let explained = explain(&inputs(&scenario, true), &Thresholds::default()).unwrap();
        for browser in &explained.browsers {
            let seen = &scenario["observed"][browser.role.as_str()];
            let fired: Vec<(String, usize)> =
                browser.fired.iter().map(|fired| (fired.mid.clone(), fired.streams.len())).collect();
            let observed: Vec<(String, usize)> = seen["ontrack"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| {
                    (row["mid"].as_str().unwrap().to_owned(), row["streams"].as_u64().unwrap() as usize)
                })
                .collect();
            if fired != observed {
                wrong.push(format!("{id} {}: fired {fired:?}, observed {observed:?}", browser.role));
            }
            // What is not associated cannot be seen in descriptions.
            let rows: BTreeSet<(String, Option<Direction>)> =
                browser.transceivers.iter().filter_map(|row| Some((row.mid.clone()?, row.current))).collect();
            let current = |row: &Value| row["currentDirection"].as_str().map(|word| word.parse().unwrap());
            let observed: BTreeSet<(String, Option<Direction>)> = seen["transceivers"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|row| Some((row["mid"].as_str()?.to_owned(), current(row))))
                .collect();
            if rows != observed {
                wrong.push(format!("{id} {}: {rows:?}, observed {observed:?}", browser.role));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bad_input_is_one_clear_error() {
    let offer = fs::read(folder().join("s00-good-addTrack-before.1.caller.offer.sdp")).unwrap();
    let answer = fs::read(folder().join("s00-good-addTrack-before.2.callee.answer.sdp")).unwrap();
    let run = |inputs: &[Input]| explain(inputs, &Thresholds::default());
    let order = run(&[Input::new("b", answer.clone()), Input::new("a", offer.clone())]);
    assert!(order.is_err() || order.is_ok_and(|explained| explained.findings.findings.is_empty()));
    let html = run(&[Input::new("a", offer.clone()), Input::new("b.sdp", "<html>404</html>")]).unwrap_err();
    assert!(html.to_string().starts_with("b.sdp is HTML"), "{html}");
    let header = r#"{"schema_version":1,"tool_version":"x","call":"c","role":"caller","name":"a","epoch_us":1,"clock":"real","seed":1,"plan":null}"#;
    let mixed = run(&[Input::new("a", offer.clone()), Input::new("t.jsonl", header)]).unwrap_err();
    assert!(mixed.to_string().contains("different kinds"), "{mixed}");
    let other = header.replace("\"c\"", "\"d\"").replace("\"caller\"", "\"callee\"");
    let two = run(&[Input::new("x", header), Input::new("y", other)]).unwrap_err();
    assert!(two.to_string().contains("different calls"), "{two}");
    let same = run(&[Input::new("x", header), Input::new("y", header)]).unwrap_err();
    assert!(same.to_string().contains("both of the caller"), "{same}");
    for cut in (0..offer.len()).step_by(97) {
        let _ = run(&[Input::new("a", &offer[..cut]), Input::new("b", answer.clone())]);
    }
}

#[test]
fn a_good_pair_has_nothing_to_complain_of() {
    let scenario = &manifest()[0];
    let explained = explain(&inputs(scenario, false), &Thresholds::default()).unwrap();
    assert!(explained.findings.findings.is_empty() && explained.findings.notes.is_empty());
    let lints: Vec<_> = explained.lints.iter().map(|lint| lint.diagnostic.render(false)).collect();
    assert_eq!(lints, [""; 0]);
    assert!(explained.said[0].contains("1.sdp is the caller's offer"), "{:?}", explained.said);
    assert!(!explained.findings.findings.iter().any(|finding| finding.severity == Severity::Info));
}
