//! Recorded conversations with a room, replayed against a dialect without the room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Dialect;
use super::listen::{several, word};
use super::news::{News, Turn};
use super::place::{Place, PlaceError};
use super::speaker::Speaker;
use super::template::inside;
use crate::diagnostic::{Diagnostic, one_of};
use crate::jsep::Role;
use crate::plan::Secret;
use crate::timeline::Signal;

/// The time at which a transcript is replayed, in milliseconds since 1970-01-01 UTC.
const NOW_MS: u64 = 1_800_000_000_000;

const SETTINGS: &[&str] = &["role", "room", "name", "peer", "token", "nonce", "var"];

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
            hasty: false,
        },
        pending: VecDeque::new(),
        replies: BTreeSet::new(),
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
    /// What it says to what the room says: that may be recorded after what came meanwhile.
    replies: BTreeSet<String>,
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
        if self.checked.lines.is_empty() && self.checked.complaints.is_empty() {
            let help = "begin what the room says with `<`, and what we say with `>`".to_owned();
            self.complain(end..end, "the transcript holds no message", "nothing is checked", Some(help));
        }
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
        if self.speaker.is_some() {
            let help = "put it above the first message".to_owned();
            return self.complain(span, "this setting comes too late", "we are in already", Some(help));
        }
        match key {
            "role" => match value.parse() {
                Ok(role) => self.place.role = role,
                Err(_) => self.complain(span, "a role is `caller` or `callee`", "this is neither", None),
            },
            "room" => self.place.room = value.to_owned(),
            "name" => self.place.name = value.to_owned(),
            "peer" => self.place.peer = Some(value.to_owned()),
            "nonce" => self.place.nonce = value.to_owned(),
            "token" => self.place.token = Some(Secret::new(value)),
            "var" => match value.split_once('=') {
                Some((name, value)) => {
                    self.place.given.insert(name.trim().to_owned(), Secret::new(value.trim()));
                }
                None => self.complain(span, "a variable is set as `@var NAME=VALUE`", "no `=`", None),
            },
            other => {
                let help = one_of(other, SETTINGS);
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
                let help = match &error {
                    PlaceError::Nameless { .. } => {
                        "name the other side above with `@peer NAME`, or tell it by a rule"
                    }
                    PlaceError::Tokenless { .. } => "set it above with `@token TEXT`",
                    PlaceError::OneSided { help, .. } => help,
                    _ => "set it above with `@var NAME=VALUE`",
                };
                let help = help.to_owned();
                self.complain(span.clone(), error.to_string(), "before this", Some(help));
                false
            }
        }
    }

    fn theirs(&mut self, message: &str, span: &Range<usize>) -> Vec<String> {
        self.nothing_pending(span);
        let Some(speaker) = &mut self.speaker else { return Vec::new() };
        let turn = speaker.hear(message, NOW_MS);
        self.replies.extend(turn.send.iter().cloned());
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
        let signals = self.told_by(message);
        if signals.is_empty() {
            if let Some(what) = self.says_unasked(message) {
                return vec![what.into()];
            }
            // The app may put into one frame what callcheck says one by one.
            let frame = serde_json::from_str::<Json>(message).unwrap_or_default();
            if let Some(messages) = several(&frame) {
                return messages.iter().flat_map(|message| self.ours(&message.to_string(), span)).collect();
            }
        }
        let words: Vec<String> = signals.iter().map(|signal| word(signal).to_owned()).collect();
        for signal in &signals {
            self.utter(signal, span);
        }
        if self.is_pending(message) || self.are_pending(&signals) {
            return words;
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

    /// What the other side would take a message of ours for.
    fn told_by(&self, message: &str) -> Vec<Signal> {
        let Some(speaker) = &self.speaker else { return Vec::new() };
        let signals = speaker.recognise(message, NOW_MS);
        if signals.is_empty() { speaker.overhear(message, NOW_MS) } else { signals }
    }

    /// Whether callcheck says these one by one; then it has.
    fn are_pending(&mut self, signals: &[Signal]) -> bool {
        let told: Vec<Vec<Signal>> = self.pending.iter().map(|ours| self.told_by(ours)).collect();
        let is_same = signals.len() > 1 && told.concat() == signals;
        if is_same {
            let mut told = told.iter();
            self.pending.retain(|_| told.next().is_some_and(Vec::is_empty));
        }
        is_same
    }

    fn utter(&mut self, signal: &Signal, span: &Range<usize>) {
        let Some(speaker) = &mut self.speaker else { return };
        let turn = speaker.say(signal, NOW_MS);
        self.take(turn, span);
    }

    /// What is not told by its content: the end of candidates, a hang-up, a goodbye, a sign of life.
    fn says_unasked(&mut self, message: &str) -> Option<&'static str> {
        type Way<'a> = (&'static str, &'a dyn Fn(&mut Speaker) -> Turn);
        let speaker = self.speaker.as_ref()?;
        let end = Signal::EndOfCandidates { username_fragment: None };
        let hang_up = Signal::HangUp { reason: String::new() };
        let ways: [Way<'_>; 4] = [
            ("keepalive", &|speaker| speaker.keep_alive(NOW_MS)),
            ("end-of-candidates", &|speaker| speaker.say(&end, NOW_MS)),
            ("hang-up", &|speaker| speaker.say(&hang_up, NOW_MS)),
            ("leave", &|speaker| speaker.leave(NOW_MS)),
        ];
        let (what, said, turn) = ways.into_iter().find_map(|(what, way)| {
            // What is only tried must leave no trace.
            let mut tried = speaker.clone();
            let turn = way(&mut tried);
            let is_said = turn.send.iter().any(|ours| is_same(ours, message));
            is_said.then_some((what, tried, turn))
        })?;
        self.speaker = Some(said);
        self.pending.extend(turn.send);
        self.is_pending(message).then_some(what)
    }

    /// Whether callcheck says this; then it has.
    fn is_pending(&mut self, message: &str) -> bool {
        let found = self.pending.iter().position(|ours| is_same(ours, message));
        found.is_some_and(|at| self.pending.remove(at).is_some())
    }

    fn nothing_pending(&mut self, span: &Range<usize>) {
        let later = self.text[span.end..].lines().filter_map(|line| line.trim().strip_prefix('>'));
        let later: Vec<&str> = later.map(str::trim).collect();
        for said in std::mem::take(&mut self.pending) {
            let is_reply = self.replies.contains(&said) && self.told_by(&said).is_empty();
            if is_reply && later.iter().any(|line| is_same(&said, line)) {
                self.pending.push_back(said);
                continue;
            }
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
                // JSON in a text, in base64 or not, may be written in another order.
                match (inside(ours), inside(recorded)) {
                    (Some(ours), Some(recorded)) => is_same_json(&ours, &recorded),
                    _ => false,
                }
            }
        }
        (ours, recorded) => ours == recorded,
    }
}

#[cfg(test)]
mod tests;
