//! When packets come and what their timestamps say: interarrival jitter, and how fast the sender's RTP clock runs.

use std::time::{Duration, Instant};

/// A longer gap is a pause: what comes after it is not compared with what came before.
const PAUSE: Duration = Duration::from_secs(1);
/// From the first window to the last, before the clock is judged.
const MEASURED: f64 = 30.0;
/// A wrong rate shows sooner: nothing but the clock shifts the delay by so many seconds, and evenly.
const CLEARLY_OFF: f64 = 0.5;
/// Not even then before.
const AT_LEAST: f64 = 10.0;
/// How far the least delays may lie from a straight line: seconds, and the share of the whole change.
const STRAIGHT: (f64, f64) = (0.005, 0.1);
/// Windows that are kept; when there are more, each two become one.
const WINDOWS: usize = 16;

/// Follows the first packet of every timestamp of one stream.
#[derive(Debug)]
pub(super) struct Timing {
    /// Ticks per second, by the codec.
    nominal: f64,
    last: Option<(Instant, u32)>,
    /// In seconds; none before two timestamps.
    jitter: Option<f64>,
    clock: Option<ClockLine>,
}

/// How the delay changes: the least of each window, which no queue on the way has lengthened.
#[derive(Debug)]
struct ClockLine {
    start: Instant,
    /// The timestamp of now, counted from the start.
    ticks: i64,
    /// Of a window, in seconds.
    width: f64,
    windows: Vec<Least>,
}

/// The least delay in a window, and when it was seen; seconds since the start.
#[derive(Clone, Copy, Debug)]
struct Least {
    at: f64,
    delay: f64,
}

impl Timing {
    /// For a clock of so many ticks per second.
    pub(super) fn new(nominal: u32) -> Self {
        Self { nominal: f64::from(nominal), last: None, jitter: None, clock: None }
    }

    /// A pause, or a new stream: the next packet is compared with nothing.
    pub(super) fn restart(&mut self) {
        self.last = None;
        self.clock = None;
    }

    /// A packet that is the newest by its number.
    pub(super) fn packet(&mut self, timestamp: u32, at: Instant) {
        let Some((before, stamp)) = self.last else { return self.begin(timestamp, at) };
        let ticks = i64::from(timestamp.wrapping_sub(stamp).cast_signed());
        if ticks == 0 {
            return;
        }
        let (passed, sent) = (at.saturating_duration_since(before), ticks as f64 / self.nominal);
        // RFC 3550 §6.4.1: the difference of the two differences.
        let difference = passed.as_secs_f64() - sent;
        if passed > PAUSE || difference.abs() > PAUSE.as_secs_f64() {
            return self.begin(timestamp, at);
        }
        let jitter = self.jitter.unwrap_or_default();
        self.jitter = Some(jitter + (difference.abs() - jitter) / 16.0);
        self.last = Some((at, timestamp));
        if let Some(clock) = &mut self.clock {
            clock.ticks += ticks;
            let elapsed = at.saturating_duration_since(clock.start).as_secs_f64();
            clock.add(Least { at: elapsed, delay: elapsed - clock.ticks as f64 / self.nominal });
        }
    }

    /// Interarrival jitter so far, in milliseconds.
    pub(super) fn jitter_ms(&self) -> Option<f64> {
        self.jitter.map(|jitter| hundredths(jitter * 1e3))
    }

    /// Ticks of the RTP clock per second of the arrival clock since the last pause; none while that is not sure.
    pub(super) fn clock_rate(&self) -> Option<f64> {
        Some(hundredths(self.nominal * (1.0 - self.clock.as_ref()?.slope()?)))
    }

    fn begin(&mut self, timestamp: u32, at: Instant) {
        self.last = Some((at, timestamp));
        let windows = vec![Least { at: 0.0, delay: 0.0 }];
        self.clock = Some(ClockLine { start: at, ticks: 0, width: 1.0, windows });
    }
}

impl ClockLine {
    fn add(&mut self, seen: Least) {
        let window = |at: f64| (at / self.width) as u64;
        match self.windows.last_mut() {
            Some(last) if window(last.at) == window(seen.at) => {
                if seen.delay < last.delay {
                    *last = seen;
                }
            }
            _ => self.windows.push(seen),
        }
        if self.windows.len() > WINDOWS {
            self.width *= 2.0;
            for seen in std::mem::take(&mut self.windows) {
                self.add(seen);
            }
        }
    }

    /// By how much the delay grows in a second, if it does so evenly.
    fn slope(&self) -> Option<f64> {
        // The window that runs now has not seen its least delay yet.
        let (_, windows) = self.windows.split_last()?;
        let (first, last) = (windows.first()?, windows.last()?);
        let (span, change) = (last.at - first.at, last.delay - first.delay);
        if span < AT_LEAST || span < MEASURED && change.abs() < CLEARLY_OFF {
            return None;
        }
        let slope = change / span;
        let apart = |seen: &Least| (seen.delay - first.delay - slope * (seen.at - first.at)).abs();
        // A route that changes shifts the delay at once, and a queue comes and goes.
        let straight = windows.iter().all(|seen| apart(seen) <= STRAIGHT.0 + STRAIGHT.1 * change.abs());
        straight.then_some(slope)
    }
}

/// More digits mean nothing, and would fill the timeline.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: u32 = 90_000;

    /// Frames 30 times a second for so long, with timestamps of a clock of `rate`; `delay` by the time in seconds.
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
    fn timed(seconds: u32, rate: f64, delay: impl Fn(f64) -> f64) -> Timing {
        let (start, mut timing) = (Instant::now(), Timing::new(VIDEO));
        for frame in 0..seconds * 30 {
            let sent = f64::from(frame) / 30.0;
            // Close to the end of its width, so that it wraps.
            let timestamp = (u32::MAX - 5000).wrapping_add((sent * rate) as u32);
            timing.packet(timestamp, start + Duration::from_secs_f64(sent + delay(sent)));
        }
        timing
    }

    /// A delay that differs by up to 40 ms from frame to frame.
    fn jittery(sent: f64) -> f64 {
        0.04 * ((sent * 977.0).sin() * 43_758.5).fract().abs()
    }

    fn rate_of(timing: &Timing) -> f64 {
        timing.clock_rate().expect("measured")
    }

    #[test]
    fn a_good_clock_has_its_rate_on_any_network() {
        for delay in [&(|_| 0.02) as &dyn Fn(f64) -> f64, &jittery] {
            for seconds in [40, 400] {
                let rate = rate_of(&timed(seconds, 90_000.0, delay));
                assert!((rate / 90_000.0 - 1.0).abs() < 0.000_5, "{rate}");
            }
        }
    }

    #[test]
    fn drift_and_a_wrong_rate_are_measured() {
        for (seconds, rate) in [(60, 90_450.0), (60, 89_550.0), (15, 48_000.0), (15, 96_000.0)] {
            let measured = rate_of(&timed(seconds, rate, jittery));
            assert!((measured / rate - 1.0).abs() < 0.001, "{measured} for {rate}");
        }
    }

    #[test]
    fn what_is_short_or_uneven_is_not_measured() {
        assert_eq!(timed(20, 90_000.0, jittery).clock_rate(), None, "too short");
        assert_eq!(timed(8, 48_000.0, jittery).clock_rate(), None, "too short for a wrong rate");
        let step = |sent: f64| if sent > 30.0 { 0.3 } else { 0.02 };
        assert_eq!(timed(60, 90_000.0, step).clock_rate(), None, "another route");
        let pause = |sent: f64| if sent > 50.0 { 2.0 } else { 0.02 };
        assert_eq!(timed(60, 90_000.0, pause).clock_rate(), None, "nothing came for a while");
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        assert_eq!(timed(10, 90_000.0, |_| 0.02).jitter_ms(), Some(0.0));
        let alternating =
            |sent: f64| if ((sent * 30.0).round() as u64).is_multiple_of(2) { 0.0 } else { 0.01 };
        let jitter = timed(10, 90_000.0, alternating).jitter_ms().expect("measured");
        assert!((jitter - 10.0).abs() < 0.1, "{jitter}");
        assert_eq!(Timing::new(VIDEO).jitter_ms(), None);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
    fn packets_of_one_frame_count_once() {
        let (start, mut timing) = (Instant::now(), Timing::new(VIDEO));
        for (timestamp, ms) in [(0, 0), (0, 15), (3000, 33), (3000, 60)] {
            timing.packet(timestamp, start + Duration::from_micros(ms * 1000));
        }
        assert!(timing.jitter_ms().is_some_and(|jitter| jitter < 0.1));
    }
}
