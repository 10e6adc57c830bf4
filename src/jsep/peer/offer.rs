//! createOffer (RFC 9429 §5.2).

use super::{Direction, LocalDescription, Peer, SignalingState, Transceiver, W3cError};
use crate::jsep::{LocalMsid, LocalSection, SdpType, SectionMedia};

impl Peer {
    /// createOffer (W3C webrtc §4.4.2). Sections keep their places; a place that a current description rejects is
    /// given to the next transceiver that needs one (RFC 9429 §5.2.2).
    ///
    /// # Errors
    /// InvalidStateError after close and while a remote offer or a pranswer is pending.
    pub fn create_offer(&mut self) -> Result<LocalDescription, W3cError> {
        self.open()?;
        if !matches!(self.signaling, SignalingState::Stable | SignalingState::HaveLocalOffer) {
            return Err(self.wrong_state("createOffer"));
        }
        let mut sections = self.kept_sections();
        let free: Vec<usize> = (0..sections.len()).filter(|place| self.is_recyclable(*place)).collect();
        let mut free = free.into_iter();
        let fresh: Vec<usize> =
            (0..self.transceivers.len()).filter(|index| self.transceivers[*index].is_free()).collect();
        for index in fresh {
            let mid = self.mids.fresh();
            let section = offered(&self.transceivers[index], mid);
            match free.next() {
                Some(place) => sections[place] = section,
                None => sections.push(section),
            }
        }
        let has_data =
            sections.iter().any(|section| section.media == SectionMedia::Data && !section.rejected);
        if self.has_data_channels && !has_data {
            let section = plain(self.mids.fresh(), SectionMedia::Data, false);
            match free.next() {
                Some(place) => sections[place] = section,
                None => sections.push(section),
            }
        }
        let description =
            LocalDescription { sdp_type: SdpType::Offer, sections, ice_restart: self.restart_ice };
        self.last_offer = Some(description.clone());
        Ok(description)
    }

    /// The sections of our last description, as they are now.
    fn kept_sections(&self) -> Vec<LocalSection> {
        let ours = self.local_description().map_or(&[][..], |description| &description.sections);
        let theirs = self.current_remote.as_ref().map_or(&[][..], |description| &description.sections);
        let refused = |place: usize, mid: &str| {
            theirs.get(place).is_some_and(|section| section.rejected && section.mid == mid)
        };
        let kept = |(place, section): (usize, &LocalSection)| {
            self.kept(&section.mid, &section.media, section.rejected || refused(place, &section.mid))
        };
        ours.iter().enumerate().map(kept).collect()
    }

    fn kept(&self, mid: &str, media: &SectionMedia, rejected: bool) -> LocalSection {
        match (media, self.by_mid(mid)) {
            (SectionMedia::Track(_), Some(index)) if !self.transceivers[index].stopping => {
                offered(&self.transceivers[index], mid.to_owned())
            }
            (SectionMedia::Track(_), Some(index)) => LocalSection {
                transceiver: Some(self.transceivers[index].id),
                ..plain(mid.to_owned(), media.clone(), true)
            },
            (SectionMedia::Data, _) => plain(mid.to_owned(), SectionMedia::Data, rejected),
            _ => plain(mid.to_owned(), media.clone(), true),
        }
    }

    /// Whether a current description rejects the section, and no offer of ours has given its place away since.
    fn is_recyclable(&self, place: usize) -> bool {
        let (Some(local), Some(remote)) = (&self.current_local, &self.current_remote) else { return false };
        let (Some(ours), Some(theirs)) = (local.sections.get(place), remote.sections.get(place)) else {
            return false;
        };
        let pending = self.pending_local.as_ref().and_then(|description| description.sections.get(place));
        (ours.rejected || theirs.rejected) && pending.is_none_or(|section| section.mid == ours.mid)
    }
}

/// The section of a transceiver in an offer: it says the wish.
fn offered(transceiver: &Transceiver, mid: String) -> LocalSection {
    LocalSection {
        mid,
        media: SectionMedia::Track(transceiver.kind),
        transceiver: Some(transceiver.id),
        rejected: false,
        direction: transceiver.direction,
        msid: msid(transceiver, transceiver.direction),
    }
}

/// `a=msid` where we send (RFC 9429 §5.2.1).
pub(super) fn msid(transceiver: &Transceiver, direction: Direction) -> Option<LocalMsid> {
    direction.sends().then(|| LocalMsid {
        streams: transceiver.sender_streams.clone(),
        track: transceiver.sender_id.clone(),
    })
}

/// A section that sends no track: data, or rejected.
pub(super) fn plain(mid: String, media: SectionMedia, rejected: bool) -> LocalSection {
    let direction = if rejected { Direction::Inactive } else { Direction::Sendrecv };
    LocalSection { mid, media, transceiver: None, rejected, direction, msid: None }
}
