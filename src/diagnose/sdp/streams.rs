//! Which streams `ontrack` is given.

use crate::diagnose::finding::{Draft, Found, Severity};
use crate::diagnose::rounds::Round;
use crate::diagnose::view::{View, kinds_with_mids, shown_with_streams};
use crate::facts::Exchanged;
use crate::jsep::{MediaKind, MediaSection, Role};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let Some(last) = view.rounds.complete.last() else { return };
    for sender in [Role::Caller, Role::Callee] {
        let sent = sent(last, sender);
        without_stream(view, found, last, sender, &sent);
        split(found, last, sender, &sent);
    }
}

/// The m-sections on which that side sends at the end, as its own description says them.
fn sent<'a>(last: &Round<'a>, sender: Role) -> Vec<(MediaKind, &'a MediaSection)> {
    let own = |place: crate::diagnose::rounds::Place<'a>| {
        if sender == last.offerer { Some(place.offered) } else { place.answered }
    };
    let places = last.places().filter(|place| last.sends(sender, *place));
    places.filter_map(|place| Some((place.offered.kind?, own(place)?))).collect()
}

fn description<'a>(last: &Round<'a>, sender: Role) -> &'a Exchanged {
    if sender == last.offerer { last.offer } else { last.answer }
}

fn without_stream(
    view: &View<'_>,
    found: &mut Found,
    last: &Round<'_>,
    sender: Role,
    sent: &[(MediaKind, &MediaSection)],
) {
    // A text that says nothing of streams puts its tracks into one default stream.
    let streamless = |section: &MediaSection| {
        !section.msids.is_empty() && section.msids.iter().all(|msid| msid.stream.is_none())
    };
    let without: Vec<_> = sent
        .iter()
        .filter(|(_, section)| streamless(section))
        .filter(|(kind, section)| !stands_empty(view, last, sender, *kind, section))
        .collect();
    if without.is_empty() {
        return;
    }
    let list: Vec<(MediaKind, String)> =
        without.iter().map(|(kind, section)| (*kind, section.mid.clone().unwrap_or_default())).collect();
    let text = format!(
        "the {sender} sends {} with `a=msid:-`: ontrack fires at the {} with an empty event.streams",
        kinds_with_mids(&list),
        sender.other()
    );
    let by = description(last, sender);
    let lines = without.iter().map(|(_, section)| shown_with_streams(sender, by, section));
    let draft = Draft::certain("sdp-msid-absent", text).of(sender).citing([by.id()]).showing(lines);
    // A transceiver that waits for its track says so as well.
    let came = without.iter().any(|(_, section)| {
        let mid = section.mid.as_deref().unwrap_or_default();
        let facts = view.peer(sender.other()).mids.get(mid);
        facts.is_some_and(|facts| facts.last_sample.as_ref().is_some_and(|(_, sample)| sample.packets > 0))
    });
    found.add(if came || view.context.descriptions_only { draft } else { draft.severity(Severity::Minor) });
}

fn split(found: &mut Found, last: &Round<'_>, sender: Role, sent: &[(MediaKind, &MediaSection)]) {
    let of = |kind: MediaKind| {
        let mut sections = sent.iter().filter(|(sent, _)| *sent == kind).map(|(_, section)| *section);
        // With several tracks of a kind, different streams are what one expects.
        sections.next().filter(|_| sections.next().is_none())
    };
    let (Some(audio), Some(video)) = (of(MediaKind::Audio), of(MediaKind::Video)) else { return };
    let (heard, seen) = (audio.streams(), video.streams());
    if heard.is_empty() || seen.is_empty() || heard.iter().any(|stream| seen.contains(stream)) {
        return;
    }
    let by = description(last, sender);
    let text = format!("the {sender}'s audio is in stream {} and its video in stream {}", heard[0], seen[0]);
    let lines = [audio, video].map(|section| shown_with_streams(sender, by, section));
    found.add(Draft::certain("sdp-streams-split", text).of(sender).citing([by.id()]).showing(lines));
}

/// An m-section that may send and has no track behind it, beside one of the same kind that has: its direction was only
/// left open. What counts packets shows it.
pub(in crate::diagnose) fn stands_empty(
    view: &View<'_>,
    last: &Round<'_>,
    sender: Role,
    kind: MediaKind,
    section: &MediaSection,
) -> bool {
    let Some(mid) = section.mid.as_deref().filter(|_| !view.context.descriptions_only) else { return false };
    let beside = sent(last, sender)
        .iter()
        .any(|(other, there)| *other == kind && there.mid != section.mid && !there.streams().is_empty());
    let own = view.own();
    let counted = if sender == own.role {
        own.outbound_id.is_some()
            && own.outbound.iter().all(|sample| sample.mid != mid || sample.packets == 0)
    } else {
        own.inbound.is_some() && own.mids.get(mid).is_none_or(|facts| !facts.received())
    };
    beside && section.streams().is_empty() && counted
}
