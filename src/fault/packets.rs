//! RTP and RTCP packets of ours that are not as they should be.

use std::time::Duration;

use crate::jsep::MediaKind;

/// The fields of an RTP packet of ours that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpFields {
    /// What its track carries.
    pub kind: MediaKind,
    /// RFC 3550 §5.1.
    pub payload_type: u8,
    /// RFC 3550 §5.1.
    pub ssrc: u32,
    /// RFC 3550 §5.1.
    pub sequence: u16,
    /// RFC 3550 §5.1.
    pub timestamp: u32,
}

/// What an RTCP packet is, by its header (RFC 3550 §6.4.1, RFC 4585 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpFields {
    /// The packet type.
    pub packet_type: u8,
    /// The count, or the format of feedback.
    pub format: u8,
    /// It is ours.
    pub sent: bool,
}

/// What happens to RTP packets of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum RtpMistake {
    /// None leaves from then on.
    StopAt(Duration),
    /// One of so many does not leave; its number is missing.
    LoseOneOf(u16),
    /// They are changed from then on.
    Edit(Duration, fn(&mut RtpFields)),
}

/// Which RTCP packets are lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct RtcpMistake {
    pub(super) lost: fn(RtcpFields) -> bool,
}

impl RtpMistake {
    /// Whether the packet leaves. `since` is counted from the first answer.
    pub(super) fn commit(self, since: Duration, fields: &mut RtpFields) -> bool {
        match self {
            Self::StopAt(at) => since < at,
            Self::LoseOneOf(many) => !fields.sequence.is_multiple_of(many),
            Self::Edit(from, edit) => {
                if since >= from {
                    edit(fields);
                }
                true
            }
        }
    }
}
