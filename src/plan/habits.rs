//! How the application on one side behaves: how and when it attaches its tracks, and how it negotiates.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::jsep::{Association, Direction, MediaKind, Role};

/// The habits of an application.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Habits {
    /// How its tracks get onto the connection.
    pub attach: Attach,
    /// When.
    pub attach_at: AttachAt,
    /// Which streams its tracks are in.
    pub streams: Streams,
    /// How an offered m-section finds a transceiver.
    pub association: Association,
    /// Whether it acts on `negotiationneeded`.
    pub renegotiate: bool,
    /// Its role in perfect negotiation (W3C webrtc §10.7): the polite side takes its own offer back on glare.
    pub polite: bool,
    /// The direction that it wishes for its transceivers of a kind; sendrecv where nothing is stated.
    pub directions: BTreeMap<MediaKind, Direction>,
    /// What it does later, counted from the first answer; in order of time.
    pub later: Vec<Later>,
}

/// How tracks get onto a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attach {
    /// addTrack(track, stream).
    AddTrack,
    /// addTransceiver(track, { streams }).
    AddTransceiver,
    /// On the transceivers that the offer made: `direction`, `setStreams` and `replaceTrack`.
    Reuse,
    /// On the transceivers that the offer made: `replaceTrack` alone, which changes no direction.
    ReplaceOnly,
    /// Not at all.
    None,
}

/// When tracks are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachAt {
    /// Before the first offer is made or set.
    BeforeOffer,
    /// Once the first offer is set: setLocalDescription at the caller, setRemoteDescription at the callee.
    AfterOffer,
    /// Between createAnswer and setLocalDescription; at the caller the same as [`AttachAt::AfterOffer`].
    AfterCreateAnswer,
    /// Once the first answer is set.
    AfterAnswer,
}

/// Which streams tracks are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Streams {
    /// In none: `event.streams` is empty on the other side.
    None,
    /// In one, given to addTrack or addTransceiver.
    One,
    /// In one, given to setStreams before the answer.
    Set,
}

/// Something that the application does in the course of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Later {
    /// Since the first answer was set.
    #[serde(serialize_with = "super::millis")]
    pub after: Duration,
    /// What.
    pub act: Act,
}

/// An act of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Every transceiver becomes inactive, and the change is negotiated.
    Hold,
    /// Every transceiver gets its direction back, and the change is negotiated.
    Resume,
    /// restartIce().
    RestartIce,
}

/// Acts that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// It holds a call that is held since then.
    HeldSince(Duration),
    /// It resumes a call that is not held.
    NotHeld,
}

impl Later {
    /// The first of some acts, in order of time, that contradicts those before it.
    #[must_use]
    pub fn clash(later: &[Self]) -> Option<(usize, Clash)> {
        let mut held = None;
        later.iter().enumerate().find_map(|(index, later)| {
            let clash = match (later.act, held) {
                (Act::Hold, Some(since)) => Some(Clash::HeldSince(since)),
                (Act::Resume, None) => Some(Clash::NotHeld),
                _ => None,
            };
            held = match later.act {
                Act::Hold => Some(later.after),
                Act::Resume => None,
                Act::RestartIce => held,
            };
            Some((index, clash?))
        })
    }
}

impl Habits {
    /// Whether the call is held at its end.
    #[must_use]
    pub fn ends_on_hold(&self) -> bool {
        let last = self.later.iter().rev().find(|later| later.act != Act::RestartIce);
        last.is_some_and(|later| later.act == Act::Hold)
    }

    /// A good application's.
    #[must_use]
    pub fn good(role: Role) -> Self {
        Self {
            attach: Attach::AddTrack,
            attach_at: AttachAt::BeforeOffer,
            streams: Streams::One,
            association: Association::Jsep,
            renegotiate: true,
            polite: role == Role::Callee,
            directions: BTreeMap::new(),
            later: Vec::new(),
        }
    }
}
