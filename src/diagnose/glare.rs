//! Rules about offers that cross, and about changes that nobody negotiates.

use std::time::Duration;

use super::finding::{Draft, Explains, Found, Severity};
use super::view::{View, seconds};
use crate::facts::{Exchanged, Moment};
use crate::jsep::{Role, SdpType, Side, SignalingState};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    crossed(view, found);
    ignored_candidates(view, found);
    stale(view, found);
    storm(view, found);
    for side in [Role::Caller, Role::Callee] {
        never(view, found, side);
    }
}

/// The offer of the other side that met one of ours, and whether it did so over the wire.
fn meeting<'a>(view: &View<'a>) -> Option<&'a Exchanged> {
    let history = &view.own().history;
    let came = history
        .of(Side::Remote)
        .find(|known| known.sdp_type == SdpType::Offer && known.state == SignalingState::HaveLocalOffer);
    came.or_else(|| {
        let ours = history.of(Side::Local).any(|known| known.sdp_type == SdpType::Offer);
        view.undelivered_offers().next().filter(|_| ours)
    })
}

fn crossed(view: &View<'_>, found: &mut Found) {
    let Some(theirs) = meeting(view) else { return };
    let (own, other) = (view.facts.own, view.facts.own.other());
    let ours = view.rounds.unanswered.iter().rfind(|(by, _)| *by == own).map(|(_, offer)| *offer);
    let ids = [Some(theirs.id()), ours.map(Exchanged::id)];
    let ids = || ids.into_iter().flatten();
    let base = format!("an offer of the {other} crossed one of the {own}");
    if let Some((refused, error)) = &theirs.rejected {
        let text = format!("{base}, and the {own}'s setRemoteDescription refused it: {error}");
        let draft = Draft::certain("sig-offer-in-have-local-offer", text).of(own);
        found.add(draft.citing(ids()).citing([&refused.id]));
    }
    // An answer that was taken before and comes again is no answer to an offer that was taken back.
    let repeats =
        |answer: &Exchanged| view.rounds.complete.iter().any(|round| round.answer.text == answer.text);
    let ours_answered = view.rounds.complete.iter().filter(|round| round.offerer == own);
    let next = ours_answered.map(|round| round.answer.first().at_us);
    let next = next.filter(|at_us| *at_us > theirs.first().at_us).min().unwrap_or(u64::MAX);
    let strays: Vec<&Exchanged> = view
        .rounds
        .stray
        .iter()
        .filter(|(by, answer)| *by == other && !repeats(answer) && answer.first().at_us <= next)
        .map(|(_, answer)| *answer)
        .collect();
    if let Some(answer) = strays.first() {
        let text =
            format!("{base}; both took theirs back, and the {other}'s answer came in {}", answer.state);
        let draft = Draft::certain("glare-double-rollback", text).of(other);
        let draft = draft.citing(ids()).citing([answer.id()]);
        let goes_on = view
            .rounds
            .complete
            .last()
            .is_some_and(|round| round.answer.first().at_us > theirs.first().at_us);
        return found.add(if goes_on { draft.severity(Severity::Major) } else { draft });
    }
    let pending = view.rounds.pending.iter().find(|(by, _)| *by == own).map(|(_, offer)| *offer);
    let Some(pending) = pending else {
        let text = format!("{base}, and was sorted out");
        return found.add(Draft::certain("glare-both-offers", text).severity(Severity::Info).citing(ids()));
    };
    if !view.waited(pending.first().at_us, view.limits().answer) || view.context.descriptions_only {
        return found.add(Draft::certain("glare-both-offers", base).citing(ids()));
    }
    let wait = seconds(view.limits().answer);
    let at_other = view.other().history.of(Side::Remote).find(|known| known.text == pending.text);
    let text = format!("{base}, and nobody answered within {wait}");
    let draft = match at_other {
        Some(set) if set.set.is_some() => Draft::certain(
            "glare-rollback-no-answer",
            format!("{text}; the {other} set our offer, so it took its own back"),
        )
        .citing([set.id()]),
        Some(refused) if refused.rejected.is_some() => {
            let error = refused.rejected.as_ref().map_or("", |(_, error)| error);
            Draft::certain(
                "glare-rollback-unsupported",
                format!("{text}; the {other} could not set ours: {error}"),
            )
            .citing([refused.id()])
        }
        Some(ignored) => {
            Draft::certain("glare-both-impolite", format!("{text}; the {other} got ours and ignored it"))
                .citing([ignored.id()])
        }
        None => Draft::probable("glare-both-impolite", text)
            .or(&["glare-rollback-no-answer", "glare-rollback-unsupported"])
            .settled_by(format!(
                "the {other}'s signalingState: stable or have-remote-offer means that it rolled back"
            )),
    };
    found.add(draft.of(other).citing(ids()).explaining(Explains::Everything));
}

/// Candidates of an offer of theirs that we ignored.
fn ignored_candidates(view: &View<'_>, found: &mut Found) {
    let history = &view.own().history;
    let ignored = history
        .of(Side::Remote)
        .filter(|known| known.sdp_type == SdpType::Offer && known.set.is_none() && known.rejected.is_none());
    let taken: Vec<&str> = history
        .of(Side::Remote)
        .filter(|known| known.set.is_some())
        .flat_map(|known| known.sdp.sections.iter().filter_map(|section| section.ice_ufrag.as_deref()))
        .collect();
    for offer in ignored {
        let ufrag = offer.sdp.sections.iter().find_map(|section| section.ice_ufrag.as_deref());
        let Some(ufrag) = ufrag.filter(|ufrag| !taken.contains(ufrag)) else { continue };
        let of_it = || history.candidates(false).filter(|trickled| trickled.ufrag.as_deref() == Some(ufrag));
        if let Some(first) = of_it().next() {
            let text = format!("{} candidates belong to an offer that was ignored", of_it().count());
            let ids = [offer.id(), first.moment.id.as_str()];
            return found.add(Draft::certain("glare-candidates-of-ignored-offer", text).citing(ids));
        }
    }
}

/// An answer to an offer that we took back by a rollback.
fn stale(view: &View<'_>, found: &mut Found) {
    let other = view.facts.own.other();
    let rollback = view.own().history.of(Side::Local).find(|known| known.sdp_type == SdpType::Rollback);
    let Some(rollback) = rollback else { return };
    let late = view
        .rounds
        .stray
        .iter()
        .find(|(by, answer)| *by == other && answer.first().at_us >= rollback.first().at_us);
    if let Some((_, answer)) = late.filter(|_| meeting(view).is_none()) {
        let text = format!("an answer of the {other} came after its offer had been taken back");
        found.add(
            Draft::certain("glare-stale-answer-after-rollback", text).citing([rollback.id(), answer.id()]),
        );
    }
}

/// Offers one after the other that change nothing.
fn storm(view: &View<'_>, found: &mut Found) {
    let says = |offer: &Exchanged| {
        let sections = offer.sdp.sections.iter().map(|section| {
            let streams = section.streams().join(" ");
            let ufrag = section.ice_ufrag.as_deref().unwrap_or_default();
            format!(
                "{:?} {} {} {streams} {ufrag}",
                section.mid,
                section.effective_direction(),
                section.codecs.len()
            )
        });
        sections.collect::<Vec<_>>()
    };
    for author in [Role::Caller, Role::Callee] {
        let answered = view.rounds.complete.iter().filter(|round| round.offerer == author);
        let offers: Vec<&Exchanged> = answered.map(|round| round.offer).collect();
        let more = view.limits().storm;
        let window = offers.windows(more + 1).find(|window| {
            let (first, last) = (window[0].first().at_us, window[more].first().at_us);
            let soon = Duration::from_micros(last.saturating_sub(first)) <= view.limits().follow_up;
            let same = window.windows(2).all(|pair| says(pair[0]) == says(pair[1]));
            soon && same && !view.context.descriptions_only
        });
        if let Some(window) = window {
            let text = format!(
                "the {author} made {} offers within {}, and none changes anything",
                more + 1,
                seconds(view.limits().follow_up)
            );
            found.add(
                Draft::certain("nn-storm", text).of(author).citing(window.iter().map(|offer| offer.id())),
            );
        }
    }
}

/// negotiationneeded fired in the course of a call, and that side made no offer.
fn never(view: &View<'_>, found: &mut Found, side: Role) {
    let peer = view.peer(side);
    let history = &peer.history;
    // Before the first answer the event asks for what is being negotiated anyway.
    let answered = history.descriptions.iter().find_map(|known| {
        let set = known.set.as_ref()?;
        (known.sdp_type == SdpType::Answer).then_some(set.at_us)
    });
    let Some(answered) = answered else { return };
    let offers = |moment: &Moment| {
        let mut later = history.of(Side::Local).filter(|known| known.sdp_type == SdpType::Offer);
        later.any(|offer| offer.first().at_us >= moment.at_us)
    };
    // An offer of the other side that comes at once is answered instead, and may carry the change as well.
    let window = u64::try_from(view.limits().follow_up.as_micros()).unwrap_or(u64::MAX);
    let overtaken = |moment: &Moment| {
        let mut theirs = history.of(Side::Remote).filter(|known| known.sdp_type == SdpType::Offer);
        let soon = |at_us: u64| at_us >= moment.at_us && at_us <= moment.at_us.saturating_add(window);
        !view.context.descriptions_only && theirs.any(|offer| soon(offer.first().at_us))
    };
    let unserved: Vec<&Moment> = history
        .needed
        .iter()
        .filter(|moment| moment.at_us >= answered && !offers(moment) && !overtaken(moment))
        .collect();
    let Some(first) = unserved.first() else { return };
    let waited = match view.in_our_time(side, first) {
        Some(at_us) => view.waited(at_us, view.limits().follow_up),
        // Without a common clock the window is counted from our own answer.
        None => view.negotiated_us().is_some_and(|at_us| view.waited(at_us, view.limits().follow_up)),
    };
    let settle = format!("another offer of the {side}");
    if !waited {
        return found.open("nn-never", settle);
    }
    let text = format!(
        "negotiationneeded fired at the {side} after the answer, and it made no offer within {}",
        seconds(view.limits().follow_up)
    );
    found.add(
        Draft::certain("nn-never", text).of(side).citing(unserved.iter().take(3).map(|moment| &moment.id)),
    );
}
