//! Faults that steps of a plan switch on and off in the middle of a call.

use std::collections::BTreeMap;
use std::time::Instant;

use super::signals::Counts;
use crate::jsep::SdpType;

/// Which faults are off, and since when others are on.
#[derive(Clone, Debug, Default)]
pub(super) struct Switches(BTreeMap<&'static str, Switch>);

#[derive(Clone, Copy, Debug)]
enum Switch {
    Off,
    /// Descriptions that were made, sent and received before are not counted.
    On {
        since: Instant,
        before: [Counts; 3],
    },
}

impl Switches {
    /// Those are off until they are switched on.
    pub(super) fn off(ids: &[&'static str]) -> Self {
        Self(ids.iter().map(|id| (*id, Switch::Off)).collect())
    }

    /// Whether that changes anything.
    pub(super) fn switch(&mut self, now: Instant, id: &'static str, on: bool, before: [Counts; 3]) -> bool {
        let changes = self.is_on(id) != on;
        if changes {
            self.0.insert(id, if on { Switch::On { since: now, before } } else { Switch::Off });
        }
        changes
    }

    pub(super) fn is_on(&self, id: &str) -> bool {
        !matches!(self.0.get(id), Some(Switch::Off))
    }

    /// Whether steps have to do with it at all.
    pub(super) fn is_switched(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// When it was switched on.
    pub(super) fn since(&self, id: &str) -> Option<Instant> {
        match self.0.get(id)? {
            Switch::On { since, .. } => Some(*since),
            Switch::Off => None,
        }
    }

    /// The numbers of a description as a fault may count them: since the call began, and since it was switched on.
    /// `counted` says whether it was made (0), sent (1) or received (2).
    pub(super) fn numbers(
        &self,
        id: &str,
        counted: usize,
        sdp_type: SdpType,
        numbers: (usize, usize),
    ) -> impl Iterator<Item = (usize, usize)> {
        let since = match self.0.get(id) {
            Some(Switch::On { before, .. }) => Some(before[counted].until(sdp_type, numbers)),
            _ => None,
        };
        std::iter::once(numbers).chain(since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::world::{Simulated, World};

    #[test]
    fn a_fault_is_off_until_it_is_switched_on_and_counts_from_then() {
        let now = Simulated::new(1).now();
        let mut switches = Switches::off(&["late"]);
        assert!(!switches.is_on("late") && switches.is_on("another"));
        let mut sent = Counts::default();
        sent.next(SdpType::Offer);
        sent.next(SdpType::Answer);
        assert!(switches.switch(now, "late", true, [Counts::default(), sent, Counts::default()]));
        assert!(!switches.switch(now + Duration::from_secs(1), "late", true, [Counts::default(); 3]));
        assert_eq!(switches.since("late"), Some(now));
        let numbers = sent.next(SdpType::Offer);
        let seen: Vec<_> = switches.numbers("late", 1, SdpType::Offer, numbers).collect();
        assert_eq!(seen, [(1, 2), (0, 0)]);
        assert!(switches.switch(now, "late", false, [Counts::default(); 3]) && !switches.is_on("late"));
    }
}
