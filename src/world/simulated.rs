//! Simulated time: a discrete-event executor. Everything runs on the thread that calls [`Simulated::run`], one event
//! after another, and time stands still until nothing can go on; then it jumps to the next timer.
//!
//! What makes it repeat: only one timer fires at a time, and a sleep is ready only once *its* timer has fired, so a task
//! that waits for several things finds one of them, in the same order in every run.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::{BoxFuture, Clock, World};

/// The wall clock when the world begins, so that what is written down repeats: 2026-01-01 00:00:00 UTC.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// A world with a clock of its own. Clones share everything.
#[derive(Clone)]
pub struct Simulated(Arc<Shared>);

/// Something is waited for that nothing will ever bring about: no task can go on and no timer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "deadlock after {:.6} s of simulated time: {tasks} tasks wait, none can go on and no timer runs",
    at.as_secs_f64()
)]
pub struct Deadlock {
    /// When, since the world began.
    pub at: Duration,
    /// How many tasks wait.
    pub tasks: usize,
}

struct Shared {
    start: Instant,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    /// Events made so far; those of one instant happen in the order in which they were made.
    made: u64,
    events: BTreeMap<(Duration, u64), Event>,
    ready: VecDeque<Arc<Job>>,
    /// Every task that has not ended. A task is kept alive by this alone: what it waits for holds it, and it holds that.
    jobs: BTreeMap<u64, Arc<Job>>,
    stopped: bool,
}

enum Event {
    Timer(Arc<Timer>),
    Call(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Timer {
    fired: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct Job {
    number: u64,
    future: Mutex<Option<BoxFuture<()>>>,
    queued: AtomicBool,
    world: Weak<Shared>,
}

impl Simulated {
    /// A world at the beginning of its time, in which every random choice derives from `seed`.
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant cannot be made in any other way; only its distance counts"
    )]
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Shared { start: Instant::now(), seed, state: Mutex::default() }))
    }

    /// Runs everything until `future` is ready.
    ///
    /// # Errors
    /// [`Deadlock`] when it never will be.
    pub fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Deadlock> {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        self.spawn_detached(Box::pin(async move {
            let value = future.await;
            *lock(&slot) = Some(value);
        }));
        loop {
            self.run_ready();
            if let Some(value) = lock(&result).take() {
                return Ok(value);
            }
            if !self.fire_next_event() {
                let state = self.state();
                return Err(Deadlock { at: state.now, tasks: state.jobs.len() });
            }
        }
    }

    /// Calls `event` when that much time has passed.
    pub fn after(&self, duration: Duration, event: impl FnOnce() + Send + 'static) {
        self.state().push(duration, Event::Call(Box::new(event)));
    }

    /// How much time has passed since the world began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.state().now
    }

    /// Ends every task where it stands; nothing runs in this world any more. Tasks hold the world that holds them, so
    /// a world that is not stopped is never freed while one of its tasks waits.
    pub fn stop(&self) {
        let (jobs, events, ready) = {
            let mut state = self.state();
            state.stopped = true;
            let State { jobs, events, ready, .. } = &mut *state;
            (std::mem::take(jobs), std::mem::take(events), std::mem::take(ready))
        };
        // Outside the lock: what is dropped here cancels timers and may try to spawn.
        for job in jobs.into_values() {
            let future = lock(&job.future).take();
            drop(future);
        }
        drop((events, ready));
    }

    fn run_ready(&self) {
        loop {
            let Some(job) = self.state().ready.pop_front() else { return };
            job.queued.store(false, Ordering::Release);
            let Some(mut future) = lock(&job.future).take() else { continue };
            let waker = Waker::from(Arc::clone(&job));
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                *lock(&job.future) = Some(future);
            } else {
                // Dropped here, and not under the lock.
                let ended = self.state().jobs.remove(&job.number);
                drop(ended);
            }
        }
    }

    fn fire_next_event(&self) -> bool {
        let event = {
            let mut state = self.state();
            let Some(((at, _), event)) = state.events.pop_first() else { return false };
            state.now = at;
            event
        };
        match event {
            Event::Timer(timer) => {
                timer.fired.store(true, Ordering::Release);
                if let Some(waker) = lock(&timer.waker).take() {
                    waker.wake();
                }
            }
            Event::Call(call) => call(),
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn push(&mut self, duration: Duration, event: Event) -> (Duration, u64) {
        self.made += 1;
        let key = (self.now.saturating_add(duration), self.made);
        if !self.stopped {
            self.events.insert(key, event);
        }
        key
    }
}

/// A task that panicked has left its own data behind, not ours.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("seed", &self.0.seed).finish_non_exhaustive()
    }
}

impl World for Simulated {
    fn now(&self) -> Instant {
        self.0.start + self.state().now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let timer = Arc::new(Timer::default());
        let key = self.state().push(duration, Event::Timer(Arc::clone(&timer)));
        Box::pin(Sleep { world: Arc::downgrade(&self.0), key, timer })
    }

    fn spawn_detached(&self, future: BoxFuture<()>) {
        let mut state = self.state();
        if state.stopped {
            drop(state);
            return drop(future);
        }
        state.made += 1;
        let job = Arc::new(Job {
            number: state.made,
            future: Mutex::new(Some(future)),
            queued: AtomicBool::new(true),
            world: Arc::downgrade(&self.0),
        });
        state.jobs.insert(job.number, Arc::clone(&job));
        state.ready.push_back(job);
    }

    fn seed(&self) -> u64 {
        self.0.seed
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(world) = self.world.upgrade() {
            world.state().ready.push_back(self);
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
        *lock(&self.timer.waker) = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.timer.fired.load(Ordering::Acquire) {
            return;
        }
        if let Some(world) = self.world.upgrade() {
            let event = world.state().events.remove(&self.key);
            drop(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Elapsed, spawn, timeout};

    #[test]
    fn time_jumps_from_timer_to_timer() {
        let world = Simulated::new(1);
        let inner = world.clone();
        let passed = world.run(async move {
            let start = inner.now();
            inner.sleep(Duration::from_secs(3600)).await;
            inner.now() - start
        });
        assert_eq!(passed, Ok(Duration::from_secs(3600)));
        assert_eq!(world.elapsed(), Duration::from_secs(3600));
    }

    #[test]
    fn a_dropped_task_stops_and_a_timeout_elapses() {
        let world = Simulated::new(1);
        let inner = world.clone();
        let ran = world.run(async move {
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
        assert_eq!(ran, Ok(()));
    }

    #[test]
    fn waiting_for_nothing_is_told() {
        let world = Simulated::new(1);
        let inner = world.clone();
        let ran = world.run(async move {
            inner.sleep(Duration::from_millis(1500)).await;
            futures::future::pending::<()>().await;
        });
        let deadlock = ran.unwrap_err();
        assert_eq!(deadlock, Deadlock { at: Duration::from_millis(1500), tasks: 1 });
        assert!(deadlock.to_string().starts_with("deadlock after 1.500000 s"), "{deadlock}");
    }

    #[test]
    fn events_of_one_instant_happen_in_the_order_in_which_they_were_made() {
        let world = Simulated::new(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..5 {
            let order = Arc::clone(&order);
            world.after(Duration::from_millis(1), move || order.lock().unwrap().push(number));
        }
        let inner = world.clone();
        world.run(async move { inner.sleep(Duration::from_millis(1)).await }).unwrap();
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_stopped_world_frees_what_waits_for_itself() {
        struct Held(Arc<AtomicBool>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let (world, dropped) = (Simulated::new(1), Arc::new(AtomicBool::new(false)));
        let (held, inner) = (Held(Arc::clone(&dropped)), world.clone());
        world.spawn_detached(Box::pin(async move {
            // Both ends of the channel are in the task that waits: a circle.
            let (_tell, heard) = futures::channel::oneshot::channel::<()>();
            inner.sleep(Duration::from_secs(1)).await;
            let _ = heard.await;
            drop(held);
        }));
        let inner = world.clone();
        world.run(async move { inner.sleep(Duration::from_secs(2)).await }).unwrap();
        assert!(!dropped.load(Ordering::Acquire));
        world.stop();
        assert!(dropped.load(Ordering::Acquire));
    }
}
