//! The keys of a dialect's file, and the names that its texts may use.

use super::rule::Slots;

/// At the top.
pub(super) const FILE: &[&str] = &["about", "connect", "vars", "room", "say", "hear"];
pub(super) const CONNECT: &[&str] = &["subprotocol", "path", "query", "headers"];
pub(super) const ROOM: &[&str] = &["unpack", "candidates", "reoffer", "keepalive"];
pub(super) const KEEPALIVE: &[&str] = &["every", "send"];
pub(super) const VARIABLE: &[&str] = &["default", "secret"];
pub(super) const SAY: &[&str] =
    &["join", "offer", "answer", "candidate", "end-of-candidates", "hang-up", "leave"];

/// Of a rule, besides the slots.
const RULE: &[&str] = &["when", "if", "signal", "each", "capture", "send", "more"];

pub(super) fn rule() -> Vec<&'static str> {
    [RULE, Slots::KEYS].concat()
}

/// Names that always mean something.
pub(super) const NAMES: &[&str] =
    &["room", "name", "self", "peer", "role", "token", "nonce", "seq", "now_ms", "null"];

/// Those of them that a rule may capture: what the room alone knows.
pub(super) const CAPTURED: &[&str] = &["room", "self", "peer"];

/// The name of the message in a rule.
pub(super) const MESSAGE: &str = "msg";

/// The name of what `each` finds, one after the other.
pub(super) const ITEM: &str = "item";

/// The names that what is said brings along.
pub(super) fn names_of(said: &str) -> &'static [&'static str] {
    match said {
        "offer" | "answer" => &["sdp", "type"],
        "candidate" => &["candidate"],
        "end-of-candidates" => &["ufrag"],
        "hang-up" => &["reason"],
        _ => &[],
    }
}
