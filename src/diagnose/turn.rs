//! Rules about STUN and TURN servers. They speak only where ICE did not connect, or a required relay is missing.

use std::collections::BTreeMap;

use super::finding::{Draft, Found};
use super::ice::{is_private, scope};
use super::view::View;
use crate::facts::{Moment, PeerFacts, ServerError};

/// No answer came (W3C webrtc §4.8.3).
const UNREACHABLE: u16 = 701;

/// A stale nonce is renewed once in a while; again and again is a fault.
const STALE: usize = 3;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let has_relay = |peer: &PeerFacts| {
        let paired = peer.pair.as_ref().is_some_and(|(_, pair)| pair.local.candidate_type == "relay");
        paired || peer.history.gathered.iter().any(|(_, candidate)| candidate.candidate_type == "relay")
    };
    let needed = !view.ice_was_up() || (view.context.relay && !has_relay(view.own()));
    if !needed || view.context.descriptions_only {
        return;
    }
    for peer in [view.own(), view.other()] {
        errors(found, peer);
        private(found, peer);
    }
}

fn errors(found: &mut Found, peer: &PeerFacts) {
    let mut by_mode: BTreeMap<&'static str, Vec<(&Moment, &ServerError)>> = BTreeMap::new();
    for (moment, error) in &peer.history.server_errors {
        if let Some(id) = mode(error) {
            by_mode.entry(id).or_default().push((moment, error));
        }
    }
    for (id, errors) in by_mode {
        if id == "turn-stale-nonce" && errors.len() < STALE {
            continue;
        }
        let (_, error) = errors[0];
        let about = error.peer.as_ref().map(|address| format!(" for the peer {address}")).unwrap_or_default();
        let times = if errors.len() > 1 { format!(", {} times", errors.len()) } else { String::new() };
        let text = format!("{} answers {}{about}{times}: {}", error.url, error.code, error.text);
        let text = if error.code == UNREACHABLE {
            format!("{} does not answer{times}: {}", error.url, error.text)
        } else {
            text
        };
        let draft = Draft::certain(id, text).of(peer.role);
        found.add(draft.citing(errors.iter().take(3).map(|(moment, _)| &moment.id)));
    }
}

fn mode(error: &ServerError) -> Option<&'static str> {
    let says = |word: &str| error.text.to_ascii_lowercase().contains(word);
    Some(match error.code {
        401 if !error.authenticated => "turn-probe-first-401",
        401 if says("expired") => "turn-expired",
        401 => "turn-401",
        403 => "turn-403-peer",
        437 => "turn-permission-expired",
        438 => "turn-stale-nonce",
        486 | 508 => "turn-quota",
        UNREACHABLE if says("certificate") => "turn-tls-cert",
        UNREACHABLE => "turn-unreachable",
        _ => return None,
    })
}

/// A relayed address that nobody outside can reach.
fn private(found: &mut Found, peer: &PeerFacts) {
    let relayed = peer.history.gathered.iter().find(|(_, candidate)| {
        candidate.candidate_type == "relay" && scope(&candidate.address).is_some_and(is_private)
    });
    let Some((moment, candidate)) = relayed else { return };
    // On a private network a private relay is right.
    let elsewhere = peer.history.gathered.iter().any(|(_, other)| {
        other.candidate_type == "srflx" && scope(&other.address).is_some_and(|scope| !is_private(scope))
    });
    if elsewhere {
        let text = format!(
            "the relayed address {} is private, and this side is known by a public one",
            candidate.address
        );
        found.add(Draft::certain("turn-private-relay", text).of(peer.role).citing([&moment.id]));
    }
}
