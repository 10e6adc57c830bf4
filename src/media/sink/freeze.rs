//! Freezes, as W3C webrtc-stats §freezeCount counts them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The average is over this many intervals.
const AVERAGED: usize = 30;
/// Fewer intervals give no average to compare with.
const FEWEST: usize = 5;
const MARGIN: Duration = Duration::from_millis(150);

/// An interval between frames is a freeze if it is longer than max(3 average, average + 150 ms).
#[derive(Debug, Default)]
pub(super) struct Freezes {
    last: Option<Instant>,
    intervals: VecDeque<Duration>,
    sum: Duration,
    count: u64,
    frozen: Duration,
}

impl Freezes {
    pub(super) fn frame(&mut self, at: Instant) {
        if let Some(last) = self.last {
            let interval = at.saturating_duration_since(last);
            if self.is_freeze(interval) {
                self.count += 1;
                self.frozen += interval;
            }
            self.average_in(interval);
        }
        self.last = Some(at);
    }

    /// The interval that runs now does not count.
    pub(super) fn pause(&mut self) {
        self.last = None;
    }

    /// How many, and how long in all; a picture that stands still `now` is counted already.
    pub(super) fn until(&self, now: Instant) -> (u64, Duration) {
        let running = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if self.is_freeze(running) {
            (self.count + 1, self.frozen + running)
        } else {
            (self.count, self.frozen)
        }
    }

    fn is_freeze(&self, interval: Duration) -> bool {
        if self.intervals.len() < FEWEST {
            return false;
        }
        let average = self.sum / self.intervals.len() as u32;
        interval > (3 * average).max(average + MARGIN)
    }

    fn average_in(&mut self, interval: Duration) {
        self.intervals.push_back(interval);
        self.sum += interval;
        if self.intervals.len() > AVERAGED {
            self.sum -= self.intervals.pop_front().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
    fn freezes_after(intervals_ms: &[u64]) -> (Freezes, Instant) {
        let mut at = Instant::now();
        let mut freezes = Freezes::default();
        for _ in 0..=30 {
            freezes.frame(at);
            at += Duration::from_millis(40);
        }
        at -= Duration::from_millis(40);
        for &interval in intervals_ms {
            at += Duration::from_millis(interval);
            freezes.frame(at);
        }
        (freezes, at)
    }

    #[test]
    fn gaps_beyond_the_limit_are_freezes() {
        // The average is 40 ms, so the limit is 190 ms; the second gap is judged by an average of 45 ms.
        for (intervals, expected) in [
            (&[40, 190][..], (0, 0)),
            (&[191], (1, 191)),
            (&[191, 195], (1, 191)),
            (&[191, 40, 500], (2, 691)),
        ] {
            let (freezes, at) = freezes_after(intervals);
            assert_eq!(freezes.until(at), (expected.0, Duration::from_millis(expected.1)), "{intervals:?}");
        }
    }

    #[test]
    fn a_picture_that_stands_still_now_is_frozen() {
        let (mut freezes, at) = freezes_after(&[]);
        assert_eq!(freezes.until(at + Duration::from_secs(2)), (1, Duration::from_secs(2)));
        assert_eq!(freezes.until(at), (0, Duration::ZERO));
        freezes.pause();
        assert_eq!(freezes.until(at + Duration::from_secs(2)), (0, Duration::ZERO));
        freezes.frame(at + Duration::from_secs(2));
        assert_eq!(freezes.until(at + Duration::from_secs(2)), (0, Duration::ZERO));
    }
}
