//! Perfect negotiation (W3C webrtc §10.7) as a state machine: which offers are made, taken and ignored on glare.
//!
//! The application drives it: [`begin_offer`] before setLocalDescription of an offer and [`end_offer`] after it, whatever
//! came of it; [`receive`] before setRemoteDescription and [`end_receive`] after it, whatever came of it.
//!
//! [`begin_offer`]: PerfectNegotiation::begin_offer
//! [`end_offer`]: PerfectNegotiation::end_offer
//! [`receive`]: PerfectNegotiation::receive
//! [`end_receive`]: PerfectNegotiation::end_receive

use super::{SdpType, SignalingState};

/// One side's part. Exactly one side of a call is polite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerfectNegotiation {
    polite: bool,
    making_offer: bool,
    ignore_offer: bool,
    is_setting_remote_answer_pending: bool,
}

/// What to do with a description that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receive {
    /// Nothing: the impolite side's own offer goes first.
    Ignore,
    /// setRemoteDescription, which takes our own offer back where there is one.
    Set,
    /// The same, then setLocalDescription of an answer, and send it.
    SetAndAnswer,
}

impl PerfectNegotiation {
    /// Before any offer.
    #[must_use]
    pub const fn new(polite: bool) -> Self {
        Self { polite, making_offer: false, ignore_offer: false, is_setting_remote_answer_pending: false }
    }

    /// `negotiationneeded` fired, and createOffer with setLocalDescription begins. False where an offer is already
    /// being made.
    #[must_use]
    pub const fn begin_offer(&mut self) -> bool {
        !std::mem::replace(&mut self.making_offer, true)
    }

    /// Our offer is set, or has failed.
    pub const fn end_offer(&mut self) {
        self.making_offer = false;
    }

    /// A description came while the connection is in that state.
    #[must_use]
    pub const fn receive(&mut self, sdp_type: SdpType, signaling: SignalingState) -> Receive {
        let stable = matches!(signaling, SignalingState::Stable);
        let ready = !self.making_offer && (stable || self.is_setting_remote_answer_pending);
        let is_offer = matches!(sdp_type, SdpType::Offer);
        self.ignore_offer = !self.polite && is_offer && !ready;
        if self.ignore_offer {
            return Receive::Ignore;
        }
        self.is_setting_remote_answer_pending = matches!(sdp_type, SdpType::Answer);
        if is_offer { Receive::SetAndAnswer } else { Receive::Set }
    }

    /// setRemoteDescription has ended, well or not.
    pub const fn end_receive(&mut self) {
        self.is_setting_remote_answer_pending = false;
    }

    /// Whether the last offer was ignored: its candidates may fail without harm.
    #[must_use]
    pub const fn ignores_candidates(&self) -> bool {
        self.ignore_offer
    }

    /// Whether this side takes its own offer back on glare.
    #[must_use]
    pub const fn is_polite(&self) -> bool {
        self.polite
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SdpType::{Answer, Offer, Pranswer};
    use SignalingState::{HaveLocalOffer, HaveRemoteOffer, Stable};

    #[test]
    fn glare_is_decided_by_politeness() {
        for (polite, making_offer, signaling, sdp_type, decision) in [
            (true, false, Stable, Offer, Receive::SetAndAnswer),
            (false, false, Stable, Offer, Receive::SetAndAnswer),
            (true, false, HaveLocalOffer, Offer, Receive::SetAndAnswer),
            (false, false, HaveLocalOffer, Offer, Receive::Ignore),
            // The state is still stable while our offer is in the making.
            (true, true, Stable, Offer, Receive::SetAndAnswer),
            (false, true, Stable, Offer, Receive::Ignore),
            (false, false, HaveRemoteOffer, Offer, Receive::Ignore),
            (false, false, HaveLocalOffer, Answer, Receive::Set),
            (true, false, HaveLocalOffer, Answer, Receive::Set),
            (false, false, HaveLocalOffer, Pranswer, Receive::Set),
        ] {
            let mut side = PerfectNegotiation::new(polite);
            if making_offer {
                assert!(side.begin_offer());
            }
            let case = format!("polite {polite}, making {making_offer}, {signaling}, {sdp_type}");
            assert_eq!(side.receive(sdp_type, signaling), decision, "{case}");
            assert_eq!(side.ignores_candidates(), decision == Receive::Ignore, "{case}");
        }
    }

    #[test]
    fn an_offer_may_overtake_the_setting_of_an_answer() {
        let mut side = PerfectNegotiation::new(false);
        assert_eq!(side.receive(Answer, HaveLocalOffer), Receive::Set);
        // Not stable yet, but it will be when the offer's turn comes in the chain of operations.
        assert_eq!(side.receive(Offer, HaveLocalOffer), Receive::SetAndAnswer);
        side.end_receive();
        assert_eq!(side.receive(Offer, HaveLocalOffer), Receive::Ignore);
    }

    #[test]
    fn one_offer_is_made_at_a_time() {
        let mut side = PerfectNegotiation::new(true);
        assert!(side.begin_offer() && !side.begin_offer());
        side.end_offer();
        assert!(side.begin_offer());
    }

    #[test]
    fn an_offer_that_is_taken_ends_the_ignoring() {
        let mut side = PerfectNegotiation::new(false);
        assert_eq!(side.receive(Offer, HaveLocalOffer), Receive::Ignore);
        assert_eq!(side.receive(Answer, HaveLocalOffer), Receive::Set);
        assert!(!side.ignores_candidates());
    }
}
