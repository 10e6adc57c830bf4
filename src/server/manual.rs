//! A world for tests whose time stands still until it is told to pass, and whose tasks run when they are told to.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::world::{BoxFuture, World};

/// The world; shared with everything that runs in it.
#[derive(Clone)]
pub(super) struct Manual(Arc<Mutex<State>>);

struct State {
    start: Instant,
    passed: Duration,
    tasks: Vec<BoxFuture<()>>,
}

impl Manual {
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can only be made from a clock; it stands still here"
    )]
    pub(super) fn new() -> Self {
        let state = State { start: Instant::now(), passed: Duration::ZERO, tasks: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn world(&self) -> Arc<dyn World> {
        Arc::new(self.clone())
    }

    /// Polls every task until none has anything left to do at this moment.
    pub(super) fn settle(&self) {
        for _ in 0..20 {
            self.poll_once();
        }
    }

    /// Lets time pass in steps of 10 ms.
    pub(super) fn pass(&self, duration: Duration) {
        let end = self.0.lock().unwrap().passed + duration;
        while self.0.lock().unwrap().passed < end {
            self.0.lock().unwrap().passed += Duration::from_millis(10);
            self.settle();
        }
    }

    /// Runs tasks until `future` is ready, without letting time pass.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        for _ in 0..1000 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return value;
            }
            self.poll_once();
        }
        panic!("nothing happens any more");
    }

    fn poll_once(&self) {
        let tasks = std::mem::take(&mut self.0.lock().unwrap().tasks);
        let mut context = Context::from_waker(Waker::noop());
        let mut left = Vec::new();
        for mut task in tasks {
            if task.as_mut().poll(&mut context).is_pending() {
                left.push(task);
            }
        }
        let mut state = self.0.lock().unwrap();
        left.append(&mut state.tasks);
        state.tasks = left;
    }
}

impl std::fmt::Debug for Manual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Manual")
    }
}

impl World for Manual {
    fn now(&self) -> Instant {
        let state = self.0.lock().unwrap();
        state.start + state.passed
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.0.lock().unwrap().passed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let world = self.clone();
        let end = self.now() + duration;
        Box::pin(std::future::poll_fn(
            move |_| {
                if world.now() >= end { Poll::Ready(()) } else { Poll::Pending }
            },
        ))
    }

    fn spawn_detached(&self, future: BoxFuture<()>) {
        self.0.lock().unwrap().tasks.push(future);
    }

    fn seed(&self) -> u64 {
        7
    }
}
