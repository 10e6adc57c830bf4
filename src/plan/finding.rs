//! The names of findings: words that an expectation may state. What they mean is in the catalogue of `diagnose`; a
//! test there holds the two together.

/// Every finding, in the order of the catalogue. Ids are stable.
#[rustfmt::skip]
pub const FINDINGS: &[&str] = &[
    "sig-peer-silent", "sig-offer-lost", "sig-no-answer", "sig-answer-late", "sig-answer-in-stable",
    "sig-offer-in-have-local-offer", "sig-duplicate-offer", "sig-self-echo", "sig-crossed-sessions",
    "sig-sdp-shape", "sig-sdp-text-damaged", "sig-unrouted", "sig-candidate-shape",
    "sig-candidate-before-offer", "sig-socket-lost-midcall", "sig-rewritten-sdp", "sdp-answer-recvonly",
    "sdp-addtransceiver-unassociated", "sdp-answer-without-track", "sdp-track-added-after-answer",
    "sdp-second-offer-ignored", "sdp-answer-inactive", "sdp-answer-sendonly", "sdp-offer-recvonly",
    "sdp-offer-no-media", "sdp-kind-missing", "sdp-direction-illegal", "sdp-mline-rejected",
    "sdp-no-common-codec", "sdp-h264-profile", "sdp-h264-packetization", "sdp-pt-mapping",
    "sdp-bundle-pt-collision", "sdp-extmap-collision", "sdp-mline-count", "sdp-mline-order",
    "sdp-mline-dropped", "sdp-mline-growth", "sdp-mline-recycled-wrong", "sdp-mid-mismatch", "sdp-mid-changed",
    "sdp-bundle-absent", "sdp-bundle-shrunk", "sdp-rtcp-mux-missing", "sdp-fingerprint-missing",
    "sdp-setup-invalid", "sdp-setup-flipped", "sdp-ice-credentials", "sdp-non-trickle-empty", "sdp-msid-absent",
    "sdp-streams-split", "sdp-plan-b", "sdp-rtx-apt-dangling", "sdp-feedback-missing", "sdp-simulcast-mismatch",
    "sdp-mid-ext-missing", "sdp-proto-mismatch", "sdp-bandwidth-zero", "sdp-hold-not-resumed",
    "sdp-version-not-bumped", "sdp-sendonly-offer-stuck", "sdp-pranswer-never-final",
    "sdp-track-invisible-late-offer", "glare-both-offers", "glare-double-rollback", "glare-rollback-no-answer",
    "glare-both-impolite", "glare-rollback-unsupported", "glare-candidates-of-ignored-offer", "nn-storm",
    "nn-never", "glare-stale-answer-after-rollback", "turn-401", "turn-expired", "turn-stale-nonce",
    "turn-403-peer", "turn-quota", "turn-unreachable", "turn-no-tcp-fallback", "turn-tls-cert",
    "turn-private-relay", "turn-relay-ports-closed", "turn-permission-expired", "turn-config-shape",
    "turn-probe-first-401", "turn-not-turn", "turn-tls-failed", "turn-rejected", "turn-open-relay",
    "turn-reaches-inside",
    "ice-peer-sends-no-candidates", "ice-peer-drops-our-candidates",
    "ice-candidates-dropped-before-srd", "ice-no-candidates-at-all", "ice-mdns-unresolvable", "ice-host-only",
    "ice-private-address-only", "ice-loopback-only", "ice-udp-blackholed", "ice-asymmetric", "ice-auth-fail",
    "ice-stale-ufrag", "ice-creds-changed-no-restart", "ice-role-conflict", "ice-no-nomination",
    "ice-lite-lite", "ice-tcp-only", "ice-family-mismatch", "ice-gathering-slow", "ice-eoc-missing",
    "ice-failed-before-answer-path", "ice-consent-lost", "ice-transient-disconnect", "ice-restart-missing",
    "ice-restart-unanswered", "ice-restart-loop", "ice-wrong-mline", "ice-candidate-invalid", "ice-peer-gone",
    "ice-relay-although-direct", "ice-slow-connect", "dtls-not-started", "dtls-both-active",
    "dtls-both-passive", "dtls-fingerprint-mismatch", "dtls-fingerprint-not-verified", "dtls-hash-unsupported",
    "dtls-cert-expired", "dtls-version", "dtls-cipher", "dtls-no-srtp-profile", "dtls-mtu",
    "dtls-client-hello-early", "dtls-close-notify", "dtls-fatal-alert", "srtp-auth-fail", "rtp-none",
    "rtp-none-from-us", "rtp-one-way", "rtp-direction-violation", "rtp-wrong-pt", "rtp-undeclared-ssrc",
    "rtp-mid-mismatch", "rtp-rid-unknown", "rtp-ssrc-changed", "rtp-ssrc-collision", "rtp-no-rtcp",
    "media-no-keyframe", "media-pli-ignored", "media-pli-storm", "media-undecodable", "media-incomplete-frames",
    "media-frozen", "media-black", "media-silence", "media-audio-too-quiet", "media-dtx-false-alarm",
    "media-paused", "media-self-echo", "media-loss", "media-nack-ignored", "media-mtu-blackhole",
    "media-jitter", "media-clock-rate", "media-clock-drift", "media-av-desync", "media-sr-missing",
    "media-bitrate-stuck", "media-low-fps", "media-latency", "media-rotated", "dc-no-mline", "dc-rejected",
    "dc-legacy-sdp", "dc-sctp-init-timeout", "dc-open-missing", "dc-id-parity", "dc-message-too-big",
    "dc-stalled", "dc-abort", "app-ontrack-too-late", "app-autoplay-blocked", "app-stream-attached-wrong",
    "end-no-hangup-message", "end-hangup-media-continues", "end-closed-on-disconnected", "end-abrupt",
    "end-no-cleanup", "end-turn-leak", "end-stop-then-close-offer", "end-reuse-closed-pc", "end-bye-missing",
];

/// Faults of callcheck and of its engine, which are findings as well.
pub const TESTER_FINDINGS: &[&str] = &["engine-limit", "tester-defect"];
