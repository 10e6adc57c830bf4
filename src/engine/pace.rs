//! How long the engine's driver may sleep.
//!
//! The driver forgets to look at what it has just queued: the first DTLS flight leaves only at the ICE agent's next
//! tick, 200 ms later, a candidate that was added wakes nobody, and a relayed packet waits for the next wake. So its
//! sleeps are bounded while that matters, and cut short the moment something was queued.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;

use crate::world::BoxFuture;

/// The longest sleep while sleeps are bounded.
const TICK: Duration = Duration::from_millis(1);
/// Sleeps stay bounded this long after the connection was made: the peer may still wait for our last DTLS flight.
const MARGIN: Duration = Duration::from_millis(300);

/// Shared by the runtime, which sleeps, and the engine, which knows when that matters.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Mutex<Phase>,
    kicked: AtomicBool,
    sleeper: AtomicWaker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Bounded until connected, and for as long as the selected pair is relayed.
    Bounded,
    /// Bounded until then.
    BoundedUntil(Instant),
    /// Every sleep is as long as the driver asks for.
    Closing,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            phase: Mutex::new(Phase::Bounded),
            kicked: AtomicBool::new(false),
            sleeper: AtomicWaker::new(),
        }
    }

    /// Ends the driver's present or next sleep at once.
    pub(super) fn kick(&self) {
        self.kicked.store(true, Ordering::Release);
        self.sleeper.wake();
    }

    /// Bounded from now on: a connection is being made, or the selected pair is relayed.
    pub(super) fn bound(&self) {
        self.set(Phase::Bounded);
        self.kick();
    }

    /// Bounded for a margin only: the connection was made, directly.
    pub(super) fn relax(&self, now: Instant) {
        self.set(Phase::BoundedUntil(now + MARGIN));
    }

    /// No bound any more. Before close(): its own patience is a sleep, and cutting it short would cut off the TURN
    /// releases.
    pub(super) fn stop(&self) {
        *self.lock() = Phase::Closing;
    }

    /// How long a sleep of `wanted` may be.
    pub(super) fn limit(&self, wanted: Duration, now: Instant) -> Duration {
        match *self.lock() {
            Phase::Bounded => wanted.min(TICK),
            Phase::BoundedUntil(until) if now < until => wanted.min(TICK),
            Phase::BoundedUntil(_) | Phase::Closing => wanted,
        }
    }

    fn set(&self, phase: Phase) {
        let mut current = self.lock();
        if *current != Phase::Closing {
            *current = phase;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().expect("no panic while the phase is held")
    }

    fn is_closing(&self) -> bool {
        *self.lock() == Phase::Closing
    }
}

/// A sleep that a kick ends.
pub(super) struct PacedSleep {
    pub(super) sleep: BoxFuture<()>,
    pub(super) pace: std::sync::Arc<Pace>,
}

impl Future for PacedSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.pace.is_closing() {
            self.pace.sleeper.register(cx.waker());
            if self.pace.kicked.swap(false, Ordering::AcqRel) {
                return Poll::Ready(());
            }
        }
        self.sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(86_400);

    #[test]
    fn sleeps_are_bounded_until_the_margin_has_passed() {
        let (pace, now) = (Pace::new(), Instant::now());
        assert_eq!(pace.limit(LONG, now), TICK);
        assert_eq!(pace.limit(Duration::ZERO, now), Duration::ZERO);
        pace.relax(now);
        assert_eq!(pace.limit(LONG, now + MARGIN / 2), TICK);
        assert_eq!(pace.limit(LONG, now + MARGIN), LONG);
        pace.bound();
        assert_eq!(pace.limit(LONG, now + MARGIN), TICK);
    }

    #[test]
    fn nothing_bounds_a_sleep_once_closing() {
        let (pace, now) = (Pace::new(), Instant::now());
        pace.stop();
        pace.bound();
        pace.relax(now);
        assert_eq!(pace.limit(LONG, now), LONG);
    }

    #[test]
    fn a_kick_ends_one_sleep_and_none_while_closing() {
        let pace = Arc::new(Pace::new());
        let sleep = || PacedSleep { sleep: Box::pin(std::future::pending()), pace: pace.clone() };
        assert!(sleep().now_or_never().is_none());
        pace.kick();
        assert!(sleep().now_or_never().is_some());
        assert!(sleep().now_or_never().is_none());
        pace.stop();
        pace.kick();
        assert!(sleep().now_or_never().is_none());
    }
}
