//! Faults of signaling: what goes wrong between two applications before WebRTC has a say.

use std::time::Duration;

use serde_json::json;

use super::Fault;
use super::mistake::Mistake::{Receive, Send};
use super::mistake::{FIRST, FIRST_ANSWER, FIRST_OFFER, Mistake, ONCE, Which};
use super::signals::{Act, Deed, Of, Said};
use crate::jsep::Role;
use crate::timeline::Signal;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
const fn of(which: Which) -> Of {
    Of::Descriptions(which)
}

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "sig-peer-silent",
        by: Some(Role::Caller),
        time: None,
        does: "joins the room and neither hears nor says anything",
        mistakes: |_| vec![Receive(Of::Everything, Deed::Lose), Send(Of::Everything, Deed::Lose)],
    },
    Fault {
        id: "sig-offer-lost",
        by: Some(Role::Callee),
        time: None,
        does: "does not get the first offer, as if it had joined too late",
        mistakes: |_| vec![Receive(of(FIRST_OFFER), Deed::Lose), Receive(Of::Candidates, Deed::Lose)],
    },
    Fault {
        id: "sig-no-answer",
        by: Some(Role::Callee),
        time: None,
        does: "takes the offer and never answers",
        mistakes: |_| vec![Send(of(FIRST_ANSWER), Deed::Lose)],
    },
    Fault {
        id: "sig-answer-late",
        by: Some(Role::Callee),
        time: Some(("after so long", ms(20_000))),
        does: "answers late",
        mistakes: |time| vec![Send(of(FIRST_ANSWER), Deed::Delay(time))],
    },
    Fault {
        id: "sig-answer-in-stable",
        by: Some(Role::Callee),
        time: None,
        does: "sends its answer twice",
        mistakes: |_| vec![Send(of(FIRST_ANSWER), Deed::Twice(ms(500)))],
    },
    Fault {
        id: "sig-duplicate-offer",
        by: Some(Role::Caller),
        time: None,
        does: "sends its offer twice",
        mistakes: |_| vec![Send(of(FIRST_OFFER), Deed::Twice(ms(1)))],
    },
    Fault {
        id: "sig-self-echo",
        by: None,
        time: None,
        does: "sends back what it gets, as a room does that tells everybody",
        mistakes: |_| vec![Receive(of(FIRST), Deed::Return), Receive(Of::Candidates, Deed::Return)],
    },
    Fault {
        id: "sig-crossed-sessions",
        by: None,
        time: None,
        does: "sends a candidate of another call",
        mistakes: |_| vec![Mistake::At(ms(200), Act::Say(Said::CrossedCandidate), ONCE)],
    },
    Fault {
        id: "sig-sdp-shape",
        by: None,
        time: None,
        does: "sends the whole description object as the SDP",
        mistakes: |_| {
            vec![Send(
                of(FIRST),
                Deed::Edit(|signal| {
                    if let Signal::Description { sdp_type, sdp } = signal {
                        *sdp = json!({ "type": sdp_type.as_str(), "sdp": &*sdp }).to_string();
                    }
                }),
            )]
        },
    },
    Fault {
        id: "sig-sdp-text-damaged",
        by: None,
        time: None,
        does: "escapes the line ends of its SDP",
        mistakes: |_| {
            vec![Send(
                of(FIRST),
                Deed::Edit(|signal| {
                    if let Signal::Description { sdp, .. } = signal {
                        *sdp = sdp.replace("\r\n", "\\r\\n");
                    }
                }),
            )]
        },
    },
    Fault {
        id: "sig-unrouted",
        by: None,
        time: None,
        does: "sends its description under a type that nobody knows",
        mistakes: |_| {
            vec![Send(
                of(FIRST),
                Deed::Edit(|signal| {
                    if let Signal::Description { sdp_type, sdp } = signal {
                        *signal = Signal::Ext(json!({ "type": format!("video-{sdp_type}"), "sdp": sdp }));
                    }
                }),
            )]
        },
    },
    Fault {
        id: "sig-candidate-shape",
        by: None,
        time: None,
        does: "sends candidates that name no m-section",
        mistakes: |_| {
            vec![Send(
                Of::Candidates,
                Deed::Edit(|signal| {
                    if let Signal::Candidate { sdp_mid, sdp_m_line_index, .. } = signal {
                        (*sdp_mid, *sdp_m_line_index) = (None, None);
                    }
                }),
            )]
        },
    },
    Fault {
        id: "sig-candidate-before-offer",
        by: Some(Role::Caller),
        time: None,
        does: "sends its candidates before its offer",
        mistakes: |_| vec![Send(of(FIRST_OFFER), Deed::Delay(ms(500)))],
    },
    Fault {
        id: "sig-socket-lost-midcall",
        by: None,
        time: Some(("so long after the answer", ms(3_000))),
        does: "loses the room in the middle of the call",
        mistakes: |time| vec![Mistake::At(time, Act::LeaveRoom, ONCE)],
    },
    Fault {
        id: "sig-rewritten-sdp",
        by: None,
        time: None,
        does: "has a room that changes the text of its descriptions",
        mistakes: |_| {
            vec![Mistake::OnTheWay(|signal| {
                if let Signal::Description { sdp, .. } = signal {
                    *sdp = sdp.replace("a=rtcp-rsize\r\n", "a=x-rewritten:1\r\n");
                }
            })]
        },
    },
];
