//! setRemoteDescription (W3C webrtc §4.4.1.5, RFC 9429 §5.10).

use super::sections::RemoteDescription;
use super::tracks::Changes;
use super::{KnownCodec, Peer, SignalingState, W3cError};
use crate::jsep::{Codec, MediaSection, SdpFacts, SdpType, SectionMedia, Side};

impl Peer {
    /// setRemoteDescription. An offer that meets one of ours takes ours back first (implicit rollback).
    ///
    /// # Errors
    /// InvalidStateError where the signaling state does not allow it; OperationError where the text is no description;
    /// InvalidAccessError where it does not fit the offer or the earlier descriptions.
    pub fn set_remote_description(&mut self, sdp_type: SdpType, facts: &SdpFacts) -> Result<(), W3cError> {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer, HaveRemotePranswer, Stable};
        self.open()?;
        let allowed = match sdp_type {
            SdpType::Rollback => return self.rollback(Side::Remote),
            SdpType::Offer => matches!(self.signaling, Stable | HaveLocalOffer | HaveRemoteOffer),
            SdpType::Pranswer | SdpType::Answer => {
                matches!(self.signaling, HaveLocalOffer | HaveRemotePranswer)
            }
        };
        if !allowed {
            return Err(self.wrong_state(&format!("setRemoteDescription({sdp_type})")));
        }
        super::check::readable(facts)?;
        if sdp_type == SdpType::Offer {
            if self.signaling == HaveLocalOffer {
                self.take_back();
            }
            self.check_offer(facts)?;
            self.remember_stable();
            self.apply_remote_offer(facts);
        } else {
            self.check_answer(facts)?;
            self.apply_remote_answer(sdp_type, facts);
        }
        Ok(())
    }

    fn apply_remote_offer(&mut self, facts: &SdpFacts) {
        for mid in facts.sections.iter().filter_map(|section| section.mid.as_deref()) {
            self.mids.note(mid);
        }
        let offer = RemoteDescription::new(
            facts,
            |_| self.mids.fresh(),
            |section| understands(&self.codecs, section),
        );
        let mut changes = Changes::default();
        for section in &offer.sections {
            if section.media == SectionMedia::Data && section.rejected {
                self.has_data_channels = false;
            }
            let Some(kind) = section.kind() else { continue };
            if section.rejected {
                if let Some(index) = self.by_mid(&section.mid) {
                    self.reject(index, &mut changes);
                }
                continue;
            }
            let index = self.associate(kind, section);
            self.process_remote_track(index, section.seen_here(None), &section.streams, &mut changes);
        }
        self.pending_remote = Some(offer);
        self.enter(SignalingState::HaveRemoteOffer);
        self.fire(changes);
    }

    fn apply_remote_answer(&mut self, sdp_type: SdpType, facts: &SdpFacts) {
        let Some(ours) = self.pending_local.clone() else {
            unreachable!("an answer is allowed only while our offer is pending")
        };
        let answer = RemoteDescription::new(facts, |place| ours.sections[place].mid.clone(), |_| true);
        let mut changes = Changes::default();
        for (section, offered) in answer.sections.iter().zip(&ours.sections) {
            if offered.media == SectionMedia::Data && section.rejected && sdp_type == SdpType::Answer {
                // The channels are closed (RFC 8831 §6.2); a new one asks for a new section.
                self.has_data_channels = false;
            }
            let Some(index) = offered.transceiver.map(|id| id.0 as usize) else { continue };
            if section.rejected || offered.rejected {
                self.reject(index, &mut changes);
                continue;
            }
            let direction = section.seen_here(Some(offered.direction));
            self.process_remote_track(index, direction, &section.streams, &mut changes);
            self.transceivers[index].set_current(direction);
        }
        self.pending_remote = Some(answer);
        if sdp_type == SdpType::Pranswer {
            self.enter(SignalingState::HaveRemotePranswer);
            self.fire(changes);
        } else {
            self.complete();
            self.enter(SignalingState::Stable);
            self.fire(changes);
            self.negotiated();
        }
    }
}

/// Whether one of the section's codecs is one of ours; no list of ours means that we have all. Codecs are a matter of
/// tracks, so what carries none is not judged by them.
fn understands(ours: &[KnownCodec], section: &MediaSection) -> bool {
    let is_ours = |theirs: &Codec| {
        ours.iter().any(|own| {
            Some(own.kind) == section.kind
                && theirs.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(own.name))
                && theirs.clock_rate == Some(own.clock_rate)
                && u32::from(theirs.channels.unwrap_or(1)) == u32::from(own.channels)
        })
    };
    ours.is_empty() || section.kind.is_none() || section.codecs.iter().any(is_ours)
}
