//! Where media may flow: only where the owner says so and the engine has negotiated it, too.
//!
//! The engine sends for a transceiver that has no mid, and accepts packets that no m-section declared.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::jsep::MediaKind;

/// The receiving gates by mid.
#[derive(Debug, Default)]
pub(super) struct Gates {
    receive: Mutex<BTreeMap<String, Arc<Gate>>>,
}

/// One direction of one m-section; closed at first.
#[derive(Debug, Default)]
pub(super) struct Gate {
    allowed: AtomicBool,
    negotiated: AtomicBool,
    payload_type: AtomicU8,
    kind: OnceLock<MediaKind>,
}

impl Gates {
    /// The gate of what comes in on that m-section.
    pub(super) fn receive(&self, mid: &str) -> Arc<Gate> {
        let mut gates = self.receive.lock().expect("no panic while the gates are held");
        match gates.get(mid) {
            Some(gate) => gate.clone(),
            None => gates.entry(mid.to_owned()).or_default().clone(),
        }
    }

    /// Forgets what was negotiated, before it is asked for anew.
    pub(super) fn forget_negotiated(&self) {
        let gates = self.receive.lock().expect("no panic while the gates are held");
        gates.values().for_each(|gate| gate.negotiate(false));
    }
}

impl Gate {
    /// The owner's word.
    pub(super) fn allow(&self, allowed: bool) {
        self.allowed.store(allowed, Ordering::Relaxed);
    }

    /// The engine's negotiation.
    pub(super) fn negotiate(&self, negotiated: bool) {
        self.negotiated.store(negotiated, Ordering::Relaxed);
    }

    /// The kind of the m-section, which never changes.
    pub(super) fn set_kind(&self, kind: MediaKind) {
        let _ = self.kind.set(kind);
    }

    pub(super) fn kind(&self) -> Option<MediaKind> {
        self.kind.get().copied()
    }

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
        assert!(!gates.receive("1").is_open());
        gates.forget_negotiated();
        assert!(!gate.is_open());
    }
}
