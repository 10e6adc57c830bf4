//! The real world: Tokio's clock, tasks and timers, and a seed from the operating system unless one is given.

#![expect(clippy::disallowed_methods, reason = "this is the place where time, tasks and seeds come from")]

use std::time::{Duration, Instant, SystemTime};

use super::{BoxFuture, World};

/// The world that real calls run in.
#[derive(Debug, Clone)]
pub struct Live {
    handle: tokio::runtime::Handle,
    seed: u64,
}

impl Live {
    /// The world of the Tokio runtime that this is called in.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { handle: tokio::runtime::Handle::current(), seed }
    }

    /// Does `work`, which computes and does not wait, on a thread of its own, so that others get on meanwhile. None if it
    /// panicked.
    pub async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.handle.spawn_blocking(work).await.ok()
    }

    /// Does `work`, which waits for pipes, on a thread of its own until it is done.
    pub fn on_a_thread(&self, work: impl FnOnce() + Send + 'static) {
        drop(self.handle.spawn_blocking(work));
    }

    /// A seed drawn from the operating system, for runs that did not state one.
    #[must_use]
    pub fn random_seed() -> u64 {
        rand::random()
    }
}

impl World for Live {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        // Entered so that a sleep may be made on a thread that is not one of the runtime's.
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn_detached(&self, future: BoxFuture<()>) {
        self.handle.spawn(future);
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
