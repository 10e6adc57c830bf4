//! The shapes in which applications send candidates, and the ways in which they say that no more will come.

use serde_json::Value as Json;

use super::template::as_text;
use crate::timeline::Signal;

/// The names under which applications send the members of RTCIceCandidateInit (W3C webrtc §4.8.1).
const LINE: &[&str] = &["candidate", "sdp", "line"];
const MID: &[&str] = &["sdpMid", "sdp_mid", "mid"];
/// The codelab's names for mid and index. An `id` alone may be anything.
const CODELAB: (&str, &str) = ("id", "label");
const INDEX: &[&str] =
    &["sdpMLineIndex", "sdpMlineIndex", "sdp_m_line_index", "sdp_mline_index", "mLineIndex", "index"];
const FRAGMENT: &[&str] = &["usernameFragment", "username_fragment", "ufrag"];
/// The member that says with `true` that this was the last one.
const COMPLETED: &str = "completed";

/// No message of signaling nests lists deeper.
const DEEPEST: u8 = 4;

/// What a message says beside the candidate itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    pub(super) mid: Option<Json>,
    pub(super) index: Option<Json>,
    pub(super) fragment: Option<Json>,
}

/// The candidates in `value`: an object, a line, a list of those, or JSON in a text; null, an empty text and
/// `completed` are the end of candidates.
pub(super) fn candidates(value: &Json, beside: &Beside) -> Result<Vec<Signal>, String> {
    within(value, beside, DEEPEST)
}

fn within(value: &Json, beside: &Beside, depth: u8) -> Result<Vec<Signal>, String> {
    let Some(depth) = depth.checked_sub(1) else { return Err("the candidate is nested too deeply".into()) };
    match value {
        Json::Null => Ok(vec![end(text_of(beside.fragment.as_ref()))]),
        Json::String(text) => {
            let line = text.trim();
            let line = line.strip_prefix("a=").unwrap_or(line);
            match line {
                "" | "completed" | "end-of-candidates" => Ok(vec![end(text_of(beside.fragment.as_ref()))]),
                json if json.starts_with(['{', '[']) => {
                    let value = serde_json::from_str(json)
                        .map_err(|error| format!("the candidate is JSON in a text, and broken: {error}"))?;
                    within(&value, beside, depth)
                }
                line if line.starts_with("candidate:") => {
                    // A line alone says nothing of its m-section; with BUNDLE all of them share one transport.
                    let nowhere = beside.mid.is_none() && beside.index.is_none();
                    let index = if nowhere { Some(0) } else { number_of(beside.index.as_ref())? };
                    let mid = text_of(beside.mid.as_ref());
                    Ok(vec![candidate(line, mid, index, text_of(beside.fragment.as_ref()))])
                }
                _ => Err("the candidate does not begin with `candidate:`".into()),
            }
        }
        Json::Array(items) => {
            let each = items.iter().map(|item| within(item, beside, depth));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Json::Object(object) => {
            let member = |names: &[&str]| names.iter().find_map(|name| object.get(*name));
            let label = object.get(CODELAB.1);
            let id = object.get(CODELAB.0).filter(|_| label.is_some());
            let own = |named: Option<&Json>, other: &Option<Json>| named.cloned().or_else(|| other.clone());
            let beside = Beside {
                mid: own(member(MID).or(id), &beside.mid),
                index: own(member(INDEX).or(label), &beside.index),
                fragment: own(member(FRAGMENT), &beside.fragment),
            };
            if object.get(COMPLETED) == Some(&Json::Bool(true)) {
                return Ok(vec![end(text_of(beside.fragment.as_ref()))]);
            }
            match member(LINE) {
                Some(Json::String(line)) if line.trim_start().starts_with("candidate:") => {
                    let (mid, index) = (text_of(beside.mid.as_ref()), number_of(beside.index.as_ref())?);
                    Ok(vec![candidate(line.trim(), mid, index, text_of(beside.fragment.as_ref()))])
                }
                Some(inner) => within(inner, &beside, depth),
                None => Err("the candidate is an object without a member `candidate`".into()),
            }
        }
        Json::Bool(_) | Json::Number(_) => Err("the candidate is neither an object nor a text".into()),
    }
}

fn candidate(line: &str, mid: Option<String>, index: Option<u16>, fragment: Option<String>) -> Signal {
    Signal::Candidate {
        candidate: line.to_owned(),
        sdp_mid: mid,
        sdp_m_line_index: index,
        username_fragment: fragment,
    }
}

fn end(username_fragment: Option<String>) -> Signal {
    Signal::EndOfCandidates { username_fragment }
}

fn text_of(value: Option<&Json>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(as_text)
}

fn number_of(value: Option<&Json>) -> Result<Option<u16>, String> {
    let Some(text) = text_of(value) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| "the index of the candidate's m-section is no number".to_owned())
}

/// RTCIceCandidateInit as `candidate.toJSON()` gives it.
pub(super) fn init(candidate: &str, mid: Option<&str>, index: Option<u16>, fragment: Option<&str>) -> Json {
    serde_json::json!({
        "candidate": candidate,
        "sdpMid": mid,
        "sdpMLineIndex": index,
        "usernameFragment": fragment,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINE: &str = "candidate:1 1 udp 1 192.0.2.1 9 typ host";

    fn one(mid: Option<&str>, index: Option<u16>) -> Vec<Signal> {
        vec![candidate(LINE, mid.map(str::to_owned), index, None)]
    }

    #[test]
    fn every_shape_is_the_same_candidate() {
        let object = json!({ "candidate": LINE, "sdpMid": "0", "sdpMLineIndex": 0 });
        for (value, expected) in [
            (object.clone(), one(Some("0"), Some(0))),
            (json!(object.to_string()), one(Some("0"), Some(0))),
            (json!([object, object]), [one(Some("0"), Some(0)), one(Some("0"), Some(0))].concat()),
            (json!({ "candidate": object }), one(Some("0"), Some(0))),
            (
                json!({ "type": "candidate", "label": 1, "id": "video", "candidate": LINE }),
                one(Some("video"), Some(1)),
            ),
            (json!({ "candidate": LINE, "sdpMid": null, "sdpMLineIndex": "1" }), one(None, Some(1))),
            (json!({ "candidate": LINE, "mid": 1 }), one(Some("1"), None)),
            (json!({ "candidate": LINE }), one(None, None)),
            (json!(LINE), one(None, Some(0))),
            (json!(format!("a={LINE}\r\n")), one(None, Some(0))),
        ] {
            assert_eq!(candidates(&value, &Beside::default()), Ok(expected), "{value}");
        }
        let beside = Beside { mid: Some(json!("a")), index: Some(json!(2)), fragment: None };
        assert_eq!(candidates(&json!(LINE), &beside), Ok(one(Some("a"), Some(2))));
    }

    #[test]
    fn every_end_is_an_end() {
        for value in [
            json!(null),
            json!(""),
            json!("completed"),
            json!({ "completed": true }),
            json!({ "candidate": null }),
            json!({ "candidate": "", "sdpMid": "0" }),
            json!({ "candidate": { "completed": true } }),
            json!([null]),
        ] {
            assert_eq!(candidates(&value, &Beside::default()), Ok(vec![end(None)]), "{value}");
        }
    }

    #[test]
    fn what_is_no_candidate_is_told() {
        let mut deep = json!(null);
        for _ in 0..10 {
            deep = json!([deep]);
        }
        for value in
            [json!(7), json!(true), json!("hello"), json!({}), json!("{"), json!({ "candidate": 3 }), deep]
        {
            assert!(candidates(&value, &Beside::default()).is_err(), "{value}");
        }
        let index = json!({ "candidate": LINE, "sdpMLineIndex": "x" });
        assert!(candidates(&index, &Beside::default()).is_err());
    }
}
