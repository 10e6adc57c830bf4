//! Rules about the end of a call.

use std::time::Duration;

use super::finding::{Draft, Found};
use super::view::{View, seconds};
use crate::facts::Exchanged;
use crate::jsep::{IceState, SdpType, Side};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    if view.context.descriptions_only || view.rounds.complete.is_empty() {
        return;
    }
    let disconnected = on_disconnected(view, found);
    unannounced(view, found, disconnected);
    goes_on(view, found);
    offer_at_the_end(view, found);
}

/// An offer this shortly before the end that was not answered belongs to it; microseconds.
const AT_THE_END_US: u64 = 500_000;

/// When the other side ended the call, by whatever it did, and the event.
fn their_end<'a>(view: &View<'a>) -> Option<(u64, &'a str)> {
    let other = view.facts.own.other();
    let hung_up = view.facts.hang_up.as_ref().filter(|hang_up| hang_up.by == other);
    let left = view.other().presence.left.as_ref();
    let closed = view.facts.dtls_closed_by_peer.as_ref();
    let ends = [
        hung_up.map(|hang_up| (hang_up.at_us, hang_up.id.as_str())),
        left.map(|left| (left.at_us, left.id.as_str())),
        closed.map(|closed| (closed.at_us, closed.id.as_str())),
    ];
    ends.into_iter().flatten().min()
}

/// The other side ends the call while ICE is disconnected here.
fn on_disconnected(view: &View<'_>, found: &mut Found) -> bool {
    let Some((at_us, id)) = their_end(view) else { return false };
    let last = view.own().states.ice.iter().rev().find(|reached| reached.at_us <= at_us);
    let Some(down) = last.filter(|last| last.state == IceState::Disconnected) else { return false };
    let after = Duration::from_micros(at_us.saturating_sub(down.at_us));
    // When both have seen all that they wanted to see, the call ends in any case.
    let both_done = view.own().done && view.other().done;
    if after >= view.limits().consent || !view.ice_was_up() || both_done {
        return false;
    }
    // One that is cut off like us vanishes from the room as well, and has closed nothing.
    let dropped =
        view.other().presence.left.as_ref().is_some_and(|left| left.id == id && left.reason != "left");
    if dropped {
        return false;
    }
    let other = view.facts.own.other();
    let text = format!("ICE was disconnected, and the {other} ended the call {} later", seconds(after));
    let draft = Draft::probable("end-closed-on-disconnected", text).of(other).or(&["end-abrupt"]);
    found.add(draft.citing([&down.id, id]));
    true
}

/// The other side is gone without having said so, though it is one that says so.
fn unannounced(view: &View<'_>, found: &mut Found, told: bool) {
    let (facts, other) = (view.facts, view.facts.own.other());
    let closed = facts
        .dtls_closed_by_peer
        .as_ref()
        .filter(|closed| facts.hang_up.as_ref().is_none_or(|hang_up| hang_up.at_us > closed.at_us));
    let Some(end) = closed.or_else(|| facts.vanished()).filter(|_| !told) else { return };
    if !view.other().announces_end() {
        return;
    }
    // A hang-up may follow the end of the media by a moment.
    let hung_up_soon = facts.hang_up.as_ref().is_some_and(|hang_up| {
        let after = hang_up.at_us.saturating_sub(end.at_us);
        hang_up.by == other && Duration::from_micros(after) <= view.limits().hang_up
    });
    if hung_up_soon {
        return;
    }
    let lost = closed.is_none() && end.reason != "left";
    let text = format!("the {other} is gone ({}), and has not hung up", end.reason);
    let id = if lost { "end-abrupt" } else { "end-no-hangup-message" };
    found.add(Draft::certain(id, text).of(other).citing([&end.id]));
}

/// Media after the other side's hang-up.
fn goes_on(view: &View<'_>, found: &mut Found) {
    let other = view.facts.own.other();
    let Some(hang_up) = view.facts.hang_up.as_ref().filter(|hang_up| hang_up.by == other) else { return };
    let limit = u64::try_from(view.limits().hang_up.as_micros()).unwrap_or(u64::MAX);
    let late = view.own().mids.iter().find(|(_, facts)| {
        facts.packets_grew_us.is_some_and(|at_us| at_us > hang_up.at_us.saturating_add(limit))
    });
    if let Some((mid, facts)) = late {
        let text = format!(
            "the {other} hung up, and its media still came on mid {mid} more than {} later",
            seconds(view.limits().hang_up)
        );
        let draft = Draft::certain("end-hangup-media-continues", text).of(other);
        found.add(draft.citing([&hang_up.id]).citing(&facts.sample_id));
    }
}

/// An offer that came as the other side hung up.
fn offer_at_the_end(view: &View<'_>, found: &mut Found) {
    let other = view.facts.own.other();
    let Some((at_us, id)) = their_end(view) else { return };
    let late = |offer: &Exchanged, by_us: u64| {
        let came = offer.side == Side::Remote && offer.sdp_type == SdpType::Offer;
        came && offer.first().at_us.saturating_add(by_us) >= at_us
    };
    let mut pending = view.rounds.pending.iter().filter(|(author, _)| *author == other);
    let unanswered = pending.find(|(_, offer)| late(offer, AT_THE_END_US)).map(|(_, offer)| *offer);
    // One that was answered all the same came after the end had begun.
    let mut later = view.rounds.complete.iter().skip(1).filter(|round| round.offerer == other);
    let answered = || later.find(|round| late(round.offer, 0)).map(|round| round.offer);
    if let Some(offer) = unanswered.or_else(answered) {
        let text = format!("the {other} offered again as it hung up");
        found.add(Draft::certain("end-stop-then-close-offer", text).of(other).citing([offer.id(), id]));
    }
}
