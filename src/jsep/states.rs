//! Which state may follow which: the state machines of W3C WebRTC as tables.
//!
//! A path begins with the first recorded state, which is `new` (signaling: `stable`) or a state that may follow it.

use std::fmt;

use super::{ConnectionState, DtlsState, GatheringState, IceState, SignalingState};

/// A step that the specification does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalStep<S> {
    /// Where it began.
    pub from: S,
    /// Where it led.
    pub to: S,
}

impl<S: fmt::Display> fmt::Display for IllegalStep<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {}", self.to, self.from)
    }
}

/// A state that knows where it begins and what may come next.
pub trait State: Copy + PartialEq + 'static {
    /// Before anything happened.
    const INITIAL: Self;

    /// Whether the specification allows this step.
    #[must_use]
    fn may_become(self, next: Self) -> bool;
}

/// Whether each state may follow the one before it. A repeated state is not a step.
///
/// # Errors
/// The first step that is not allowed.
pub fn legal_path<S: State>(path: impl IntoIterator<Item = S>) -> Result<(), IllegalStep<S>> {
    let mut from = S::INITIAL;
    for to in path {
        if to != from && !from.may_become(to) {
            return Err(IllegalStep { from, to });
        }
        from = to;
    }
    Ok(())
}

impl State for SignalingState {
    const INITIAL: Self = Self::Stable;

    /// RFC 9429 §3.2, figure 2, with rollback to stable.
    fn may_become(self, next: Self) -> bool {
        use SignalingState::{
            Closed, HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
        };
        match (self, next) {
            (Closed, _) => false,
            (_, Closed) => true,
            (Stable, HaveLocalOffer | HaveRemoteOffer) => true,
            (HaveLocalOffer, Stable | HaveRemotePranswer) => true,
            // An offer that collides is rolled back and the remote one set in one step (RFC 9429 §4.1.10.2), so
            // that a reader of states may see the step without `stable` in between.
            (HaveLocalOffer, HaveRemoteOffer) => true,
            (HaveRemoteOffer, Stable | HaveLocalPranswer) => true,
            (HaveLocalPranswer | HaveRemotePranswer, Stable) => true,
            _ => false,
        }
    }
}

impl State for GatheringState {
    const INITIAL: Self = Self::New;

    /// W3C webrtc §5.6.3; an ICE restart gathers again.
    fn may_become(self, next: Self) -> bool {
        use GatheringState::{Complete, Gathering, New};
        matches!(
            (self, next),
            (New, Gathering) | (Gathering, Complete) | (Complete, Gathering | New) | (Gathering, New)
        )
    }
}

impl State for IceState {
    const INITIAL: Self = Self::New;

    /// W3C webrtc §5.6.4 with the combination rules of §4.3.4: connected and completed are reached by checking only,
    /// or from disconnected and failed when checks succeed again.
    fn may_become(self, next: Self) -> bool {
        use IceState::{Checking, Closed, Completed, Connected, Disconnected, Failed, New};
        match (self, next) {
            (Closed, _) => false,
            (_, Closed) => true,
            (New, Checking) => true,
            (Checking, Connected | Completed | Failed | Disconnected | New) => true,
            (Connected, Completed | Disconnected | Checking | Failed | New) => true,
            (Completed, Connected | Disconnected | Checking | Failed | New) => true,
            (Disconnected, Checking | Connected | Completed | Failed | New) => true,
            (Failed, Checking | New) => true,
            // All candidate pairs are gone before one was checked (§4.3.4: failed).
            (New, Failed) => true,
            _ => false,
        }
    }
}

impl State for DtlsState {
    const INITIAL: Self = Self::New;

    /// W3C webrtc §5.5.1.
    fn may_become(self, next: Self) -> bool {
        use DtlsState::{Closed, Connected, Connecting, Failed, New};
        matches!(
            (self, next),
            (New, Connecting | Closed | Failed)
                | (Connecting, Connected | Closed | Failed)
                | (Connected, Closed | Failed)
                // A failed transport ends as closed when the connection is closed.
                | (Failed, Closed)
        )
    }
}

impl State for ConnectionState {
    const INITIAL: Self = Self::New;

    /// W3C webrtc §4.3.3.
    fn may_become(self, next: Self) -> bool {
        use ConnectionState::{Closed, Connected, Connecting, Disconnected, Failed, New};
        match (self, next) {
            (Closed, _) => false,
            (_, Closed) => true,
            (New, Connecting | Failed) => true,
            (Connecting, Connected | Disconnected | Failed | New) => true,
            (Connected, Connecting | Disconnected | Failed | New) => true,
            (Disconnected, Connecting | Connected | Failed | New) => true,
            (Failed, Connecting | New) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IceState::{Checking, Closed, Completed, Connected, Disconnected, Failed, New};

    #[test]
    fn ice_connects_by_checking_only() {
        for (path, legal) in [
            (&[New, Checking, Connected][..], true),
            (&[Checking, Connected, Completed, Closed], true),
            (&[Checking, Completed], true),
            (&[Checking, Connected, Disconnected, Connected], true),
            (&[Checking, Connected, Disconnected, Failed, Checking, Connected], true),
            (&[Connected], false),
            (&[New, Completed], false),
            (&[Checking, Failed, Connected], false),
            (&[Checking, Connected, Closed, Connected], false),
            (&[New, Disconnected], false),
            (&[], true),
        ] {
            assert_eq!(legal_path(path.iter().copied()).is_ok(), legal, "{path:?}");
        }
    }

    #[test]
    fn an_illegal_step_names_its_ends() {
        let step = legal_path([Checking, Failed, Connected]).unwrap_err();
        assert_eq!(step, IllegalStep { from: Failed, to: Connected });
        assert_eq!(step.to_string(), "connected after failed");
    }

    #[test]
    fn an_answer_needs_an_offer() {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer, HaveRemotePranswer, Stable};
        for (path, legal) in [
            (&[HaveLocalOffer, Stable][..], true),
            (&[Stable, HaveRemoteOffer, Stable], true),
            (&[HaveLocalOffer, HaveRemotePranswer, Stable], true),
            (&[HaveRemotePranswer], false),
            (&[HaveRemoteOffer, HaveRemotePranswer], false),
        ] {
            assert_eq!(legal_path(path.iter().copied()).is_ok(), legal, "{path:?}");
        }
    }

    #[test]
    fn dtls_connects_by_connecting_only() {
        assert!(legal_path([DtlsState::Connecting, DtlsState::Connected, DtlsState::Closed]).is_ok());
        assert!(legal_path([DtlsState::Connected]).is_err());
        assert!(legal_path([DtlsState::Connecting, DtlsState::Failed, DtlsState::Connected]).is_err());
    }

    #[test]
    fn gathering_completes_by_gathering_only() {
        use GatheringState::{Complete, Gathering};
        assert!(legal_path([Gathering, Complete, Gathering, Complete]).is_ok());
        assert!(legal_path([Complete]).is_err());
    }

    #[test]
    fn nothing_follows_closed() {
        use ConnectionState::{Closed, Connected, Connecting};
        assert!(legal_path([Connecting, Connected, Closed]).is_ok());
        assert!(legal_path([Connecting, Closed, Connecting]).is_err());
        assert!(legal_path([Connected]).is_err());
    }
}
