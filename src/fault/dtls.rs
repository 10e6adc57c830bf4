//! Faults of DTLS and SRTP.

use std::time::Duration;

use super::Fault;
use super::datagrams::{client_hello, fatal_alert, old_version, unknown_ciphers, unknown_profiles};
use super::mistake::Mistake::Describe;
use super::mistake::{ANSWER, Datagrams, EVER, EVERY, Fate, Mistake};
use crate::jsep::Role;

const CALLEE: Option<Role> = Some(Role::Callee);

/// Alerts of RFC 5246 §7.2.
const CERTIFICATE_EXPIRED: u8 = 45;
const INTERNAL_ERROR: u8 = 80;

const fn always(ours: bool, are: fn(&[u8]) -> bool, fate: Fate) -> Mistake {
    Mistake::Datagrams(Datagrams { ours, are, during: Duration::ZERO..EVER, fate })
}

const fn wrong(
    id: &'static str,
    by: Option<Role>,
    does: &'static str,
    mistakes: fn(Duration) -> Vec<Mistake>,
) -> Fault {
    Fault { id, by, time: None, does, mistakes }
}

pub(super) const FAULTS: &[Fault] = &[
    wrong("dtls-both-active", CALLEE, "says that it is passive and is active", |_| {
        vec![Describe(ANSWER, |text| text.edit("a=setup:", |_| "passive".to_owned()))]
    }),
    wrong("dtls-fingerprint-mismatch", None, "announces the fingerprint of another certificate", |_| {
        vec![Describe(EVERY, |text| {
            text.edit("a=fingerprint:", |rest| {
                let (kept, last) = rest.split_at(rest.len().saturating_sub(2));
                format!("{kept}{}", if last == "00" { "01" } else { "00" })
            });
        })]
    }),
    wrong("dtls-hash-unsupported", None, "announces a fingerprint of a hash that nobody has", |_| {
        vec![Describe(EVERY, |text| {
            text.edit("a=fingerprint:", |rest| {
                format!("sha3-256 {}", rest.split_once(' ').map_or(rest, |(_, hex)| hex))
            });
        })]
    }),
    wrong("dtls-version", CALLEE, "offers DTLS 1.0 only", |_| {
        vec![always(true, client_hello, Fate::Edited(|datagram| old_version(datagram)))]
    }),
    wrong("dtls-cipher", CALLEE, "offers cipher suites that nobody has", |_| {
        vec![always(true, client_hello, Fate::Edited(|datagram| unknown_ciphers(datagram)))]
    }),
    wrong("dtls-no-srtp-profile", CALLEE, "offers SRTP profiles that nobody has", |_| {
        vec![always(true, client_hello, Fate::Edited(|datagram| unknown_profiles(datagram)))]
    }),
    wrong("dtls-cert-expired", CALLEE, "refuses the other side's certificate as too old", |_| {
        vec![always(true, client_hello, Fate::Edited(|datagram| fatal_alert(datagram, CERTIFICATE_EXPIRED)))]
    }),
    wrong("dtls-fatal-alert", CALLEE, "breaks the handshake off", |_| {
        vec![always(true, client_hello, Fate::Edited(|datagram| fatal_alert(datagram, INTERNAL_ERROR)))]
    }),
];
