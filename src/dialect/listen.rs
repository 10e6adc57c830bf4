//! What a speaker makes of a message of the room.

use std::sync::Arc;

use minijinja::Value;
use serde_json::Value as Json;

use super::extract::{absent, needed, optional, signals};
use super::keys::{ITEM, MESSAGE};
use super::news::{News, Turn};
use super::rule::{Meaning, Rule, same};
use super::speaker::{Speaker, mark};
use super::template::{as_text, parsed, valued};
use crate::jsep::{Role, SdpType};
use crate::timeline::Signal;

impl Speaker {
    pub(super) fn listen(&mut self, text: &str, now_ms: u64, turn: &mut Turn) {
        let message = self.unpacked(text);
        if self.heed(&message, now_ms, turn) {
            return;
        }
        let mut unknown = vec![text.to_owned()];
        // Some rooms put several messages into one frame.
        if let Some(messages) = several(&message) {
            let heeded = |speaker: &mut Self, message: &Json, turn: &mut Turn| {
                let message = speaker.unpack(message.clone());
                speaker.heed(&message, now_ms, turn)
            };
            let strange: Vec<&Json> =
                messages.iter().filter(|message| !heeded(self, message, turn)).collect();
            // Where none is known, the frame as a whole is not.
            if strange.len() < messages.len() {
                unknown = strange.into_iter().map(Json::to_string).collect();
            }
        }
        for text in unknown {
            self.unknown += 1;
            turn.news.push(News::Unknown { count: self.unknown, text: self.shown(&text) });
        }
    }

    /// Does what the rules say of a message, if one knows it.
    fn heed(&mut self, message: &Json, now_ms: u64, turn: &mut Turn) -> bool {
        let shown = valued(message);
        let dialect = Arc::clone(&self.dialect);
        let mut is_known = false;
        for rule in &dialect.rules {
            let names = self.values(now_ms, &[(MESSAGE, shown.clone())]);
            if !matches(rule, message, &names) {
                continue;
            }
            is_known = true;
            if let Err(why) = self.obey(rule, message, &shown, now_ms, turn) {
                turn.news.push(trouble(rule, &why));
            }
            if !rule.more {
                break;
            }
        }
        is_known
    }

    /// The signals in a message of our own, as the other side would understand it.
    pub(super) fn overhear(&self, text: &str, now_ms: u64) -> Vec<Signal> {
        let message = self.unpacked(text);
        let mut more = vec![(MESSAGE, valued(&message))];
        // For the other side we are the peer.
        let values = |value: &Option<Json>| value.as_ref().map_or(Value::UNDEFINED, valued);
        more.push(("self", values(&self.peer)));
        more.push(("peer", values(&self.myself())));
        let names = self.values(now_ms, &more);
        let found = self.dialect.rules.iter().filter(|rule| matches(rule, &message, &names));
        let said = found.filter_map(|rule| {
            let items = self.items(rule, &message, &more, now_ms).ok()?;
            let each = items.iter().map(|more| signals(rule, &message, &self.values(now_ms, more)));
            each.collect::<Result<Vec<_>, _>>().ok().map(|signals| signals.concat())
        });
        said.into_iter().find(|signals| !signals.is_empty()).unwrap_or_default()
    }

    /// The message, with the JSON in its texts read. What is no JSON is a text.
    fn unpacked(&self, text: &str) -> Json {
        self.unpack(serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())))
    }

    fn unpack(&self, mut message: Json) -> Json {
        for path in &self.dialect.unpack {
            let pointers: Vec<String> =
                path.query_located(&message).locations().map(|at| at.to_json_pointer()).collect();
            for pointer in pointers {
                if let Some(place) = message.pointer_mut(&pointer)
                    && let Some(inner) = place.as_str().and_then(parsed)
                {
                    *place = inner;
                }
            }
        }
        message
    }

    /// Does what a rule says of a message that it matches.
    fn obey(
        &mut self,
        rule: &Rule,
        message: &Json,
        shown: &Value,
        now_ms: u64,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let base = [(MESSAGE, shown.clone())];
        let items = self.items(rule, message, &base, now_ms)?;
        let mut for_us = items.is_empty();
        for more in items {
            let names = self.values(now_ms, &more);
            let from = somebody(optional(rule.slots.from.as_ref(), message, &names)?);
            let to = somebody(optional(rule.slots.to.as_ref(), message, &names)?);
            if let Some((why, is_stranger)) = self.not_for_us(from.as_ref(), to.as_ref()) {
                if is_stranger
                    && matches!(rule.meaning, Some(Meaning::Offer | Meaning::Answer | Meaning::Description))
                {
                    turn.news.push(News::Trouble(why.clone()));
                }
                turn.understood.push(why);
                continue;
            }
            if !std::mem::replace(&mut for_us, true) {
                self.keep(rule, message, &names, turn)?;
            }
            let names = self.values(now_ms, &more);
            if let Some(role) = optional(rule.slots.role.as_ref(), message, &names)? {
                self.check_role(&role, turn)?;
            }
            if let Some(meaning) = rule.meaning {
                self.understand(meaning, rule, message, &names, from, turn)?;
            }
        }
        if !for_us {
            return Ok(());
        }
        if let Some(Meaning::Joined | Meaning::Peers | Meaning::PeerJoined) = rule.meaning {
            self.call_somebody(turn);
        }
        let what = format!("what the rule at {} sends", rule.place);
        self.render(&what, &rule.reply, &base, now_ms, turn);
        Ok(())
    }

    /// Keeps what the rule captures, and tells what the message lacks.
    fn keep(&mut self, rule: &Rule, message: &Json, names: &Value, turn: &mut Turn) -> Result<(), String> {
        for slot in rule.slots.told().filter(|slot| slot.leads_nowhere(message)) {
            // The rest of the message may still be of use.
            turn.news.push(trouble(rule, &absent(slot)));
        }
        for (name, slot) in &rule.capture {
            let value = needed(Some(slot), message, names)?;
            self.names.insert(name.clone(), valued(&value));
            turn.understood.push(format!("{name} is {}", self.shown(&as_text(&value))));
        }
        Ok(())
    }

    /// What names mean besides for each thing that the message tells of: for one, if the rule does not say otherwise.
    fn items<'n>(
        &self,
        rule: &Rule,
        message: &Json,
        more: &[(&'n str, Value)],
        now_ms: u64,
    ) -> Result<Vec<Vec<(&'n str, Value)>>, String> {
        let Some(slot) = &rule.each else { return Ok(vec![more.to_vec()]) };
        if slot.leads_nowhere(message) {
            return Err(absent(slot));
        }
        let items = slot.all(message, &self.values(now_ms, more))?.into_iter();
        Ok(items.map(|item| [more, &[(ITEM, valued(&item))]].concat()).collect())
    }

    /// Why a message is none of ours, if it is not; and whether that is because of who says it.
    fn not_for_us(&self, from: Option<&Json>, to: Option<&Json>) -> Option<(String, bool)> {
        let me = self.myself();
        let is_me = |id: &Json| me.as_ref().is_some_and(|me| same(me, id));
        if from.is_some_and(is_me) {
            return Some(("our own words came back".into(), false));
        }
        if let Some(to) = to.filter(|to| !is_me(to)) {
            return Some((format!("for {}, not for us", self.shown(&as_text(to))), false));
        }
        let others = from.filter(|from| self.wanted.as_ref().is_some_and(|wanted| *wanted != as_text(from)));
        others.map(|from| (format!("from {}, who is not our peer", self.shown(&as_text(from))), true))
    }

    fn check_role(&self, role: &Json, turn: &mut Turn) -> Result<(), String> {
        let told = match role {
            Json::Bool(true) => Role::Caller,
            Json::Bool(false) => Role::Callee,
            Json::String(word) => match word.as_str() {
                "caller" | "offerer" | "initiator" => Role::Caller,
                "callee" | "answerer" | "receiver" => Role::Callee,
                _ => return Err(format!("the role `{}` is neither caller nor callee", self.shown(word))),
            },
            _ => return Err("the role is neither a word nor true or false".into()),
        };
        turn.understood.push(format!("we are the {told}"));
        if told != self.role {
            let remedy = match self.role {
                Role::Caller => {
                    "let the other side join in the other order, or use `callcheck answer` with the same options"
                }
                Role::Callee => {
                    "let the other side join in the other order, or use `callcheck call` with the same options"
                }
            };
            turn.news.push(News::WrongRole(format!(
                "the room makes us the {told}, and we were started as the {}; {remedy}",
                self.role
            )));
        }
        Ok(())
    }

    fn understand(
        &mut self,
        meaning: Meaning,
        rule: &Rule,
        message: &Json,
        names: &Value,
        from: Option<Json>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let slots = &rule.slots;
        match meaning {
            Meaning::Joined => {
                if let Some(slot) = &slots.peers {
                    let peers = slot.all(message, names)?;
                    self.set_present(peers, turn);
                }
                if let Some(peer) = somebody(optional(slots.peer.as_ref(), message, names)?) {
                    self.arrive(peer, turn);
                }
                self.enter(turn);
            }
            Meaning::Peers => {
                let Some(slot) = &slots.peers else { return Ok(()) };
                let peers = slot.all(message, names)?;
                self.set_present(peers, turn);
            }
            Meaning::PeerJoined => {
                let peer = somebody(Some(needed(slots.peer.as_ref(), message, names)?));
                self.arrive(peer.ok_or("the peer has no name")?, turn);
            }
            Meaning::PeerLeft => {
                let peer = somebody(optional(slots.peer.as_ref(), message, names)?).or(from);
                let reason = optional(slots.reason.as_ref(), message, names)?;
                let reason = reason.as_ref().map_or_else(|| "left".to_owned(), as_text);
                self.depart(peer, &reason, turn);
            }
            Meaning::Start => {
                if let Some(peer) = somebody(optional(slots.peer.as_ref(), message, names)?).or(from) {
                    self.peer = Some(peer);
                }
                if self.role == Role::Caller {
                    self.start(turn);
                }
            }
            Meaning::Error => {
                let reason = optional(slots.reason.as_ref(), message, names)?;
                let text = reason.as_ref().map_or_else(|| message.to_string(), as_text);
                turn.understood.push("an error".into());
                turn.news.push(News::Refused(self.shown(&text)));
            }
            Meaning::Ignore => turn.understood.push("of no meaning".into()),
            _ => {
                for signal in signals(rule, message, names)? {
                    self.signal(from.clone(), signal, turn);
                }
            }
        }
        Ok(())
    }

    /// The other side says something.
    fn signal(&mut self, from: Option<Json>, signal: Signal, turn: &mut Turn) {
        let what = word(&signal);
        if mark(&signal).is_some_and(|mark| self.own.contains(&mark)) {
            return turn.understood.push(format!("our own {what} came back"));
        }
        if self.call.is_none() {
            if matches!(signal, Signal::HangUp { .. }) {
                return turn.understood.push("a hang-up without a call".into());
            }
            self.peer = from.clone().or_else(|| self.peer.take());
            self.start(turn);
        }
        let Some((call, peer)) = self.call.clone() else { return };
        // Before anybody has given a name, whoever speaks is the other side.
        let known = self.peer.as_ref().map(as_text).or_else(|| self.wanted.clone());
        if let (Some(from), Some(known)) = (from.as_ref().map(as_text), known)
            && from != known
        {
            let text = format!("{what} from {}, who is not in the call", self.shown(&from));
            // It is left aside, and somebody may wait for it.
            if matches!(signal, Signal::Description { .. }) {
                turn.news.push(News::Trouble(text.clone()));
            }
            return turn.understood.push(text);
        }
        if self.peer.is_none() {
            self.peer = from;
        }
        self.answered |= matches!(signal, Signal::Description { sdp_type: SdpType::Answer, .. });
        turn.understood.push(format!("{what} from {}", self.shown(&peer)));
        turn.news.push(News::Signal { from: peer, call, signal });
    }

    fn set_present(&mut self, peers: Vec<Json>, turn: &mut Turn) {
        let me = self.myself();
        let mut others: Vec<Json> = Vec::new();
        for peer in peers.into_iter().filter_map(|peer| somebody(Some(peer))) {
            if me.as_ref().is_none_or(|me| !same(me, &peer)) && !others.iter().any(|other| same(other, &peer))
            {
                others.push(peer);
            }
        }
        let gone: Vec<Json> =
            self.present.iter().filter(|known| !contains(&others, known)).cloned().collect();
        for peer in gone {
            self.depart(Some(peer), "left", turn);
        }
        for peer in others {
            self.arrive(peer, turn);
        }
    }

    fn arrive(&mut self, peer: Json, turn: &mut Turn) {
        let is_me = self.myself().is_some_and(|me| same(&me, &peer));
        if is_me || contains(&self.present, &peer) {
            return;
        }
        let name = as_text(&peer);
        turn.understood.push(format!("{} is there", self.shown(&name)));
        self.present.push(peer);
        if self.joined {
            turn.news.push(News::PeerJoined(name));
        }
    }

    fn depart(&mut self, peer: Option<Json>, reason: &str, turn: &mut Turn) {
        let in_call = self.call.as_ref().map(|(_, peer)| peer.clone());
        let Some(name) = peer.as_ref().map(as_text).or_else(|| in_call.clone()) else { return };
        if self.myself().is_some_and(|me| as_text(&me) == name) {
            return;
        }
        self.present.retain(|known| as_text(known) != name);
        if in_call.as_ref() == Some(&name) {
            (self.call, self.peer) = (None, None);
        }
        turn.understood.push(format!("{} is gone", self.shown(&name)));
        turn.news.push(News::PeerLeft { name, reason: self.shown(reason) });
    }

    /// The caller calls the one whom it was told to call, or whoever is there.
    fn call_somebody(&mut self, turn: &mut Turn) {
        if self.role != Role::Caller || !self.joined || self.call.is_some() || self.dialect.tells_start() {
            return;
        }
        let mut candidates = self
            .present
            .iter()
            .filter(|peer| self.wanted.as_ref().is_none_or(|wanted| *wanted == as_text(peer)));
        let Some(peer) = candidates.next().cloned() else { return };
        if candidates.next().is_some() {
            let names: Vec<String> = self.present.iter().map(|peer| self.shown(&as_text(peer))).collect();
            turn.news.push(News::Trouble(format!(
                "{} are there, and {} is called; choose with --peer",
                names.join(", "),
                names.first().map_or("", String::as_str)
            )));
        }
        self.peer = Some(peer);
        self.start(turn);
    }
}

fn trouble(rule: &Rule, why: &str) -> News {
    News::Trouble(format!("the rule at {} applies, but {why}", rule.place))
}

/// The messages in one frame, if it is a list of nothing else.
pub(super) fn several(frame: &Json) -> Option<&[Json]> {
    frame.as_array().filter(|items| !items.is_empty() && items.iter().all(Json::is_object)).map(Vec::as_slice)
}

/// Whether a rule is for this message. A condition that cannot be judged does not hold.
fn matches(rule: &Rule, message: &Json, names: &Value) -> bool {
    rule.when.matches(message, names)
        && rule.condition.as_ref().is_none_or(|condition| condition.holds(names).unwrap_or(false))
}

/// A name or an id; null and the empty text are nobody.
fn somebody(value: Option<Json>) -> Option<Json> {
    value.filter(|value| !value.is_null() && value.as_str() != Some(""))
}

fn contains(list: &[Json], value: &Json) -> bool {
    list.iter().any(|item| same(item, value))
}

/// What a signal is, in a word.
pub(super) fn word(signal: &Signal) -> &'static str {
    match signal {
        Signal::Description { sdp_type, .. } => sdp_type.as_str(),
        Signal::Candidate { .. } => "candidate",
        Signal::EndOfCandidates { .. } => "end-of-candidates",
        Signal::HangUp { .. } => "hang-up",
        Signal::Done => "done",
        Signal::Report(_) => "report",
        Signal::Again => "again",
        Signal::Step { .. } => "step",
        Signal::Ext(_) => "something else",
    }
}
