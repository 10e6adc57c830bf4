//! How far two clocks are apart, by messages there and back (RFC 5905 §8), and which of many measurements to believe.

use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::world::World;

/// What two clocks may drift apart, in microseconds a second; crystals are within 100 parts per million together.
const DRIFT_US_PER_S: u64 = 100;

/// The wall clock as it was at the start, carried on by the monotonic one: it never jumps.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    epoch_us: u64,
}

impl Clock {
    pub(super) fn new(world: &dyn World) -> Self {
        let epoch = world.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: world.now(), epoch_us: micros(epoch) }
    }

    /// Microseconds since 1970-01-01 UTC at `now`.
    pub(super) fn at(&self, now: Instant) -> u64 {
        self.epoch_us.saturating_add(micros(now.saturating_duration_since(self.start)))
    }
}

/// One probe there and back, in microseconds of the clock named.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    /// Sent, by our clock.
    pub(super) sent: u64,
    /// Received, by the peer's.
    pub(super) received: u64,
    /// Replied, by the peer's.
    pub(super) replied: u64,
    /// Back, by our clock.
    pub(super) back: u64,
}

/// A peer's clock minus ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) offset_us: i64,
    /// The true offset lies within this distance, whichever way took how much of the time.
    pub(super) error_us: u64,
}

impl RoundTrip {
    /// The offset; none if the figures contradict each other.
    pub(super) fn offset(self) -> Option<Offset> {
        let there = i128::from(self.received) - i128::from(self.sent);
        let back = i128::from(self.replied) - i128::from(self.back);
        let on_the_way = there - back;
        let at_the_peer = self.replied.checked_sub(self.received)?;
        self.back.checked_sub(self.sent)?.checked_sub(at_the_peer)?;
        Some(Offset {
            offset_us: i64::try_from((there + back) / 2).ok()?,
            // Both clocks tell whole microseconds.
            error_us: u64::try_from(on_the_way / 2 + 1).ok()?,
        })
    }
}

/// The best measurement so far; an old one is worth less.
#[derive(Debug, Default)]
pub(super) struct Best(Option<(Offset, Instant)>);

impl Best {
    /// Takes `offset` if it is better by a tenth; says so.
    pub(super) fn improve(&mut self, offset: Offset, now: Instant) -> bool {
        let better = self.0.is_none_or(|(held, since)| {
            let age = now.saturating_duration_since(since).as_secs();
            let aged = held.error_us.saturating_add(age.saturating_mul(DRIFT_US_PER_S));
            offset.error_us < aged - aged / 10
        });
        if better {
            self.0 = Some((offset, now));
        }
        better
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_true_offset_is_within_the_error(
            sent in 10_000_000_u64..1 << 50, there in 0_u64..1_000_000, back in 0_u64..1_000_000,
            at_peer in 0_u64..1_000_000, true_offset in -1_000_000_i64..1_000_000,
        ) {
            let received = (sent + there).checked_add_signed(true_offset).unwrap();
            let trip = RoundTrip { sent, received, replied: received + at_peer, back: sent + there + at_peer + back };
            let offset = trip.offset().unwrap();
            prop_assert!(offset.offset_us.abs_diff(true_offset) <= offset.error_us);
            prop_assert!(offset.error_us <= (there + back) / 2 + 1);
        }

        #[test]
        fn no_figures_unwind(sent: u64, received: u64, replied: u64, back: u64) {
            let _ = RoundTrip { sent, received, replied, back }.offset();
        }
    }

    #[test]
    fn a_peer_that_held_the_probe_longer_than_it_was_away_is_not_believed() {
        assert_eq!(RoundTrip { sent: 100, received: 0, replied: 50, back: 120 }.offset(), None);
        assert_eq!(RoundTrip { sent: 100, received: 60, replied: 50, back: 120 }.offset(), None);
    }
}
