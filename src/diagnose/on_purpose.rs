//! A network that is bad on purpose: what it explains is nobody's fault, and the report tells of it in a note.

use super::view::View;
use crate::timeline::ImpairedPackets;

/// What lost, late and disordered datagrams look like.
const OF_ANY_TROUBLE: &[&str] = &[
    "ice-slow-connect",
    "ice-gathering-slow",
    "ice-transient-disconnect",
    "media-loss",
    "media-incomplete-frames",
    "media-nack-ignored",
    "media-frozen",
    "media-paused",
    "media-low-fps",
    "media-pli-storm",
    "media-pli-ignored",
    "media-jitter",
    "media-latency",
    "media-av-desync",
    "media-clock-drift",
    "media-bitrate-stuck",
    "end-hangup-media-continues",
];

/// What a way looks like on which hardly anything, or nothing for a time, gets through.
const OF_A_CLOSED_WAY: &[&str] = &[
    "turn-unreachable",
    "ice-udp-blackholed",
    "ice-asymmetric",
    "ice-no-nomination",
    "ice-consent-lost",
    "ice-restart-missing",
    "ice-peer-gone",
    "dtls-not-started",
    "dtls-mtu",
    "rtp-none",
    "rtp-none-from-us",
    "rtp-one-way",
    "rtp-no-rtcp",
    "media-no-keyframe",
    "media-mtu-blackhole",
    "media-sr-missing",
    "dc-sctp-init-timeout",
    "dc-open-missing",
    "dc-stalled",
    "dc-abort",
];

/// What a mistake of ours shows about the other side: how it copes.
const REVEALED: &[(&str, &[&str])] = &[
    ("ice-transient-disconnect", &["end-closed-on-disconnected"]),
    ("ice-consent-lost", &["end-closed-on-disconnected", "ice-restart-missing"]),
    ("glare-both-offers", &["glare-both-impolite", "glare-rollback-unsupported"]),
    ("end-hangup-media-continues", &["end-hangup-media-continues"]),
];

/// Whether a mistake that our own side makes on purpose may have caused that finding.
pub(super) fn ours(view: &View<'_>, id: &str) -> bool {
    let reveals = |mistake: &String| {
        let row = REVEALED.iter().find(|(of, _)| of == mistake);
        row.is_some_and(|(_, ids)| ids.contains(&id))
    };
    let mistakes = &view.facts.mistakes;
    !mistakes.is_empty() && !mistakes.iter().any(reveals)
}

/// Chance that takes this share of what goes one way closes it.
const CLOSING_LOSS: f64 = 0.3;

/// Whether what was done on purpose explains that finding.
pub(super) fn explains(view: &View<'_>, id: &str) -> bool {
    let mut rows = view.own().impaired.iter().chain(&view.other().impaired);
    let closed = |row: &ImpairedPackets| {
        row.blocked + row.oversized + row.overflowed > 0
            || row.lost as f64 >= row.packets as f64 * CLOSING_LOSS
    };
    let troubled =
        |row: &ImpairedPackets| closed(row) || row.lost + row.duplicated + row.reordered + row.delayed > 0;
    (OF_ANY_TROUBLE.contains(&id) && rows.clone().any(troubled))
        || (OF_A_CLOSED_WAY.contains(&id) && rows.any(closed))
}
