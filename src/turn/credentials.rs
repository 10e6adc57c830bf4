//! Credentials: made from a shared secret, and looked at before they are sent. One 401 text stands for all that can be wrong
//! with them, so that what can be seen from here decides.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::plan::Secret;
use crate::stun::{Credentials, hmac_sha1};

/// What is wrong with credentials, seen without asking the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// The time in the user name is past, by so much.
    Expired(Duration),
    /// The time in the user name is in milliseconds.
    Milliseconds,
    /// The credential is hexadecimal where base64 is wanted.
    Hexadecimal,
    /// The credential is base64 of hexadecimal.
    Base64OfHexadecimal,
    /// The user name or the credential begins or ends with a blank.
    Blank,
    /// The user name or the credential is empty.
    Empty,
}

/// A user name that holds a time and nothing we know of it: ten years ahead is no lifetime of a credential.
const FAR: u64 = 10 * 365 * 86_400;

/// A time before this is no time of a credential, but a number: 2001.
const EARLY: u64 = 1_000_000_000;

/// A credential as servers with `use-auth-secret` take it (draft-uberti-behave-turn-rest-00 §2.2): valid for `lifetime`
/// from `now` on. None without a provider of cryptography.
#[must_use]
pub fn rest(secret: &Secret, user: Option<&str>, lifetime: Duration, now: SystemTime) -> Option<Credentials> {
    let until = since_epoch(now).as_secs() + lifetime.as_secs();
    let username = match user {
        Some(user) => format!("{until}:{user}"),
        None => until.to_string(),
    };
    let tag = hmac_sha1(secret.reveal().as_bytes(), username.as_bytes())?;
    Some(Credentials { username, credential: Secret::new(BASE64_STANDARD.encode(tag)) })
}

/// What is wrong with them, as far as it can be seen. Only a refusal by the server makes it a fault.
#[must_use]
pub fn suspicion(credentials: &Credentials, now: SystemTime) -> Option<Suspicion> {
    let (name, credential) = (credentials.username.as_str(), credentials.credential.reveal());
    if name.is_empty() || credential.is_empty() {
        return Some(Suspicion::Empty);
    }
    let now = since_epoch(now).as_secs();
    match time_in(name) {
        // Milliseconds of a time near now are the year 50,000 and more as seconds.
        Some(time) if time > now + FAR && (time / 1000).abs_diff(now) < FAR => {
            return Some(Suspicion::Milliseconds);
        }
        Some(time) if time < now => return Some(Suspicion::Expired(Duration::from_secs(now - time))),
        _ => {}
    }
    if time_in(name).is_some() {
        if is_hex_digest(credential.as_bytes()) {
            return Some(Suspicion::Hexadecimal);
        }
        if BASE64_STANDARD.decode(credential).is_ok_and(|bytes| is_hex_digest(&bytes)) {
            return Some(Suspicion::Base64OfHexadecimal);
        }
    }
    let blank = |text: &str| text.trim() != text;
    (blank(name) || blank(credential)).then_some(Suspicion::Blank)
}

/// The time in `1700000000:name`, `name:1700000000` or `1700000000`.
fn time_in(name: &str) -> Option<u64> {
    let parts = [name.split(':').next(), name.rsplit(':').next()];
    let times = parts.into_iter().flatten().filter_map(|part| part.trim().parse::<u64>().ok());
    times.into_iter().find(|time| *time >= EARLY)
}

/// HMAC-SHA1 or SHA-256 in hexadecimal.
fn is_hex_digest(text: &[u8]) -> bool {
    matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit)
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn looked_at(name: &str, credential: &str) -> Option<Suspicion> {
        suspicion(&Credentials { username: name.into(), credential: Secret::new(credential) }, now())
    }

    #[test]
    fn a_made_credential_is_that_of_coturn() {
        // printf %s 1790000600:joe | openssl dgst -sha1 -hmac s3cret -binary | base64
        let made = rest(&Secret::new("s3cret"), Some("joe"), Duration::from_secs(600), now()).unwrap();
        assert_eq!(made.username, "1790000600:joe");
        assert_eq!(made.credential.reveal(), "pmKXa3cVulR/3RWpdOwuO+ylq04=");
        assert_eq!(suspicion(&made, now()), None);
        let made = rest(&Secret::new("s3cret"), None, Duration::from_secs(600), now()).unwrap();
        assert_eq!(made.username, "1790000600");
    }

    #[test]
    fn what_can_be_seen_is_seen() {
        let base64 = "pmKXa3cVulR/3RWpdOwuO+ylq04=";
        let hex = "0123456789abcdef0123456789ABCDEF01234567";
        let expired = Suspicion::Expired(Duration::from_secs(10));
        for (name, credential, seen) in [
            ("me", "secret", None),
            ("me", hex, None),
            ("1790000600:me", base64, None),
            ("1789999990:me", base64, Some(expired.clone())),
            ("me:1789999990", base64, Some(expired.clone())),
            ("1789999990", base64, Some(expired)),
            ("1790000600000:me", base64, Some(Suspicion::Milliseconds)),
            ("1790000600:me", hex, Some(Suspicion::Hexadecimal)),
            ("1790000600:me", &BASE64_STANDARD.encode(hex), Some(Suspicion::Base64OfHexadecimal)),
            ("me", "secret\n", Some(Suspicion::Blank)),
            (" me", "secret", Some(Suspicion::Blank)),
            ("", "secret", Some(Suspicion::Empty)),
            ("me", "", Some(Suspicion::Empty)),
            ("4711:me", "secret", None),
        ] {
            assert_eq!(looked_at(name, credential), seen, "{name} {credential}");
        }
    }
}
