//! What a tester does to learn how an app behaves, and the faults of apps that only this shows. They are in no list of
//! faults: the first are no mistakes, and the others show in no call by themselves.

use std::time::Duration;

use super::Fault;
use super::datagrams::request;
use super::mistake::Mistake::{Receive, Send};
use super::mistake::{Datagrams, EVER, FIRST, Fate, Mistake};
use super::signals::{Deed, Of};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "probe-listen-first",
        by: None,
        time: None,
        does: "sends no connectivity checks, so that only the other side's show",
        mistakes: |_| {
            let during = Duration::ZERO..EVER;
            vec![Mistake::Datagrams(Datagrams { ours: true, are: request, during, fate: Fate::Lost })]
        },
    },
    Fault {
        id: "probe-early-candidates",
        by: None,
        time: Some(("so long before the description", ms(500))),
        does: "sends its candidates before its description",
        mistakes: |time| vec![Send(Of::Descriptions(FIRST), Deed::Delay(time))],
    },
    Fault {
        id: "probe-late-candidates",
        by: None,
        time: Some(("so much later", ms(1_500))),
        does: "sends its candidates late",
        mistakes: |time| vec![Send(Of::Candidates, Deed::Delay(time)), Send(Of::End, Deed::Delay(time))],
    },
    Fault {
        id: "ice-candidates-dropped-before-srd",
        by: None,
        time: None,
        does: "loses the candidates that come before the description",
        mistakes: |_| vec![Receive(Of::EarlyCandidates, Deed::Ignore)],
    },
    Fault {
        id: "ice-peer-drops-our-candidates",
        by: None,
        time: None,
        does: "loses every candidate",
        mistakes: |_| vec![Receive(Of::Candidates, Deed::Ignore)],
    },
];
