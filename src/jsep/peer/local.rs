//! setLocalDescription (W3C webrtc §4.4.1.4, RFC 9429 §5.9).

use super::{ErrorName, LocalDescription, Peer, SignalingState, W3cError};
use crate::jsep::SdpType;

impl Peer {
    /// setLocalDescription with what createOffer or createAnswer returned last; an answer may be set as a pranswer.
    ///
    /// # Errors
    /// InvalidStateError where the signaling state does not allow it; InvalidModificationError for a description that
    /// is not the last created one.
    pub fn set_local_description(&mut self, description: &LocalDescription) -> Result<(), W3cError> {
        use SignalingState::{HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, Stable};
        self.open()?;
        let is_offer = description.sdp_type == SdpType::Offer;
        let allowed = match description.sdp_type {
            SdpType::Offer => matches!(self.signaling, Stable | HaveLocalOffer),
            SdpType::Pranswer | SdpType::Answer => {
                matches!(self.signaling, HaveRemoteOffer | HaveLocalPranswer)
            }
            SdpType::Rollback => return self.rollback(crate::jsep::Side::Local),
        };
        if !allowed {
            return Err(self.wrong_state(&format!("setLocalDescription({})", description.sdp_type)));
        }
        let created = if is_offer { &self.last_offer } else { &self.last_answer };
        let same = created.as_ref().is_some_and(|created| {
            created.sections == description.sections && created.ice_restart == description.ice_restart
        });
        if !same {
            return Err(W3cError::new(
                ErrorName::InvalidModificationError,
                format!("not the {} that was created last", if is_offer { "offer" } else { "answer" }),
            ));
        }
        self.remember_stable();
        if is_offer {
            self.apply_local_offer(description)
        } else {
            self.apply_local_answer(description)
        }
        Ok(())
    }

    fn apply_local_offer(&mut self, description: &LocalDescription) {
        for section in &description.sections {
            if let (Some(id), false) = (section.transceiver, section.rejected) {
                self.transceivers[id.0 as usize].mid = Some(section.mid.clone());
            }
        }
        self.restart_ice &= !description.ice_restart;
        self.pending_local = Some(description.clone());
        self.enter(SignalingState::HaveLocalOffer);
    }

    fn apply_local_answer(&mut self, description: &LocalDescription) {
        let mut changes = super::tracks::Changes::default();
        for section in &description.sections {
            let Some(id) = section.transceiver else { continue };
            let index = id.0 as usize;
            if section.rejected {
                self.reject(index, &mut changes);
                continue;
            }
            let transceiver = &mut self.transceivers[index];
            transceiver.set_current(section.direction);
            if !section.direction.receives() {
                self.stop_receiving(index, section.direction, &mut changes);
            }
        }
        self.restart_ice &= !description.ice_restart;
        self.pending_local = Some(description.clone());
        if description.sdp_type == SdpType::Pranswer {
            self.enter(SignalingState::HaveLocalPranswer);
            self.fire(changes);
        } else {
            self.complete();
            self.enter(SignalingState::Stable);
            self.fire(changes);
            self.negotiated();
        }
    }

    /// What was pending is current; transceivers whose rejection both sides know are gone (W3C webrtc §4.4.1.4).
    pub(super) fn complete(&mut self) {
        if let Some(description) = self.pending_local.take() {
            self.current_local = Some(description);
        }
        if let Some(description) = self.pending_remote.take() {
            self.current_remote = Some(description);
        }
        (self.last_offer, self.last_answer, self.stable) = (None, None, None);
        for transceiver in &mut self.transceivers {
            let is_lone = transceiver.stopping && transceiver.mid.is_none();
            if transceiver.listed && (transceiver.stopped || is_lone) {
                transceiver.listed = false;
                transceiver.mid = None;
            }
        }
    }
}
