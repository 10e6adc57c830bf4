//! The signals in a message that a rule has matched.

use minijinja::Value;
use serde_json::Value as Json;

use super::candidate::{Beside, candidates};
use super::rule::{Meaning, Rule, Slot};
use super::template::as_text;
use crate::jsep::SdpType;
use crate::timeline::Signal;

/// What a peer says by the message; empty if the rule is about something else.
pub(super) fn signals(rule: &Rule, message: &Json, names: &Value) -> Result<Vec<Signal>, String> {
    let slots = &rule.slots;
    match rule.meaning {
        Some(Meaning::Offer) => Ok(vec![description(Some(SdpType::Offer), rule, message, names)?]),
        Some(Meaning::Answer) => Ok(vec![description(Some(SdpType::Answer), rule, message, names)?]),
        Some(Meaning::Description) => Ok(vec![description(None, rule, message, names)?]),
        Some(Meaning::Candidate) => {
            let beside = Beside {
                mid: optional(slots.mid.as_ref(), message, names)?,
                index: optional(slots.index.as_ref(), message, names)?,
                fragment: optional(slots.ufrag.as_ref(), message, names)?,
            };
            let found = all(slots.candidate.as_ref(), message, names)?;
            let each = found.iter().map(|value| candidates(value, &beside));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Some(Meaning::EndOfCandidates) => {
            let fragment = optional(slots.ufrag.as_ref(), message, names)?;
            let username_fragment = fragment.filter(|value| !value.is_null()).as_ref().map(as_text);
            Ok(vec![Signal::EndOfCandidates { username_fragment }])
        }
        Some(Meaning::HangUp) => {
            let reason = optional(slots.reason.as_ref(), message, names)?;
            let reason = reason.filter(|value| !value.is_null()).as_ref().map_or_else(String::new, as_text);
            Ok(vec![Signal::HangUp { reason }])
        }
        _ => Ok(Vec::new()),
    }
}

/// The value, which must be there.
pub(super) fn needed(slot: Option<&Slot>, message: &Json, names: &Value) -> Result<Json, String> {
    let Some(slot) = slot else { return Err("the rule does not say where".into()) };
    slot.find(message, names)?.ok_or_else(|| absent(slot))
}

/// The value, if it is there.
pub(super) fn optional(slot: Option<&Slot>, message: &Json, names: &Value) -> Result<Option<Json>, String> {
    slot.map_or(Ok(None), |slot| slot.find(message, names))
}

fn all(slot: Option<&Slot>, message: &Json, names: &Value) -> Result<Vec<Json>, String> {
    match slot {
        Some(slot @ Slot::Path(path, _)) => {
            let found: Vec<Json> = path.query(message).all().into_iter().cloned().collect();
            if found.is_empty() { Err(absent(slot)) } else { Ok(found) }
        }
        slot => needed(slot, message, names).map(|value| vec![value]),
    }
}

pub(super) fn absent(slot: &Slot) -> String {
    format!("`{}` is not in the message", slot.source())
}

fn description(
    stated: Option<SdpType>,
    rule: &Rule,
    message: &Json,
    names: &Value,
) -> Result<Signal, String> {
    let mut value = needed(rule.slots.sdp.as_ref(), message, names)?;
    if let Json::String(text) = &value
        && text.trim_start().starts_with('{')
    {
        value = serde_json::from_str(text)
            .map_err(|error| format!("the description is JSON in a text, and broken: {error}"))?;
    }
    let (word, sdp) = match &value {
        Json::String(sdp) => (None, sdp.clone()),
        Json::Object(members) => match members.get("sdp") {
            Some(Json::String(sdp)) => (members.get("type").cloned(), sdp.clone()),
            None if members.get("type").is_some_and(|word| word == "rollback") => {
                (members.get("type").cloned(), String::new())
            }
            _ => return Err("the description has no text `sdp`".into()),
        },
        _ => return Err("the description is neither a text nor an object with `sdp`".into()),
    };
    let word = optional(rule.slots.sdp_type.as_ref(), message, names)?.or(word);
    let told = match &word {
        None | Some(Json::Null) => None,
        Some(word) => Some(sdp_type(word)?),
    };
    let sdp_type = match (stated, told) {
        (Some(stated), Some(told)) if stated != told && told != SdpType::Pranswer => {
            return Err(format!("the rule says that it is an {stated}, the message that it is an {told}"));
        }
        (_, Some(told)) | (Some(told), None) => told,
        (None, None) => return Err("nothing says of which type the description is; add `type`".into()),
    };
    Ok(Signal::Description { sdp_type, sdp })
}

fn sdp_type(word: &Json) -> Result<SdpType, String> {
    match word.as_str() {
        Some("offer") => Ok(SdpType::Offer),
        Some("answer") => Ok(SdpType::Answer),
        Some("pranswer") => Ok(SdpType::Pranswer),
        Some("rollback") => Ok(SdpType::Rollback),
        _ => Err("the type of the description is none of offer, answer, pranswer and rollback".into()),
    }
}
