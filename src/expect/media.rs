//! Judges what is sent and received: directions, remote tracks, stamps, transceivers.

use std::collections::BTreeSet;

use super::judge::Look;
use crate::facts::{Facts, MidFacts, PeerFacts, Proof, TransceiverRow};
use crate::jsep::{Direction, MediaKind, SdpType, Side};
use crate::plan::{ExpectedTransceiver, Op};

/// `audio and video`, `video`, `none`.
pub(super) fn kinds_text(kinds: &BTreeSet<MediaKind>) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    if names.is_empty() { "none".into() } else { names.join(" and ") }
}

/// Exactly these kinds are sent, by the current directions.
pub(super) fn sends(peer: &PeerFacts, op: Op, kinds: &BTreeSet<MediaKind>) -> Look {
    let Some((id, rows)) = &peer.transceivers else {
        return Look::unmeasured("no transceiver table was taken");
    };
    let sent = sent(rows);
    Look::new((sent == *kinds) == (op == Op::Eq), directions(&sent, rows)).citing([id])
}

/// Each of these kinds is sent, maybe others too.
pub(super) fn sends_each(peer: &PeerFacts, kinds: &BTreeSet<MediaKind>) -> Look {
    let Some((id, rows)) = &peer.transceivers else {
        return Look::unmeasured("no transceiver table was taken");
    };
    let sent = sent(rows);
    let held: BTreeSet<MediaKind> =
        kinds.difference(&sent).copied().filter(|&kind| is_held_by_other(peer, rows, kind)).collect();
    let holds = kinds.difference(&sent).all(|kind| held.contains(kind));
    let mut observed = directions(&sent, rows);
    if !held.is_empty() {
        observed +=
            &format!("; the {} holds {}, which was sent before", peer.role.other(), kinds_text(&held));
    }
    Look::new(holds, observed).citing([id])
}

/// Each of these kinds was sent at some time.
pub(super) fn sent_before_hold(peer: &PeerFacts, kinds: &BTreeSet<MediaKind>) -> Look {
    let Some((id, rows)) = &peer.transceivers else {
        return Look::unmeasured("no transceiver table was taken");
    };
    let observed = format!("{} was sent; now {}", kinds_text(&peer.sent), directions(&sent(rows), rows));
    Look::new(peer.sent.is_superset(kinds), observed).citing([id])
}

/// This side has sent that kind and still wishes to, but the last negotiation does not let it.
fn is_held_by_other(peer: &PeerFacts, rows: &[TransceiverRow], kind: MediaKind) -> bool {
    let wishes = |row: &TransceiverRow| {
        row.kind == kind
            && row.direction.sends()
            && row.current_direction.is_some_and(|current| !current.sends())
    };
    peer.sent.contains(&kind) && rows.iter().any(wishes)
}

fn sent(rows: &[TransceiverRow]) -> BTreeSet<MediaKind> {
    let sends = |row: &&TransceiverRow| row.current_direction.is_some_and(Direction::sends);
    rows.iter().filter(sends).map(|row| row.kind).collect()
}

fn directions(sent: &BTreeSet<MediaKind>, rows: &[TransceiverRow]) -> String {
    let silent: Vec<String> = rows
        .iter()
        .filter(|row| !row.current_direction.is_some_and(Direction::sends))
        .map(|row| format!("{} {} is {}", row.kind, mid(row.mid.as_ref()), current(row.current_direction)))
        .collect();
    if silent.is_empty() { kinds_text(sent) } else { format!("{}; {}", kinds_text(sent), silent.join(", ")) }
}

/// Exactly these kinds of remote tracks: `track` fired, media came, and it is proven to be the peer's.
pub(super) fn tracks(facts: &Facts, peer: &PeerFacts, op: Op, kinds: &BTreeSet<MediaKind>) -> Look {
    let present: BTreeSet<MediaKind> = peer.tracks().filter_map(|(_, mid)| mid.kind).collect();
    let evidence = peer.tracks().filter_map(|(_, mid)| mid.track.as_ref());
    if op == Op::Ne {
        return Look::new(present != *kinds, found(&present)).citing(evidence);
    }
    if present != *kinds {
        let observed = mismatch(facts, peer, &present, kinds);
        return Look::new(false, observed)
            .citing(evidence)
            .citing(peer.last_answer().map(|answer| &answer.id));
    }
    match kinds.iter().find_map(|&kind| unproven(facts, peer, kind)) {
        Some(look) => look,
        None => Look::new(true, found(&present)).citing(evidence).citing(proofs(peer)),
    }
}

fn proofs(peer: &PeerFacts) -> impl Iterator<Item = &String> {
    peer.tracks().filter_map(|(_, mid)| mid.proof.as_ref()).map(|(id, _)| id)
}

/// `audio only`, `audio and video`, `no remote track`.
fn found(present: &BTreeSet<MediaKind>) -> String {
    match present.len() {
        0 => "no remote track".into(),
        1 => format!("{} only", kinds_text(present)),
        _ => kinds_text(present),
    }
}

fn mismatch(
    facts: &Facts,
    peer: &PeerFacts,
    present: &BTreeSet<MediaKind>,
    kinds: &BTreeSet<MediaKind>,
) -> String {
    if let Some(why) = why_nothing(facts, peer)
        && present.is_empty()
    {
        return format!("{}; {why}", found(present));
    }
    let missing = kinds.difference(present).map(|&kind| why_missing(peer, kind));
    let surplus = present.difference(kinds).map(|kind| format!("{kind} was not expected"));
    let reasons: Vec<String> = missing.chain(surplus).collect();
    format!("{}; {}", found(present), reasons.join("; "))
}

/// Why no kind of media can have come.
fn why_nothing(facts: &Facts, peer: &PeerFacts) -> Option<String> {
    let other = peer.role.other();
    if peer.last_answer().is_none() {
        return Some("there was no answer".into());
    }
    if peer.timing.dtls.is_some() {
        return None;
    }
    Some(match (facts.vanished(), peer.states.ice.last()) {
        (Some(left), _) => format!("the {other} vanished before the call was connected ({})", left.reason),
        (None, Some(ice)) if peer.timing.ice.is_none() => {
            format!("the call never connected (ICE: {})", ice.state)
        }
        _ => "the call never connected".into(),
    })
}

/// Why there is no remote track of that kind: the first layer that did not let it through.
fn why_missing(peer: &PeerFacts, kind: MediaKind) -> String {
    let other = peer.role.other();
    let Some(answer) = peer.last_answer() else { return format!("no {kind}") };
    let of_kind = || answer.sdp.sections.iter().enumerate().filter(|(_, section)| section.kind == Some(kind));
    // As this peer sees it: what a local answer receives, or what a remote answer sends.
    let comes = |direction: Direction| match answer.side {
        Side::Local => direction.receives(),
        Side::Remote => direction.sends(),
    };
    if let Some((index, section)) = of_kind().find(|(_, section)| comes(section.effective_direction())) {
        let mid = section.mid.clone().unwrap_or_else(|| index.to_string());
        return unreceived(peer, kind, &mid);
    }
    let Some((index, section)) = of_kind().next() else {
        return format!("the answer has no {kind} m-section, so the {other} cannot send {kind}");
    };
    let said =
        if section.is_rejected() { "rejected (port 0)".to_owned() } else { format!("{}", section.direction) };
    match answer.side {
        Side::Remote => {
            format!("the answer's m-section {index} ({kind}) is {said}, so the {other} does not send {kind}")
        }
        Side::Local => {
            let mut offers = peer.descriptions.iter().rev().filter(|known| known.sdp_type == SdpType::Offer);
            let offered = offers
                .find(|known| known.side == Side::Remote)
                .and_then(|offer| offer.sdp.sections.get(index))
                .is_some_and(|offered| offered.effective_direction().sends());
            let why = match offered {
                true => format!("the {} itself does not take what is offered", peer.role),
                false => format!("the {other} did not offer to send {kind}"),
            };
            format!("the answer's m-section {index} ({kind}) is {said}, as {why}")
        }
    }
}

/// The answer lets it through, and still no track counts.
fn unreceived(peer: &PeerFacts, kind: MediaKind, mid: &str) -> String {
    let fired = peer.mids.get(mid).is_some_and(|facts| facts.track.is_some());
    let received = peer.mids.get(mid).is_some_and(MidFacts::received);
    match (fired, received) {
        (true, _) => format!("`ontrack` fired for {kind} on mid {mid}, but no {kind} packet came"),
        (false, true) => format!("{kind} came on mid {mid}, but `ontrack` did not fire"),
        (false, false) => format!("the answer lets {kind} through on mid {mid}, but `ontrack` did not fire"),
    }
}

/// A track of that kind is there; what is wrong if none is proven to be the peer's.
fn unproven(facts: &Facts, peer: &PeerFacts, kind: MediaKind) -> Option<Look> {
    let of_kind: Vec<(&str, &MidFacts)> = peer.tracks().filter(|(_, mid)| mid.kind == Some(kind)).collect();
    if let Some((mid, track)) = of_kind.iter().find(|(mid, track)| silent_again(peer, mid, track)) {
        let text = format!("{kind} did not come again on mid {mid} after `ontrack` fired once more");
        return Some(Look::new(false, text).citing(&track.track));
    }
    let stamping = facts.peer(peer.role.other()).announces_stamps();
    let proven = |mid: &MidFacts| {
        let accepted = mid.proof.as_ref().is_some_and(|(_, proof)| !stamping || *proof == Proof::Stamped);
        accepted && mid.wrongs.is_empty()
    };
    if of_kind.iter().any(|(_, mid)| proven(mid)) {
        return None;
    }
    let (mid, track) = of_kind.first()?;
    if let Some(wrong) = track.wrongs.first() {
        return Some(
            Look::new(false, format!("the {kind} on mid {mid} is wrong: {}", wrong.text)).citing([&wrong.id]),
        );
    }
    let frames = track.last_sample.as_ref().map(|(_, sample)| sample.frames);
    Some(match frames {
        _ if stamping && track.proof.is_none() && stamped_frames(track) > 0 => Look::unmeasured(format!(
            "{} stamped {kind} frames came on mid {mid}, too few to prove that they are the peer's",
            stamped_frames(track)
        )),
        _ if stamping => Look::new(false, format!("{kind} came on mid {mid}, but without the peer's stamps")),
        Some(0) => Look::new(false, format!("{kind} packets came on mid {mid}, but no whole frame")),
        _ => Look::unmeasured(format!("{kind} came on mid {mid}, but could not be proven to be the peer's")),
    })
}

/// A track that was resumed, still receives by its direction, and has brought nothing since.
fn silent_again(peer: &PeerFacts, mid: &str, track: &MidFacts) -> bool {
    let receives = |row: &TransceiverRow| {
        row.mid.as_deref() == Some(mid) && row.current_direction.is_some_and(Direction::receives)
    };
    track.awaits_media_again()
        && peer.transceivers.as_ref().is_some_and(|(_, rows)| rows.iter().any(receives))
}

/// None where the peer announces no stamps, or nothing came that could carry them.
pub(super) fn stamps(facts: &Facts, peer: &PeerFacts) -> Option<Look> {
    if !facts.peer(peer.role.other()).announces_stamps() || peer.tracks().next().is_none() {
        return None;
    }
    let unproven = || peer.tracks().filter(|(_, mid)| !matches!(mid.proof, Some((_, Proof::Stamped))));
    let name = |mid: &str, facts: &MidFacts| {
        format!("mid {mid}{}", facts.kind.map(|kind| format!(" ({kind})")).unwrap_or_default())
    };
    let bare: Vec<String> = unproven()
        .filter(|(_, facts)| facts.proof.is_some() || stamped_frames(facts) == 0)
        .map(|(mid, facts)| format!("none on {}", name(mid, facts)))
        .collect();
    if !bare.is_empty() {
        return Some(Look::new(false, bare.join(", ")).citing(proofs(peer)));
    }
    let few: Vec<String> =
        unproven().map(|(mid, facts)| format!("too few on {}", name(mid, facts))).collect();
    Some(if few.is_empty() {
        Look::new(true, "on every remote track").citing(proofs(peer))
    } else {
        Look::unmeasured(few.join(", "))
    })
}

fn stamped_frames(mid: &MidFacts) -> u64 {
    mid.last_sample.as_ref().map_or(0, |(_, sample)| sample.stamped_frames)
}

/// The table is exactly this one.
pub(super) fn transceivers(peer: &PeerFacts, op: Op, expected: &[ExpectedTransceiver]) -> Look {
    let Some((id, rows)) = &peer.transceivers else {
        return Look::unmeasured("no transceiver table was taken");
    };
    let same = rows.len() == expected.len()
        && rows.iter().zip(expected).all(|(row, expected)| is_row(row, expected));
    Look::new(same == (op == Op::Eq), rows_text(rows)).citing([id])
}

/// Every transceiver is sendrecv, and there is one.
pub(super) fn sendrecv_everywhere(peer: &PeerFacts) -> Look {
    let Some((id, rows)) = &peer.transceivers else {
        return Look::unmeasured("no transceiver table was taken");
    };
    let all = rows.iter().all(|row| {
        row.direction == Direction::Sendrecv && row.current_direction == Some(Direction::Sendrecv)
    });
    Look::new(all && !rows.is_empty(), rows_text(rows)).citing([id])
}

fn is_row(row: &TransceiverRow, expected: &ExpectedTransceiver) -> bool {
    row.mid == expected.mid
        && row.kind == expected.kind
        && row.direction == expected.direction
        && row.current_direction == expected.current_direction
}

/// As it is stated: `0 audio sendrecv/sendonly, 1 video ...`.
fn rows_text(rows: &[TransceiverRow]) -> String {
    if rows.is_empty() {
        return "none".into();
    }
    let row = |row: &TransceiverRow| {
        let current = row.current_direction.map_or("-", Direction::as_str);
        format!("{} {} {}/{current}", row.mid.as_deref().unwrap_or("-"), row.kind, row.direction)
    };
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}

fn mid(mid: Option<&String>) -> String {
    mid.map_or_else(|| "without a mid".into(), |mid| format!("(mid {mid})"))
}

fn current(direction: Option<Direction>) -> &'static str {
    direction.map_or("not negotiated", Direction::as_str)
}
