//! Rules about descriptions: `tracks` is the decision tree for "ontrack never fires", `text` looks at a description
//! by itself, `pair` at an answer with its offer, `codecs` at what they agree on, `later` at one description after
//! the other, `streams` at what `ontrack` is given.

mod codecs;
mod gaps;
mod later;
mod pair;
pub(super) mod streams;
mod text;
mod tracks;

use super::finding::Found;
use super::view::View;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    text::look(view, found);
    pair::look(view, found);
    codecs::look(view, found);
    // An offer that was refused explains what it should have brought.
    later::look(view, found);
    tracks::look(view, found);
    streams::look(view, found);
}
