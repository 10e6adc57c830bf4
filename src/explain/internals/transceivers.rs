//! `transceiverAdded` and `transceiverModified`: `getTransceivers()[0]` with its members, as JSON or as text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::jsep::{Direction, MediaKind};
use crate::timeline::TransceiverRow;

/// getTransceivers(), as far as the log tells it.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<usize, TransceiverRow>);

impl Table {
    /// False if the value cannot be read.
    pub(super) fn learn(&mut self, value: &str) -> bool {
        let Some(index) = index(value) else { return false };
        let start = value.find('{').unwrap_or(value.len());
        let body = &value[start..];
        let object: Option<Value> = serde_json::from_str(body).ok();
        let member = |name: &str| match &object {
            Some(object) => object[name].as_str().map(str::to_owned),
            None => text_member(body, name),
        };
        let word = |name: &str| member(name).filter(|word| word != "null");
        let known = self.0.get(&index).map(|row| row.kind);
        let kind: Option<MediaKind> = word("kind").and_then(|word| word.parse().ok()).or(known);
        let direction: Option<Direction> = word("direction").and_then(|word| word.parse().ok());
        let (Some(kind), Some(direction)) = (kind, direction) else { return false };
        let current = word("currentDirection").and_then(|word| word.parse().ok());
        self.0
            .insert(index, TransceiverRow { mid: word("mid"), kind, direction, current_direction: current });
        true
    }

    pub(super) fn rows(&self) -> Vec<TransceiverRow> {
        self.0.values().cloned().collect()
    }
}

fn index(value: &str) -> Option<usize> {
    let rest = &value[value.find("getTransceivers()[")? + "getTransceivers()[".len()..];
    rest[..rest.find(']')?].parse().ok()
}

/// `direction:'sendrecv'`, `mid:null`; the name stands at the beginning of a word, so that `direction` is not found in
/// `currentDirection`.
fn text_member(body: &str, name: &str) -> Option<String> {
    let found = body.match_indices(name).find(|(at, _)| {
        let before = body[..*at].chars().next_back();
        let after = body[at + name.len()..].trim_start_matches(['"', '\'']).trim_start();
        !before.is_some_and(char::is_alphanumeric) && after.starts_with(':')
    });
    let rest = &body[found?.0 + name.len()..];
    let rest = rest[rest.find(':')? + 1..].trim_start();
    let end = rest.find([',', '\n', '}']).unwrap_or(rest.len());
    Some(rest[..end].trim().trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_are_read() {
        let text = "Caused by: addTransceiver\n\ngetTransceivers()[1]:{\n  kind:'video',\n  mid:null,\n  sender:{\n    \
                    track:'t',\n    streams:['s'],\n  },\n  direction:'sendrecv',\n  currentDirection:null,\n}";
        let json = "getTransceivers()[0]: {\"kind\":\"audio\",\"mid\":\"0\",\"direction\":\"recvonly\",\
                    \"currentDirection\":\"recvonly\"}";
        let mut table = Table::default();
        assert!(table.learn(text) && table.learn(json) && !table.learn("nothing"));
        let rows = table.rows();
        assert_eq!(
            (rows[0].mid.as_deref(), rows[0].current_direction),
            (Some("0"), Some(Direction::Recvonly))
        );
        assert_eq!((rows[1].mid.as_deref(), rows[1].direction), (None, Direction::Sendrecv));
    }
}
