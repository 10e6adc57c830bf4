//! Faults of candidates, connectivity checks and consent.

use std::time::Duration;

use super::Fault;
use super::datagrams::{any, nominates};
use super::mistake::Mistake::{At, Describe, Habit, Receive, Send};
use super::mistake::{Datagrams, EVER, EVERY, Fate, LATER, LATER_OFFER, Mistake, ONCE};
use super::signals::{Act, Deed, Of, Said};
use super::text::Text;
use crate::plan::{Act as Acts, Later};
use crate::timeline::Signal;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
const AFTER: &str = "so long after the answer";

/// Nothing gets through, one way.
pub(super) const fn all_blocked(ours: bool) -> Mistake {
    Mistake::Datagrams(Datagrams { ours, are: any, during: Duration::ZERO..EVER, fate: Fate::Lost })
}

fn lost(ours: bool, are: fn(&[u8]) -> bool, from: Duration, until: Duration) -> Mistake {
    Mistake::Datagrams(Datagrams { ours, are, during: from..until, fate: Fate::Lost })
}

/// Every candidate of ours, signalled or in a description, has another connection address (RFC 8839 §5.1), and nothing
/// gets through.
fn elsewhere(text: fn(&mut Text), signal: fn(&mut Signal)) -> Vec<Mistake> {
    vec![
        Describe(EVERY, text),
        Send(Of::Candidates, Deed::Edit(signal)),
        all_blocked(true),
        all_blocked(false),
    ]
}

fn words(candidate: &str, at: usize, with: &str) -> String {
    let words = candidate.split(' ').enumerate();
    words.map(|(index, word)| if index == at { with } else { word }).collect::<Vec<_>>().join(" ")
}

fn change(signal: &mut Signal, at: usize, with: &str) {
    if let Signal::Candidate { candidate, .. } = signal {
        *candidate = words(candidate, at, with);
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "ice-peer-sends-no-candidates",
        by: None,
        time: None,
        does: "sends no candidate",
        mistakes: |_| {
            vec![
                Describe(EVERY, |text| text.drop("a=candidate:")),
                Send(Of::Candidates, Deed::Lose),
                Send(Of::End, Deed::Lose),
            ]
        },
    },
    Fault {
        id: "ice-no-candidates-at-all",
        by: None,
        time: None,
        does: "gathers nothing",
        mistakes: |_| {
            vec![
                Describe(EVERY, |text| text.drop("a=candidate:")),
                Send(Of::Candidates, Deed::Lose),
                all_blocked(true),
                all_blocked(false),
            ]
        },
    },
    Fault {
        id: "ice-mdns-unresolvable",
        by: None,
        time: None,
        does: "sends candidates with names that nobody can resolve",
        mistakes: |_| {
            const NAME: &str = "0a1b2c3d-0000-4000-8000-000000000000.local";
            elsewhere(
                |text| text.edit("a=candidate:", |rest| words(rest, 4, NAME)),
                |signal| change(signal, 4, NAME),
            )
        },
    },
    Fault {
        id: "ice-private-address-only",
        by: None,
        time: None,
        does: "sends candidates of a private network that is not the other side's",
        mistakes: |_| {
            const ADDRESS: &str = "10.20.30.40";
            elsewhere(
                |text| text.edit("a=candidate:", |rest| words(rest, 4, ADDRESS)),
                |signal| change(signal, 4, ADDRESS),
            )
        },
    },
    Fault {
        id: "ice-loopback-only",
        by: None,
        time: None,
        does: "sends candidates of its loopback interface",
        mistakes: |_| {
            const ADDRESS: &str = "127.0.0.1";
            elsewhere(
                |text| text.edit("a=candidate:", |rest| words(rest, 4, ADDRESS)),
                |signal| change(signal, 4, ADDRESS),
            )
        },
    },
    Fault {
        id: "ice-family-mismatch",
        by: None,
        time: None,
        does: "sends candidates of IPv6 only",
        mistakes: |_| {
            const ADDRESS: &str = "2001:db8::9";
            elsewhere(
                |text| text.edit("a=candidate:", |rest| words(rest, 4, ADDRESS)),
                |signal| change(signal, 4, ADDRESS),
            )
        },
    },
    Fault {
        id: "ice-tcp-only",
        by: None,
        time: None,
        does: "sends TCP candidates only",
        mistakes: |_| {
            elsewhere(
                |text| text.edit("a=candidate:", |rest| words(rest, 2, "tcp") + " tcptype active"),
                |signal| {
                    change(signal, 2, "tcp");
                    if let Signal::Candidate { candidate, .. } = signal {
                        *candidate += " tcptype active";
                    }
                },
            )
        },
    },
    Fault {
        id: "ice-udp-blackholed",
        by: None,
        time: None,
        does: "lets no datagram through, either way",
        mistakes: |_| vec![all_blocked(true), all_blocked(false)],
    },
    Fault {
        id: "ice-asymmetric",
        by: None,
        time: None,
        does: "hears everything, and nothing that it sends gets through",
        mistakes: |_| vec![all_blocked(true)],
    },
    Fault {
        id: "ice-auth-fail",
        by: None,
        time: None,
        does: "announces another ICE password than it uses",
        mistakes: |_| {
            vec![Describe(EVERY, |text| text.edit("a=ice-pwd:", |rest| rest.chars().rev().collect()))]
        },
    },
    Fault {
        id: "ice-creds-changed-no-restart",
        by: None,
        time: None,
        does: "answers an ordinary offer with other ICE credentials",
        mistakes: |_| {
            vec![Describe(LATER, |text| {
                text.edit("a=ice-ufrag:", |_| "n3w1".to_owned());
                text.edit("a=ice-pwd:", |_| "0123456789abcdefghijklmn".to_owned());
            })]
        },
    },
    Fault {
        id: "ice-no-nomination",
        by: Some(crate::jsep::Role::Caller),
        time: None,
        does: "controls the checks and nominates no pair",
        mistakes: |_| vec![lost(true, nominates, Duration::ZERO, EVER)],
    },
    Fault {
        id: "ice-consent-lost",
        by: None,
        time: Some((AFTER, ms(3_000))),
        does: "stops answering connectivity checks in the middle of the call",
        mistakes: |time| vec![lost(true, any, time, EVER), lost(false, any, time, EVER)],
    },
    Fault {
        id: "ice-transient-disconnect",
        by: None,
        time: Some((AFTER, ms(3_000))),
        does: "is away for eight seconds",
        mistakes: |time| {
            let until = time + ms(8_000);
            vec![lost(true, any, time, until), lost(false, any, time, until)]
        },
    },
    Fault {
        id: "ice-restart-unanswered",
        by: None,
        time: None,
        does: "ignores offers that restart ICE",
        mistakes: |_| vec![Receive(Of::Descriptions(LATER_OFFER), Deed::Ignore)],
    },
    Fault {
        id: "ice-restart-loop",
        by: None,
        time: None,
        does: "restarts ICE every second",
        mistakes: |_| {
            vec![Habit(|plan| {
                let seconds = (1..=6).map(Duration::from_secs);
                plan.habits.later = seconds.map(|after| Later { after, act: Acts::RestartIce }).collect();
            })]
        },
    },
    Fault {
        id: "ice-stale-ufrag",
        by: None,
        time: None,
        does: "sends a candidate of before an ICE restart after it",
        mistakes: |_| {
            vec![
                Habit(|plan| {
                    let after = Duration::from_secs(1);
                    plan.habits.later = vec![Later { after, act: Acts::RestartIce }];
                }),
                At(ms(2_500), Act::RepeatCandidate, ONCE),
            ]
        },
    },
    Fault {
        id: "ice-candidate-invalid",
        by: None,
        time: None,
        does: "sends a candidate that nobody can reach",
        mistakes: |_| vec![At(ms(200), Act::Say(Said::DeadCandidate), ONCE)],
    },
];
