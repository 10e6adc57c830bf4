//! How the leg negotiates, for as long as the call lives: offers, answers, glare, and candidates both ways.

use crate::connection::{CandidateInit, W3cError};
use crate::jsep::{PerfectNegotiation, Receive, Role, SdpFacts, SdpType, SignalingState};
use crate::plan::AttachAt;
use crate::timeline::Signal;

use super::Leg;

/// Where the negotiation stands, as the application remembers it.
#[derive(Debug)]
pub(super) struct Negotiation {
    perfect: PerfectNegotiation,
    /// A remote description is set, so candidates can be added.
    has_remote: bool,
    /// Both descriptions of the first round are set.
    pub(super) completed: bool,
    /// The application wants a round of its own, but one is under way.
    owed: bool,
    /// Without trickle: the description that waits for the end of gathering.
    unsent: bool,
    /// The generation of candidates that is complete.
    gathered: Option<String>,
    /// What was owed while an answer was unsent is due.
    pub(super) resume: bool,
}

impl Negotiation {
    pub(super) fn new(polite: bool) -> Self {
        Self {
            perfect: PerfectNegotiation::new(polite),
            has_remote: false,
            completed: false,
            owed: false,
            unsent: false,
            gathered: None,
            resume: false,
        }
    }

    /// As if no offer were being made.
    pub(super) fn forget(&mut self) {
        self.perfect.end_offer();
    }
}

impl Leg {
    pub(super) async fn offer(&mut self) {
        if !self.negotiation.perfect.begin_offer() {
            return;
        }
        let made = async {
            let sdp = self.connection.create_offer().await?;
            self.connection.set_local_description(SdpType::Offer, sdp.clone()).await?;
            Ok::<_, W3cError>(sdp)
        };
        let made = made.await;
        self.negotiation.perfect.end_offer();
        // The timeline holds the error; without an offer there is nothing to wait for but the deadline.
        if let Ok(sdp) = made {
            self.send_description(SdpType::Offer, sdp);
            // There is no answer to make here, so what comes after it has come as well.
            self.reach_in_call(AttachAt::AfterCreateAnswer).await;
        }
    }

    /// `negotiationneeded` has fired.
    pub(super) async fn negotiation_needed(&mut self) {
        // The caller makes its first offer by itself, and the callee waits for one.
        if self.plan.habits.renegotiate && self.negotiation.completed {
            self.negotiate().await;
        }
    }

    /// Makes an offer if one is needed: at once, or when the round that is under way is complete. For the other side
    /// a round lasts until it has our answer.
    pub(super) async fn negotiate(&mut self) {
        let stable = self.connection.signaling_state().await == SignalingState::Stable;
        self.negotiation.owed = !stable || self.negotiation.unsent;
        if !self.negotiation.owed && self.connection.negotiation_needed().await {
            self.offer().await;
        }
    }

    pub(super) async fn receive_description(&mut self, sdp_type: SdpType, sdp: String) {
        if sdp_type == SdpType::Rollback {
            if self.connection.set_remote_description(SdpType::Rollback, sdp).await.is_ok() {
                self.negotiation.has_remote = self.negotiation.completed;
            }
            return;
        }
        let state = self.connection.signaling_state().await;
        match self.negotiation.perfect.receive(sdp_type, state) {
            Receive::Ignore => self.note(format!(
                "an offer came while ours was open; the {} is the impolite side and ignores it",
                self.plan.role
            )),
            Receive::SetAndAnswer => {
                let takes_back = state == SignalingState::HaveLocalOffer;
                self.receive_offer(sdp, takes_back).await;
            }
            Receive::Set => self.receive_answer(sdp_type, sdp).await,
        }
    }

    /// `takes_back`: it collides with an offer of ours, which is taken back and made again afterwards if it is still
    /// needed.
    async fn receive_offer(&mut self, sdp: String, takes_back: bool) {
        if self.negotiation.completed {
            // What came until now is told from what comes by the new directions.
            self.connection.sample().await;
        }
        let set = self.connection.set_remote_description(SdpType::Offer, sdp).await;
        self.negotiation.perfect.end_receive();
        if set.is_err() {
            return;
        }
        self.negotiation.owed |= takes_back;
        self.add_early_candidates().await;
        self.reach_in_call(AttachAt::AfterOffer).await;
        self.state_directions().await;
        if let Ok(sdp) = self.answer().await {
            self.send_description(SdpType::Answer, sdp);
            self.round_completed().await;
        }
    }

    async fn answer(&mut self) -> Result<String, W3cError> {
        let sdp = self.connection.create_answer().await?;
        self.reach_in_call(AttachAt::AfterCreateAnswer).await;
        self.connection.set_local_description(SdpType::Answer, sdp.clone()).await?;
        Ok(sdp)
    }

    async fn receive_answer(&mut self, sdp_type: SdpType, sdp: String) {
        let set = self.connection.set_remote_description(sdp_type, sdp).await;
        self.negotiation.perfect.end_receive();
        if set.is_err() {
            return;
        }
        self.add_early_candidates().await;
        if sdp_type == SdpType::Answer {
            self.round_completed().await;
        }
    }

    /// An offer and its answer are set.
    async fn round_completed(&mut self) {
        self.negotiation.completed = true;
        let now = self.world.now();
        self.answered_at.get_or_insert(now);
        self.reach_in_call(AttachAt::AfterAnswer).await;
        if self.negotiation.owed {
            self.negotiate().await;
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
        if self.plan.trickle {
            self.outbox.push_back(Signal::Description { sdp_type, sdp });
        } else {
            self.negotiation.unsent = true;
        }
    }

    pub(super) fn gathered(&mut self, candidate: CandidateInit) {
        if self.plan.trickle {
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
        self.negotiation.gathered = Some(username_fragment.clone().unwrap_or_default());
        if self.plan.trickle {
            self.outbox.push_back(Signal::EndOfCandidates { username_fragment });
        }
    }

    /// Without trickle: sends the description that has waited for its candidates.
    pub(super) async fn send_gathered(&mut self) {
        if !self.negotiation.unsent {
            return;
        }
        let Some((sdp_type, sdp)) = self.connection.local_description().await else { return };
        // After an ICE restart the candidates of the generation before it are of no use.
        let facts = SdpFacts::parse(&sdp);
        let generation = facts.sections.iter().find_map(|section| section.ice_ufrag.as_deref());
        let gathered = self.negotiation.gathered.as_deref();
        let is_complete = gathered.is_some_and(|known| known.is_empty() || generation == Some(known));
        // A description that rejects everything has no transport, and nothing to wait for.
        if generation.is_none() || is_complete {
            self.negotiation.unsent = false;
            self.outbox.push_back(Signal::Description { sdp_type, sdp });
            let answered = sdp_type == SdpType::Answer;
            self.negotiation.resume |= answered && std::mem::take(&mut self.negotiation.owed);
        }
    }

    /// A round of ours waits for the one that is under way, or for candidates.
    pub(super) fn owes(&self) -> bool {
        self.negotiation.owed || self.negotiation.unsent || self.negotiation.resume
    }

    /// Whether this side makes the first offer.
    pub(super) fn starts(&self) -> bool {
        self.plan.role == Role::Caller
    }
}
