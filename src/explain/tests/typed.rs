//! What a description is where nobody says so.

use super::*;
use crate::diagnose::Confidence;
use crate::jsep::SdpType;

const OFFER: &str = "s00-good-addTrack-before.1.caller.offer.sdp";
const ANSWER: &str = "s00-good-addTrack-before.2.callee.answer.sdp";

fn text(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

fn run(inputs: &[Input]) -> Explanation {
    explain(inputs, &Thresholds::default()).unwrap()
}

fn ids(explained: &Explanation) -> Vec<&'static str> {
    explained.findings.ids().collect()
}

#[test]
fn a_role_is_said_by_an_answer_whatever_its_file_is_called() {
    for name in ["reply-for-the-offer.sdp", "new-offer.sdp", "x.sdp"] {
        let explained = run(&[Input::new("x1.sdp", text(OFFER)), Input::new(name, text(ANSWER))]);
        assert_eq!(explained.facts.own().history.descriptions[1].sdp_type, SdpType::Answer, "{name}");
        assert_eq!(ids(&explained), [""; 0], "{name}");
    }
}

#[test]
fn an_answer_to_what_was_not_delivered_is_an_answer() {
    let lost = Input { undelivered: true, ..Input::new("x1.sdp", text(OFFER)) };
    let explained = run(&[lost, Input::new("x2.sdp", text(ANSWER))]);
    assert_eq!(ids(&explained), [""; 0]);
    assert!(explained.said.iter().any(|said| said.contains("must have arrived")), "{:?}", explained.said);
}

#[test]
fn a_repeated_answer_is_told_and_is_no_offer() {
    let answer = || Input::new("answer.sdp", text(ANSWER));
    let explained = run(&[Input::new("x1.sdp", text(OFFER)), answer(), answer()]);
    assert_eq!(ids(&explained), ["sig-answer-in-stable"]);
    let finding = &explained.findings.findings[0];
    assert_eq!(finding.confidence, Confidence::Probable);
    assert!(finding.observed.contains("the same answer came again"), "{}", finding.observed);
    assert_eq!(explained.browsers[0].refused.len(), 1);
    // The same where the callee made the offer.
    let offer = Input { author: Some(Role::Callee), ..Input::new("x1.sdp", text(OFFER)) };
    let explained = run(&[offer, answer(), answer()]);
    assert_eq!(ids(&explained), ["sig-answer-in-stable"]);
    assert_eq!(explained.findings.findings[0].peer, Some(Role::Caller));
    // Where the type is stated, nothing is in doubt.
    let stated = |sdp_type: &str, file| serde_json::json!({"type": sdp_type, "sdp": text(file)}).to_string();
    let answer = || Input::new("b.json", stated("answer", ANSWER));
    let explained = run(&[Input::new("a.json", stated("offer", OFFER)), answer(), answer()]);
    assert_eq!(explained.findings.findings[0].confidence, Confidence::Certain);
}

#[test]
fn what_rests_on_an_inferred_type_is_not_certain() {
    let wrong = text(ANSWER).replace("setup:active", "setup:actpass");
    let explained = run(&[Input::new("offer.sdp", text(OFFER)), Input::new("answer.sdp", wrong)]);
    assert_eq!(ids(&explained), ["sdp-setup-invalid"]);
    assert_eq!(explained.findings.findings[0].confidence, Confidence::Probable);
    assert!(explained.findings.findings[0].settle.as_ref().unwrap().contains("answer.sdp is an answer"));
}

#[test]
fn only_what_was_inferred_is_said_to_be() {
    let stated = |author, name: &str, file| Input { author: Some(author), ..Input::new(name, text(file)) };
    let explained = run(&[stated(Role::Callee, "x1.sdp", OFFER), stated(Role::Caller, "x2.sdp", ANSWER)]);
    assert_eq!(explained.said, ["inferred from `a=setup`: x1.sdp is an offer, x2.sdp is an answer"]);
    let json = serde_json::json!({"type": "offer", "sdp": text(OFFER)}).to_string();
    let explained = run(&[Input::new("x.json", json.clone())]);
    assert_eq!(explained.said, ["inferred from `a=fingerprint` and `o=`: x.json is the caller's"]);
    let explained = run(&[Input { author: Some(Role::Callee), ..Input::new("x.json", json) }]);
    assert_eq!(explained.said, [""; 0]);
}
