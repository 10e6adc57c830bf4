//! A world without Tokio and without real time, for tests: one event after another on one thread.
//!
//! Time stands still while anything can run, and then jumps to the next timer. A test that waits for something that
//! can no longer happen is told so at once instead of hanging.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::{BoxFuture, World};

/// A hand-stepped world. Clones share everything.
#[derive(Clone)]
pub(crate) struct Stepped(Arc<Shared>);

struct Shared {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    timers_made: u64,
    timers: BTreeMap<(Duration, u64), Arc<Timer>>,
    ready: VecDeque<Arc<Job>>,
}

#[derive(Default)]
struct Timer {
    fired: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct Job {
    future: Mutex<Option<BoxFuture<()>>>,
    queued: AtomicBool,
    world: Weak<Shared>,
}

impl Stepped {
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant cannot be made in any other way; only its distance counts"
    )]
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { start: Instant::now(), state: Mutex::default() }))
    }

    /// Runs everything until `future` is ready.
    ///
    /// # Panics
    /// When `future` waits for something that nothing will ever bring about.
    pub(crate) fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.spawn_detached(Box::pin(async move {
            let value = future.await;
            *slot.lock().unwrap() = Some(value);
        }));
        loop {
            self.run_ready();
            if let Some(value) = result.lock().unwrap().take() {
                return value;
            }
            assert!(self.fire_next_timer(), "deadlock: nothing is ready and no timer runs");
        }
    }

    fn run_ready(&self) {
        loop {
            let Some(job) = self.state().ready.pop_front() else { return };
            job.queued.store(false, Ordering::Release);
            let Some(mut future) = job.future.lock().unwrap().take() else { continue };
            let waker = Waker::from(Arc::clone(&job));
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                *job.future.lock().unwrap() = Some(future);
            }
        }
    }

    fn fire_next_timer(&self) -> bool {
        let timer = {
            let mut state = self.state();
            let Some(((at, _), timer)) = state.timers.pop_first() else { return false };
            state.now = at;
            timer
        };
        timer.fired.store(true, Ordering::Release);
        if let Some(waker) = timer.waker.lock().unwrap().take() {
            waker.wake();
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl fmt::Debug for Stepped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stepped")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Futures may hold timers of this world, whose drop looks for the state; let them go first.
        let state = std::mem::take(self.state.get_mut().unwrap());
        drop(state);
    }
}

impl World for Stepped {
    fn now(&self) -> Instant {
        self.0.start + self.state().now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let timer = Arc::new(Timer::default());
        let mut state = self.state();
        state.timers_made += 1;
        let key = (state.now + duration, state.timers_made);
        state.timers.insert(key, Arc::clone(&timer));
        Box::pin(Sleep { world: Arc::downgrade(&self.0), key, timer })
    }

    fn spawn_detached(&self, future: BoxFuture<()>) {
        let job = Job {
            future: Mutex::new(Some(future)),
            queued: AtomicBool::new(true),
            world: Arc::downgrade(&self.0),
        };
        self.state().ready.push_back(Arc::new(job));
    }

    fn seed(&self) -> u64 {
        1
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(world) = self.world.upgrade() {
            world.state.lock().unwrap().ready.push_back(self);
        }
    }
}

struct Sleep {
    world: Weak<Shared>,
    key: (Duration, u64),
    timer: Arc<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.fired.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        *self.timer.waker.lock().unwrap() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            world.state.lock().unwrap().timers.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Elapsed, spawn, timeout};

    #[test]
    fn time_jumps_from_timer_to_timer() {
        let world = Stepped::new();
        let inner = world.clone();
        let passed = world.run(async move {
            let start = inner.now();
            inner.sleep(Duration::from_secs(3600)).await;
            inner.now() - start
        });
        assert_eq!(passed, Duration::from_secs(3600));
    }

    #[test]
    fn a_dropped_task_stops_and_a_timeout_elapses() {
        let world = Stepped::new();
        let inner = world.clone();
        world.run(async move {
            let (told, heard) = futures::channel::oneshot::channel::<()>();
            let task = spawn(&inner, async move {
                futures::future::pending::<()>().await;
                drop(told);
            });
            assert_eq!(
                timeout(&inner, Duration::from_millis(5), futures::future::pending::<()>()).await,
                Err(Elapsed)
            );
            drop(task);
            assert!(heard.await.is_err(), "the task was dropped with everything that it held");
        });
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn waiting_for_nothing_is_told() {
        Stepped::new().run(futures::future::pending::<()>());
    }
}
