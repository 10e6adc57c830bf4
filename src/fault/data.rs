//! Faults of data channels. A good caller has to open one with `--data`.

use std::time::Duration;

use super::Fault;
use super::datagrams::application_data;
use super::mistake::Mistake::{self, At, Datagrams as OfDatagrams, Describe, Habit};
use super::mistake::{ANSWER, Datagrams, EVER, EVERY, Fate, ONCE};
use super::signals::Act;
use super::text::edit_lines;
use crate::jsep::Role;

const CALLEE: Option<Role> = Some(Role::Callee);

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "dc-no-mline",
        by: CALLEE,
        time: Some(("so long after the answer", Duration::from_secs(1))),
        does: "creates a data channel and never offers it",
        mistakes: |time| {
            vec![Habit(|plan| plan.habits.renegotiate = false), At(time, Act::CreateDataChannel, ONCE)]
        },
    },
    Fault {
        id: "dc-rejected",
        by: CALLEE,
        time: None,
        does: "rejects data channels",
        mistakes: |_| {
            vec![Describe(ANSWER, |text| {
                if let Some(section) = text.section("application") {
                    edit_lines(section, "m=application ", |rest| {
                        format!("0{}", &rest[rest.find(' ').unwrap_or(0)..])
                    });
                }
            })]
        },
    },
    Fault {
        id: "dc-legacy-sdp",
        by: CALLEE,
        time: None,
        does: "describes data channels as they were before RFC 8841",
        mistakes: |_| {
            vec![Describe(EVERY, |text| {
                if let Some(section) = text.section("application") {
                    edit_lines(section, "m=application ", |rest| {
                        rest.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
                    });
                    for line in section.iter_mut().filter(|line| line.starts_with("a=sctp-port:")) {
                        "a=sctpmap:5000 webrtc-datachannel 1024".clone_into(line);
                    }
                }
            })]
        },
    },
    Fault {
        id: "dc-open-missing",
        by: None,
        time: None,
        does: "loses everything that data channels say",
        mistakes: |_| {
            let lost = |ours| -> Mistake {
                OfDatagrams(Datagrams {
                    ours,
                    are: application_data,
                    during: Duration::ZERO..EVER,
                    fate: Fate::Lost,
                })
            };
            vec![Habit(|plan| plan.data |= plan.role == Role::Caller), lost(true), lost(false)]
        },
    },
];
