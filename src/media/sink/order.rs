//! Numbers that rise by one: what was lost, what came twice, what came late.

/// How many numbers behind the highest are remembered.
const WINDOW: u64 = 1024;
/// A greater jump forward is a new start (MAX_DROPOUT, RFC 3550 appendix A.1).
const MAX_GAP: u64 = 3000;

/// Follows numbers of a limited width, such as RTP sequence numbers, as in RFC 3550 appendix A.1.
#[derive(Debug)]
pub(super) struct Order {
    bits: u32,
    /// The first and the highest number, extended beyond their width.
    span: Option<(u64, u64)>,
    /// One bit for each of the last [`WINDOW`] numbers, at its remainder.
    seen: [u64; (WINDOW / 64) as usize],
    /// The number that would confirm a new start.
    fresh: Option<u64>,
    lost: u64,
    duplicated: u64,
    reordered: u64,
}

/// What a number turned out to be; extended beyond its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Higher than all before.
    New(u64),
    /// Lower than the highest, and not seen before.
    Late(u64),
    /// Seen before.
    Duplicate,
    /// So far off that it counts only once its successor has come too.
    Stray,
    /// The successor of a stray: counting begins anew.
    Restart(u64),
}

impl Order {
    /// For numbers that wrap after `bits` bits.
    pub(super) fn new(bits: u32) -> Self {
        Self { bits, span: None, seen: [0; _], fresh: None, lost: 0, duplicated: 0, reordered: 0 }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn duplicated(&self) -> u64 {
        self.duplicated
    }

    pub(super) fn reordered(&self) -> u64 {
        self.reordered
    }

    /// The next number may be any; the counts stay.
    pub(super) fn restart(&mut self) {
        self.span = None;
        self.fresh = None;
    }

    pub(super) fn arrive(&mut self, number: u32) -> Arrival {
        let Some((first, highest)) = self.span else {
            // One width up, so that late numbers never fall below zero.
            let number = u64::from(number) + (1 << self.bits);
            self.begin(number);
            return Arrival::New(number);
        };
        let number = self.extend(number, highest);
        if number > highest + MAX_GAP || number + WINDOW <= highest {
            return self.stray(number);
        }
        self.fresh = None;
        if number > highest {
            for passed in highest + 1..=number.min(highest + WINDOW) {
                self.set(passed, false);
            }
            self.lost += number - highest - 1;
            self.span = Some((first, number));
            self.set(number, true);
            return Arrival::New(number);
        }
        if self.is_set(number) {
            self.duplicated += 1;
            return Arrival::Duplicate;
        }
        self.set(number, true);
        self.reordered += 1;
        if number >= first {
            self.lost -= 1;
        }
        Arrival::Late(number)
    }

    /// The number of that width that is nearest to the highest.
    fn extend(&self, number: u32, highest: u64) -> u64 {
        let width = 1_u64 << self.bits;
        let ahead = u64::from(number).wrapping_sub(highest) & (width - 1);
        let number = highest + ahead;
        if ahead > width / 2 { number.saturating_sub(width) } else { number }
    }

    fn stray(&mut self, number: u64) -> Arrival {
        if self.fresh == Some(number) {
            // One width up again, or restarts in one direction would in the end leave the range.
            let number = number % (1 << self.bits) + (1 << self.bits);
            self.begin(number);
            return Arrival::Restart(number);
        }
        self.fresh = Some(number + 1);
        Arrival::Stray
    }

    fn begin(&mut self, number: u64) {
        self.span = Some((number, number));
        self.fresh = None;
        self.seen.fill(0);
        self.set(number, true);
    }

    fn is_set(&self, number: u64) -> bool {
        let at = number % WINDOW;
        self.seen[(at / 64) as usize] >> (at % 64) & 1 == 1
    }

    fn set(&mut self, number: u64, seen: bool) {
        let at = number % WINDOW;
        let word = &mut self.seen[(at / 64) as usize];
        *word = *word & !(1 << (at % 64)) | u64::from(seen) << (at % 64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn counts(numbers: impl IntoIterator<Item = u32>) -> (u64, u64, u64) {
        let mut order = Order::new(16);
        for number in numbers {
            order.arrive(number);
        }
        (order.lost, order.duplicated, order.reordered)
    }

    #[test]
    fn losses_duplicates_and_late_ones_are_told_apart() {
        for (numbers, expected) in [
            (vec![5, 6, 7], (0, 0, 0)),
            (vec![5, 8], (2, 0, 0)),
            (vec![5, 8, 6, 7], (0, 0, 2)),
            (vec![5, 5, 6, 5], (0, 2, 0)),
            (vec![5, 7, 6, 6], (0, 1, 1)),
            (vec![5, 4, 6], (0, 0, 1)),
            (vec![65_534, 65_535, 0, 2, 1], (0, 0, 1)),
            (vec![65_534, 1], (2, 0, 0)),
        ] {
            assert_eq!(counts(numbers.clone()), expected, "{numbers:?}");
        }
    }

    #[test]
    fn a_new_start_loses_nothing_and_a_stray_changes_nothing() {
        assert_eq!(counts([5, 6, 40_000, 40_001, 40_003]), (1, 0, 0));
        assert_eq!(counts([5, 6, 40_000, 7, 8]), (0, 0, 0));
        let mut order = Order::new(16);
        let arrivals: Vec<_> = [5, 40_000, 40_001, 40_002].map(|number| order.arrive(number)).to_vec();
        assert!(matches!(
            arrivals[..],
            [Arrival::New(_), Arrival::Stray, Arrival::Restart(_), Arrival::New(_)]
        ));
    }

    proptest! {
        #[test]
        fn counts_add_up(steps in proptest::collection::vec((0..40_u32, 0..5_u32), 1..400), start: u16) {
            // Forward by up to 39 from the base, which goes on by up to 4: losses, repeats and disorder, all in reach.
            let (mut order, mut base, mut seen) = (Order::new(16), u32::from(start), BTreeSet::new());
            let (mut duplicates, mut first_number) = (0, None);
            for (ahead, step) in steps {
                base += step;
                let number = base + ahead;
                let first_number = u64::from(*first_number.get_or_insert(number));
                duplicates += u64::from(!seen.insert(number));
                order.arrive(number & 0xffff);
                let (first, last) = order.span.unwrap();
                let unseen = (first..=last).filter(|n| !seen.contains(&((n - first + first_number) as u32))).count();
                prop_assert_eq!(order.lost, unseen as u64);
                prop_assert_eq!(order.duplicated, duplicates);
            }
        }

        #[test]
        fn anything_goes(numbers in proptest::collection::vec(any::<u32>(), 0..300)) {
            let mut order = Order::new(24);
            for number in numbers {
                order.arrive(number & 0x00ff_ffff);
            }
        }
    }
}
