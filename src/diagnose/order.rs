//! What is told of what was found, and in which order.

use super::catalogue::Layer;
use super::finding::{Draft, Explains, Finding, Findings, Found, Severity};
use super::on_purpose;
use super::view::View;

/// What is specific, and the general that it makes superfluous.
const INSTEAD_OF: &[(&str, &str)] = &[
    ("sdp-addtransceiver-unassociated", "sdp-answer-recvonly"),
    ("sdp-answer-without-track", "sdp-answer-recvonly"),
    ("sdp-track-added-after-answer", "sdp-answer-recvonly"),
    ("sdp-no-common-codec", "sdp-mline-rejected"),
    ("sdp-mline-recycled-wrong", "sdp-mid-mismatch"),
    ("sdp-mline-order", "sdp-mid-mismatch"),
    ("sdp-mline-count", "sdp-mid-mismatch"),
    ("sdp-mid-mismatch", "sdp-bundle-absent"),
    ("sdp-pt-mapping", "sdp-bundle-pt-collision"),
    ("sdp-no-common-codec", "sdp-pt-mapping"),
    ("sdp-no-common-codec", "sdp-feedback-missing"),
    ("sdp-direction-illegal", "rtp-direction-violation"),
    ("sdp-fingerprint-missing", "sdp-proto-mismatch"),
    ("sig-sdp-shape", "sig-sdp-text-damaged"),
    ("sig-self-echo", "sig-crossed-sessions"),
    ("sig-crossed-sessions", "ice-creds-changed-no-restart"),
    ("sdp-setup-invalid", "dtls-both-passive"),
    ("sdp-setup-invalid", "dtls-both-active"),
    ("sdp-setup-invalid", "dtls-not-started"),
    ("turn-quota", "turn-unreachable"),
    ("turn-401", "turn-probe-first-401"),
    ("sdp-bandwidth-zero", "media-bitrate-stuck"),
    ("rtp-none", "rtp-one-way"),
    ("media-no-keyframe", "media-undecodable"),
    ("media-incomplete-frames", "media-loss"),
    ("media-incomplete-frames", "media-no-keyframe"),
    ("dc-no-mline", "nn-never"),
    ("media-black", "media-low-fps"),
    ("end-closed-on-disconnected", "ice-consent-lost"),
    ("sig-unrouted", "sig-no-answer"),
    ("sig-message-not-understood", "sig-peer-silent"),
    ("sig-message-not-understood", "sig-no-answer"),
    ("sig-message-not-understood", "sig-offer-lost"),
    ("sig-message-not-understood", "ice-peer-sends-no-candidates"),
    ("sig-message-not-understood", "sdp-second-offer-ignored"),
    ("sig-message-not-understood", "ice-restart-unanswered"),
    ("sig-self-echo", "sig-answer-in-stable"),
    ("sig-unrouted", "sig-peer-silent"),
    ("sdp-mline-dropped", "sdp-mid-mismatch"),
    ("sdp-mline-dropped", "sdp-mline-count"),
    ("sdp-version-not-bumped", "sig-rewritten-sdp"),
    ("sdp-proto-mismatch", "sdp-fingerprint-missing"),
    ("sdp-proto-mismatch", "sdp-setup-invalid"),
    ("sdp-kind-missing", "sdp-track-invisible-late-offer"),
    ("sdp-offer-no-media", "sdp-kind-missing"),
    ("sdp-offer-no-media", "sdp-answer-without-track"),
    ("sdp-kind-missing", "sdp-answer-without-track"),
    ("sdp-answer-recvonly", "sdp-answer-without-track"),
    ("ice-transient-disconnect", "media-loss"),
    ("ice-transient-disconnect", "media-latency"),
    ("ice-transient-disconnect", "media-frozen"),
    ("ice-transient-disconnect", "media-paused"),
    ("ice-restart-unanswered", "sdp-second-offer-ignored"),
    ("sig-socket-lost-midcall", "end-no-hangup-message"),
    ("sig-socket-lost-midcall", "dtls-close-notify"),
    ("ice-peer-gone", "end-no-hangup-message"),
    ("ice-peer-gone", "end-abrupt"),
    ("end-no-hangup-message", "dtls-close-notify"),
    ("dtls-both-active", "dtls-fatal-alert"),
    ("rtp-direction-violation", "rtp-undeclared-ssrc"),
    ("rtp-ssrc-changed", "rtp-undeclared-ssrc"),
    ("rtp-ssrc-changed", "media-paused"),
    ("rtp-ssrc-changed", "media-frozen"),
    ("media-incomplete-frames", "media-pli-ignored"),
    ("media-incomplete-frames", "media-nack-ignored"),
    ("media-undecodable", "media-pli-ignored"),
    ("glare-both-impolite", "sdp-second-offer-ignored"),
    ("glare-rollback-no-answer", "sdp-second-offer-ignored"),
    ("glare-both-impolite", "media-paused"),
    ("glare-both-impolite", "media-frozen"),
];

/// Sorts out consequences, faults of our own stack, and what was asked for.
pub(super) fn told(view: &View<'_>, found: Found) -> Findings {
    let Found { mut drafts, mut open } = found;
    // A known limit of the engine explains what stands on DTLS, a defect of ours what stands on descriptions.
    if !view.facts.engine_limits.is_empty() {
        drafts.retain(|draft| {
            // What stands in a description needs no engine to be seen.
            let in_sdp = draft.finding.id == "dtls-hash-unsupported";
            in_sdp || !(Layer::Dtls..=Layer::App).contains(&draft.finding.layer)
        });
    }
    if !view.facts.tester_defects.is_empty() {
        drafts.retain(|draft| draft.finding.layer == Layer::Signaling);
    }
    if view.context.failure_wanted {
        drafts.retain(|draft| !(Layer::Turn..=Layer::App).contains(&draft.finding.layer));
    }
    drafts.retain(|draft| {
        !on_purpose::explains(view, draft.finding.id) && !on_purpose::ours(view, draft.finding.id)
    });
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.finding.id).collect();
    let superfluous = |draft: &Draft| {
        INSTEAD_OF.iter().any(|(specific, general)| *general == draft.finding.id && ids.contains(specific))
    };
    let drafts: Vec<Draft> = drafts.iter().filter(|draft| !superfluous(draft)).cloned().collect();
    let drafts = merged(first_broken(view, drafts));
    let (notes, mut findings): (Vec<Finding>, Vec<Finding>) =
        drafts.into_iter().map(|draft| draft.finding).partition(|finding| finding.severity == Severity::Info);
    // What breaks the call comes before what is only worth mending; within, the order of the layers.
    findings.sort_by_key(|finding| (finding.severity == Severity::Minor, finding.layer));
    open.retain(|open| !findings.iter().any(|finding| finding.id == open.id));
    Findings { findings, notes, open }
}

/// The same fault of the same side on several m-sections is one finding.
fn merged(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut merged: Vec<Draft> = Vec::new();
    for draft in drafts {
        let same = |known: &&mut Draft| {
            (known.finding.id, known.finding.peer) == (draft.finding.id, draft.finding.peer)
        };
        let Some(known) = merged.iter_mut().find(same) else {
            merged.push(draft);
            continue;
        };
        let (known, more) = (&mut known.finding, draft.finding);
        known.severity = known.severity.min(more.severity);
        known.confidence = known.confidence.min(more.confidence);
        known.observed = format!("{}; {}", known.observed, more.observed);
        known.settle = known.settle.take().or(more.settle);
        for id in more.evidence {
            if !known.evidence.contains(&id) {
                known.evidence.push(id);
            }
        }
        for id in more.alternatives {
            if !known.alternatives.contains(&id) {
                known.alternatives.push(id);
            }
        }
        known.shown.extend(more.shown);
    }
    merged
}

/// What is left once the consequences of the first broken layer are gone.
fn first_broken(view: &View<'_>, drafts: Vec<Draft>) -> Vec<Draft> {
    // A description that is wrong later takes nothing from what was already there.
    let whole = |draft: &&Draft| {
        draft.explains == Explains::Everything
            && (draft.finding.layer > Layer::Glare || view.rounds.complete.is_empty() || !view.dtls_was_up())
    };
    let broken = drafts.iter().filter(whole).map(|draft| draft.finding.layer).min();
    let explained: Vec<_> = drafts
        .iter()
        .filter_map(|draft| match draft.explains {
            Explains::Media(side, _) => Some((side, draft.finding.layer)),
            _ => None,
        })
        .collect();
    let stays = |draft: &Draft| {
        let layer = draft.finding.layer;
        let consequence = broken.is_some_and(|broken| layer > broken && layer != Layer::Teardown);
        // What does not reach the other side for a reason is not told once more: it is our media that goes no way.
        let media = matches!(layer, Layer::Rtp | Layer::Media)
            && draft.finding.id == "rtp-one-way"
            && explained.iter().any(|(side, before)| *side == view.facts.own && *before < layer);
        !consequence && !media
    };
    drafts.into_iter().filter(stays).collect()
}
