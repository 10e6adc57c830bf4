//! Faults of how a call ends.

use std::time::Duration;

use super::Fault;
use super::mistake::Mistake::{self, At, Datagrams as OfDatagrams, Send};
use super::mistake::{Datagrams, Fate, LATER_OFFER, ONCE};
use super::signals::{Act, Deed, Of};

const AFTER: &str = "so long after the answer";
const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "end-no-hangup-message",
        by: None,
        time: Some((AFTER, seconds(3))),
        does: "closes its connection and leaves the room without saying that it hangs up",
        mistakes: |time| {
            vec![
                Send(Of::Goodbye, Deed::Lose),
                At(time, Act::CloseConnection, ONCE),
                At(time, Act::LeaveRoom, ONCE),
            ]
        },
    },
    Fault {
        id: "end-stop-then-close-offer",
        by: None,
        time: Some((AFTER, seconds(3))),
        does: "offers again as it hangs up",
        mistakes: |time| {
            let hang_up = Deed::Then(Duration::ZERO, Act::HangUp);
            vec![At(time, Act::Offer, ONCE), Send(Of::Descriptions(LATER_OFFER), hang_up)]
        },
    },
    Fault {
        id: "end-abrupt",
        by: None,
        time: Some((AFTER, seconds(3))),
        does: "is gone from one moment to the next",
        mistakes: |time| vec![At(time, Act::Vanish, ONCE)],
    },
    Fault {
        id: "end-closed-on-disconnected",
        by: None,
        time: Some((AFTER, seconds(3))),
        does: "hangs up as soon as ICE says `disconnected`",
        mistakes: |time| {
            let lost = |ours| -> Mistake {
                OfDatagrams(Datagrams {
                    ours,
                    are: super::datagrams::any,
                    during: seconds(3)..seconds(11),
                    fate: Fate::Lost,
                })
            };
            vec![lost(true), lost(false), At(time + seconds(6), Act::HangUp, ONCE)]
        },
    },
];
