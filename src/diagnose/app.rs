//! Rules about the page. Nothing on the wire shows them: they are inferred where somebody says that nothing is seen or
//! heard, and everything that can be seen from here is right.

use super::finding::{Draft, Found, Severity};
use super::view::View;

const MODES: [&str; 3] = ["app-stream-attached-wrong", "app-ontrack-too-late", "app-autoplay-blocked"];

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    let Some(side) = view.context.nothing_shown else { return };
    let broken = found.drafts.iter().any(|draft| draft.finding.severity <= Severity::Major);
    let Some(last) = view.rounds.complete.last() else { return };
    let flows = view.context.descriptions_only || view.dtls_was_up();
    let sent = last.places().any(|place| place.offered.kind.is_some() && last.sends(side.other(), place));
    if broken || !flows || !sent {
        return;
    }
    let text = format!(
        "the {side} shows nothing, though the descriptions let ontrack fire there and everything that can be seen from \
         here is right"
    );
    let [first, others @ ..] = MODES;
    let settle =
        "what ontrack is given at that side: event.track, event.streams, and the element's srcObject";
    let draft = Draft::inferred(first, text).of(side).or(&others).settled_by(settle);
    found.add(draft.citing(last.ids()));
}
