//! Faults where offers cross.

use std::time::Duration;

use super::Fault;
use super::mistake::Mistake::{At, Habit, Receive, Send};
use super::mistake::{Again, FIRST_OFFER, LATER_OFFER};
use super::signals::{Act, Deed, Of};
use crate::jsep::Role;
use crate::plan::{Act as Acts, Later, LegPlan};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "glare-both-offers",
        by: Some(Role::Callee),
        time: None,
        does: "offers itself when the offer comes, and answers it later",
        mistakes: |_| {
            vec![
                Receive(Of::Descriptions(FIRST_OFFER), Deed::Then(ms(0), Act::Offer)),
                Receive(Of::Descriptions(FIRST_OFFER), Deed::Delay(ms(60))),
            ]
        },
    },
    Fault {
        id: "glare-both-impolite",
        by: Some(Role::Callee),
        time: None,
        does: "holds to its own offer where both offer",
        mistakes: |_| {
            vec![
                Habit(|plan| {
                    plan.habits.polite = false;
                    plan.habits.later = vec![crossing(plan)];
                }),
                Receive(Of::Descriptions(LATER_OFFER), Deed::Ignore),
            ]
        },
    },
    Fault {
        id: "glare-double-rollback",
        by: Some(Role::Caller),
        time: None,
        does: "is polite as well, and takes its offer back like the other side",
        mistakes: |_| {
            vec![Habit(|plan| {
                plan.habits.polite = true;
                plan.habits.later = vec![crossing(plan)];
            })]
        },
    },
    Fault {
        id: "glare-rollback-no-answer",
        by: None,
        time: None,
        does: "takes its offer back where both offer, and does not answer the other one",
        mistakes: |_| {
            vec![
                Habit(|plan| {
                    plan.habits.polite = true;
                    plan.habits.later = vec![crossing(plan)];
                }),
                Send(Of::Descriptions(super::mistake::LATER_ANSWER), Deed::Lose),
            ]
        },
    },
    Fault {
        id: "nn-never",
        by: Some(Role::Callee),
        time: None,
        does: "changes what it sends in the middle of the call and never offers that",
        mistakes: |_| {
            vec![
                Habit(|plan| plan.habits.renegotiate = false),
                At(ms(1_500), Act::AddTransceiver, super::mistake::ONCE),
            ]
        },
    },
    Fault {
        id: "nn-storm",
        by: None,
        time: None,
        does: "offers again and again",
        mistakes: |_| vec![At(ms(500), Act::Offer, Again { times: 24, every: ms(200) })],
    },
];

/// At about the time at which the good side offers as well: the callee counts from when it sends the answer, the caller
/// from when it comes.
fn crossing(plan: &LegPlan) -> Later {
    let after = if plan.role == Role::Callee { ms(2_015) } else { ms(1_985) };
    Later { after, act: Acts::RestartIce }
}
