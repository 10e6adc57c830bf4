//! Requests to a TURN server and its errors, read where they lie.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::engine::stun::{ERROR_CODE, Stun, USERNAME};
use crate::stun::{Reply, attribute};

/// RFC 8656 §17: the methods whose errors matter, as requests.
pub(super) const ALLOCATE: u16 = 0x0003;
pub(super) const REFRESH: u16 = 0x0004;
pub(super) const CREATE_PERMISSION: u16 = 0x0008;
const CHANNEL_BIND: u16 = 0x0009;
/// RFC 8489 §5: the bits that make an error response of a request.
pub(super) const ERROR: u16 = 0x0110;

pub(super) const COOKIE: u32 = 0x2112_a442;

/// So many requests may be open at a time.
const REMEMBERED: usize = 256;

/// What is asked of one server by one socket.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    open: VecDeque<Asked>,
    /// The server has said something.
    pub(super) heard: bool,
}

#[derive(Clone, Debug)]
struct Asked {
    transaction: [u8; 12],
    method: u16,
    authenticated: bool,
    peer: Option<SocketAddr>,
}

/// An error that a server answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) authenticated: bool,
    pub(super) peer: Option<SocketAddr>,
}

/// A request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// It is none.
    No,
    /// It has not been sent before.
    New {
        /// It asks for an allocation.
        allocates: bool,
        /// It binds a channel.
        binds: bool,
    },
    /// It was sent before and is not answered.
    Again,
}

impl Exchange {
    /// A datagram of ours to the server.
    pub(super) fn asked(&mut self, datagram: &[u8]) -> Request {
        let Some(message) = Stun::of(datagram) else { return Request::No };
        let method = message.kind();
        if !matches!(method, ALLOCATE | REFRESH | CREATE_PERMISSION | CHANNEL_BIND) {
            return Request::No;
        }
        let transaction = message.transaction();
        if self.open.iter().any(|open| open.transaction == transaction) {
            return Request::Again;
        }
        if self.open.len() == REMEMBERED {
            self.open.pop_front();
        }
        let authenticated = message.attribute(USERNAME).is_some();
        let peer = Reply::read(datagram).and_then(|request| request.address(attribute::PEER));
        self.open.push_back(Asked { transaction, method, authenticated, peer });
        Request::New { allocates: method == ALLOCATE, binds: method == CHANNEL_BIND }
    }

    /// A datagram of the server: an error, if it is one that says something. The first 401 of an allocation only asks for
    /// credentials (RFC 8489 §9.2.3).
    pub(super) fn told(&mut self, datagram: &[u8]) -> Option<Refusal> {
        self.heard = true;
        let message = Stun::of(datagram)?;
        let transaction = message.transaction();
        let index = self.open.iter().position(|open| open.transaction == transaction)?;
        let asked = self.open.remove(index)?;
        if message.kind() != asked.method | ERROR {
            return None;
        }
        let (code, text) = Reply::read(datagram)?.error()?;
        if code == 401 && !asked.authenticated {
            return None;
        }
        Some(Refusal { code, text, authenticated: asked.authenticated, peer: asked.peer })
    }
}

/// What answers an Allocate in place of a server that cannot be reached: first a challenge, since the engine takes no
/// other error, then 500, upon which it gives up. None for anything else.
pub(super) fn refused(datagram: &[u8]) -> Option<Vec<u8>> {
    let message = Stun::of(datagram).filter(|message| message.kind() == ALLOCATE)?;
    let code: (u8, &str) =
        if message.attribute(USERNAME).is_some() { (5, "unreachable") } else { (4, "challenge") };
    let mut attributes = Vec::new();
    let number = if code.0 == 4 { 1 } else { 0 };
    push(&mut attributes, ERROR_CODE, &[&[0, 0, code.0, number], code.1.as_bytes()].concat());
    if code.0 == 4 {
        push(&mut attributes, 0x0014, b"callcheck");
        push(&mut attributes, 0x0015, b"callcheck");
    }
    let length = u16::try_from(attributes.len()).ok()?;
    let head = [(ALLOCATE | ERROR).to_be_bytes(), length.to_be_bytes()].concat();
    Some([&head, &COOKIE.to_be_bytes()[..], &message.transaction(), &attributes].concat())
}

fn push(attributes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    attributes.extend(kind.to_be_bytes());
    // Invariant: the values are ours and short.
    attributes.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
    attributes.extend(value);
    attributes.resize(attributes.len().next_multiple_of(4), 0);
}

/// A message for tests.
#[cfg(test)]
pub(super) fn message(kind: u16, transaction: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut all = Vec::new();
    attributes.iter().for_each(|(kind, value)| push(&mut all, *kind, value));
    let length = u16::try_from(all.len()).unwrap();
    let head = [kind.to_be_bytes(), length.to_be_bytes()].concat();
    [&head, &COOKIE.to_be_bytes()[..], &[transaction; 12], &all].concat()
}

/// An answer for tests, of the class of those bits.
#[cfg(test)]
pub(super) fn answer_of(request: &[u8], class: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let method = u16::from_be_bytes([request[0], request[1]]);
    let mut answer = message(method | class, 0, attributes);
    answer[8..20].copy_from_slice(&request[8..20]);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_no_error_and_a_refused_credential_is_one() {
        let mut exchange = Exchange::default();
        let new = Request::New { allocates: true, binds: false };
        assert_eq!(exchange.asked(&message(ALLOCATE, 1, &[])), new);
        assert_eq!(exchange.asked(&message(ALLOCATE, 1, &[])), Request::Again);
        let unauthorized = [0, 0, 4, 1, b'n', b'o', 0x1b];
        assert_eq!(exchange.told(&message(ALLOCATE | ERROR, 1, &[(ERROR_CODE, &unauthorized)])), None);
        assert!(exchange.heard);
        exchange.asked(&message(ALLOCATE, 2, &[(USERNAME, b"me")]));
        let told = exchange.told(&message(ALLOCATE | ERROR, 2, &[(ERROR_CODE, &unauthorized)])).unwrap();
        assert_eq!((told.code, told.text.as_str(), told.authenticated), (401, "no\\u{1b}", true));
        // It was answered; once more is nothing.
        assert_eq!(exchange.told(&message(ALLOCATE | ERROR, 2, &[(ERROR_CODE, &unauthorized)])), None);
    }

    #[test]
    fn a_refused_permission_says_for_whom() {
        let mut exchange = Exchange::default();
        // 192.0.2.1:32853 (RFC 5769 §2.2).
        let peer = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        exchange.asked(&message(CREATE_PERMISSION, 1, &[(USERNAME, b"me"), (attribute::PEER, &peer)]));
        let told = exchange.told(&message(CREATE_PERMISSION | ERROR, 1, &[(ERROR_CODE, &[0, 0, 4, 3])]));
        assert_eq!(told.unwrap().peer, Some("192.0.2.1:32853".parse().unwrap()));
        for garbage in [&[][..], &[0; 19], &[0x40, 0, 0, 4, 1, 2, 3, 4], &[0xff; 60]] {
            assert_eq!(exchange.asked(garbage), Request::No);
            assert_eq!(exchange.told(garbage), None);
            assert_eq!(refused(garbage), None);
        }
    }

    #[test]
    fn who_cannot_be_reached_is_answered_for_in_two_steps() {
        let first = refused(&message(ALLOCATE, 1, &[])).unwrap();
        let challenge = Stun::of(&first).unwrap();
        assert_eq!((challenge.error(), challenge.transaction()), (Some(401), [1; 12]));
        assert!(challenge.attribute(0x0015).is_some());
        let second = refused(&message(ALLOCATE, 2, &[(USERNAME, b"me")])).unwrap();
        assert_eq!(Stun::of(&second).unwrap().error(), Some(500));
        assert_eq!(refused(&message(REFRESH, 3, &[])), None);
    }
}
