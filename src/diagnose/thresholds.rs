//! When a rule speaks: every limit in one place, for those who want others.

use std::time::Duration;

/// The limits of the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// From joining to the first sign of the other side.
    pub silence: Duration,
    /// From an offer to its answer.
    pub answer: Duration,
    /// From both descriptions to the first remote candidate.
    pub first_candidate: Duration,
    /// From the answer to ICE connected.
    pub ice: Duration,
    /// From the answer to ICE connected, for a call that did connect.
    pub ice_slow: Duration,
    /// From gathering to complete.
    pub gathering: Duration,
    /// From the last candidate, for its end to be announced.
    pub end_of_candidates: Duration,
    /// From ICE connected to DTLS connected.
    pub dtls: Duration,
    /// From DTLS connected to the first RTP packet.
    pub rtp: Duration,
    /// From the first video packet to the first key frame.
    pub key_frame: Duration,
    /// From the first packet to the first whole frame.
    pub frame: Duration,
    /// After `stable`: does another offer follow?
    pub follow_up: Duration,
    /// ICE disconnected for longer is lost, for less is an outage that healed.
    pub consent: Duration,
    /// An outage up to this long is not worth a finding.
    pub transient: Duration,
    /// Media that stood still for longer has stopped.
    pub stalled: Duration,
    /// From the end of media to the hang-up.
    pub hang_up: Duration,
    /// ICE failed, and nobody restarts it.
    pub restart: Duration,
    /// A hold that lasts longer is worth mentioning.
    pub hold: Duration,
    /// The share of lost packets that is worth a finding, and the one that is major; what chance can do is taken off.
    pub loss: (f64, f64),
    /// Packets below which no share is taken.
    pub loss_packets: u64,
    /// Packets without an m-section.
    pub unbound_packets: u64,
    /// Interarrival jitter, milliseconds.
    pub jitter_ms: f64,
    /// One-way latency, 95th percentile, milliseconds.
    pub latency_ms: f64,
    /// Between audio and video, milliseconds.
    pub skew_ms: f64,
    /// Of the RTP clock: the share that is the wrong rate, and the one that is drift.
    pub clock: (f64, f64),
    /// Frames per second of video that has collapsed.
    pub frame_rate: f64,
    /// Sound quieter than this is very quiet, decibels below full scale.
    pub quiet_db: f64,
    /// Offers within the follow-up window that make a storm.
    pub storm: usize,
    /// Bits per second that `b=` leaves for video.
    pub bandwidth: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            silence: seconds(15),
            answer: seconds(10),
            first_candidate: seconds(5),
            ice: seconds(15),
            ice_slow: seconds(5),
            gathering: seconds(5),
            end_of_candidates: seconds(30),
            dtls: seconds(10),
            rtp: seconds(5),
            key_frame: seconds(3),
            frame: seconds(5),
            follow_up: seconds(5),
            consent: seconds(30),
            transient: seconds(10),
            stalled: seconds(3),
            hang_up: seconds(2),
            restart: seconds(10),
            hold: seconds(30),
            loss: (0.05, 0.12),
            loss_packets: 100,
            unbound_packets: 20,
            jitter_ms: 50.0,
            latency_ms: 400.0,
            skew_ms: 100.0,
            clock: (0.05, 0.002),
            frame_rate: 5.0,
            quiet_db: 50.0,
            storm: 3,
            bandwidth: 100_000,
        }
    }
}
