//! How the leg negotiates: offer, answer, candidates both ways.

use crate::connection::{CandidateInit, W3cError};
use crate::jsep::{Role, SdpType};
use crate::timeline::{Kind, Signal};

use super::Leg;

/// Where the negotiation stands, as the application remembers it.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// Our offer is out and not answered yet.
    offering: bool,
    /// A remote description is set, so candidates can be added.
    has_remote: bool,
    /// Both descriptions of the first round are set.
    pub(super) completed: bool,
    /// Without trickle: the description that waits for the end of gathering.
    unsent: bool,
    /// No candidate follows for the description at hand.
    gathered: bool,
}

impl Leg {
    pub(super) async fn offer(&mut self) {
        let made = async {
            let sdp = self.connection.create_offer().await?;
            self.connection.set_local_description(SdpType::Offer, sdp.clone()).await?;
            Ok::<_, W3cError>(sdp)
        };
        // The timeline holds the error; without an offer there is nothing to wait for but the deadline.
        if let Ok(sdp) = made.await {
            self.negotiation.offering = true;
            self.send_description(SdpType::Offer, sdp);
        }
    }

    pub(super) async fn receive_description(&mut self, sdp_type: SdpType, sdp: String) {
        match sdp_type {
            SdpType::Offer => self.receive_offer(sdp).await,
            SdpType::Answer | SdpType::Pranswer => self.receive_answer(sdp_type, sdp).await,
            SdpType::Rollback => {
                if self.connection.set_remote_description(SdpType::Rollback, sdp).await.is_ok() {
                    self.negotiation.has_remote = self.negotiation.completed;
                }
            }
        }
    }

    async fn receive_offer(&mut self, sdp: String) {
        if self.negotiation.offering && self.role == Role::Caller {
            // Glare (W3C webrtc §10.7): the callee is the polite side, whose connection takes its own offer back.
            return self
                .note("an offer came while ours was open; the caller is the impolite side and ignores it");
        }
        if self.connection.set_remote_description(SdpType::Offer, sdp).await.is_err() {
            return;
        }
        self.negotiation.offering = false;
        self.add_early_candidates().await;
        let answered = async {
            let sdp = self.connection.create_answer().await?;
            self.connection.set_local_description(SdpType::Answer, sdp.clone()).await?;
            Ok::<_, W3cError>(sdp)
        };
        if let Ok(sdp) = answered.await {
            self.negotiation.completed = true;
            self.send_description(SdpType::Answer, sdp);
        }
    }

    async fn receive_answer(&mut self, sdp_type: SdpType, sdp: String) {
        if self.connection.set_remote_description(sdp_type, sdp).await.is_err() {
            return;
        }
        self.add_early_candidates().await;
        if sdp_type == SdpType::Answer {
            self.negotiation.offering = false;
            self.negotiation.completed = true;
        }
    }

    /// A candidate may overtake its description; it is kept until then, never dropped.
    pub(super) async fn receive_candidate(&mut self, candidate: CandidateInit) {
        if self.negotiation.has_remote {
            // The timeline holds the error.
            let _ = self.connection.add_ice_candidate(candidate).await;
        } else {
            self.early.push(candidate);
        }
    }

    async fn add_early_candidates(&mut self) {
        self.negotiation.has_remote = true;
        for candidate in std::mem::take(&mut self.early) {
            let _ = self.connection.add_ice_candidate(candidate).await;
        }
    }

    /// With trickle at once; otherwise once gathering is complete.
    fn send_description(&mut self, sdp_type: SdpType, sdp: String) {
        if self.trickle {
            self.outbox.push_back(Signal::Description { sdp_type, sdp });
        } else {
            self.negotiation.unsent = true;
        }
    }

    pub(super) fn gathered(&mut self, candidate: CandidateInit) {
        self.negotiation.gathered = false;
        if self.trickle {
            let CandidateInit { candidate, sdp_mid, sdp_m_line_index, username_fragment } = candidate;
            self.outbox.push_back(Signal::Candidate {
                candidate,
                sdp_mid,
                sdp_m_line_index,
                username_fragment,
            });
        }
    }

    pub(super) fn gathering_ended(&mut self, username_fragment: Option<String>) {
        self.negotiation.gathered = true;
        if self.trickle {
            self.outbox.push_back(Signal::EndOfCandidates { username_fragment });
        }
    }

    /// Without trickle: sends the description that has waited for its candidates.
    pub(super) async fn send_gathered(&mut self) {
        if !(self.negotiation.unsent && self.negotiation.gathered) {
            return;
        }
        if let Some((sdp_type, sdp)) = self.connection.local_description().await {
            self.negotiation.unsent = false;
            self.outbox.push_back(Signal::Description { sdp_type, sdp });
        }
    }

    fn note(&self, text: &str) {
        self.recorder.record(self.world.now(), Kind::Note(text.to_owned()));
    }
}
