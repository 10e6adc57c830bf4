//! Connectivity checks as the sockets see them (RFC 8445 §7). The engine does not tell how they went: it answers what it
//! takes, and says nothing to what it does not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use rtc::crypto::{RTCCryptoProvider, default_provider};
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::Message;

use super::translate::Credentials;
use crate::timeline::IceChecks;

/// RFC 8489 §5.
const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
/// RFC 8656 §11: what travels through a TURN server without a channel.
const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;
/// RFC 8656 §12: the first bytes of TURN ChannelData, whose header is four bytes long.
const CHANNEL_DATA: std::ops::RangeInclusive<u8> = 64..=79;

pub(super) const USERNAME: u16 = 0x0006;
pub(super) const ERROR_CODE: u16 = 0x0009;
const DATA: u16 = 0x0013;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;

/// So many requests to STUN servers are remembered, whose responses are no checks.
const REMEMBERED: usize = 64;

/// Counts the checks that pass the sockets of one engine.
#[derive(Debug, Default)]
pub(super) struct CheckTrace(Mutex<Checks>);

#[derive(Default)]
struct Checks {
    counts: IceChecks,
    /// What our latest check said.
    controlling: Option<bool>,
    /// Requests of ours that were no checks.
    to_servers: VecDeque<[u8; 12]>,
    /// Those that our descriptions have named, the latest last.
    ours: Vec<Credentials>,
    crypto: Option<Arc<dyn RTCCryptoProvider>>,
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// A STUN message, read where it lies.
#[derive(Clone, Copy)]
pub(super) struct Stun<'a>(&'a [u8]);

impl CheckTrace {
    pub(super) fn counts(&self) -> IceChecks {
        self.lock().counts
    }

    /// A description of ours is made with these: the peer's checks have to carry them.
    pub(super) fn know(&self, ice: &Credentials) {
        let mut checks = self.lock();
        if !checks.ours.contains(ice) {
            checks.ours.push(ice.clone());
        }
    }

    /// A datagram left.
    pub(super) fn sent(&self, datagram: &[u8]) {
        if let Some(message) = Stun::of(datagram) {
            self.lock().sent(message);
        }
    }

    /// A datagram came in.
    pub(super) fn received(&self, datagram: &[u8]) {
        if let Some(message) = Stun::of(datagram) {
            self.lock().received(message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Checks> {
        self.0.lock().expect("no panic while the checks are held")
    }
}

impl Checks {
    fn sent(&mut self, message: Stun<'_>) {
        let counts = &mut self.counts;
        match message.kind() {
            BINDING_REQUEST if message.attribute(USERNAME).is_some() => {
                counts.requests_sent += 1;
                counts.nominations += u64::from(message.attribute(USE_CANDIDATE).is_some());
                self.controlling = message.controlling();
            }
            // A check carries a name, a request to a STUN server does not (RFC 8445 §7.2.2).
            BINDING_REQUEST => {
                if self.to_servers.len() == REMEMBERED {
                    self.to_servers.pop_front();
                }
                self.to_servers.push_back(message.transaction());
            }
            BINDING_SUCCESS => counts.responses_sent += 1,
            BINDING_ERROR => counts.role_conflicts += u64::from(message.error() == Some(487)),
            _ => {}
        }
    }

    fn received(&mut self, message: Stun<'_>) {
        match message.kind() {
            BINDING_REQUEST if message.attribute(USERNAME).is_some() => {
                self.counts.requests_received += 1;
                self.counts.nominations += u64::from(message.attribute(USE_CANDIDATE).is_some());
                let same = self.controlling.is_some() && message.controlling() == self.controlling;
                self.counts.requests_of_our_role += u64::from(same);
                self.counts.requests_refused += u64::from(!self.takes(message));
            }
            BINDING_SUCCESS if !self.to_servers.contains(&message.transaction()) => {
                self.counts.responses_received += 1;
            }
            BINDING_ERROR if !self.to_servers.contains(&message.transaction()) => match message.error() {
                Some(400 | 401) => self.counts.refused_by_peer += 1,
                Some(487) => self.counts.role_conflicts += 1,
                _ => {}
            },
            _ => {}
        }
    }

    /// Whether a request carries credentials of ours, of whatever generation (RFC 8489 §9.1.3). The agent drops what
    /// does not.
    fn takes(&mut self, message: Stun<'_>) -> bool {
        let name = message.attribute(USERNAME).unwrap_or_default();
        let ufrag = name.split(|byte| *byte == b':').next().unwrap_or_default();
        let Some(own) = self.ours.iter().rfind(|own| own.ufrag.as_bytes() == ufrag) else { return false };
        let Some(crypto) = self.crypto.take().or_else(|| default_provider().ok()) else { return true };
        let mut whole = Message { raw: message.0.to_vec(), ..Message::default() };
        let signed = whole.decode().is_ok()
            && MessageIntegrity::check(&mut whole, own.pwd.as_bytes(), crypto.crypto()).is_ok();
        self.crypto = Some(crypto);
        signed
    }
}

impl<'a> Stun<'a> {
    /// The STUN message in a datagram, or the one that it carries through a TURN server.
    pub(super) fn of(datagram: &'a [u8]) -> Option<Self> {
        let first = *datagram.first()?;
        let bytes = if CHANNEL_DATA.contains(&first) { datagram.get(4..)? } else { datagram };
        let is_stun = bytes.len() >= HEADER
            && bytes.first().is_some_and(|first| *first < 4)
            && bytes[4..8] == MAGIC_COOKIE;
        let message = is_stun.then_some(Self(bytes))?;
        match message.kind() {
            SEND_INDICATION | DATA_INDICATION => Self::of(message.attribute(DATA)?),
            _ => Some(message),
        }
    }

    pub(super) fn kind(self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    pub(super) fn transaction(self) -> [u8; 12] {
        let mut id = [0; 12];
        id.copy_from_slice(&self.0[8..HEADER]);
        id
    }

    pub(super) fn attribute(self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = &self.0[HEADER..];
        while let [a, b, c, d, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*c, *d]));
            let value = after.get(..length)?;
            if u16::from_be_bytes([*a, *b]) == wanted {
                return Some(value);
            }
            // RFC 8489 §14: values are padded to four bytes.
            rest = after.get(length.next_multiple_of(4)..)?;
        }
        None
    }

    fn controlling(self) -> Option<bool> {
        if self.attribute(ICE_CONTROLLING).is_some() {
            Some(true)
        } else {
            self.attribute(ICE_CONTROLLED).map(|_| false)
        }
    }

    /// RFC 8489 §14.8.
    pub(super) fn error(self) -> Option<u16> {
        let [_, _, class, number, ..] = self.attribute(ERROR_CODE)? else { return None };
        Some(u16::from(class & 7) * 100 + u16::from(*number))
    }
}

#[cfg(test)]
mod tests {
    use rtc::ice::attributes::control::{AttrControlled, AttrControlling};
    use rtc::ice::attributes::use_candidate::UseCandidateAttr;
    use rtc::stun::attributes::ATTR_USERNAME;
    use rtc::stun::error_code::{CODE_ROLE_CONFLICT, CODE_UNAUTHORIZED};
    use rtc::stun::message::{
        BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, MessageType, Setter, TransactionId,
    };
    use rtc::stun::textattrs::TextAttribute;

    use super::*;

    fn message(kind: MessageType, id: u8, attributes: Vec<Box<dyn Setter>>) -> Vec<u8> {
        let mut all: Vec<Box<dyn Setter>> = vec![Box::new(kind), Box::new(TransactionId([id; 12]))];
        all.extend(attributes);
        let mut message = Message::new();
        message.build(&all).unwrap();
        message.raw
    }

    fn name(name: &str) -> Box<dyn Setter> {
        Box::new(TextAttribute::new(ATTR_USERNAME, name.to_owned()))
    }

    fn signed(pwd: &str, name_of: &str) -> Vec<u8> {
        let crypto = default_provider().unwrap();
        let mut message = Message::new();
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(pwd.to_owned(), crypto.crypto());
        let all: [Box<dyn Setter + '_>; 4] =
            [Box::new(BINDING_REQUEST), Box::new(TransactionId([9; 12])), name(name_of), Box::new(integrity)];
        message.build(&all).unwrap();
        message.raw
    }

    fn trace() -> CheckTrace {
        let trace = CheckTrace::default();
        trace.know(&Credentials { ufrag: "us".into(), pwd: "secret".into() });
        trace
    }

    #[test]
    fn checks_are_told_from_requests_to_servers() {
        let trace = trace();
        trace.sent(&message(BINDING_REQUEST, 1, vec![]));
        trace.received(&message(BINDING_SUCCESS, 1, vec![]));
        trace.received(&message(BINDING_ERROR, 1, vec![Box::new(CODE_UNAUTHORIZED)]));
        assert_eq!(trace.counts(), IceChecks::default());
        trace.sent(&message(BINDING_REQUEST, 2, vec![name("them:us"), Box::new(UseCandidateAttr::new())]));
        trace.received(&message(BINDING_SUCCESS, 2, vec![]));
        trace.sent(&message(BINDING_SUCCESS, 3, vec![]));
        let expected = IceChecks {
            requests_sent: 1,
            responses_received: 1,
            responses_sent: 1,
            nominations: 1,
            ..IceChecks::default()
        };
        assert_eq!(trace.counts(), expected);
    }

    #[test]
    fn a_request_with_other_credentials_is_refused() {
        let trace = trace();
        trace.received(&signed("secret", "us:them"));
        assert_eq!((trace.counts().requests_received, trace.counts().requests_refused), (1, 0));
        trace.received(&signed("another", "us:them"));
        trace.received(&signed("secret", "somebody:them"));
        trace.received(&message(BINDING_REQUEST, 4, vec![name("us:them")]));
        assert_eq!((trace.counts().requests_received, trace.counts().requests_refused), (4, 3));
    }

    #[test]
    fn roles_and_errors_are_counted() {
        let trace = trace();
        trace.sent(&message(BINDING_REQUEST, 1, vec![name("them:us"), Box::new(AttrControlling(1))]));
        trace.received(&message(BINDING_REQUEST, 2, vec![name("us:them"), Box::new(AttrControlling(2))]));
        trace.received(&message(BINDING_REQUEST, 3, vec![name("us:them"), Box::new(AttrControlled(2))]));
        trace.sent(&message(BINDING_ERROR, 2, vec![Box::new(CODE_ROLE_CONFLICT)]));
        trace.received(&message(BINDING_ERROR, 1, vec![Box::new(CODE_UNAUTHORIZED)]));
        let counts = trace.counts();
        assert_eq!((counts.requests_of_our_role, counts.role_conflicts, counts.refused_by_peer), (1, 1, 1));
    }

    #[test]
    fn relayed_checks_count_and_anything_else_does_not() {
        let trace = trace();
        let check = signed("secret", "us:them");
        let channel: Vec<u8> = [&[0x40, 0, 0, u8::try_from(check.len()).unwrap()], &check[..]].concat();
        trace.received(&channel);
        let mut data = vec![0x00, 0x17, 0, u8::try_from(check.len() + 4).unwrap()];
        data.extend(MAGIC_COOKIE);
        data.extend([7; 12]);
        data.extend([0x00, 0x13, 0, u8::try_from(check.len()).unwrap()]);
        data.extend(&check);
        trace.received(&data);
        assert_eq!((trace.counts().requests_received, trace.counts().requests_refused), (2, 0));
        for garbage in [&[][..], &[0x40], &[0; 19], &[0x80; 40], &[1; 40], &data[..30]] {
            trace.received(garbage);
            trace.sent(garbage);
        }
        assert_eq!(trace.counts().requests_received, 2);
    }
}
