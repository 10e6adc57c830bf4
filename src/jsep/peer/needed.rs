//! When negotiation is needed (W3C webrtc §4.7.3).

use super::{LocalDescription, Peer, PeerEvent, SignalingState, Transceiver};
use crate::jsep::{LocalSection, SdpType, SectionMedia};

impl Peer {
    /// "Check if negotiation is needed", for the current descriptions and the transceivers as they are now.
    #[must_use]
    pub fn negotiation_needed(&self) -> bool {
        if self.is_closed() {
            return false;
        }
        let data_is_missing = self.has_data_channels
            && !self.current_local.as_ref().is_some_and(|description| {
                description
                    .sections
                    .iter()
                    .any(|section| section.media == SectionMedia::Data && !section.rejected)
            });
        self.restart_ice
            || data_is_missing
            || self.transceivers().any(|transceiver| self.needs_negotiation(transceiver))
    }

    /// "Update the negotiation-needed flag": the event is fired when the flag rises in the stable state.
    pub(super) fn update_needed(&mut self) {
        if self.signaling != SignalingState::Stable {
            return;
        }
        let needed = self.negotiation_needed();
        if needed && !self.needed {
            self.events.push(PeerEvent::NegotiationNeeded);
        }
        self.needed = needed;
    }

    /// A negotiation is complete, or was taken back: what is still needed is said again.
    pub(super) fn negotiated(&mut self) {
        self.needed = false;
        self.update_needed();
    }

    fn needs_negotiation(&self, transceiver: &Transceiver) -> bool {
        let negotiated = self.current_local.as_ref().and_then(|description| {
            let section =
                description.sections.iter().find(|section| Some(&*section.mid) == transceiver.mid())?;
            Some((description, section))
        });
        match negotiated {
            _ if transceiver.stopped => negotiated.is_some_and(|(_, section)| !section.rejected),
            // One that no description names just goes.
            None if transceiver.stopping => false,
            None => true,
            Some(_) if transceiver.stopping => true,
            Some((description, section)) => self.differs(transceiver, description, section),
        }
    }

    /// Whether the section does not say what the transceiver wishes.
    fn differs(
        &self,
        transceiver: &Transceiver,
        description: &LocalDescription,
        section: &LocalSection,
    ) -> bool {
        if transceiver.direction.sends()
            && section.msid.as_ref().is_some_and(|msid| !same(&msid.streams, &transceiver.sender_streams))
        {
            return true;
        }
        let theirs = self.current_remote.as_ref().and_then(|description| description.section(&section.mid));
        let Some(theirs) = theirs else { return true };
        if description.sdp_type == SdpType::Offer {
            transceiver.direction != section.direction && transceiver.direction != theirs.direction.reversed()
        } else {
            section.direction != transceiver.direction.intersect(theirs.direction.reversed())
        }
    }
}

/// The same streams in any order.
fn same(some: &[String], others: &[String]) -> bool {
    let sorted = |streams: &[String]| {
        let mut sorted = streams.to_vec();
        sorted.sort_unstable();
        sorted
    };
    sorted(some) == sorted(others)
}
