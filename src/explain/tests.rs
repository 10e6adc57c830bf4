//! The recorded calls of Chromium, explained from their descriptions alone.

mod agreed;
mod damaged;
mod typed;
mod wrapped;

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

/// s32 needs a timeline: two good descriptions, and no candidate in either direction.
#[test]
fn without_any_candidate_a_timeline_tells_it() {
    use crate::facts::testcall::{BOTH_WAYS, CALLCHECK, TestCall};
    let negotiated = |role| TestCall::joined(role).met(CALLCHECK).offered().answered(&BOTH_WAYS).after(6);
    let lines = |call: TestCall| -> Vec<u8> {
        let header = crate::timeline::Header {
            schema_version: 1,
            tool_version: "x".into(),
            call: Some("c".into()),
            role: call.own(),
            name: "n".into(),
            epoch_us: 1,
            clock: "real".into(),
            seed: 1,
            plan: Value::Null,
            legs: None,
        };
        let mut text = serde_json::to_string(&header).unwrap() + "\n";
        call.events.iter().for_each(|event| text += &(serde_json::to_string(event).unwrap() + "\n"));
        text.into_bytes()
    };
    let caller = lines(negotiated(Role::Caller).ended("not connected"));
    let explained = explain(&[Input::new("caller.jsonl", caller.clone())], &Thresholds::default()).unwrap();
    assert_eq!(explained.findings.ids().collect::<Vec<_>>(), ["ice-peer-sends-no-candidates"]);
    assert_eq!(explained.findings.findings[0].alternatives, ["ice-peer-drops-our-candidates"]);

    // The callee sent some, and the caller too: both lists were lost on the way.
    let candidate = || crate::timeline::Signal::Candidate {
        candidate: "candidate:1 1 udp 1 10.0.0.2 5000 typ host".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: None,
        username_fragment: None,
    };
    let sent = || Kind::SignalSent { seq: 4, signal: candidate() };
    let callee = lines(negotiated(Role::Callee).with(sent()).ended("not connected"));
    let caller = lines(negotiated(Role::Caller).with(sent()).ended("not connected"));
    let both = [Input::new("callee.jsonl", callee), Input::new("caller.jsonl", caller)];
    let explained = explain(&both, &Thresholds::default()).unwrap();
    let found: Vec<_> = explained.findings.ids().collect();
    assert_eq!(found, ["ice-peer-sends-no-candidates", "ice-peer-drops-our-candidates"]);
    assert!(
        explained.findings.findings[1]
            .observed
            .contains("the caller sent 1 candidates, the callee received none")
    );
}

/// A dump as Chromium writes it: values are strings, usually JSON.
fn dump(with_failure: bool) -> String {
    let read = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    let offer = read("s10-BUG-addTransceiver-before.1.caller.offer.sdp");
    let answer = read("s10-BUG-addTransceiver-before.2.callee.answer.sdp");
    let described =
        |sdp_type: &str, sdp: &str| serde_json::json!({ "type": sdp_type, "sdp": sdp }).to_string();
    let entry = |at: f64, name: &str, value: String| serde_json::json!({ "timestamp": 1_700_000_000_000.0 + at, "type": name, "value": value });
    let table = |index: usize, kind: &str, mid: &str, direction: &str, current: &str| {
        format!(
            "Caused by: x\n\ngetTransceivers()[{index}]:{{\n  kind:'{kind}',\n  mid:{mid},\n  direction:'{direction}',\n  \
             currentDirection:{current},\n}}"
        )
    };
    let caller = vec![
        entry(0.0, "addTransceiver", String::new()),
        entry(1.0, "setLocalDescription", described("offer", &offer)),
        entry(2.0, "setLocalDescriptionOnSuccess", String::new()),
        entry(20.0, "setRemoteDescription", described("answer", &answer)),
        if with_failure {
            entry(21.0, "setRemoteDescriptionOnFailure", "InvalidAccessError: no".into())
        } else {
            entry(21.0, "setRemoteDescriptionOnSuccess", String::new())
        },
        entry(6_500.0, "onsignalingstatechange", "\"stable\"".into()),
    ];
    let callee = vec![
        entry(5.0, "addTransceiver", String::new()),
        entry(5.0, "transceiverAdded", table(0, "audio", "null", "sendrecv", "null")),
        entry(6.0, "setRemoteDescription", described("offer", &offer)),
        entry(7.0, "setRemoteDescriptionOnSuccess", String::new()),
        entry(8.0, "createAnswerOnSuccess", described("answer", &answer)),
        entry(8.0, "setLocalDescription", String::new()),
        entry(9.0, "setLocalDescriptionOnSuccess", String::new()),
        entry(9.0, "transceiverAdded", table(1, "audio", "'0'", "recvonly", "'recvonly'")),
        entry(9.0, "transceiverAdded", table(2, "video", "'1'", "recvonly", "'recvonly'")),
        entry(9.5, "onnegotiationneeded", String::new()),
    ];
    let connection = |log: Vec<Value>| {
        let series = |values: &str| {
            serde_json::json!({
                "startTime": "2023-11-14T22:13:20.000Z",
                "endTime": "2023-11-14T22:13:40.000Z",
                "statsType": "outbound-rtp",
                "values": values
            })
        };
        serde_json::json!({
            "updateLog": log,
            "stats": {
                "OT01-mid": series("[\"0\"]"),
                "OT01-kind": series("[\"audio\"]"),
                "OT01-packetsSent": series("[5,50]"),
                "IT01V-[framesReceived-framesDecoded]": series("[1]")
            }
        })
    };
    serde_json::json!({
        "getUserMedia": [],
        "PeerConnections": { "9-1": connection(caller), "9-2": connection(callee) }
    })
    .to_string()
}

#[test]
fn a_dump_of_webrtc_internals_is_explained() {
    let plain = dump(false);
    let explained = explain(&[Input::new("dump.txt", plain.as_bytes())], &Thresholds::default()).unwrap();
    let found: Vec<_> = explained.findings.ids().collect();
    assert_eq!(found[0], "sdp-addtransceiver-unassociated", "{found:?}");
    assert!(
        explained.said.iter().any(|said| said.contains("connection 9-2 as the callee")),
        "{:?}",
        explained.said
    );
    let own = explained.facts.own();
    assert_eq!((own.outbound[0].packets, explained.facts.last_us), (50, 20_000_000));
    let callee = &explained.browsers[1];
    assert!(callee.offer_due && callee.transceivers[0].mid.is_none());

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, plain.as_bytes()).unwrap();
    let gzipped =
        explain(&[Input::new("dump.gz", packed.finish().unwrap())], &Thresholds::default()).unwrap();
    assert_eq!(gzipped.findings, explained.findings);

    let empty = explain(&[Input::new("d", "{\"PeerConnections\":{}}")], &Thresholds::default()).unwrap_err();
    assert!(empty.to_string().contains("no peer connection"), "{empty}");
}

/// What comes is counted all along, so that a dump tells of media that stops.
#[test]
fn media_that_stops_is_seen_in_a_dump() {
    let read = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    let offer = read("s00-good-addTrack-before.1.caller.offer.sdp");
    let answer = read("s00-good-addTrack-before.2.callee.answer.sdp");
    let entry = |at: f64, name: &str, value: &str| serde_json::json!({ "timestamp": 1_700_000_000_000.0 + at, "type": name, "value": value });
    let described =
        |sdp_type: &str, sdp: &str| serde_json::json!({ "type": sdp_type, "sdp": sdp }).to_string();
    let series = |values: Vec<Value>| {
        serde_json::json!({
            "startTime": "2023-11-14T22:13:20.000Z",
            "endTime": "2023-11-14T22:13:40.000Z",
            "statsType": "inbound-rtp",
            "values": Value::from(values).to_string()
        })
    };
    let run = |until: u64| {
        let log = [
            entry(1.0, "setLocalDescription", &described("offer", &offer)),
            entry(2.0, "setLocalDescriptionOnSuccess", ""),
            entry(20.0, "setRemoteDescription", &described("answer", &answer)),
            entry(21.0, "setRemoteDescriptionOnSuccess", ""),
            entry(30.0, "oniceconnectionstatechange", "\"connected\""),
            entry(40.0, "onconnectionstatechange", "\"connected\""),
        ];
        let text = |word: &str| series(vec![Value::from(word); 21]);
        let count =
            |rate: u64, until: u64| series((0..=20).map(|at| Value::from(at.min(until) * rate)).collect());
        let stats = serde_json::json!({
            "IT1-mid": text("0"), "IT1-kind": text("audio"), "IT1-packetsReceived": count(50, 20),
            "IT2-mid": text("1"), "IT2-kind": text("video"), "IT2-packetsReceived": count(100, until),
            "IT2-framesReceived": count(30, until), "IT2-framesDecoded": count(30, until),
        });
        let dump = serde_json::json!({ "PeerConnections": { "9-1": { "updateLog": log, "stats": stats } } });
        explain(&[Input::new("dump.txt", dump.to_string())], &Thresholds::default()).unwrap()
    };
    let ids = |explained: &Explanation| explained.findings.ids().collect::<Vec<_>>();
    assert!(!ids(&run(20)).contains(&"media-paused"), "{:?}", ids(&run(20)));
    let frozen = run(8);
    let finding = frozen.findings.findings.iter().find(|finding| finding.id == "media-paused");
    assert!(finding.unwrap().observed.contains("nothing has come for 12 s"), "{:?}", ids(&frozen));
}

#[test]
fn a_torn_timeline_and_a_newer_one() {
    let header = r#"{"schema_version":1,"tool_version":"x","call":"c","role":"caller","name":"a","epoch_us":1,"clock":"real","seed":1,"plan":null}"#;
    let torn = format!("{header}\n{{\"id\":\"caller:1\",\"at");
    let explained = explain(&[Input::new("t", torn)], &Thresholds::default()).unwrap();
    assert!(explained.said[0].contains("cut off"), "{:?}", explained.said);
    let newer = header.replace("\"schema_version\":1", "\"schema_version\":9");
    let error = explain(&[Input::new("t", newer)], &Thresholds::default()).unwrap_err().to_string();
    assert!(error.contains("newer"), "{error}");
}

mod anything {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::tests::any_timeline;

    /// Lines of good descriptions, in any order and with any of them lost.
    fn any_description() -> impl Strategy<Value = String> {
        let offer =
            fs::read_to_string(folder().join("s13-BUG-then-callee-reoffers.3.callee.offer.sdp")).unwrap();
        let lines: Vec<String> = offer.lines().map(str::to_owned).collect();
        let odd = [
            "m=video 0 X 1",
            "a=setup:active",
            "m=application 9 DTLS/SCTP 5000",
            "a=mid:0",
            "b=AS:1",
            "a=msid:-",
        ];
        let lines: Vec<String> = lines.into_iter().chain(odd.map(str::to_owned)).collect();
        let count = lines.len();
        proptest::collection::vec(0..count, 0..count * 2).prop_map(move |chosen| {
            let text: Vec<&str> = chosen.iter().map(|index| lines[*index].as_str()).collect();
            format!("v=0\r\n{}\r\n", text.join("\r\n"))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_description_is_too_strange(texts in proptest::collection::vec((any_description(), any::<bool>()), 1..4)) {
            let input = |(number, (text, undelivered)): (usize, (String, bool))| Input {
                undelivered,
                ..Input::new(format!("{number}"), text)
            };
            let inputs: Vec<Input> = texts.into_iter().enumerate().map(input).collect();
            if let Ok(explained) = explain(&inputs, &Thresholds::default()) {
                let texts = explained.lints.iter().map(|lint| lint.diagnostic.render(false));
                prop_assert!(texts.map(|text| text.len()).sum::<usize>() < 1_000_000);
            }
        }

        #[test]
        fn no_timeline_is_too_strange(events in any_timeline()) {
            let mut facts = Facts::new(Role::Caller);
            events.iter().for_each(|event| facts.apply(event));
            for ended in [false, true] {
                let findings = diagnose(&Context::of_timeline(), &facts, ended);
                prop_assert!(findings.findings.iter().all(|finding| finding.severity != Severity::Info));
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = explain(&[Input::new("x", bytes)], &Thresholds::default());
        }
    }
}
