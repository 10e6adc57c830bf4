//! Names for our m-sections.

use std::collections::BTreeSet;

/// Mids as browsers give them: numbers that rise with every new section of every offer that is created, and skip
/// what either side has used.
#[derive(Clone, Debug, Default)]
pub(super) struct Mids {
    next: u32,
    seen: BTreeSet<String>,
}

impl Mids {
    /// A mid that nobody has used.
    pub(super) fn fresh(&mut self) -> String {
        loop {
            let mid = self.next.to_string();
            self.next += 1;
            if self.seen.insert(mid.clone()) {
                return mid;
            }
        }
    }

    /// Never give this one away.
    pub(super) fn note(&mut self, mid: &str) {
        if !self.seen.contains(mid) {
            self.seen.insert(mid.to_owned());
        }
    }
}
