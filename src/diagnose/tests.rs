//! Rules on timelines written by hand.

use super::*;
use crate::expect::testplan::plan;
use crate::facts::testcall::{CALLCHECK, TestCall, good, missing_video};
use crate::jsep::Role;

fn of(call: &TestCall) -> Findings {
    diagnose(&Context::of_plan(&plan(Role::Caller)), &call.facts(), true)
}

fn ids(findings: &Findings) -> Vec<&'static str> {
    findings.ids().collect()
}

#[test]
fn a_good_call_has_no_finding() {
    let findings = of(&good(Role::Caller).hung_up(Role::Callee));
    assert_eq!(ids(&findings), [""; 0]);
    assert!(findings.notes.is_empty(), "{:?}", findings.notes);
}

#[test]
fn a_recvonly_answer_is_explained() {
    let findings = of(&missing_video().hung_up(Role::Callee));
    assert_eq!(ids(&findings), ["sdp-answer-without-track"]);
    let finding = &findings.findings[0];
    assert_eq!((finding.confidence, finding.peer), (Confidence::Probable, Some(Role::Callee)));
    assert!(!finding.alternatives.is_empty() && finding.settle.is_some());
    let _ = CALLCHECK;
}
