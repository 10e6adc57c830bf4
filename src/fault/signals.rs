//! Signals that are lost, late, repeated, changed or made up.

use std::time::Duration;

use super::mistake::Which;
use crate::jsep::SdpType;
use crate::timeline::Signal;

/// Which signals.
#[derive(Clone, Debug)]
pub(super) enum Of {
    /// Descriptions.
    Descriptions(Which),
    /// Candidates.
    Candidates,
    /// Candidates that come before any description; the hooks know which.
    EarlyCandidates,
    /// The end of candidates.
    End,
    /// What ends a call: done, the report and the hang-up.
    Goodbye,
    /// All of them.
    Everything,
}

/// What happens to them.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// They are lost: they never come, or never leave.
    Lose,
    /// They come, and the application does nothing about them.
    Ignore,
    /// They come so much later; those behind them do not wait.
    Delay(Duration),
    /// They come twice, the second time so much later.
    Twice(Duration),
    /// They are changed.
    Edit(fn(&mut Signal)),
    /// They go back to where they came from, and on to where they should go.
    Return,
    /// And so long afterwards this is done.
    Then(Duration, Act),
}

/// Something that a faulty side does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes an offer, needed or not, whatever state it is in.
    Offer,
    /// Takes its pending offer back.
    RollBack,
    /// Sends the last description of ours of that type again.
    Repeat(SdpType),
    /// Sends the first candidate of ours again.
    RepeatCandidate,
    /// Sends something that nobody in the call has made.
    Say(Said),
    /// Adds a transceiver that neither sends nor receives, which needs a negotiation.
    AddTransceiver,
    /// Creates a data channel.
    CreateDataChannel,
    /// Asks for a key frame.
    RequestKeyFrame,
    /// Leaves the room, while the call goes on.
    LeaveRoom,
    /// Is gone without a word to anybody.
    Vanish,
    /// Closes its connection and stays in the room.
    CloseConnection,
    /// Hangs up.
    HangUp,
    /// Stops sending media.
    StopMedia,
}

/// Something that nobody in the call has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A candidate of another call.
    CrossedCandidate,
    /// A candidate that nobody can reach.
    DeadCandidate,
}

impl Said {
    pub(super) fn signal(self) -> Signal {
        let (candidate, ufrag) = match self {
            Self::CrossedCandidate => {
                ("candidate:1 1 udp 2113937151 192.0.2.77 50000 typ host ufrag 0ther", Some("0ther"))
            }
            Self::DeadCandidate => ("candidate:1 1 udp 2113937151 0.0.0.0 9 typ host", None),
        };
        Signal::Candidate {
            candidate: candidate.to_owned(),
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: Some(0),
            username_fragment: ufrag.map(str::to_owned),
        }
    }
}

/// What is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// A signal of ours leaves.
    Send(Signal),
    /// A signal of the other side is taken in.
    Receive(Signal),
    /// Something is done.
    Do(Act),
}

/// What becomes of a signal of the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// It has come.
    pub came: bool,
    /// What the application takes in at once.
    pub taken: Vec<Signal>,
}

/// How many signals of each sort have gone one way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    offers: usize,
    answers: usize,
    descriptions: usize,
}

impl Counts {
    /// No description has gone that way.
    pub(super) fn is_none_yet(&self) -> bool {
        self.descriptions == 0
    }

    /// The number of a description among those of its type and among all, from 0.
    pub(super) fn next(&mut self, sdp_type: SdpType) -> (usize, usize) {
        let of_type = if sdp_type == SdpType::Offer { &mut self.offers } else { &mut self.answers };
        let numbers = (*of_type, self.descriptions);
        *of_type += 1;
        self.descriptions += 1;
        numbers
    }

    /// The numbers of a description that came after all that are counted here, without those.
    pub(super) fn until(&self, sdp_type: SdpType, (of_type, of_all): (usize, usize)) -> (usize, usize) {
        let before = if sdp_type == SdpType::Offer { self.offers } else { self.answers };
        (of_type.saturating_sub(before), of_all.saturating_sub(self.descriptions))
    }
}

impl Of {
    /// Whether it is meant. `numbers` are those of a description.
    pub(super) fn matches(&self, signal: &Signal, numbers: (usize, usize)) -> bool {
        match (self, signal) {
            (Self::Everything, _) | (Self::Candidates, Signal::Candidate { .. }) => true,
            (Self::End, Signal::EndOfCandidates { .. }) => true,
            (Self::Goodbye, Signal::Done | Signal::Report(_) | Signal::HangUp { .. }) => true,
            (Self::Descriptions(which), Signal::Description { sdp_type, .. }) => {
                which.matches(*sdp_type, numbers.0, numbers.1)
            }
            _ => false,
        }
    }
}
