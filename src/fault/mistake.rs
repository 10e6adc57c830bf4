//! What a mistake can be.

use std::ops::Range;
use std::time::Duration;

use super::packets::{RtcpMistake, RtpMistake};
use super::signals::{Act, Deed, Of};
use super::sources::SourceMistake;
use super::text::Text;
use crate::jsep::{MediaKind, SdpType};
use crate::plan::LegPlan;
use crate::timeline::Signal;

/// One thing that is done wrong.
#[derive(Clone, Debug)]
pub(super) enum Mistake {
    /// The application behaves otherwise.
    Habit(fn(&mut LegPlan)),
    /// Descriptions of ours are changed after they were made and before they are set and sent.
    Describe(Which, fn(&mut Text)),
    /// Signals of ours.
    Send(Of, Deed),
    /// Signals of the other side.
    Receive(Of, Deed),
    /// Signals of ours are changed on their way, after they were sent.
    OnTheWay(fn(&mut Signal)),
    /// Something that is done so long after the first answer, and then again at that interval so often.
    At(Duration, Act, Again),
    /// Tracks play something else.
    Source(Option<MediaKind>, SourceMistake),
    /// RTP packets of ours.
    Rtp(Option<MediaKind>, RtpMistake),
    /// RTCP packets, ours and the other side's.
    Rtcp(RtcpMistake),
    /// Datagrams.
    Datagrams(Datagrams),
}

/// How often something is done again, and how long after the last time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Again {
    pub(super) times: u32,
    pub(super) every: Duration,
}

/// It is done once.
pub(super) const ONCE: Again = Again { times: 0, every: Duration::ZERO };

/// Which descriptions of a side, each type counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Which {
    types: &'static [SdpType],
    numbers: Range<usize>,
    /// Counted over all types.
    of_all: bool,
}

impl Which {
    const fn new(types: &'static [SdpType], numbers: Range<usize>, of_all: bool) -> Self {
        Self { types, numbers, of_all }
    }

    pub(super) fn matches(&self, sdp_type: SdpType, of_type: usize, of_all: usize) -> bool {
        let number = if self.of_all { of_all } else { of_type };
        self.types.contains(&sdp_type) && self.numbers.contains(&number)
    }
}

const OFFERS: &[SdpType] = &[SdpType::Offer];
const ANSWERS: &[SdpType] = &[SdpType::Answer, SdpType::Pranswer];
const ALL: &[SdpType] = &[SdpType::Offer, SdpType::Answer, SdpType::Pranswer];

/// Every offer, answer, or both.
pub(super) const OFFER: Which = Which::new(OFFERS, 0..usize::MAX, false);
pub(super) const ANSWER: Which = Which::new(ANSWERS, 0..usize::MAX, false);
pub(super) const EVERY: Which = Which::new(ALL, 0..usize::MAX, false);
/// The first offer, answer, or description of the side.
pub(super) const FIRST_OFFER: Which = Which::new(OFFERS, 0..1, false);
pub(super) const FIRST_ANSWER: Which = Which::new(ANSWERS, 0..1, false);
pub(super) const FIRST: Which = Which::new(ALL, 0..1, true);
/// All but the first.
pub(super) const LATER_OFFER: Which = Which::new(OFFERS, 1..usize::MAX, true);
pub(super) const LATER_ANSWER: Which = Which::new(ANSWERS, 1..usize::MAX, true);
pub(super) const LATER: Which = Which::new(ALL, 1..usize::MAX, true);

/// What happens to datagrams of one way.
#[derive(Clone, Debug)]
pub(super) struct Datagrams {
    /// Ours, or the other side's.
    pub(super) ours: bool,
    /// Which.
    pub(super) are: fn(&[u8]) -> bool,
    /// Since the first answer; from the beginning where it begins at 0.
    pub(super) during: Range<Duration>,
    /// What.
    pub(super) fate: Fate,
}

/// What happens to a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is lost.
    Lost,
    /// It is changed.
    Edited(fn(&mut Vec<u8>)),
}

/// Until the end of the call.
pub(super) const EVER: Duration = Duration::MAX;
