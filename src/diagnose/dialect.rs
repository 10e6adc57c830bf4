//! Rules about rooms that are not ours: what the dialect did not understand may be what the call lacks.

use super::finding::{Draft, Explains, Found, Severity};
use super::view::View;
use crate::facts::RoomRefusal;

/// By these codes the link to such a room tells what it could not use.
const CODES: [&str; 3] = ["unknown-message", "dialect", REFUSED];
/// By this one it tells what the room refuses, such as a name that nobody has there.
const REFUSED: &str = "refused";

/// What looks like this when a message of the other side came and was not understood.
const LACKING: [&str; 6] = [
    "sig-peer-silent",
    "sig-no-answer",
    "sig-offer-lost",
    "ice-peer-sends-no-candidates",
    "sdp-second-offer-ignored",
    "ice-restart-unanswered",
];

/// So many are shown, each so long at most.
const SHOWN: usize = 3;
const LONGEST: usize = 240;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let strange: Vec<&RoomRefusal> =
        view.facts.room_errors.iter().filter(|error| CODES.contains(&error.code.as_str())).collect();
    let Some(first) = strange.first() else { return };
    let serious = found.drafts.iter().filter(|draft| draft.finding.severity <= Severity::Major);
    let serious: Vec<&'static str> = serious.map(|draft| draft.finding.id).collect();
    let lacking: Vec<&'static str> = LACKING.into_iter().filter(|id| serious.contains(id)).collect();
    let agreed = !view.rounds.complete.is_empty();
    let incomplete = view.ended && !(agreed && view.dtls_was_up());
    // Where the call is as it should be, nothing was missed.
    if serious.is_empty() && !incomplete {
        return;
    }
    let several = match strange.len() {
        1 => "a message of the room was".to_owned(),
        count => format!("{count} messages of the room were"),
    };
    let text = match strange.iter().find(|error| error.code == REFUSED) {
        Some(refusal) => format!("the room refuses something: {}", shown(&refusal.message)),
        None => format!("{several} not understood, and the call lacks what may have been in them"),
    };
    let draft = Draft::probable("sig-message-not-understood", text);
    let draft = match (&lacking[..], &serious[..]) {
        ([], [other, ..]) => draft.or(&[*other]).severity(Severity::Minor),
        ([], []) if agreed => draft.or(&["ice-peer-sends-no-candidates"]),
        ([], []) => draft.or(&["sig-peer-silent"]),
        (lacking, _) => draft.or(lacking),
    };
    let draft = if agreed { draft } else { draft.explaining(Explains::Everything) };
    let settle = match rule(&first.message) {
        _ if first.code == REFUSED => "the same call once the room refuses nothing".to_owned(),
        Some(rule) => format!("a rule for it, then the same call: [[hear]] {rule} signal = \"...\""),
        None => "a rule that takes it, then the same call".to_owned(),
    };
    let shown = strange.iter().take(SHOWN).map(|error| shown(&error.message));
    let ids = strange.iter().take(SHOWN).map(|error| &error.id);
    found.add(draft.settled_by(settle).showing(shown).citing(ids));
}

/// The message of a stranger on one line.
fn shown(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(LONGEST)];
    let dots = if cut.len() < text.len() { "..." } else { "" };
    let escaped =
        cut.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] });
    escaped.collect::<String>() + dots
}

/// The `when` of a rule that takes a message whose kind stands in one of the usual members. The message may be cut.
fn rule(text: &str) -> Option<String> {
    const KINDS: [&str; 8] = ["type", "event", "action", "cmd", "command", "kind", "method", "op"];
    let message = &text[text.find(['{', '['])?..];
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(message) {
        let words = KINDS.into_iter().filter_map(|kind| Some((kind, members.get(kind)?.as_str()?)));
        let mut plain = words.filter(|(_, word)| is_word(word));
        return plain.next().map(|(kind, word)| format!("when = {{ {kind} = \"{word}\" }}"));
    }
    if let Some(list) = message.strip_prefix("[\"") {
        let word = list.split('"').next().filter(|word| is_word(word))?;
        return Some(format!("when = [\"{word}\"]"));
    }
    KINDS.into_iter().find_map(|kind| {
        let at = message.find(&format!("\"{kind}\":"))?;
        // Deeper down it is the kind of something else.
        let is_outside = message[..at].matches('{').count() == 1 && !message[..at].contains(['}', '[']);
        let value = message[at..].split_once(':')?.1.trim_start().strip_prefix('"')?;
        let word = value.split('"').next().filter(|word| is_outside && is_word(word))?;
        Some(format!("when = {{ {kind} = \"{word}\" }}"))
    })
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.len() <= 60 && word.chars().all(|c| c.is_alphanumeric() || "-_.:/ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_told_where_the_kind_is_plain() {
        for (message, expected) in [
            (r#"no rule knows this: {"type":"bye","x":1}"#, Some(r#"when = { type = "bye" }"#)),
            (
                r#"{"to":"a","event": "video-answer","sdp":"v=0..."#,
                Some(r#"when = { event = "video-answer" }"#),
            ),
            (r#"["hello",{"type":"x"}]"#, Some(r#"when = ["hello"]"#)),
            (r#"{"data":{"type":"x"}}"#, None),
            (r#"x: {"sdp":{"type":"answer"},"type":"svar"}"#, Some(r#"when = { type = "svar" }"#)),
            (r#"{"type":7}"#, None),
            (r#"{"type":"a\u0000b"}"#, None),
            ("ping", None),
            ("{", None),
        ] {
            assert_eq!(rule(message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        let text = shown(&format!("\u{1b}[31m\n{}", "ä".repeat(500)));
        assert!(text.len() < 300 && !text.chars().any(char::is_control) && text.ends_with("..."), "{text}");
    }
}
