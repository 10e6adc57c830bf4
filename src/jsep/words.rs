//! The vocabulary of W3C WebRTC as types. `Display` and serde give exactly the W3C spelling.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An enum whose variants have one spelling each, for people, for JSON and for parsing.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling of the specification.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or(UnknownWord)
            }
        }
    };
}

/// The text is none of the words of that type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known word")]
pub struct UnknownWord;

words! {
    /// Which end of the call a peer is. The caller makes the first offer.
    Role { Caller = "caller", Callee = "callee" }
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

words! {
    /// Seen from one peer: its own descriptions or the other one's.
    Side { Local = "local", Remote = "remote" }
}

words! {
    /// The kind of a track or of an m-section that carries media.
    MediaKind { Audio = "audio", Video = "video" }
}

words! {
    /// RTCRtpTransceiverDirection (W3C webrtc §5.4).
    Direction {
        Sendrecv = "sendrecv",
        Sendonly = "sendonly",
        Recvonly = "recvonly",
        Inactive = "inactive",
        /// For good: the transceiver was stopped.
        Stopped = "stopped",
    }
}

impl Direction {
    /// From what is sent and what is received.
    #[must_use]
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Sendrecv,
            (true, false) => Self::Sendonly,
            (false, true) => Self::Recvonly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether media leaves.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether media comes in.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }

    /// The same m-section seen from the other side (RFC 3264 §6.1).
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Sendonly => Self::Recvonly,
            Self::Recvonly => Self::Sendonly,
            same => same,
        }
    }

    /// What both allow.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

words! {
    /// How an offered m-section finds a transceiver of ours (RFC 9429 §5.10).
    Association {
        /// Chromium, Firefox, libwebrtc: only one that addTrack has made, and only where the offer receives.
        Jsep = "jsep",
        /// pion, webrtc-rs, aiortc, werift: any of that kind that is not associated.
        ByKind = "by-kind",
    }
}

words! {
    /// RTCSdpType (W3C webrtc §4.6.1).
    SdpType { Offer = "offer", Pranswer = "pranswer", Answer = "answer", Rollback = "rollback" }
}

words! {
    /// RTCSignalingState (W3C webrtc §4.3.1).
    SignalingState {
        Stable = "stable",
        HaveLocalOffer = "have-local-offer",
        HaveRemoteOffer = "have-remote-offer",
        HaveLocalPranswer = "have-local-pranswer",
        HaveRemotePranswer = "have-remote-pranswer",
        Closed = "closed",
    }
}

words! {
    /// RTCIceGatheringState (W3C webrtc §5.6.3).
    GatheringState { New = "new", Gathering = "gathering", Complete = "complete" }
}

words! {
    /// RTCIceConnectionState (W3C webrtc §4.3.4).
    IceState {
        New = "new",
        Checking = "checking",
        Connected = "connected",
        Completed = "completed",
        Disconnected = "disconnected",
        Failed = "failed",
        Closed = "closed",
    }
}

impl IceState {
    /// Connected or completed: packets can flow.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Connected | Self::Completed)
    }
}

words! {
    /// RTCDtlsTransportState (W3C webrtc §5.5.1).
    DtlsState {
        New = "new",
        Connecting = "connecting",
        Connected = "connected",
        Closed = "closed",
        Failed = "failed",
    }
}

words! {
    /// RTCPeerConnectionState (W3C webrtc §4.3.3).
    ConnectionState {
        New = "new",
        Connecting = "connecting",
        Connected = "connected",
        Disconnected = "disconnected",
        Failed = "failed",
        Closed = "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_parses_back() {
        for &state in SignalingState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!("sendrcv".parse::<Direction>(), Err(UnknownWord));
    }

    #[test]
    fn directions_reverse_and_intersect() {
        use Direction::{Inactive, Recvonly, Sendonly, Sendrecv};
        for (wanted, offered, answer) in [
            (Sendrecv, Sendrecv, Sendrecv),
            (Sendrecv, Sendonly, Recvonly),
            (Sendrecv, Recvonly, Sendonly),
            (Sendonly, Sendonly, Inactive),
            (Recvonly, Sendrecv, Recvonly),
            (Sendrecv, Inactive, Inactive),
        ] {
            assert_eq!(wanted.intersect(offered.reversed()), answer, "{wanted} on an offered {offered}");
        }
    }
}
