//! What offers lack: kinds, media at all, an answer to a second one.

use crate::diagnose::finding::{Draft, Explains, Found, Severity};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, seconds};
use crate::jsep::{MediaKind, Role};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    absent_kinds(view, found);
    second_offer(view, found);
}

/// Kinds that no m-section was offered for.
fn absent_kinds(view: &View<'_>, found: &mut Found) {
    let Some(first) = view.rounds.complete.first() else { return offers_nothing(view, found) };
    let has = |round: &Round<'_>, kind: MediaKind| {
        round.offer.sdp.sections.iter().any(|section| section.kind == Some(kind))
    };
    let wanted = |kind: MediaKind| {
        [Role::Caller, Role::Callee].into_iter().any(|side| {
            let meant = view.context.sends.get(&side.other()).is_none_or(|kinds| kinds.contains(&kind));
            meant && view.context.wanted(side, kind) == Some(true)
        })
    };
    let absent: Vec<MediaKind> =
        MediaKind::ALL.iter().copied().filter(|&kind| wanted(kind) && !has(first, kind)).collect();
    if absent.is_empty() {
        return offers_nothing(view, found);
    }
    let no_media = first.offer.sdp.sections.iter().all(|section| section.kind.is_none());
    let offerer = first.offerer;
    for kind in &absent {
        let later = view.rounds.after(0).iter().find(|round| has(round, *kind));
        let draft = match later {
            Some(round) if round.offerer == offerer && too_early(view, first, round) => Draft::probable(
                "sdp-track-invisible-late-offer",
                format!("the first offer lacks {kind}, and an offer right after it has it"),
            )
            .or(&["sdp-kind-missing"])
            .severity(Severity::Minor)
            .citing([round.offer.id()]),
            Some(round) if round.offerer == offerer => continue,
            _ if no_media => continue,
            _ => Draft::certain(
                "sdp-kind-missing",
                format!("the {offerer}'s offer has no m-section for {kind}, and an answer cannot add one"),
            ),
        };
        found.add(draft.of(offerer).citing(first.ids()));
    }
    if no_media {
        offers_nothing(view, found);
    }
}

/// The other offer follows in a moment, and no plan says that something is added by then.
fn too_early(view: &View<'_>, first: &Round<'_>, later: &Round<'_>) -> bool {
    let planned = view.context.adds_later.contains(&first.offerer);
    !planned && later.offer.first().at_us.saturating_sub(first.offer.first().at_us) < 2_000_000
}

/// An offer without any m-section for media where media was wanted.
fn offers_nothing(view: &View<'_>, found: &mut Found) {
    let complete = view.rounds.complete.first().map(|round| (round.offerer, round.offer));
    let Some((offerer, offer)) = complete.or_else(|| view.rounds.pending.first().copied()) else { return };
    let wants_media = view.context.wants.values().any(|kinds| !kinds.is_empty());
    let sections = &offer.sdp.sections;
    // Without a wish that is known, data alone may be all that was meant.
    let empty =
        if wants_media { sections.iter().all(|section| section.kind.is_none()) } else { sections.is_empty() };
    let readable = offer.sdp.session_id.is_some();
    // What the other side had to offer itself does not make the first offer right.
    let by_others = view.rounds.after(0).iter().all(|round| round.offerer != offerer);
    if empty && readable && by_others {
        let what =
            if sections.is_empty() { "no m-section at all" } else { "no m-section for audio or video" };
        let text = format!("the {offerer}'s offer has {what}");
        found.add(
            Draft::certain("sdp-offer-no-media", text)
                .of(offerer)
                .citing([offer.id()])
                .explaining(Explains::Everything),
        );
    }
}

/// An offer after the first round that nobody answered.
fn second_offer(view: &View<'_>, found: &mut Found) {
    let pending = &view.rounds.pending;
    if view.rounds.complete.is_empty() || pending.len() != 1 || view.context.descriptions_only {
        return;
    }
    let (offerer, offer) = pending[0];
    // One that was made and never sent has reached nobody.
    let reached = offer.signalled.is_some();
    if reached && view.waited(offer.first().at_us, view.limits().answer) {
        let text = format!(
            "the {offerer} offered again, and the {} did not answer within {}",
            offerer.other(),
            seconds(view.limits().answer)
        );
        let earlier = view
            .rounds
            .complete
            .last()
            .map(|round| if round.offerer == offerer { round.offer } else { round.answer });
        let ufrag = |known: &crate::facts::Exchanged| {
            known.sdp.sections.iter().find_map(|section| section.ice_ufrag.clone())
        };
        let restarts =
            earlier.is_some_and(|earlier| ufrag(earlier).is_some() && ufrag(earlier) != ufrag(offer));
        let id = if restarts { "ice-restart-unanswered" } else { "sdp-second-offer-ignored" };
        found.add(Draft::certain(id, text).of(offerer.other()).citing([offer.id()]));
    }
}
