//! Faults of DTLS and SRTP.

use std::time::Duration;

use super::Fault;
use super::datagrams::{
    any, client_hello, dtls, fatal_alert, flipped, large_dtls, old_version, srtp, unknown_ciphers,
    unknown_profiles,
};
use super::mistake::Mistake::{At, Describe, Receive};
use super::mistake::{ANSWER, Datagrams, EVER, EVERY, FIRST_OFFER, Fate, Mistake, ONCE};
use super::signals::{Act, Deed, Of};
use crate::jsep::Role;
use crate::timeline::Signal;

const CALLEE: Option<Role> = Some(Role::Callee);

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
        vec![always(true, client_hello, Fate::Edited(old_version))]
    }),
    wrong("dtls-cipher", CALLEE, "offers cipher suites that nobody has", |_| {
        vec![always(true, client_hello, Fate::Edited(unknown_ciphers))]
    }),
    wrong("dtls-no-srtp-profile", CALLEE, "offers SRTP profiles that nobody has", |_| {
        vec![always(true, client_hello, Fate::Edited(unknown_profiles))]
    }),
    wrong("dtls-fatal-alert", CALLEE, "breaks the handshake off", |_| {
        vec![always(true, client_hello, Fate::Edited(fatal_alert))]
    }),
];
