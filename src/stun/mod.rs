//! STUN and TURN as one client needs them: messages, framing on streams, connections over UDP, TCP, TLS and DTLS, and
//! transactions that tell a refusal, a silence and a broken connection apart.
//!
//! The engine's own client hides every error and speaks UDP alone, so transactions and framing are ours. The codec of
//! messages is that of `rtc-stun`: it checks every length. What it takes too kindly, such as a short address or a reply
//! without integrity, is refused here.

mod client;
mod connection;
mod dtls;
mod error;
mod fragments;
mod framing;
mod message;
mod outside;
mod stop;

pub use client::{Answer, Auth, Client, Credentials, Failure, Incoming, Limits};
pub use connection::Connection;
pub use error::LinkError;
pub use framing::Deframer;
pub use message::{Attribute, Method, Reply, attribute};
pub use outside::Outside;
pub use stop::{Stop, Waited};

use rtc_crypto::{HmacAlgorithm, default_provider};

/// HMAC-SHA1, as credentials that expire are made with it (draft-uberti-behave-turn-rest-00 §2.2). None without a
/// provider of cryptography.
#[must_use]
pub fn hmac_sha1(key: &[u8], text: &[u8]) -> Option<[u8; 20]> {
    let provider = default_provider().ok()?;
    let mut tag = [0; 20];
    provider.crypto().new_hmac(HmacAlgorithm::Sha1, key).ok()?.sign(&[text], &mut tag).ok()?;
    Some(tag)
}

#[cfg(test)]
mod message_tests;
