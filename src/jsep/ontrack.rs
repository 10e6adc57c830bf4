//! Would `track` fire? The "process remote tracks" part of setting a remote description (W3C webrtc §4.4.1.5).

use super::{Direction, MediaSection};

/// What browsers call the stream of remote tracks that no `a=msid` names.
const DEFAULT_STREAM: &str = "default";

/// A `track` event that a browser fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackEvent {
    /// The ids of `event.streams`, each once; empty for a track without a stream.
    pub streams: Vec<String>,
}

/// Whether setting a remote description fires `track` for `remote`, one of its m-sections.
///
/// `fired_before` is the transceiver's `[[FiredDirection]]`: the direction, as we see it, that the last remote
/// description left behind; None for a transceiver that never met one. The event fires when we newly receive.
/// For an answer `offered` is the direction of our own offer, because an answer cannot widen it.
#[must_use]
pub fn ontrack(
    fired_before: Option<Direction>,
    offered: Option<Direction>,
    remote: &MediaSection,
) -> Option<TrackEvent> {
    let now = fired_direction(offered, remote);
    let received = fired_before.is_some_and(Direction::receives);
    (now.receives() && !received).then(|| TrackEvent { streams: remote_streams(remote) })
}

/// The streams of a remote track, each once. A text that says nothing of streams puts its tracks into one default
/// stream; `a=msid:-` puts them into none (RFC 9429 §5.10, and what browsers do).
#[must_use]
pub fn remote_streams(remote: &MediaSection) -> Vec<String> {
    if remote.msids.is_empty() {
        return vec![DEFAULT_STREAM.to_owned()];
    }
    remote.streams().into_iter().map(str::to_owned).collect()
}

/// What `[[FiredDirection]]` becomes when `remote` is set: the remote direction seen from here, within our offer.
#[must_use]
pub fn fired_direction(offered: Option<Direction>, remote: &MediaSection) -> Direction {
    seen_here(offered, remote.effective_direction())
}

/// The direction of a remote section as we see it, within what we offered.
pub(super) fn seen_here(offered: Option<Direction>, remote: Direction) -> Direction {
    let seen_here = remote.reversed();
    offered.map_or(seen_here, |offered| offered.intersect(seen_here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::SdpFacts;
    use Direction::{Inactive, Recvonly, Sendonly, Sendrecv};

    fn section(direction: Direction, msids: &str, port: u16) -> MediaSection {
        let text = format!("v=0\nm=video {port} UDP/TLS/RTP/SAVPF 96\na=mid:1\na={direction}\n{msids}");
        SdpFacts::parse(&text).sections.remove(0)
    }

    #[test]
    fn an_offer_fires_when_we_newly_receive() {
        for (before, offer, fires) in [
            (None, Sendrecv, true),
            (None, Sendonly, true),
            (None, Recvonly, false),
            (None, Inactive, false),
            (Some(Recvonly), Sendrecv, false),
            (Some(Sendrecv), Sendonly, false),
            (Some(Inactive), Sendonly, true),
            (Some(Sendonly), Sendrecv, true),
            (Some(Sendrecv), Inactive, false),
        ] {
            let event = ontrack(before, None, &section(offer, "", 9));
            assert_eq!(event.is_some(), fires, "{before:?} then an offer of {offer}");
        }
    }

    #[test]
    fn an_answer_fires_when_it_sends_within_our_offer() {
        for (offered, answer, fires) in [
            (Sendrecv, Sendrecv, true),
            (Sendrecv, Sendonly, true),
            (Sendrecv, Recvonly, false),
            (Sendrecv, Inactive, false),
            (Recvonly, Sendonly, true),
            (Sendonly, Recvonly, false),
            (Sendonly, Sendrecv, false),
        ] {
            let event = ontrack(None, Some(offered), &section(answer, "", 9));
            assert_eq!(event.is_some(), fires, "{offered} answered {answer}");
        }
    }

    #[test]
    fn streams_come_from_msid() {
        for (msids, streams) in [
            ("a=msid:s t\n", vec!["s"]),
            ("a=msid:- t\n", vec![]),
            ("a=msid:s t\na=msid:u t\n", vec!["s", "u"]),
            ("", vec!["default"]),
        ] {
            let event = ontrack(None, None, &section(Sendrecv, msids, 9)).expect("fires");
            assert_eq!(event.streams, streams, "{msids}");
        }
    }

    #[test]
    fn a_rejected_section_fires_nothing() {
        assert_eq!(ontrack(None, None, &section(Sendrecv, "", 0)), None);
        assert!(ontrack(None, None, &section(Sendrecv, "a=bundle-only\n", 0)).is_some());
    }
}
