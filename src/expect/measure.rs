//! Judges what is a number or a candidate type, and says what was stated.

use std::collections::BTreeSet;

use super::judge::Look;
use super::media::kinds_text;
use crate::facts::{InboundMedia, Latency, MidFacts, PeerFacts};
use crate::jsep::Direction;
use crate::plan::{Op, Subject, Value, ValueKind};

/// Candidates of the other side came, trickled or in a description.
pub(super) fn remote_candidates(peer: &PeerFacts) -> Look {
    let (trickled, in_sdp) = (peer.candidates.received, peer.candidates.received_in_sdp);
    Look::new(trickled + in_sdp > 0, format!("{trickled} trickled, {in_sdp} in descriptions"))
}

/// The type of one end, or of either end, of the selected pair.
pub(super) fn pair(peer: &PeerFacts, subject: Subject, op: Op, word: &str) -> Look {
    let Some((id, pair)) = &peer.pair else { return Look::unmeasured("no candidate pair was selected") };
    let (local, remote) = (pair.local.candidate_type.as_str(), pair.remote.candidate_type.as_str());
    let has = match subject {
        Subject::PairLocal => local == word,
        Subject::PairRemote => remote == word,
        // Each end also counts as what it was signalled as: a peer-reflexive one was often a host or a relay.
        _ => {
            local == word
                || remote == word
                || peer.signalled.get(&pair.remote.address).is_some_and(|t| t == word)
        }
    };
    Look::new(has == (op == Op::Eq), format!("{local} to {remote}")).citing([id])
}

/// The types of candidates that were signalled one way.
pub(super) fn types(peer: &PeerFacts, subject: Subject, op: Op, stated: &BTreeSet<String>) -> Look {
    let seen = if subject == Subject::SentTypes { &peer.sent_types } else { &peer.received_types };
    Look::new((seen == stated) == (op == Op::Eq), types_text(seen))
}

fn types_text(types: &BTreeSet<String>) -> String {
    if types.is_empty() {
        return "none".to_owned();
    }
    types.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A number of the peer, or one of each of its remote tracks; then all of them must hold.
pub(super) fn number(peer: &PeerFacts, subject: Subject, op: Op, stated: f64) -> Look {
    let single = |measured: Option<f64>, missing: &str| match measured {
        Some(value) => Look::new(op.holds(value, stated), text(subject, value)),
        None => Look::unmeasured(missing),
    };
    match subject {
        Subject::CandidatesSent => single(Some(peer.candidates.sent as f64), ""),
        Subject::CandidatesReceived => single(Some(peer.candidates.received as f64), ""),
        Subject::Negotiations => single(Some(peer.negotiations as f64), ""),
        Subject::TrackEvents => single(Some(peer.track_events as f64), ""),
        Subject::Rtt => {
            let rtt = peer.pair.as_ref().and_then(|(_, pair)| pair.rtt_ms);
            let missing = "no round-trip time of the selected pair was measured";
            single(rtt, missing).citing(peer.pair.as_ref().map(|(id, _)| id))
        }
        _ => match time(peer, subject) {
            Some(Some(ms)) => single(Some(ms), "").finally(),
            // What never happened was not in time; by how much it was late, nobody knows.
            Some(None) if matches!(op, Op::Lt | Op::Le | Op::Eq) => Look::new(false, "it never happened"),
            Some(None) => Look::unmeasured("it never happened"),
            None => each_track(peer, subject, op, stated),
        },
    }
}

/// Some if it is a time at all; milliseconds since the zero of this side.
fn time(peer: &PeerFacts, subject: Subject) -> Option<Option<f64>> {
    let timing = &peer.timing;
    let at = match subject {
        Subject::TimeAnswer => timing.answer,
        Subject::TimeIce => timing.ice,
        Subject::TimeDtls => timing.dtls,
        Subject::TimeConnected => timing.connected,
        Subject::TimeFirstRtp => timing.first_rtp,
        Subject::TimeFirstFrame => timing.first_frame,
        _ => return None,
    };
    Some(timing.since_zero_ms(at))
}

/// Every mid that receives or has received.
fn each_track(peer: &PeerFacts, subject: Subject, op: Op, stated: f64) -> Look {
    let mut measured: Vec<(&str, Option<f64>)> = peer
        .mids
        .iter()
        .filter(|(_, mid)| mid.received())
        .map(|(id, mid)| (id.as_str(), of_mid(mid, subject)))
        .collect();
    let counts = subject.info().value == ValueKind::Count;
    if counts && peer.inbound.is_some() {
        let silent = receiving(peer).filter(|mid| !peer.mids.get(*mid).is_some_and(MidFacts::received));
        measured.extend(silent.map(|mid| (mid, Some(0.0))));
        if measured.is_empty() {
            return Look::new(op.holds(0.0, stated), "no media came");
        }
    }
    if measured.is_empty() {
        return Look::unmeasured("no media came that could be measured");
    }
    let holds = measured.iter().try_fold(true, |all, (_, value)| Some(all && op.holds((*value)?, stated)));
    let failing = measured.iter().any(|(_, value)| value.is_some_and(|value| !op.holds(value, stated)));
    let row = |(mid, value): &(&str, Option<f64>)| match value {
        Some(value) => format!("{} on mid {mid}", text(subject, *value)),
        None => format!("not measured on mid {mid}"),
    };
    let observed = measured.iter().map(row).collect::<Vec<_>>().join(", ");
    // One track that breaks the demand settles it, even if another one was not measured.
    Look { holds: if failing { Some(false) } else { holds }, ..Look::unmeasured(observed) }
}

/// The mids whose current direction receives.
fn receiving(peer: &PeerFacts) -> impl Iterator<Item = &str> {
    let rows = peer.transceivers.iter().flat_map(|(_, rows)| rows);
    rows.filter(|row| row.current_direction.is_some_and(Direction::receives))
        .filter_map(|row| row.mid.as_deref())
}

fn of_mid(mid: &MidFacts, subject: Subject) -> Option<f64> {
    if subject == Subject::Streams {
        return Some(mid.streams.len() as f64);
    }
    let (_, sample) = mid.last_sample.as_ref()?;
    match subject {
        Subject::Frames => Some(sample.frames as f64),
        Subject::Packets => Some(sample.packets as f64),
        Subject::Stamped => Some(sample.stamped_frames as f64),
        Subject::Freezes => Some(sample.freezes as f64),
        Subject::Loss => loss(sample),
        Subject::Bitrate => mid.bitrate(),
        Subject::LatencyP50 => latency(sample, |latency| latency.p50_ms),
        Subject::LatencyP95 => latency(sample, |latency| latency.p95_ms),
        Subject::LatencyMax => latency(sample, |latency| latency.max_ms),
        _ => None,
    }
}

fn loss(sample: &InboundMedia) -> Option<f64> {
    let sent = sample.packets + sample.empty_packets + sample.packets_lost;
    (sent > 0).then(|| sample.packets_lost as f64 / sent as f64)
}

/// A figure below the error of the clocks says nothing.
fn latency(sample: &InboundMedia, figure: impl Fn(&Latency) -> f64) -> Option<f64> {
    let latency = sample.latency.as_ref().filter(|latency| latency.count > 0)?;
    let value = figure(latency);
    (value >= latency.error_ms).then_some(value)
}

/// A value with its unit.
fn text(subject: Subject, value: f64) -> String {
    match subject.info().value {
        ValueKind::Duration if value >= 10_000.0 => format!("{:.1} s", value / 1e3),
        ValueKind::Duration => format!("{value:.1} ms"),
        ValueKind::Share => format!("{:.2} %", value * 100.0),
        ValueKind::Bitrate if value >= 1e6 => format!("{:.2} Mbps", value / 1e6),
        ValueKind::Bitrate => format!("{:.0} kbps", value / 1e3),
        _ => format!("{value:.0}"),
    }
}

/// A comparison in words for people.
pub(super) fn stated(subject: Subject, op: Op, value: &Value) -> String {
    let not = if op == Op::Ne { "not " } else { "" };
    match value {
        Value::Kinds(kinds) => not.to_owned() + &kinds_text(kinds),
        Value::Any => "anything".into(),
        Value::Word(word) if subject == Subject::Ice && op == Op::Eq && word == "connected" => {
            "connected or completed, until hang-up".into()
        }
        Value::Word(word) if matches!(subject, Subject::Ice | Subject::Dtls | Subject::Connection) => {
            format!("{not}{word} until hang-up")
        }
        Value::Word(word) => format!("{not}{word}"),
        Value::Number(number) => match op {
            Op::Eq => text(subject, *number),
            _ => format!("{} {}", op.as_str(), text(subject, *number)),
        },
        Value::Path(words) => not.to_owned() + &words.join(", "),
        Value::Types(types) => not.to_owned() + &types_text(types),
        Value::Transceivers(rows) => {
            let row = |row: &crate::plan::ExpectedTransceiver| {
                let current = row.current_direction.map_or("-", Direction::as_str);
                format!("{} {} {}/{current}", row.mid.as_deref().unwrap_or("-"), row.kind, row.direction)
            };
            not.to_owned() + &rows.iter().map(row).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Whether a limit of that name can be the reason why the subject did not come out right. The name of a limit begins
/// with its layer; everything that stands on that layer is touched.
pub(super) fn limit_touches(limit: &str, subject: Subject) -> bool {
    let layer = match limit.split('-').next() {
        Some("ice") => 1,
        Some("dtls") => 2,
        Some("rtp" | "media") => 3,
        _ => 0,
    };
    layer_of(subject).is_some_and(|stands_on| stands_on >= layer)
}

/// When callcheck did not follow its model, nothing that depends on the connection can be trusted.
pub(super) fn defect_touches(subject: Subject) -> bool {
    layer_of(subject).is_some()
}

/// 0 descriptions, 1 ICE, 2 DTLS, 3 media; None for what belongs to the room.
fn layer_of(subject: Subject) -> Option<u8> {
    use Subject as S;
    match subject {
        S::Sends | S::Transceivers | S::Signaling | S::Negotiations | S::TimeAnswer => Some(0),
        S::SignalingPath | S::TrackEvents | S::Streams => Some(0),
        S::Gathering
        | S::Ice
        | S::IcePath
        | S::TimeIce
        | S::Pair
        | S::PairLocal
        | S::PairRemote
        | S::Rtt
        | S::CandidatesSent
        | S::SentTypes => Some(1),
        S::Dtls | S::Connection | S::DtlsPath | S::ConnectionPath | S::TimeDtls | S::TimeConnected => Some(2),
        S::Tracks | S::Frames | S::Packets | S::Stamped | S::Loss | S::Freezes | S::Bitrate => Some(3),
        S::LatencyP50 | S::LatencyP95 | S::LatencyMax | S::TimeFirstRtp | S::TimeFirstFrame => Some(3),
        S::CandidatesReceived | S::ReceivedTypes | S::Hangup | S::Finding => None,
    }
}
