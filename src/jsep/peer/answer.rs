//! createAnswer (RFC 9429 §5.3).

use super::offer::{msid, plain};
use super::sections::RemoteSection;
use super::{LocalDescription, Peer, SignalingState, W3cError};
use crate::jsep::{LocalSection, SdpType, SectionMedia};

impl Peer {
    /// createAnswer (W3C webrtc §4.4.2): each section says the wish within what was offered.
    ///
    /// # Errors
    /// InvalidStateError after close and where no remote offer is pending.
    pub fn create_answer(&mut self) -> Result<LocalDescription, W3cError> {
        self.open()?;
        let may =
            matches!(self.signaling, SignalingState::HaveRemoteOffer | SignalingState::HaveLocalPranswer);
        let Some(offer) = self.pending_remote.as_ref().filter(|_| may) else {
            return Err(self.wrong_state("createAnswer"));
        };
        let sections = offer.sections.iter().map(|section| self.answered(section)).collect();
        let old = self.current_remote.as_ref().map(|description| &description.credentials);
        let ice_restart =
            old.is_some_and(|old| !offer.credentials.iter().any(|credentials| old.contains(credentials)));
        let description = LocalDescription { sdp_type: SdpType::Answer, sections, ice_restart };
        self.last_answer = Some(description.clone());
        Ok(description)
    }

    /// The answer to one section. One that was rejected, or whose codecs we all lack, is rejected (§5.3.1). A transceiver that was stopped since the offer answers inactive with its port; the
    /// next offer rejects it.
    fn answered(&self, offered: &RemoteSection) -> LocalSection {
        let mid = offered.mid.clone();
        let transceiver = self.by_mid(&mid).map(|index| &self.transceivers[index]);
        match (&offered.media, transceiver) {
            _ if offered.rejected || !offered.is_understood => LocalSection {
                transceiver: transceiver.map(|transceiver| transceiver.id),
                ..plain(mid, offered.media.clone(), true)
            },
            (SectionMedia::Track(_), Some(transceiver)) if !transceiver.stopped => {
                let direction = transceiver.direction.intersect(offered.direction.reversed());
                LocalSection {
                    mid,
                    media: offered.media.clone(),
                    transceiver: Some(transceiver.id),
                    rejected: false,
                    direction,
                    msid: msid(transceiver, direction),
                }
            }
            (SectionMedia::Data, _) => plain(mid, SectionMedia::Data, false),
            _ => plain(mid, offered.media.clone(), true),
        }
    }
}
