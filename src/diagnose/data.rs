//! Rules about data channels.

use super::finding::{Draft, Found};
use super::rounds::Round;
use super::view::{View, seconds, shown};
use crate::jsep::{MediaSection, Role};

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    for round in &view.rounds.complete {
        sections(found, round);
    }
    for side in [Role::Caller, Role::Callee] {
        absent(view, found, side);
        channels(view, found, side);
    }
}

fn is_data(section: &MediaSection) -> bool {
    section.media == "application"
}

fn sections(found: &mut Found, round: &Round<'_>) {
    for place in round.places().filter(|place| is_data(place.offered)) {
        let Some(answered) = place.answered else { continue };
        let lines = || {
            [
                shown(round.offerer, round.offer, place.offered),
                shown(round.answerer(), round.answer, answered),
            ]
        };
        if !place.offered.is_rejected() && answered.is_rejected() && !found.has("dc-rejected") {
            let text = format!("the {} rejects the data channels with port 0", round.answerer());
            let draft = Draft::certain("dc-rejected", text).of(round.answerer());
            found.add(draft.citing(round.ids()).showing(lines()));
        }
        for (author, exchanged, section) in
            [(round.offerer, round.offer, place.offered), (round.answerer(), round.answer, answered)]
        {
            if section.protocol == "DTLS/SCTP" && !found.has("dc-legacy-sdp") {
                let text = format!("the {author} describes data channels as {}", section.protocol);
                found.add(Draft::certain("dc-legacy-sdp", text).of(author).citing([exchanged.id()]));
            }
        }
    }
}

/// A channel was created, and no description has it.
fn absent(view: &View<'_>, found: &mut Found, side: Role) {
    let created = view
        .peer(side)
        .history
        .operations
        .iter()
        .find(|operated| operated.name == "createDataChannel" && operated.error.is_none());
    let Some(created) = created else { return };
    let has = view.rounds.complete.iter().any(|round| round.offer.sdp.sections.iter().any(is_data));
    let Some(last) = view.rounds.complete.last() else { return };
    if !has && view.waited(last.answer.first().at_us, view.limits().follow_up) {
        let text = format!("the {side} called createDataChannel, and no offer has an m-section for it");
        found.add(Draft::certain("dc-no-mline", text).of(side).citing([&created.moment.id]));
    }
}

fn channels(view: &View<'_>, found: &mut Found, side: Role) {
    let history = &view.peer(side).history;
    for (moment, channel) in &history.channels {
        let Some(error) = &channel.error else { continue };
        let big =
            error.contains("too big") || error.contains("max-message-size") || error.contains("TypeError");
        let id = if big { "dc-message-too-big" } else { "dc-abort" };
        let text = format!("channel `{}` of the {side}: {error}", channel.label);
        if !found.has(id) {
            found.add(Draft::certain(id, text).of(side).citing([&moment.id]));
        }
    }
    let waits = history.channels.iter().find(|(_, channel)| {
        let reached = |state: &str| {
            history.channels.iter().any(|(_, other)| other.label == channel.label && other.state == state)
        };
        channel.state == "connecting" && !reached("open") && !reached("closed")
    });
    let up = view.peer(side).timing.dtls;
    if let (Some((moment, channel)), Some(up)) = (waits, up)
        && view.waited(up, view.limits().follow_up)
        && !found.has("dc-rejected")
    {
        let text = format!(
            "channel `{}` of the {side} did not open within {} of DTLS",
            channel.label,
            seconds(view.limits().follow_up)
        );
        let draft = Draft::probable("dc-open-missing", text).or(&["dc-sctp-init-timeout"]);
        found.add(draft.citing([&moment.id]));
    }
}
