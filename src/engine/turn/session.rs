//! What one socket of the engine and one server say to each other, with what the engine does not do by itself: it takes a
//! stale nonce for a refusal, and asks again only when the next request is due, which can be after the allocation has
//! expired; it knows one address family; it waits without an end for a server that wants no credentials, or that refuses
//! before it has asked for any; and what it sends at its end may be too late. All of that is done here. No time and no
//! sockets: whoever carries the messages has both.

use std::collections::VecDeque;

use rand::RngExt;

use super::exchange::{ALLOCATE, COOKIE, ERROR, Exchange, REFRESH, Refusal, Request, refused};
use super::signed::{Value, key_of, release, rewritten};
use crate::engine::stun::{Stun, USERNAME};
use crate::stun::attribute::{LIFETIME, NONCE, REALM};
use crate::world::Rng;

/// A server that calls each nonce stale is not asked for ever.
const MOST_TRIES: u8 = 3;
/// So many requests may be open at a time.
const REMEMBERED: usize = 256;

/// RFC 8489 §5: how long a header is, and the bit that all responses have.
const HEADER: usize = 20;
const RESPONSE: u16 = 0x0100;

const STALE_NONCE: u16 = 438;
const MISMATCH: u16 = 437;
const FAMILY_NOT_SUPPORTED: u16 = 440;
/// RFC 8656 §18.6: REQUESTED-ADDRESS-FAMILY, IPv6.
const WANTS_IPV6: (u16, [u8; 4]) = (0x0017, [2, 0, 0, 0]);

/// The state between them.
pub(super) struct Session {
    exchange: Exchange,
    password: String,
    rng: Rng,
    /// The latest that the server named.
    nonce: Vec<u8>,
    /// Signed requests that are not answered.
    open: VecDeque<Open>,
    /// The Allocate without credentials that is not answered.
    anonymous: Option<Vec<u8>>,
    /// What answers an Allocate, where that is not left to the server.
    instead: Option<Instead>,
    /// The request that brought the allocation which is held.
    held: Option<Vec<u8>>,
}

/// A signed request of the engine.
struct Open {
    /// As the engine wrote it.
    asked: Vec<u8>,
    method: u16,
    /// As it was sent last.
    wire: Vec<u8>,
    tries: u8,
    ipv6: bool,
}

enum Instead {
    Refusal,
    Success(Vec<u8>),
}

/// What to do with a message of the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// It goes to the server like this.
    Send {
        message: Vec<u8>,
        /// It binds a channel.
        binds: bool,
    },
    /// The engine is answered, and the server is not asked.
    Answer(Vec<u8>),
    /// It is no longer needed.
    Drop,
}

/// What to do with a message of the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Theirs {
    /// For the engine.
    pub(super) back: Option<Vec<u8>>,
    /// For the server: the request once more, as it wants it.
    pub(super) again: Option<Vec<u8>>,
    /// An error that an application would be told of.
    pub(super) refusal: Option<Refusal>,
}

impl Session {
    pub(super) fn new(password: String, rng: Rng) -> Self {
        Self {
            exchange: Exchange::default(),
            password,
            rng,
            nonce: Vec::new(),
            open: VecDeque::new(),
            anonymous: None,
            instead: None,
            held: None,
        }
    }

    /// A message of the engine. Over what is reliable nothing needs to be repeated, and a second Allocate would be a
    /// mismatch (RFC 8656 §7.2).
    pub(super) fn ours(&mut self, message: Vec<u8>, reliable: bool) -> Ours {
        if let Some(answer) = self.answered(&message) {
            return Ours::Answer(answer);
        }
        match self.exchange.asked(&message) {
            Request::No => Ours::Send { message, binds: false },
            Request::Again if reliable => Ours::Drop,
            Request::Again => {
                let open = self.open.iter().find(|open| transaction(&open.asked) == transaction(&message));
                Ours::Send { message: open.map_or(message, |open| open.wire.clone()), binds: false }
            }
            Request::New { binds, .. } => Ours::Send { message: self.opened(message), binds },
        }
    }

    /// A message of the server.
    pub(super) fn theirs(&mut self, message: Vec<u8>) -> Theirs {
        let Some(kind) = response(&message) else {
            return Theirs { back: Some(message), ..Theirs::default() };
        };
        let id = transaction(&message);
        if let Some(at) = self.open.iter().position(|open| transaction(&open.wire) == id) {
            return self.answers(at, kind, message);
        }
        match self.anonymous.take_if(|anonymous| transaction(anonymous) == id) {
            Some(anonymous) => self.begins(&anonymous, kind, message),
            None => Theirs { refusal: self.exchange.told(&message), back: Some(message), again: None },
        }
    }

    /// What gives back the allocation that is held, if one is.
    pub(super) fn release(&mut self) -> Option<Vec<u8>> {
        let held = self.held.as_ref()?;
        let (id, key) = (self.rng.random(), key_of(held, &self.password)?);
        let asked = release(held, id, &self.nonce, &key)?;
        self.remember(Open {
            wire: asked.clone(),
            asked: asked.clone(),
            method: REFRESH,
            tries: 0,
            ipv6: false,
        });
        Some(asked)
    }

    /// Whether an allocation is held.
    pub(super) const fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// The answer to an Allocate that does not go to the server.
    fn answered(&self, message: &[u8]) -> Option<Vec<u8>> {
        let instead = self.instead.as_ref()?;
        let standing = refused(message)?;
        match instead {
            Instead::Success(success) if is_signed(message) => {
                rewritten(success, transaction(message), &[], None)
            }
            Instead::Success(_) | Instead::Refusal => Some(standing),
        }
    }

    /// A request goes out for the first time. What comes out is signed with the latest nonce.
    fn opened(&mut self, message: Vec<u8>) -> Vec<u8> {
        let method = kind(&message);
        if !is_signed(&message) {
            if method == ALLOCATE {
                self.anonymous = Some(message.clone());
            }
            return message;
        }
        let fresh = self.signed(&message, transaction(&message), false);
        let wire = fresh.unwrap_or_else(|| message.clone());
        self.remember(Open { asked: message, method, wire: wire.clone(), tries: 0, ipv6: false });
        wire
    }

    fn signed(&self, asked: &[u8], id: [u8; 12], ipv6: bool) -> Option<Vec<u8>> {
        let mut values: Vec<Value> = Vec::new();
        if !self.nonce.is_empty() {
            values.push((NONCE, self.nonce.clone()));
        }
        if ipv6 {
            values.push((WANTS_IPV6.0, WANTS_IPV6.1.to_vec()));
        }
        rewritten(asked, id, &values, Some(&key_of(asked, &self.password)?))
    }

    fn remember(&mut self, open: Open) {
        if self.open.len() == REMEMBERED {
            self.open.pop_front();
        }
        self.open.push_back(open);
    }

    /// The server answers a signed request.
    fn answers(&mut self, at: usize, kind: u16, message: Vec<u8>) -> Theirs {
        let code = Stun::of(&message).and_then(Stun::error).filter(|_| kind & ERROR == ERROR);
        if let Some(again) = self.again(at, code, &message) {
            return Theirs { again: Some(again), ..Theirs::default() };
        }
        let Some(open) = self.open.remove(at) else { return Theirs::default() };
        self.learn(&open, code);
        let id = transaction(&open.asked);
        let named = if id == transaction(&message) {
            message
        } else {
            let key = key_of(&open.asked, &self.password);
            rewritten(&message, id, &[], key.as_deref()).unwrap_or(message)
        };
        Theirs { refusal: self.exchange.told(&named), back: Some(named), again: None }
    }

    /// The request as the server wants it, if it said how (RFC 8489 §9.2.5, RFC 8656 §7.2).
    fn again(&mut self, at: usize, code: Option<u16>, message: &[u8]) -> Option<Vec<u8>> {
        let fresh = Stun::of(message).and_then(|message| message.attribute(NONCE)).map(<[u8]>::to_vec);
        let (method, tries, ipv6) = self.open.get(at).map(|open| (open.method, open.tries, open.ipv6))?;
        let ipv6 = match (code?, fresh) {
            (STALE_NONCE, Some(nonce)) if tries < MOST_TRIES => {
                self.nonce = nonce;
                ipv6
            }
            (FAMILY_NOT_SUPPORTED, _) if method == ALLOCATE && !ipv6 => true,
            _ => return None,
        };
        let id = self.rng.random();
        let wire = self.signed(&self.open.get(at)?.asked, id, ipv6)?;
        let open = self.open.get_mut(at)?;
        (open.wire, open.tries, open.ipv6) = (wire.clone(), tries + 1, ipv6);
        Some(wire)
    }

    fn learn(&mut self, open: &Open, code: Option<u16>) {
        let releases = || {
            let lifetime = Stun::of(&open.asked).and_then(|asked| asked.attribute(LIFETIME));
            lifetime.is_some_and(|seconds| seconds.iter().all(|byte| *byte == 0))
        };
        match (open.method, code) {
            (ALLOCATE, None) => self.held = Some(open.asked.clone()),
            (REFRESH, None) if releases() => self.held = None,
            (REFRESH, Some(MISMATCH)) => self.held = None,
            _ => {}
        }
    }

    /// The server answers an Allocate without credentials. The engine understands a challenge and nothing else.
    fn begins(&mut self, anonymous: &[u8], kind: u16, message: Vec<u8>) -> Theirs {
        let read = Stun::of(&message);
        let nonce = read.and_then(|read| read.attribute(NONCE)).map(<[u8]>::to_vec);
        let code = read.and_then(Stun::error).filter(|_| kind & ERROR == ERROR);
        let realm = read.and_then(|read| read.attribute(REALM)).is_some();
        let refusal = self.exchange.told(&message);
        if let (Some(401 | STALE_NONCE), Some(nonce), true) = (code, nonce, realm) {
            self.nonce = nonce;
            return Theirs { back: Some(message), ..Theirs::default() };
        }
        self.instead = Some(if code.is_none() { Instead::Success(message) } else { Instead::Refusal });
        let mute = (code == Some(401)).then(|| Refusal {
            code: 401,
            text: "it asks for credentials and names no realm or no nonce".to_owned(),
            authenticated: false,
            peer: None,
        });
        Theirs { back: refused(anonymous), refusal: refusal.or(mute), again: None }
    }
}

/// The type of a response; none for anything else, ChannelData and indications among it.
pub(super) fn response(message: &[u8]) -> Option<u16> {
    let is_stun = message.len() >= HEADER && message[0] < 4 && message[4..8] == COOKIE.to_be_bytes();
    is_stun.then(|| kind(message)).filter(|kind| kind & RESPONSE == RESPONSE)
}

fn is_signed(message: &[u8]) -> bool {
    Stun::of(message).is_some_and(|message| message.attribute(USERNAME).is_some())
}

/// Of what is known to be STUN.
fn kind(message: &[u8]) -> u16 {
    message.first_chunk().map_or(0, |kind| u16::from_be_bytes(*kind))
}

pub(super) fn transaction(message: &[u8]) -> [u8; 12] {
    message.get(8..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
