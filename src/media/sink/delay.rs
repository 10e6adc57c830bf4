//! One-way latency.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};

use super::ClockOffset;
use crate::timeline::Latency;

/// A minute; more is recorded as a minute.
const LONGEST_US: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 2;

/// Latencies in microseconds. Nothing is recorded before the clocks are known.
#[derive(Debug, Default)]
pub(super) struct Delays {
    histogram: Option<Histogram<u32>>,
    /// Of what was recorded so far, with the clocks it was made for: an idle track is asked every second.
    summary: OnceLock<(ClockOffset, Latency)>,
}

impl Delays {
    /// A frame stamped `sent_us` by the sender's clock came in at `came_us` by ours.
    pub(super) fn record(&mut self, sent_us: u64, came_us: u64, clock: ClockOffset) {
        let sent = i128::from(sent_us) - i128::from(clock.offset_us);
        self.record_delay(i128::from(came_us) - sent);
    }

    /// The same for a stamp that carries only the low 24 bits of its milliseconds.
    pub(super) fn record_millis(&mut self, sent_ms: u32, came_us: u64, clock: ClockOffset) {
        let came_ms = (i128::from(came_us) + i128::from(clock.offset_us)) / 1000;
        let delay = (came_ms - i128::from(sent_ms)).rem_euclid(1 << 24);
        // The upper half is a delay below zero, which only the error of the clocks can cause.
        self.record_delay(if delay >= 1 << 23 { 0 } else { delay * 1000 });
    }

    /// What was measured; none before the first sample.
    pub(super) fn summary(&self, clock: Option<ClockOffset>) -> Option<Latency> {
        let (histogram, clock) = (self.histogram.as_ref()?, clock?);
        let (made_for, summary) = self.summary.get_or_init(|| (clock, summarized(histogram, clock)));
        Some(if *made_for == clock { summary.clone() } else { summarized(histogram, clock) })
    }

    fn record_delay(&mut self, delay_us: i128) {
        let delay = u64::try_from(delay_us.max(0)).unwrap_or(u64::MAX);
        self.summary.take();
        self.histogram
            .get_or_insert_with(|| {
                Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS)
                    .expect("the bounds of the histogram are valid")
            })
            .saturating_record(delay);
    }
}

fn summarized(histogram: &Histogram<u32>, clock: ClockOffset) -> Latency {
    let millis = |micros: u64| micros as f64 / 1e3;
    Latency {
        count: histogram.len(),
        min_ms: millis(histogram.min()),
        p50_ms: millis(histogram.value_at_quantile(0.5)),
        p95_ms: millis(histogram.value_at_quantile(0.95)),
        max_ms: millis(histogram.max()),
        error_ms: millis(clock.error_us),
        histogram: serialized(histogram),
    }
}

fn serialized(histogram: &Histogram<u32>) -> Option<String> {
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(histogram, &mut bytes).ok()?;
    Some(BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000_000;
    const CLOCK: ClockOffset = ClockOffset { offset_us: 5_000_000, error_us: 300 };

    fn near(measured: f64, expected: f64) -> bool {
        (measured - expected).abs() <= expected * 0.01
    }

    #[test]
    fn the_offset_of_the_clocks_is_taken_out() {
        let mut delays = Delays::default();
        for delay in [10_000, 20_000, 30_000] {
            delays.record(NOW + 5_000_000 - delay, NOW, CLOCK);
        }
        let latency = delays.summary(Some(CLOCK)).unwrap();
        assert_eq!(latency.count, 3);
        assert!(
            near(latency.min_ms, 10.0) && near(latency.p50_ms, 20.0) && near(latency.max_ms, 30.0),
            "{latency:?}"
        );
        assert!((latency.error_ms - 0.3).abs() < f64::EPSILON);
        assert!(latency.histogram.is_some_and(|text| text.len() < 100));
    }

    #[test]
    fn milliseconds_of_24_bits_do_as_well() {
        let mut delays = Delays::default();
        let sent_ms = (((NOW + 5_000_000 - 40_000) / 1000) & 0x00ff_ffff) as u32;
        delays.record_millis(sent_ms, NOW, CLOCK);
        assert!(near(delays.summary(Some(CLOCK)).unwrap().p50_ms, 40.0));
    }

    #[test]
    fn what_was_not_measured_is_absent() {
        assert_eq!(Delays::default().summary(Some(CLOCK)), None);
    }

    #[test]
    fn a_negative_delay_is_zero() {
        let mut delays = Delays::default();
        delays.record(NOW + 5_000_100, NOW, CLOCK);
        delays.record(0, u64::MAX, ClockOffset { offset_us: i64::MIN, error_us: 0 });
        assert!(delays.summary(Some(CLOCK)).unwrap().min_ms.abs() < f64::EPSILON);
    }
}
