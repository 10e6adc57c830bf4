//! How an offered m-section finds its transceiver (RFC 9429 §5.10).

use super::sections::RemoteSection;
use super::{Direction, MediaKind, Peer, Transceiver};
use crate::jsep::Association;

impl Peer {
    /// The transceiver of an offered section that is not rejected: the one that has its mid, else one that the policy
    /// lets it take, else a new one that only receives.
    pub(super) fn associate(&mut self, kind: MediaKind, section: &RemoteSection) -> usize {
        if let Some(index) = self.by_mid(&section.mid) {
            return index;
        }
        let policy = self.association;
        let takes = |transceiver: &Transceiver| {
            transceiver.is_free()
                && transceiver.kind == kind
                && may_take(policy, transceiver, section.direction)
        };
        let index = self.transceivers.iter().position(takes).unwrap_or_else(|| {
            let index = self.new_transceiver(kind, Direction::Recvonly);
            self.transceivers[index].made_by_offer = true;
            index
        });
        self.transceivers[index].mid = Some(section.mid.clone());
        index
    }
}

/// Whether the policy lets a section of that direction take a free transceiver of its kind. Should rtcweb-wg/jsep#1040
/// (pairing with addTransceiver's as well) become a rule, it is one more arm.
fn may_take(policy: Association, transceiver: &Transceiver, offered: Direction) -> bool {
    match policy {
        Association::Jsep => transceiver.made_by_add_track && offered.receives(),
        Association::ByKind => true,
    }
}
