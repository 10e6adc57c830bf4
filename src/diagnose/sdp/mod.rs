//! Rules about descriptions: `gaps` finds where media is wanted and not sent, `tracks` is the decision tree for "ontrack
//! never fires", `offers` tells what offers lack, `text` looks at a description by itself, `cut` whether its end is
//! there, `pair` at an answer with its offer, `codecs` at what they agree on, `later` at one description after the other,
//! `streams` at what `ontrack` is given.

mod codecs;
mod cut;
mod gaps;
mod later;
mod offers;
mod pair;
pub(super) mod streams;
mod text;
mod tracks;

use super::finding::Found;
use super::view::View;

/// Until when, in microseconds of our timeline, it is worth waiting for another offer: an expected track is missing, and
/// nothing proves why yet. None where nothing is missing.
pub(super) fn follow_up_until(view: &View<'_>) -> Option<u64> {
    let window = u64::try_from(view.limits().follow_up.as_micros()).unwrap_or(u64::MAX);
    let missing = gaps::gaps(view).into_iter().filter(|gap| {
        let answer = gap.what == gaps::What::AnswerDoesNotSend;
        answer && gap.sender != view.facts.own && !view.rounds.sends_at_end(gap.sender, gap.kind)
    });
    missing.map(|gap| gap.round.answer.first().at_us.saturating_add(window)).max()
}

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    text::look(view, found);
    cut::look(view, found);
    pair::look(view, found);
    codecs::look(view, found);
    // An offer that was refused explains what it should have brought.
    later::look(view, found);
    tracks::look(view, found);
    offers::look(view, found);
    streams::look(view, found);
}
