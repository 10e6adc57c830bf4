//! What the DTLS handshake shows before it is encrypted: versions, SRTP profiles, the peer's certificate, and the alert
//! that ends it. The engine keeps the reason of a failure to itself, and stays in `connecting` for ever.

use std::fmt::Write as _;
use std::ops::Range;

use rtc::crypto::{HashAlgorithm, default_provider};

use crate::timeline::DtlsError;

/// RFC 6347 §4.1: content type, version, epoch, sequence number, length.
const RECORD_HEADER: usize = 13;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// RFC 6347 §4.2.2: type, length, sequence number, offset and length of the fragment.
const MESSAGE_HEADER: usize = 12;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
/// RFC 5764 §4.1.1.
const USE_SRTP: u16 = 14;
/// The profiles that the engine has (RFC 5764 §4.1.2, RFC 7714 §14.2).
const PROFILES: [u16; 4] = [1, 2, 7, 8];
/// No certificate of a WebRTC peer is longer.
const LONGEST: usize = 64 * 1024;

const FATAL: u8 = 2;
const BAD_CERTIFICATE: u8 = 42;
const INSUFFICIENT_SECURITY: u8 = 71;

/// The handshake of one transport, as far as anybody can read it.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// `sha-256 AA:..` of the peer's description in force.
    expected: Vec<String>,
    /// The peer's hello: its version, and the SRTP profiles if it has the extension.
    hello: Option<Hello>,
    /// We sent a ClientHello.
    we_begin: bool,
    certificate: Fragments,
    error: Option<Error>,
    told: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Hello {
    version: [u8; 2],
    profiles: Option<Vec<u16>>,
    by_server: bool,
}

/// What ended the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Error {
    Received(u8),
    Sent(u8),
    /// The handshake goes on, and yields no keys for media.
    NoSrtp,
}

/// A handshake message whose fragments come in any order.
#[derive(Debug, Default)]
struct Fragments {
    bytes: Vec<u8>,
    missing: Vec<Range<usize>>,
}

/// Why the handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Dtls(DtlsError),
    /// The engine knows one hash only (RFC 8122 §5 has more); not the peer's fault.
    OtherHash(String),
}

impl Handshake {
    /// The peer's description in force has these fingerprints.
    pub(super) fn expect(&mut self, fingerprints: &[String]) {
        fingerprints.clone_into(&mut self.expected);
    }

    /// Reads the records of a datagram. Returns whether it shows that the handshake has failed.
    pub(super) fn datagram(&mut self, sent: bool, datagram: &[u8]) -> bool {
        let before = self.error;
        let mut rest = datagram;
        while let Some((header, after)) = rest.split_at_checked(RECORD_HEADER) {
            let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let Some((content, next)) = after.split_at_checked(length) else { break };
            rest = next;
            // From the first epoch on everything is encrypted.
            if header[3..5] != [0, 0] {
                continue;
            }
            match (header[0], content) {
                (ALERT, [FATAL, alert]) => self.alert(sent, *alert),
                (HANDSHAKE, _) if !sent => self.messages(content),
                (HANDSHAKE, [CLIENT_HELLO, ..]) => self.we_begin = true,
                _ => {}
            }
        }
        self.error != before
    }

    /// Why the handshake has failed; once.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        let error = self.error.filter(|_| !self.told)?;
        self.told = true;
        Some(self.failure(error))
    }

    fn alert(&mut self, sent: bool, alert: u8) {
        // The first one is the reason; the engine sends back every alert that it gets.
        if matches!(self.error, None | Some(Error::NoSrtp)) {
            self.error = Some(if sent { Error::Sent(alert) } else { Error::Received(alert) });
        }
    }

    fn messages(&mut self, mut rest: &[u8]) {
        while let Some((header, after)) = rest.split_at_checked(MESSAGE_HEADER) {
            let number = |at: usize| {
                usize::from(header[at]) << 16 | usize::from(header[at + 1]) << 8 | usize::from(header[at + 2])
            };
            let (length, offset, part) = (number(1), number(6), number(9));
            let Some((content, next)) = after.split_at_checked(part) else { return };
            rest = next;
            match header[0] {
                kind @ (CLIENT_HELLO | SERVER_HELLO) if part == length => {
                    if let Some(read) = hello(content, kind == SERVER_HELLO) {
                        self.hello = Some(read);
                    }
                    let without = self.hello.as_ref().is_some_and(|hello| hello.profiles.is_none());
                    if without && self.error.is_none() {
                        self.error = Some(Error::NoSrtp);
                    }
                }
                CERTIFICATE => self.certificate.add(length, offset, content),
                _ => {}
            }
        }
    }

    fn failure(&self, error: Error) -> Failure {
        let alert = match error {
            Error::Received(alert) | Error::Sent(alert) => alert,
            Error::NoSrtp => {
                return Failure::Dtls(self.error(
                    "dtls-failure",
                    error,
                    self.no_profile().unwrap_or_default(),
                ));
            }
        };
        if error == Error::Sent(BAD_CERTIFICATE)
            && !self.expected.is_empty()
            && let Some(shown) = self.certificate.whole().and_then(fingerprint)
        {
            let of = |expected: &str| Some(expected.split_once(' ')?.1.to_ascii_lowercase());
            let sha_256: Vec<&String> =
                self.expected.iter().filter(|expected| is_sha_256(expected)).collect();
            if sha_256.is_empty() {
                let text = format!(
                    "the fingerprints of the description are none of sha-256: {}",
                    self.expected.join(", ")
                );
                return Failure::OtherHash(text);
            }
            if !sha_256.iter().any(|expected| of(expected).is_some_and(|value| value == shown)) {
                let text = format!(
                    "the peer's certificate has the sha-256 fingerprint {}, its description says {}",
                    shown.to_ascii_uppercase(),
                    self.expected.join(", ")
                );
                return Failure::Dtls(self.error("fingerprint-failure", error, text));
            }
        }
        let clash = self.we_begin && self.hello.as_ref().is_some_and(|hello| !hello.by_server);
        let reason = match error {
            _ if clash => Some("both sides sent a ClientHello".to_owned()),
            Error::Sent(INSUFFICIENT_SECURITY) => self.no_profile(),
            Error::Sent(70) => {
                self.hello.as_ref().map(|hello| format!("the peer's hello says {}", version(hello.version)))
            }
            _ => None,
        };
        let name = name(alert);
        let text = reason.map_or_else(|| name.to_owned(), |reason| format!("{name}: {reason}"));
        Failure::Dtls(self.error("dtls-failure", error, text))
    }

    fn error(&self, detail: &str, error: Error, text: String) -> DtlsError {
        let (received_alert, sent_alert) = match error {
            Error::Received(alert) => (Some(alert), None),
            Error::Sent(alert) => (None, Some(alert)),
            Error::NoSrtp => (None, None),
        };
        DtlsError { detail: detail.to_owned(), received_alert, sent_alert, text }
    }

    /// In words, if the peer's hello leaves no SRTP profile for both.
    fn no_profile(&self) -> Option<String> {
        let Hello { profiles, by_server, .. } = self.hello.as_ref()?;
        let message = if *by_server { "ServerHello" } else { "ClientHello" };
        match profiles {
            None => Some(format!("the peer's {message} has no use_srtp")),
            Some(profiles) if !profiles.iter().any(|profile| PROFILES.contains(profile)) => {
                Some(format!("no SRTP profile in common: the peer's {message} has {profiles:?} in use_srtp"))
            }
            Some(_) => None,
        }
    }
}

impl Fragments {
    fn add(&mut self, length: usize, offset: usize, part: &[u8]) {
        let end = offset + part.len();
        if length == 0 || length > LONGEST || end > length {
            return;
        }
        if self.bytes.len() != length {
            *self = Self { bytes: vec![0; length], missing: std::iter::once(0..length).collect() };
        }
        self.bytes[offset..end].copy_from_slice(part);
        let left = |hole: &Range<usize>| [hole.start..hole.end.min(offset), hole.start.max(end)..hole.end];
        self.missing = self.missing.iter().flat_map(left).filter(|hole| !hole.is_empty()).collect();
    }

    fn whole(&self) -> Option<&[u8]> {
        (self.missing.is_empty() && !self.bytes.is_empty()).then_some(&self.bytes)
    }
}

/// RFC 5246 §7.4.1.2 and §7.4.1.3, RFC 6347 §4.2.1.
fn hello(message: &[u8], by_server: bool) -> Option<Hello> {
    let (head, rest) = message.split_at_checked(34)?;
    let mut rest = vector(rest, 1)?.1;
    if by_server {
        rest = rest.get(3..)?;
    } else {
        // The cookie, the cipher suites and the compression methods.
        for width in [1, 2, 1] {
            rest = vector(rest, width)?.1;
        }
    }
    let mut extensions = if rest.is_empty() { rest } else { vector(rest, 2)?.0 };
    let mut profiles = None;
    while let Some((kind, after)) = extensions.split_at_checked(2) {
        let (value, next) = vector(after, 2)?;
        extensions = next;
        if kind == USE_SRTP.to_be_bytes() {
            let list = vector(value, 2)?.0;
            profiles =
                Some(list.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect());
        }
    }
    Some(Hello { version: [head[0], head[1]], profiles, by_server })
}

/// A value with its length before it, and what follows.
fn vector(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    rest.split_at_checked(length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

/// SHA-256 of the first certificate of a Certificate message (RFC 5246 §7.4.2), in lower case.
fn fingerprint(message: &[u8]) -> Option<String> {
    let (certificate, _) = vector(vector(message, 3)?.0, 3)?;
    let hash = default_provider().ok()?.crypto().hash(HashAlgorithm::Sha256, certificate).ok()?;
    let mut text = String::new();
    for byte in hash {
        let colon = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02x}");
    }
    Some(text)
}

fn is_sha_256(fingerprint: &str) -> bool {
    fingerprint.split(' ').next().is_some_and(|name| name.eq_ignore_ascii_case("sha-256"))
}

/// RFC 6347 §4.1: the ones' complement of the number.
fn version([major, minor]: [u8; 2]) -> String {
    match (major, minor) {
        (254, 253) => "DTLS 1.2".to_owned(),
        (254, 255) => "DTLS 1.0".to_owned(),
        (major, minor) => format!("version {major}.{minor}"),
    }
}

/// RFC 8446 §6, RFC 5246 §7.2.
fn name(alert: u8) -> &'static str {
    match alert {
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "an alert without a name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 0];
        bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(content);
        bytes
    }

    fn fragment(kind: u8, whole: &[u8], part: Range<usize>) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
        let mut message = vec![kind];
        message.extend(number(whole.len()));
        message.extend([0, 0]);
        message.extend(number(part.start));
        message.extend(number(part.len()));
        message.extend(&whole[part]);
        record(HANDSHAKE, 0, &message)
    }

    fn client_hello(minor: u8, extensions: &[u8]) -> Vec<u8> {
        let mut hello = vec![254, minor];
        hello.extend([7; 32]);
        // No session, no cookie, two cipher suites, one compression method.
        hello.extend([0, 0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
        hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        hello.extend(extensions);
        fragment(CLIENT_HELLO, &hello, 0..hello.len())
    }

    fn use_srtp(profile: u8) -> Vec<u8> {
        vec![0, 23, 0, 0, 0, 14, 0, 5, 0, 2, 0, profile, 0]
    }

    fn told(handshake: &mut Handshake) -> DtlsError {
        match handshake.take_failure() {
            Some(Failure::Dtls(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_alert_is_the_reason_and_is_told_once() {
        let mut handshake = Handshake::default();
        assert!(!handshake.datagram(false, &record(ALERT, 0, &[1, 0])), "close_notify is no failure");
        assert!(!handshake.datagram(false, &record(ALERT, 1, &[2, 40])), "what is encrypted says nothing");
        assert!(handshake.datagram(false, &record(ALERT, 0, &[2, 40])));
        assert!(!handshake.datagram(true, &record(ALERT, 0, &[2, 40])), "the engine's echo");
        let error = told(&mut handshake);
        assert_eq!((error.received_alert, error.sent_alert), (Some(40), None));
        assert_eq!((error.detail.as_str(), error.text.as_str()), ("dtls-failure", "handshake_failure"));
        assert_eq!(handshake.take_failure(), None);
    }

    #[test]
    fn a_hello_shows_versions_and_profiles() {
        for (hello, alert, text) in [
            (client_hello(255, &use_srtp(1)), 70, "protocol_version: the peer's hello says DTLS 1.0"),
            (client_hello(253, &use_srtp(1)), 71, "insufficient_security"),
            (
                client_hello(253, &use_srtp(5)),
                71,
                "insufficient_security: no SRTP profile in common: the peer's ClientHello has [5] in use_srtp",
            ),
        ] {
            let mut handshake = Handshake::default();
            assert!(!handshake.datagram(false, &hello));
            assert!(handshake.datagram(true, &record(ALERT, 0, &[2, alert])));
            let error = told(&mut handshake);
            assert_eq!((error.sent_alert, error.text.as_str()), (Some(alert), text));
        }
        let mut handshake = Handshake::default();
        assert!(handshake.datagram(false, &client_hello(253, &[])));
        assert_eq!(told(&mut handshake).text, "the peer's ClientHello has no use_srtp");
    }

    /// A Certificate message with one certificate, in two datagrams, the second first.
    fn refused(expected: &[&str]) -> Option<Failure> {
        let message = [&[0, 0, 7, 0, 0, 4][..], b"cert"].concat();
        let mut handshake = Handshake::default();
        handshake.expect(&expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        handshake.datagram(false, &fragment(CERTIFICATE, &message, 6..10));
        handshake.datagram(false, &fragment(CERTIFICATE, &message, 0..7));
        handshake.datagram(true, &record(ALERT, 0, &[2, BAD_CERTIFICATE]));
        handshake.take_failure()
    }

    #[test]
    fn a_certificate_is_held_against_its_fingerprint() {
        // SHA-256 of `cert`.
        let right =
            "06:29:84:32:e8:06:6b:29:e2:22:3b:cc:23:aa:95:04:b5:6a:e5:08:fa:bf:34:35:50:88:69:b9:c3:19:0e:22";
        let Some(Failure::Dtls(error)) = refused(&["sha-256 00:11"]) else { panic!() };
        assert_eq!((error.detail.as_str(), error.sent_alert), ("fingerprint-failure", Some(42)));
        assert!(error.text.contains(&right.to_ascii_uppercase()), "{}", error.text);
        let Some(Failure::Dtls(error)) = refused(&["sha-256 00:11", &format!("SHA-256 {right}")]) else {
            panic!()
        };
        assert_eq!((error.detail.as_str(), error.text.as_str()), ("dtls-failure", "bad_certificate"));
        assert!(matches!(refused(&["sha-512 00:11"]), Some(Failure::OtherHash(_))));
    }

    #[test]
    fn garbage_never_panics() {
        let good = client_hello(253, &use_srtp(1));
        for end in 0..good.len() {
            Handshake::default().datagram(false, &good[..end]);
            let mut spoilt = good.clone();
            spoilt[end] = 0xff;
            Handshake::default().datagram(false, &spoilt);
        }
    }
}
