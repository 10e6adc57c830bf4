//! Rules about RTP: does it come where it was negotiated, and does it belong somewhere?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::finding::{Draft, Explains, Found};
use super::sdp::streams::stands_empty;
use super::view::{View, kinds_with_mids, seconds};
use crate::facts::{Moment, PeerFacts, UnboundRtp};
use crate::jsep::{MediaKind, Role, Side};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    if !view.dtls_was_up() || view.context.descriptions_only {
        return;
    }
    let lost = unbound(view, found);
    ours(view, found);
    if !lost {
        none(view, found);
    }
    one_way(view, found);
    against_direction(view, found);
    no_rtcp(view, found);
}

/// The m-sections on which that side receives at the end, and since when, in its own time.
pub(super) fn receiving(view: &View<'_>, side: Role) -> Vec<(MediaKind, String, u64)> {
    let Some(last) = view.rounds.complete.last() else { return Vec::new() };
    let mut since: BTreeMap<&str, u64> = BTreeMap::new();
    for round in &view.rounds.complete {
        for place in round.places() {
            let Some(mid) = place.offered.mid.as_deref() else { continue };
            if round.sends(side.other(), place) {
                since.entry(mid).or_insert_with(|| round.answer.first().at_us);
            } else {
                since.remove(mid);
            }
        }
    }
    let of_last = last.places().filter_map(|place| {
        let (kind, mid) = (place.offered.kind?, place.offered.mid.clone()?);
        let at_us = *since.get(mid.as_str())?;
        Some((kind, mid, at_us))
    });
    of_last.collect()
}

fn packets(peer: &PeerFacts, mid: &str) -> u64 {
    let Some(facts) = peer.mids.get(mid) else { return 0 };
    let counted = facts.last_sample.as_ref().map_or(0, |(_, sample)| sample.packets);
    counted.max(u64::from(facts.received()))
}

/// RTP that no m-section takes. True if that explains what does not come.
fn unbound(view: &View<'_>, found: &mut Found) -> bool {
    let own = view.own();
    let local = own.history.of(Side::Local).rfind(|known| known.set.is_some());
    let sections = || local.iter().flat_map(|known| &known.sdp.sections);
    let types: BTreeSet<u8> = sections().flat_map(|s| &s.codecs).map(|codec| codec.payload_type).collect();
    let mids: BTreeSet<&str> = sections().filter_map(|section| section.mid.as_deref()).collect();
    let rids: BTreeSet<&str> = sections().flat_map(|s| &s.rids).map(|rid| rid.id.as_str()).collect();
    let mut by_mode: BTreeMap<&'static str, Vec<(&Moment, &UnboundRtp)>> = BTreeMap::new();
    for (moment, rtp) in own.history.unbound.values() {
        if rtp.packets <= view.limits().unbound_packets {
            continue;
        }
        let unknown =
            |known: &BTreeSet<&str>, id: &Option<String>| id.as_deref().is_some_and(|id| !known.contains(id));
        let id = match rtp {
            rtp if !types.contains(&rtp.payload_type) => "rtp-wrong-pt",
            rtp if unknown(&mids, &rtp.mid) => "rtp-mid-mismatch",
            rtp if unknown(&rids, &rtp.rid) => "rtp-rid-unknown",
            // Nothing was negotiated that it could be.
            _ if receiving(view, own.role).is_empty() => "rtp-direction-violation",
            _ if follows(view, moment) => "rtp-ssrc-changed",
            _ => "rtp-undeclared-ssrc",
        };
        by_mode.entry(id).or_default().push((moment, rtp));
    }
    let any = !by_mode.is_empty();
    for (id, list) in by_mode {
        let (_, rtp) = list[0];
        let text = match id {
            "rtp-wrong-pt" => format!(
                "{} packets came with payload type {}, which we did not describe",
                rtp.packets, rtp.payload_type
            ),
            "rtp-mid-mismatch" => {
                format!("{} packets came with mid {}", rtp.packets, rtp.mid.as_deref().unwrap_or("-"))
            }
            "rtp-direction-violation" => {
                format!("{} packets of SSRC {} came, and nothing may be sent to us", rtp.packets, rtp.ssrc)
            }
            "rtp-ssrc-changed" => {
                format!("the media goes on as SSRC {}, which nobody announced", rtp.ssrc)
            }
            "rtp-rid-unknown" => {
                format!("{} packets came with rid {}", rtp.packets, rtp.rid.as_deref().unwrap_or("-"))
            }
            _ => format!("{} packets of SSRC {} belong to no m-section", rtp.packets, rtp.ssrc),
        };
        let draft = Draft::certain(id, text).of(view.facts.own.other());
        found.add(draft.citing(list.iter().take(3).map(|(moment, _)| &moment.id)));
    }
    any
}

/// Whether media that had come until then ended as this source began.
fn follows(view: &View<'_>, began: &Moment) -> bool {
    let limit = u64::try_from(view.limits().stalled.as_micros()).unwrap_or(u64::MAX);
    view.own().mids.values().any(|facts| {
        let grew = facts.packets_grew_us.unwrap_or(0);
        facts.first_rtp_us.is_some_and(|first| first < began.at_us)
            && grew <= began.at_us.saturating_add(1_000_000)
            && view.until_us().saturating_sub(grew) >= limit
    })
}

/// Whether our own side sends where it may. Nobody else is to blame for what follows.
fn ours(view: &View<'_>, found: &mut Found) {
    let own = view.own();
    let Some(id) = &own.outbound_id else { return };
    let silent: Vec<(MediaKind, String)> = receiving(view, own.role.other())
        .into_iter()
        .filter(|(_, _, since)| view.waited((*since).max(own.timing.dtls.unwrap_or(0)), view.limits().rtp))
        .filter(|(_, mid, _)| own.outbound.iter().any(|sample| sample.mid == *mid && sample.packets == 0))
        .map(|(kind, mid, _)| (kind, mid))
        .collect();
    // Nothing was sent because nothing was meant to be sent.
    let meant = |kind: MediaKind| view.context.sends.get(&own.role).is_none_or(|kinds| kinds.contains(&kind));
    let silent: Vec<_> = silent.into_iter().filter(|(kind, _)| meant(*kind)).collect();
    if !silent.is_empty() {
        let text = format!("our own side has sent nothing on {}", kinds_with_mids(&silent));
        found.add(Draft::certain("rtp-none-from-us", text).of(own.role).citing([id]));
    }
}

fn none(view: &View<'_>, found: &mut Found) {
    let own = view.own();
    // Without any sample nobody has counted.
    if own.inbound.is_none() && own.timing.first_rtp.is_none() {
        return;
    }
    let up = own.timing.dtls.unwrap_or(0);
    let other = own.role.other();
    let mut silent = Vec::new();
    for (kind, mid, since) in receiving(view, own.role) {
        let unwanted = view.context.wanted(own.role, kind) == Some(false);
        if unwanted || packets(own, &mid) > 0 || beside_another(view, kind, &mid) {
            continue;
        }
        if view.waited(since.max(up), view.limits().rtp) {
            silent.push((kind, mid));
        } else {
            found.open(
                "rtp-none",
                format!("an RTP packet on mid {mid} within {}", seconds(view.limits().rtp)),
            );
        }
    }
    if silent.is_empty() {
        return;
    }
    let reported = view.other();
    let theirs = |mid: &str| reported.outbound.iter().find(|sample| sample.mid == mid);
    let mut text = format!("no RTP came on what was negotiated and connected: {}", kinds_with_mids(&silent));
    let mut peer = Some(other);
    if let Some(sample) = silent.iter().find_map(|(_, mid)| theirs(mid)) {
        if sample.packets > 0 {
            text += &format!(
                "; the {other} says that it sent {} packets, so they were lost on the way",
                sample.packets
            );
            peer = None;
        } else {
            text += &format!("; the {other} says that it sent none");
        }
    }
    let last = view.rounds.complete.last().map(|round| round.answer.id().to_owned());
    let samples = silent.iter().filter_map(|(_, mid)| own.mids.get(mid)?.sample_id.clone());
    let mut draft = Draft::certain("rtp-none", text)
        .citing(last)
        .citing(samples)
        .citing(own.outbound_id.clone())
        .citing(reported.outbound_id.clone());
    if let Some(peer) = peer {
        draft = draft.of(peer);
    }
    if let [(kind, _)] = silent.as_slice() {
        draft = draft.explaining(Explains::Media(other, *kind));
    }
    found.add(draft);
}

/// The other side left the direction of this m-section open, and sends on another one.
fn beside_another(view: &View<'_>, kind: MediaKind, mid: &str) -> bool {
    let (Some(last), sender) = (view.rounds.complete.last(), view.facts.own.other()) else { return false };
    let by = if sender == last.offerer { last.offer } else { last.answer };
    by.sdp.section(mid).is_some_and(|section| stands_empty(view, last, sender, kind, section))
}

/// We receive, and by its own report the other side does not.
fn one_way(view: &View<'_>, found: &mut Found) {
    let (own, other) = (view.own(), view.other());
    if !other.known || other.inbound.is_none() || found.has("rtp-none-from-us") {
        return;
    }
    let mut expected = receiving(view, other.role);
    expected.retain(|(kind, ..)| view.context.wanted(other.role, *kind) != Some(false));
    let deaf = !expected.is_empty()
        && expected
            .iter()
            .all(|(_, mid, since)| packets(other, mid) == 0 && view.waited(*since, view.limits().rtp));
    let sent: u64 = own.outbound.iter().map(|sample| sample.packets).sum();
    let heard = receiving(view, own.role).iter().any(|(_, mid, _)| packets(own, mid) > 0);
    if deaf && sent > 0 && heard {
        let text = format!(
            "the {} sent {sent} packets and receives; by its report the {} received none",
            own.role, other.role
        );
        let ids = own.outbound_id.iter().chain(&other.outbound_id);
        found.add(Draft::certain("rtp-one-way", text).citing(ids));
    }
}

/// Media on an m-section where the other side never may send.
fn against_direction(view: &View<'_>, found: &mut Found) {
    let own = view.own();
    for (mid, facts) in &own.mids {
        let Some((_, sample)) = &facts.last_sample else { continue };
        let negotiated: Vec<bool> = view
            .rounds
            .complete
            .iter()
            .filter_map(|round| Some(round.sends(own.role.other(), round.place(mid)?)))
            .collect();
        let never = !negotiated.is_empty() && negotiated.iter().all(|sends| !sends);
        if never && sample.packets > view.limits().unbound_packets {
            let text = format!(
                "{} packets came on mid {mid}, where the {} may not send",
                sample.packets,
                own.role.other()
            );
            let draft = Draft::certain("rtp-direction-violation", text).of(own.role.other());
            return found.add(draft.citing(&facts.sample_id));
        }
    }
}

fn no_rtcp(view: &View<'_>, found: &mut Found) {
    let own = view.own();
    let silent = own.mids.iter().find(|(_, facts)| {
        let first = facts.first_rtp_us.unwrap_or(u64::MAX);
        let counted = facts.last_sample.as_ref().map(|(_, sample)| (sample.rtcp_packets, sample.packets));
        // Audio that came for a second may have been due no report yet (RFC 3550 §6.2).
        let came = facts.packets_grew_us.unwrap_or(0).saturating_sub(first);
        let long = Duration::from_micros(came) >= view.limits().rtp;
        matches!(counted, Some((Some(0), packets)) if packets > 50)
            && long
            && view.waited(first, view.limits().dtls)
    });
    if let Some((mid, facts)) = silent {
        let text = format!("RTP comes on mid {mid}, and no RTCP");
        found.add(Draft::certain("rtp-no-rtcp", text).of(own.role.other()).citing(&facts.sample_id));
    }
}
