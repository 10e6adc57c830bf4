//! One place in a foreign room: what it says becomes news, and what we say becomes its messages. A state machine; whoever
//! carries the messages also tells the time.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use serde_json::Value as Json;

use super::candidate::init;
use super::news::{News, Turn};
use super::place::{Connection, Place, PlaceError, nameless, typed_as, unknown_variable};
use super::template::{Names, Template, as_text, valued};
use super::{Dialect, Hold};
use crate::jsep::{Role, SdpType};
use crate::plan::Secret;
use crate::timeline::Signal;

/// Speaks a dialect.
#[derive(Clone)]
pub struct Speaker {
    pub(super) dialect: Arc<Dialect>,
    pub(super) role: Role,
    /// The peer that was asked for.
    pub(super) wanted: Option<String>,
    /// What names mean: variables, captures, ourselves.
    pub(super) names: Names,
    secrets: Vec<Secret>,
    nonce: String,
    pub(super) joined: bool,
    /// What came before we were in.
    early: Vec<News>,
    /// Everybody else who is there, as far as the room tells.
    pub(super) present: Vec<Json>,
    /// The other side of the call, where the room tells who it is.
    pub(super) peer: Option<Json>,
    /// The call's id and the other side's name.
    pub(super) call: Option<(String, String)>,
    calls: u64,
    said: u64,
    pub(super) unknown: u64,
    /// What we have said of ourselves, to know it when it comes back.
    pub(super) own: BTreeSet<String>,
    /// We have said a description; both have been said.
    described: bool,
    pub(super) answered: bool,
    held: Vec<Signal>,
    hasty: bool,
}

impl Speaker {
    /// Takes a place.
    ///
    /// # Errors
    /// A variable has no value, or a value has no variable.
    pub fn new(dialect: Arc<Dialect>, place: Place) -> Result<Self, PlaceError> {
        let mut names = Names::new();
        let mut secrets: Vec<Secret> = place.token.iter().cloned().collect();
        for variable in &dialect.variables {
            let given = place.given.get(&variable.name);
            let value = match (given, &variable.default) {
                (Some(given), default) => typed_as(default.as_ref(), given.reveal()),
                (None, Some(default)) => default.clone(),
                (None, None) => {
                    return Err(PlaceError::Missing {
                        dialect: dialect.name.clone(),
                        name: variable.name.clone(),
                        secret: variable.secret,
                    });
                }
            };
            if variable.secret || place.hidden.contains(&variable.name) {
                secrets.extend(given.cloned());
            }
            names.insert(variable.name.clone(), valued(value));
        }
        if let Some(name) = place.given.keys().find(|name| !names.contains_key(*name)) {
            return Err(unknown_variable(&dialect, name));
        }
        if let Some(lack) = dialect.lacks(place.role).first() {
            let (why, help) = (lack.told(), lack.help());
            return Err(PlaceError::OneSided { dialect: dialect.name.clone(), role: place.role, why, help });
        }
        if place.token.is_none() && dialect.texts().any(|text| text.needs("token")) {
            return Err(PlaceError::Tokenless { dialect: dialect.name.clone() });
        }
        if place.peer.is_none()
            && let Some(says) = nameless(&dialect, place.role)
        {
            return Err(PlaceError::Nameless { dialect: dialect.name.clone(), role: place.role, says });
        }
        for (name, value) in
            [("room", &place.room), ("name", &place.name), ("self", &place.name), ("nonce", &place.nonce)]
        {
            names.insert(name.to_owned(), Value::from(value.as_str()));
        }
        names.insert("role".into(), Value::from(place.role.as_str()));
        names.insert("null".into(), Value::from(()));
        if let Some(token) = &place.token {
            names.insert("token".into(), Value::from(token.reveal()));
        }
        if let Some(peer) = &place.peer {
            names.insert("peer".into(), Value::from(peer.as_str()));
        }
        Ok(Self {
            role: place.role,
            wanted: place.peer,
            names,
            secrets,
            nonce: place.nonce,
            joined: false,
            early: Vec::new(),
            present: Vec::new(),
            peer: None,
            call: None,
            calls: 0,
            said: 0,
            unknown: 0,
            own: BTreeSet::new(),
            described: false,
            answered: false,
            held: Vec::new(),
            hasty: place.hasty,
            dialect,
        })
    }

    /// How to open the WebSocket.
    ///
    /// # Errors
    /// What has no value, in words.
    pub fn connection(&self, now_ms: u64) -> Result<Connection, String> {
        let names = self.values(now_ms, &[]);
        let connect = &self.dialect.connect;
        let pairs = |pairs: &[(String, super::Text)]| {
            let pairs = pairs.iter().map(|(name, text)| Ok((name.clone(), Secret::new(text.text(&names)?))));
            pairs.collect::<Result<Vec<_>, String>>()
        };
        Ok(Connection {
            subprotocols: connect
                .subprotocols
                .iter()
                .map(|text| text.text(&names))
                .collect::<Result<_, _>>()?,
            path: connect.path.as_ref().map(|text| text.text(&names).map(Secret::new)).transpose()?,
            query: pairs(&connect.query)?,
            headers: pairs(&connect.headers)?,
        })
    }

    /// What is said when the way to the room is open.
    pub fn begin(&mut self, now_ms: u64) -> Turn {
        let mut turn = Turn::default();
        let dialect = Arc::clone(&self.dialect);
        self.render("join", &dialect.say.join, &[], now_ms, &mut turn);
        if !dialect.tells_joined() {
            self.enter(&mut turn);
        }
        self.hand_over(turn)
    }

    /// A message of the room.
    pub fn hear(&mut self, text: &str, now_ms: u64) -> Turn {
        let mut turn = Turn::default();
        self.listen(text, now_ms, &mut turn);
        if self.may_release() {
            self.release(now_ms, &mut turn);
        }
        self.hand_over(turn)
    }

    /// Something to say to the other side.
    pub fn say(&mut self, signal: &Signal, now_ms: u64) -> Turn {
        let mut turn = Turn::default();
        let is_candidate = matches!(signal, Signal::Candidate { .. } | Signal::EndOfCandidates { .. });
        if is_candidate && !self.may_release() {
            self.held.push(signal.clone());
            return turn;
        }
        self.utter(signal, now_ms, &mut turn);
        if self.may_release() {
            self.release(now_ms, &mut turn);
        }
        self.hand_over(turn)
    }

    /// What keeps the way to the room open.
    pub fn keep_alive(&mut self, now_ms: u64) -> Turn {
        let mut turn = Turn::default();
        let dialect = Arc::clone(&self.dialect);
        self.render("keepalive", &dialect.say.keepalive, &[], now_ms, &mut turn);
        turn
    }

    /// What is said before we go.
    pub fn leave(&mut self, now_ms: u64) -> Turn {
        let mut turn = Turn::default();
        let dialect = Arc::clone(&self.dialect);
        self.render("leave", &dialect.say.leave, &[], now_ms, &mut turn);
        turn
    }

    /// The call is made once more.
    pub fn again(&mut self) -> Turn {
        let mut turn = Turn::default();
        if self.call.take().is_some() {
            self.start(&mut turn);
        }
        self.hand_over(turn)
    }

    /// The number that the room has given us for our stamps, where a rule captures it as `number`.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        self.names.get("number").and_then(|value| u16::try_from(value.clone()).ok())
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// What has come and was not understood, before we were in.
    #[must_use]
    pub fn not_understood(&self) -> Vec<String> {
        let told = self.early.iter().filter_map(|news| match news {
            News::Unknown { text, .. } => Some(format!("no rule knows {text}")),
            News::Trouble(what) => Some(what.clone()),
            _ => None,
        });
        told.collect()
    }

    /// Takes what has come and was not understood, before we were in.
    pub(super) fn take_not_understood(&mut self) -> Vec<News> {
        let is_foreign = |news: &mut News| matches!(news, News::Unknown { .. } | News::Trouble(_));
        self.early.extract_if(.., is_foreign).collect()
    }

    /// `text` as it may be shown: without secrets and control characters, and not too long.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        const LONGEST: usize = 200;
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.reveal().is_empty()) {
            text = text.replace(secret.reveal(), "[redacted]");
            // As it stands in JSON.
            let escaped = Json::from(secret.reveal()).to_string();
            text = text.replace(escaped.trim_matches('"'), "[redacted]");
        }
        // The end of a message may say what it is, and a description in the middle hides it.
        if text.len() > LONGEST
            && let Ok(mut message) = serde_json::from_str::<Json>(&text)
        {
            shorten(&mut message);
            text = message.to_string();
        }
        let cut = if text.len() > LONGEST {
            format!("{}...", &text[..text.floor_char_boundary(LONGEST)])
        } else {
            text
        };
        cut.chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect()
    }

    /// What names mean now, and these besides.
    pub(super) fn values(&self, now_ms: u64, more: &[(&str, Value)]) -> Value {
        let mut names = self.names.clone();
        names.insert("now_ms".into(), Value::from(now_ms));
        names.insert("seq".into(), Value::from(self.said + 1));
        if let Some(peer) = &self.peer {
            names.insert("peer".into(), valued(peer));
        } else if let ([sole], false) = (&self.present[..], names.contains_key("peer")) {
            // The room has named nobody else, and messages may lack their sender.
            names.insert("peer".into(), valued(sole));
        }
        for (name, value) in more {
            names.insert((*name).to_owned(), value.clone());
        }
        Value::from_pairs(names)
    }

    /// Writes messages.
    pub(super) fn render(
        &mut self,
        what: &str,
        messages: &[Template],
        more: &[(&str, Value)],
        now_ms: u64,
        turn: &mut Turn,
    ) {
        for message in messages {
            match message.message(&self.values(now_ms, more)) {
                Ok(text) => {
                    self.said += u64::from(message.uses("seq"));
                    turn.understood.push(format!("we say {what}"));
                    turn.send.push(text);
                }
                Err(why) => turn.news.push(News::Trouble(format!("cannot say {what}: {why}"))),
            }
        }
    }

    /// The room has let us in.
    pub(super) fn enter(&mut self, turn: &mut Turn) {
        if std::mem::replace(&mut self.joined, true) {
            return;
        }
        let me = self.me();
        let peers: Vec<String> = self.present.iter().map(as_text).collect();
        turn.understood.push(format!("joined as {}", self.shown(&me)));
        turn.news.push(News::Joined { me, peers });
        let waits = self.dialect.tells_start() || self.dialect.tells_peers();
        if self.role == Role::Caller && !waits {
            self.start(turn);
        }
    }

    pub(super) fn me(&self) -> String {
        self.myself().as_ref().map_or_else(String::new, as_text)
    }

    /// Our id there.
    pub(super) fn myself(&self) -> Option<Json> {
        self.names.get("self").and_then(|value| serde_json::to_value(value).ok())
    }

    /// Begins a call with the peer that is known, if none is under way.
    pub(super) fn start(&mut self, turn: &mut Turn) {
        if self.call.is_some() {
            return;
        }
        self.calls += 1;
        let peer = match (&self.peer, &self.wanted) {
            (Some(peer), _) => as_text(peer),
            (None, Some(wanted)) => wanted.clone(),
            (None, None) => self.role.other().to_string(),
        };
        let call = format!("{}-{}", self.nonce, self.calls);
        (self.described, self.answered) = (false, false);
        // What was held back belonged to the call before.
        self.held.clear();
        turn.understood.push(format!("the call with {} starts", self.shown(&peer)));
        turn.news.push(News::CallStarted { call: call.clone(), peer: peer.clone() });
        self.call = Some((call, peer));
    }

    fn utter(&mut self, signal: &Signal, now_ms: u64, turn: &mut Turn) {
        let dialect = Arc::clone(&self.dialect);
        let say = &dialect.say;
        if let Some(mark) = mark(signal) {
            self.own.insert(mark);
        }
        match signal {
            Signal::Description { sdp_type: SdpType::Rollback, .. } => {
                turn.news.push(News::Trouble("the dialect cannot say a rollback".into()));
            }
            Signal::Description { sdp_type, sdp } => {
                let is_offer = *sdp_type == SdpType::Offer;
                let (what, messages) = if is_offer { ("offer", &say.offer) } else { ("answer", &say.answer) };
                let more = [("sdp", Value::from(sdp.as_str())), ("type", Value::from(sdp_type.as_str()))];
                if messages.is_empty() {
                    turn.news.push(News::Trouble(format!("the dialect cannot say an {what}")));
                }
                self.render(what, messages, &more, now_ms, turn);
                self.described = true;
                self.answered = !is_offer;
            }
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment } => {
                let init =
                    init(candidate, sdp_mid.as_deref(), *sdp_m_line_index, username_fragment.as_deref());
                let more = [("candidate", valued(init))];
                self.render("candidate", &say.candidate, &more, now_ms, turn);
            }
            Signal::EndOfCandidates { username_fragment } => {
                let more = [("ufrag", valued(username_fragment))];
                self.render("end-of-candidates", &say.end_of_candidates, &more, now_ms, turn);
            }
            Signal::HangUp { reason } => {
                let more = [("reason", Value::from(reason.as_str()))];
                self.render("hang-up", &say.hang_up, &more, now_ms, turn);
            }
            // Those only callcheck's own room knows.
            Signal::Done | Signal::Step { .. } | Signal::Report(_) | Signal::Again | Signal::Ext(_) => {}
        }
    }

    /// Whether candidates need not wait any more.
    fn may_release(&self) -> bool {
        match self.dialect.hold {
            _ if self.hasty => true,
            Hold::No => true,
            Hold::Description => self.described,
            Hold::Answer => self.answered,
        }
    }

    fn release(&mut self, now_ms: u64, turn: &mut Turn) {
        for signal in std::mem::take(&mut self.held) {
            self.utter(&signal, now_ms, turn);
        }
    }

    /// Keeps back what nobody expects before we are in.
    fn hand_over(&mut self, mut turn: Turn) -> Turn {
        if !self.joined {
            let (now, later) =
                turn.news.into_iter().partition(|news| matches!(news, News::Refused(_) | News::WrongRole(_)));
            self.early.extend(later);
            turn.news = now;
        } else if !self.early.is_empty() {
            let at =
                turn.news.iter().position(|news| matches!(news, News::Joined { .. })).map_or(0, |at| at + 1);
            let early = std::mem::take(&mut self.early);
            turn.news.splice(at..at, early);
        }
        turn
    }
}

/// Cuts the long texts in a message.
fn shorten(message: &mut Json) {
    const LONGEST: usize = 40;
    match message {
        Json::String(text) if text.len() > LONGEST => {
            *text = format!("{}...", &text[..text.floor_char_boundary(LONGEST)]);
        }
        Json::Array(items) => items.iter_mut().for_each(shorten),
        Json::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// By what we know a signal of ours again.
pub(super) fn mark(signal: &Signal) -> Option<String> {
    match signal {
        Signal::Description { sdp_type, sdp } if !sdp.is_empty() => Some(format!("{sdp_type} {sdp}")),
        Signal::Candidate { candidate, sdp_mid, .. } if !candidate.is_empty() => {
            Some(format!("{} {candidate}", sdp_mid.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names hold secrets.
        f.debug_struct("Speaker")
            .field("dialect", &self.dialect.name)
            .field("joined", &self.joined)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
