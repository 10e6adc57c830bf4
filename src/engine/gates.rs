//! Where media may flow: only where the owner says so and both descriptions agree, too.
//!
//! The engine sends on every section that it has, and hears whatever comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The gates of both directions by the mid on the wire.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<BTreeMap<String, Ways>>);

/// Out and in.
#[derive(Debug, Default)]
struct Ways {
    send: Arc<Gate>,
    receive: Arc<Gate>,
}

/// One direction of one m-section; closed at first.
#[derive(Debug, Default)]
pub(super) struct Gate {
    allowed: AtomicBool,
    negotiated: AtomicBool,
    payload_type: AtomicU8,
}

impl Gates {
    /// The gate of what leaves on that m-section.
    pub(super) fn send(&self, mid: &str) -> Arc<Gate> {
        self.lock().entry(mid.to_owned()).or_default().send.clone()
    }

    /// The gate of what comes in on that m-section.
    pub(super) fn receive(&self, mid: &str) -> Arc<Gate> {
        self.lock().entry(mid.to_owned()).or_default().receive.clone()
    }

    /// The m-section is gone. Whoever holds its gates finds them closed for good.
    pub(super) fn forget(&self, mid: &str) {
        if let Some(ways) = self.lock().remove(mid) {
            ways.send.negotiate(false);
            ways.receive.negotiate(false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Ways>> {
        self.0.lock().expect("no panic while the gates are held")
    }
}

impl Gate {
    /// The owner's word.
    pub(super) fn allow(&self, allowed: bool) {
        self.allowed.store(allowed, Ordering::Relaxed);
    }

    /// What the descriptions say.
    pub(super) fn negotiate(&self, negotiated: bool) {
        self.negotiated.store(negotiated, Ordering::Relaxed);
    }

    /// The engine's payload type, for what leaves.
    pub(super) fn set_payload_type(&self, payload_type: u8) {
        self.payload_type.store(payload_type, Ordering::Relaxed);
    }

    pub(super) fn payload_type(&self) -> u8 {
        self.payload_type.load(Ordering::Relaxed)
    }

    pub(super) fn is_open(&self) -> bool {
        self.allowed.load(Ordering::Relaxed) && self.negotiated.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_opens_only_when_both_agree() {
        let gates = Gates::default();
        let gate = gates.receive("0");
        assert!(!gate.is_open());
        gates.receive("0").allow(true);
        assert!(!gate.is_open());
        gate.negotiate(true);
        assert!(gate.is_open());
        assert!(!gates.receive("1").is_open() && !gates.send("0").is_open());
        gates.forget("0");
        assert!(!gate.is_open() && !gates.receive("0").is_open());
    }
}
