//! Media time in whole units of a time base, so that no rounding ever adds up.

use std::time::Duration;

/// How far a source has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaClock {
    /// A unit lasts `numerator / denominator` seconds.
    numerator: u32,
    denominator: u32,
    rate: u32,
    units: u64,
}

impl MediaClock {
    /// A clock at 0 with `rate` RTP ticks a second.
    pub(super) fn new(numerator: u32, denominator: u32, rate: u32) -> Self {
        Self { numerator, denominator, rate, units: 0 }
    }

    pub(super) fn time(&self) -> Duration {
        let nanos = self.scaled(1_000_000_000);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// RTP timestamps wrap (RFC 3550 §5.1), so only the low bits matter.
    pub(super) fn ticks(&self) -> u32 {
        self.scaled(self.rate) as u32
    }

    pub(super) fn advance(&mut self, units: u64) {
        self.units += units;
    }

    /// Steps of `units` until `time` is reached; returns how many.
    pub(super) fn skip_to(&mut self, time: Duration, units: u64) -> u64 {
        let units = units.max(1);
        let mut steps = 0;
        while self.time() < time {
            self.advance(units);
            steps += 1;
        }
        steps
    }

    fn scaled(&self, per_second: u32) -> u128 {
        u128::from(self.units) * u128::from(self.numerator) * u128::from(per_second)
            / u128::from(self.denominator)
    }
}
