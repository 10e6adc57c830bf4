//! Rules on timelines written by hand: each provokes one fault and demands its name, first and for the right side; and
//! good calls of every shape demand that nothing is said.

mod calls;
mod dialects;
mod good;
mod media;
mod network;
mod offers;

use super::*;
use crate::expect::testplan::plan;
use crate::facts::testcall::TestCall;
use crate::jsep::Role;

/// The findings of a call of the caller's, by the plan that states nothing.
fn of(call: &TestCall) -> Findings {
    let facts = call.facts();
    diagnose(&Context::of_plan(&plan(facts.own)), &facts, true)
}

fn ids(findings: &Findings) -> Vec<&'static str> {
    findings.ids().collect()
}

/// The first finding is that one, cites events of the call, and is of that side.
#[track_caller]
fn first(call: &TestCall, id: &str, peer: Option<Role>) -> Finding {
    let findings = of(call);
    let found = ids(&findings);
    assert_eq!(found.first(), Some(&id), "{found:?}; notes {:?}", notes(&findings));
    let finding = findings.findings[0].clone();
    assert_eq!(finding.peer, peer, "{id}");
    assert!(!finding.evidence.is_empty(), "{id} cites nothing");
    if finding.confidence == Confidence::Probable {
        assert!(!finding.alternatives.is_empty(), "{id} is probable and names no alternative");
    }
    finding
}

fn notes(findings: &Findings) -> Vec<&'static str> {
    findings.notes.iter().map(|note| note.id).collect()
}

#[test]
fn every_id_that_a_rule_names_is_in_the_catalogue() {
    // The prober of TURN has rules of its own.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src/diagnose"), root.join("src/turn")];
    let mut seen = std::collections::BTreeSet::new();
    let mut told = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let in_tests = path.components().any(|part| part.as_os_str() == "tests") || name == "tests.rs";
            // What is only put in order or excused is told by nobody.
            if !in_tests && !["order.rs", "on_purpose.rs"].contains(&name.as_str()) {
                told.push_str(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
            }
            for word in text.split('"').skip(1).step_by(2) {
                let layer = word.split('-').next().unwrap_or_default();
                let prefixes = [
                    "sig", "sdp", "glare", "nn", "ice", "turn", "dtls", "srtp", "rtp", "media", "dc", "end",
                    "app",
                ];
                let named = word.contains('-')
                    && prefixes.contains(&layer)
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
                // A word of the DTLS transport, and a limit of the engine.
                let other = ["dtls-failure", "dtls-handshake-under-loss"].contains(&word);
                if named && !other && !word.ends_with('-') {
                    seen.insert(word.to_owned());
                }
            }
        }
    }
    let unknown: Vec<&String> = seen.iter().filter(|id| entry(id).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(seen.len() > 100, "{} ids were read", seen.len());
    for entry in entries() {
        let says = told.contains(&format!("\"{}\"", entry.id));
        assert_eq!(says, entry.detected, "{}: the catalogue says another thing than the rules", entry.id);
    }
}
