//! What we say, as templates.

use super::template::Template;

/// The messages for each thing that there is to say; none if the room has no word for it.
#[derive(Debug, Default)]
pub(super) struct Say {
    pub(super) join: Vec<Template>,
    pub(super) offer: Vec<Template>,
    pub(super) answer: Vec<Template>,
    pub(super) candidate: Vec<Template>,
    pub(super) end_of_candidates: Vec<Template>,
    pub(super) hang_up: Vec<Template>,
    pub(super) leave: Vec<Template>,
    pub(super) keepalive: Vec<Template>,
}
