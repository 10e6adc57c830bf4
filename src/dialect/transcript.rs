//! Recorded conversations with a room, replayed against a dialect without the room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Dialect;
use super::listen::word;
use super::news::{News, Turn};
use super::place::Place;
use super::speaker::Speaker;
use crate::diagnostic::{Diagnostic, nearest};
use crate::jsep::Role;
use crate::plan::Secret;
use crate::timeline::Signal;

/// The time at which a transcript is replayed, in milliseconds since 1970-01-01 UTC.
const NOW_MS: u64 = 1_800_000_000_000;

const SETTINGS: &[&str] = &["role", "room", "name", "peer", "token", "var"];

/// What came of a replay.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Every message, in order.
    pub lines: Vec<Line>,
    /// What does not fit.
    pub complaints: Vec<Diagnostic>,
}

/// A message of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its line, from 1.
    pub number: usize,
    /// We say it.
    pub ours: bool,
    /// The message.
    pub text: String,
    /// What it means, in words.
    pub understood: Vec<String>,
}

/// Replays the transcript that people know as `source`.
#[must_use]
pub fn check(dialect: &Arc<Dialect>, source: &str, text: &str) -> Checked {
    let mut replay = Replay {
        source,
        text,
        speaker: None,
        place: Place {
            room: "demo".into(),
            name: String::new(),
            role: Role::Caller,
            peer: None,
            token: None,
            given: BTreeMap::new(),
            hidden: BTreeSet::new(),
            nonce: "nonce".into(),
        },
        pending: VecDeque::new(),
        checked: Checked::default(),
    };
    replay.run(dialect);
    replay.checked
}

struct Replay<'a> {
    source: &'a str,
    text: &'a str,
    speaker: Option<Speaker>,
    place: Place,
    /// What callcheck would have said by now and the transcript has not.
    pending: VecDeque<String>,
    checked: Checked,
}

impl Replay<'_> {
    fn run(&mut self, dialect: &Arc<Dialect>) {
        let mut begin = 0;
        for (number, line) in self.text.split_inclusive('\n').enumerate() {
            let span = begin..begin + line.trim_end().len();
            begin += line.len();
            let line = line.trim();
            let Some(kind) = line.chars().next() else { continue };
            let rest = line[kind.len_utf8()..].trim();
            match kind {
                '#' => {}
                '@' => self.set(rest, span),
                '<' | '>' => {
                    if !self.begins(dialect, &span) {
                        return;
                    }
                    let understood =
                        if kind == '<' { self.theirs(rest, &span) } else { self.ours(rest, &span) };
                    let (number, ours, text) = (number + 1, kind == '>', rest.to_owned());
                    self.checked.lines.push(Line { number, ours, text, understood });
                }
                '=' => self.expect(rest, span),
                _ => {
                    let help = "a line begins with `<` (the room says), `>` (we say), `=` (what the line above means), `@` (a setting) or `#`";
                    self.complain(span, "this is no line of a transcript", "what is it?", Some(help.into()));
                }
            }
        }
        let end = self.text.trim_end().len();
        self.nothing_pending(&(end..end));
    }

    fn complain(&mut self, span: Range<usize>, title: impl Into<String>, label: &str, help: Option<String>) {
        self.checked.complaints.push(Diagnostic {
            source: self.source.to_owned(),
            text: self.text.to_owned(),
            span,
            title: title.into(),
            label: label.to_owned(),
            help,
        });
    }

    fn set(&mut self, setting: &str, span: Range<usize>) {
        let (key, value) = setting.split_once(char::is_whitespace).unwrap_or((setting, ""));
        let value = value.trim();
        match key {
            "role" => match value.parse() {
                Ok(role) => self.place.role = role,
                Err(_) => self.complain(span, "a role is `caller` or `callee`", "this is neither", None),
            },
            "room" => self.place.room = value.to_owned(),
            "name" => self.place.name = value.to_owned(),
            "peer" => self.place.peer = Some(value.to_owned()),
            "token" => self.place.token = Some(Secret::new(value)),
            "var" => match value.split_once('=') {
                Some((name, value)) => {
                    self.place.given.insert(name.trim().to_owned(), Secret::new(value.trim()));
                }
                None => self.complain(span, "a variable is set as `@var NAME=VALUE`", "no `=`", None),
            },
            other => {
                let help = match nearest(other, SETTINGS.iter().copied()) {
                    Some(near) => format!("did you mean `@{near}`?"),
                    None => format!("there are {}", SETTINGS.join(", ")),
                };
                self.complain(span, format!("there is no setting `@{other}`"), "unknown", Some(help));
            }
        }
    }

    /// Takes the place before the first message.
    fn begins(&mut self, dialect: &Arc<Dialect>, span: &Range<usize>) -> bool {
        if self.speaker.is_some() {
            return true;
        }
        let mut place = self.place.clone();
        if place.name.is_empty() {
            place.name = place.role.to_string();
        }
        match Speaker::new(Arc::clone(dialect), place) {
            Ok(mut speaker) => {
                let turn = speaker.begin(NOW_MS);
                self.speaker = Some(speaker);
                self.take(turn, span);
                true
            }
            Err(error) => {
                let help = "set it above with `@var NAME=VALUE`".to_owned();
                self.complain(span.clone(), error.to_string(), "before this", Some(help));
                false
            }
        }
    }

    fn theirs(&mut self, message: &str, span: &Range<usize>) -> Vec<String> {
        self.nothing_pending(span);
        let Some(speaker) = &mut self.speaker else { return Vec::new() };
        let turn = speaker.hear(message, NOW_MS);
        self.take(turn, span)
    }

    /// Keeps what a turn says, and complains about what it did not understand.
    fn take(&mut self, turn: Turn, span: &Range<usize>) -> Vec<String> {
        self.pending.extend(turn.send);
        let early = self.speaker.as_mut().map(Speaker::take_not_understood).unwrap_or_default();
        for news in turn.news.into_iter().chain(early) {
            match news {
                News::Unknown { .. } => {
                    let help = "add a [[hear]] rule for it, or one with `signal = \"ignore\"`".to_owned();
                    self.complain(span.clone(), "no rule knows this message", "unknown", Some(help));
                }
                News::Trouble(what) | News::WrongRole(what) => {
                    self.complain(span.clone(), what, "here", None)
                }
                _ => {}
            }
        }
        turn.understood
    }

    fn ours(&mut self, message: &str, span: &Range<usize>) -> Vec<String> {
        if self.is_pending(message) {
            return vec!["we say it by ourselves".into()];
        }
        let signals = self.speaker.as_ref().map(|speaker| match speaker.recognise(message, NOW_MS) {
            Some(signal) => vec![signal],
            None => speaker.overhear(message, NOW_MS),
        });
        let signals = signals.unwrap_or_default();
        let words: Vec<String> = signals.iter().map(|signal| word(signal).to_owned()).collect();
        for signal in &signals {
            self.utter(signal, span);
        }
        if self.is_pending(message) {
            return words;
        }
        if signals.is_empty()
            && let Some(what) = self.says_unasked(message)
        {
            return vec![what.into()];
        }
        let (label, help) = match self.pending.pop_front() {
            Some(instead) => ("callcheck says something else", format!("callcheck says {instead}")),
            None if signals.is_empty() => (
                "callcheck would not say this",
                "no rule and no template says what it is; a `*` in quotation marks stands for any value"
                    .into(),
            ),
            None => (
                "callcheck would not say this now",
                "candidates may be held back by `candidates` under [room], or [say] has no template".into(),
            ),
        };
        self.pending.clear();
        self.complain(span.clone(), "this is not what callcheck says", label, Some(help));
        words
    }

    fn utter(&mut self, signal: &Signal, span: &Range<usize>) {
        let Some(speaker) = &mut self.speaker else { return };
        let turn = speaker.say(signal, NOW_MS);
        self.take(turn, span);
    }

    /// What is not told by its content: the end of candidates, a hang-up, a goodbye, a sign of life.
    fn says_unasked(&mut self, message: &str) -> Option<&'static str> {
        let speaker = self.speaker.as_mut()?;
        let end = Signal::EndOfCandidates { username_fragment: None };
        let hang_up = Signal::HangUp { reason: String::new() };
        let turns = [
            ("keepalive", speaker.keep_alive(NOW_MS)),
            ("end-of-candidates", speaker.say(&end, NOW_MS)),
            ("hang-up", speaker.say(&hang_up, NOW_MS)),
            ("leave", speaker.leave(NOW_MS)),
        ];
        let said = |turn: &Turn| turn.send.iter().any(|ours| is_same(ours, message));
        turns.into_iter().find(|(_, turn)| said(turn)).map(|(what, _)| what)
    }

    /// Whether callcheck says this; then it has.
    fn is_pending(&mut self, message: &str) -> bool {
        let found = self.pending.iter().position(|ours| is_same(ours, message));
        found.is_some_and(|at| self.pending.remove(at).is_some())
    }

    fn nothing_pending(&mut self, span: &Range<usize>) {
        for said in std::mem::take(&mut self.pending) {
            let help = format!("add `> {said}` above, or correct the dialect");
            self.complain(span.clone(), "callcheck says more than the transcript", "before this", Some(help));
        }
    }

    /// What the line above must have meant.
    fn expect(&mut self, words: &str, span: Range<usize>) {
        let understood = self.checked.lines.last().map(|line| line.understood.clone()).unwrap_or_default();
        if !understood.iter().any(|what| what == words) {
            let help = format!("it was understood as: {}", understood.join("; "));
            self.complain(span, "the line above means something else", "not so", Some(help));
        }
    }
}

/// Whether what we say is what was recorded. A member that is null may be left out, and `"*"` is any value.
fn is_same(ours: &str, recorded: &str) -> bool {
    match (serde_json::from_str::<Json>(ours), serde_json::from_str::<Json>(recorded)) {
        (Ok(ours), Ok(recorded)) => is_same_json(&ours, &recorded),
        _ => ours == recorded,
    }
}

fn is_same_json(ours: &Json, recorded: &Json) -> bool {
    match (ours, recorded) {
        (_, Json::String(any)) if any == "*" => true,
        (Json::Object(ours), Json::Object(recorded)) => {
            let keys = ours.keys().chain(recorded.keys());
            let mut pairs = keys.map(|key| {
                let value =
                    |object: &serde_json::Map<String, Json>| object.get(key).cloned().unwrap_or_default();
                (value(ours), value(recorded))
            });
            pairs.all(|(ours, recorded)| is_same_json(&ours, &recorded))
        }
        (Json::Array(ours), Json::Array(recorded)) => {
            ours.len() == recorded.len()
                && ours.iter().zip(recorded).all(|(ours, recorded)| is_same_json(ours, recorded))
        }
        (Json::String(ours), Json::String(recorded)) => {
            ours == recorded || {
                // JSON in a text may be written in another order.
                match (serde_json::from_str::<Json>(ours), serde_json::from_str::<Json>(recorded)) {
                    (Ok(ours), Ok(recorded)) if ours.is_object() => is_same_json(&ours, &recorded),
                    _ => false,
                }
            }
        }
        (ours, recorded) => ours == recorded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: &str = r#"
        [say]
        offer = { t = "o", sdp = "{{sdp}}" }
        answer = { t = "a", sdp = "{{sdp}}" }
        candidate = { t = "c", c = "{{candidate}}" }
        [[hear]]
        when = { t = "o" }
        signal = "offer"
        sdp = "$.sdp"
        [[hear]]
        when = { t = "a" }
        signal = "answer"
        sdp = "$.sdp"
        [[hear]]
        when = { t = "c" }
        signal = "candidate"
        candidate = "$.c"
    "#;

    fn titles(transcript: &str) -> Vec<String> {
        let dialect = Arc::new(Dialect::parse("x", "x.toml", DIALECT).unwrap());
        check(&dialect, "x.transcript", transcript)
            .complaints
            .into_iter()
            .map(|complaint| complaint.title)
            .collect()
    }

    #[test]
    fn a_conversation_is_replayed() {
        let good = r#"
            # The caller's side.
            > {"t":"o","sdp":"v=0"}
            > {"t":"c","c":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}
            < {"t":"a","sdp":"v=0 theirs"}
            = answer from callee
            < {"t":"c","c":null}
            = end-of-candidates from callee
        "#;
        assert_eq!(titles(good), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (transcript, title) in [
            ("< {\"t\":\"x\"}", "no rule knows this message"),
            ("> {\"t\":\"x\"}", "this is not what callcheck says"),
            ("> {\"t\":\"o\",\"sdp\":\"v=0\",\"more\":1}", "this is not what callcheck says"),
            ("< {\"t\":\"o\",\"sdp\":\"v=0\"}\n= answer from callee", "the line above means something else"),
            (
                "< {\"t\":\"c\",\"c\":7}",
                "the rule at x.toml:15 applies, but the candidate is neither an object nor a text",
            ),
            ("@rolle caller", "there is no setting `@rolle`"),
            ("? what", "this is no line of a transcript"),
        ] {
            assert_eq!(titles(transcript), [title], "{transcript}");
        }
    }
}
