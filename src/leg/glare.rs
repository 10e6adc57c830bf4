//! What to do with a remote offer (W3C webrtc §10.7, perfect negotiation).

use crate::jsep::SignalingState;

/// What the application does with a remote offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemoteOffer {
    /// Sets and answers it; where an offer of ours was open, it is taken back.
    Answer,
    /// Ignores it: ours is open, and the other side will take its own back.
    Ignore,
}

/// The rule of the polite and of the impolite peer. A leg does one thing after the other, so that an offer of ours is
/// always set by the time a remote one is looked at.
pub(super) fn remote_offer(polite: bool, state: SignalingState) -> RemoteOffer {
    match state {
        SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer if !polite => RemoteOffer::Ignore,
        _ => RemoteOffer::Answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_impolite_side_ignores_and_only_a_collision() {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer, HaveRemotePranswer, Stable};
        for (polite, state, expected) in [
            (true, Stable, RemoteOffer::Answer),
            (true, HaveLocalOffer, RemoteOffer::Answer),
            (true, HaveRemotePranswer, RemoteOffer::Answer),
            (false, Stable, RemoteOffer::Answer),
            (false, HaveRemoteOffer, RemoteOffer::Answer),
            (false, HaveLocalOffer, RemoteOffer::Ignore),
            (false, HaveRemotePranswer, RemoteOffer::Ignore),
        ] {
            assert_eq!(remote_offer(polite, state), expected, "polite {polite} in {state}");
        }
    }
}
