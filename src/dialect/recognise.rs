//! What a message of our own says, found by our own templates: for transcripts, which hold messages and no signals.

use minijinja::Value;
use serde_json::{Map, Value as Json, json};

use super::candidate::{Beside, candidates};
use super::speaker::Speaker;
use super::template::{Template, as_text, inside, valued};
use crate::jsep::SdpType;
use crate::timeline::Signal;

/// Stand for what differs from message to message; no message of a room holds such a text.
const SDP: &str = "\u{1}sdp";
const LINE: &str = "\u{1}line";
const MID: &str = "\u{1}mid";
const INDEX: &str = "\u{1}index";
const FRAGMENT: &str = "\u{1}fragment";

impl Speaker {
    /// The signals that we say with this message; none if no template makes it.
    pub(super) fn recognise(&self, text: &str, now_ms: u64) -> Vec<Signal> {
        let say = &self.dialect.say;
        let described = |sdp_type: SdpType, messages: &[Template]| {
            let more = [("sdp", Value::from(SDP)), ("type", Value::from(sdp_type.as_str()))];
            let found = self.found(text, messages, &more, now_ms)?;
            Some(vec![Signal::Description { sdp_type, sdp: as_text(found.get(SDP)?) }])
        };
        let candidate = || {
            let init = json!({
                "candidate": LINE, "sdpMid": MID, "sdpMLineIndex": INDEX, "usernameFragment": FRAGMENT,
            });
            let found = self.found(text, &say.candidate, &[("candidate", valued(init))], now_ms)?;
            let of = |name: &str| found.get(name).cloned().filter(|value| !value.is_null());
            let beside = Beside { mid: of(MID), index: of(INDEX), fragment: of(FRAGMENT) };
            candidates(found.get(LINE)?, &beside).ok()
        };
        described(SdpType::Offer, &say.offer)
            .or_else(|| described(SdpType::Answer, &say.answer))
            .or_else(candidate)
            .unwrap_or_default()
    }

    /// What stands in the message where ours would have the texts above.
    fn found(
        &self,
        text: &str,
        messages: &[Template],
        more: &[(&str, Value)],
        now_ms: u64,
    ) -> Option<Map<String, Json>> {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned()));
        let recorded = read(text);
        messages.iter().find_map(|message| {
            let message = message.message(&self.values(now_ms, more)).ok()?;
            let mut found = Map::new();
            fits(&read(&message), &recorded, &mut found).then_some(found).filter(|found| !found.is_empty())
        })
    }
}

/// Whether two messages differ in nothing but the texts above, which are found.
fn fits(ours: &Json, recorded: &Json, found: &mut Map<String, Json>) -> bool {
    match (ours, recorded) {
        (_, Json::String(any)) if any == "*" => true,
        (Json::String(name), value) if [SDP, LINE, MID, INDEX, FRAGMENT].contains(&name.as_str()) => {
            found.insert(name.clone(), value.clone());
            true
        }
        (Json::Object(ours), Json::Object(recorded)) => {
            let known = recorded.keys().all(|key| ours.contains_key(key));
            known
                && ours.iter().all(|(key, ours)| fits(ours, recorded.get(key).unwrap_or(&Json::Null), found))
        }
        (Json::Array(ours), Json::Array(recorded)) => {
            ours.len() == recorded.len()
                && ours.iter().zip(recorded).all(|(ours, recorded)| fits(ours, recorded, found))
        }
        (Json::String(ours), Json::String(recorded)) if ours != recorded => {
            match (inside(ours), inside(recorded)) {
                (Some(ours), Some(recorded)) => fits(&ours, &recorded, found),
                _ => false,
            }
        }
        (ours, recorded) => ours == recorded,
    }
}
