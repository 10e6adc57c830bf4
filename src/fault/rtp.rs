//! Faults of RTP and RTCP.

use std::time::Duration;

use super::Fault;
use super::mistake::ANSWER;
use super::mistake::Mistake::{self, Describe, Rtcp, Rtp};
use super::packets::{RtcpMistake, RtpMistake};
use crate::jsep::{MediaKind, Role};

const ZERO: Duration = Duration::ZERO;

const fn wrong(id: &'static str, does: &'static str, mistakes: fn(Duration) -> Vec<Mistake>) -> Fault {
    Fault { id, by: None, time: None, does, mistakes }
}

pub(super) const FAULTS: &[Fault] = &[
    wrong("rtp-none", "sends no media", |_| vec![Rtp(None, RtpMistake::StopAt(ZERO))]),
    Fault {
        id: "rtp-direction-violation",
        by: Some(Role::Callee),
        time: None,
        does: "answers recvonly and sends all the same",
        mistakes: |_| vec![Describe(ANSWER, |text| text.direct("recvonly"))],
    },
    wrong("rtp-wrong-pt", "sends with a payload type that was not negotiated", |_| {
        vec![Rtp(None, RtpMistake::Edit(ZERO, |fields| fields.payload_type = 77))]
    }),
    wrong("rtp-undeclared-ssrc", "sends from an SSRC that nobody announced", |_| {
        vec![Rtp(
            None,
            RtpMistake::Edit(ZERO, |fields| {
                fields.ssrc ^= 0x00ff_00ff;
            }),
        )]
    }),
    Fault {
        id: "rtp-ssrc-changed",
        by: None,
        time: Some(("so long after the answer", Duration::from_secs(2))),
        does: "changes its SSRC in the middle of the call",
        mistakes: |time| vec![Rtp(None, RtpMistake::Edit(time, |fields| fields.ssrc ^= 0x00ff_00ff))],
    },
    wrong("rtp-no-rtcp", "sends no RTCP", |_| vec![Rtcp(RtcpMistake { lost: |packet| packet.sent })]),
    wrong("media-nack-ignored", "loses packets and sends none of them again", |_| {
        vec![
            Rtp(Some(MediaKind::Video), RtpMistake::LoseOneOf(12)),
            Rtcp(RtcpMistake {
                lost: |packet| !packet.sent && packet.packet_type == 205 && packet.format == 1,
            }),
        ]
    }),
    wrong("media-loss", "loses every seventh packet of its sound", |_| {
        vec![Rtp(Some(MediaKind::Audio), RtpMistake::LoseOneOf(7))]
    }),
];
