//! Worlds for tests of the engine.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use crate::world::{BoxFuture, World};

/// A world whose clock moves only when told; nothing runs in it.
#[derive(Debug)]
pub(in crate::engine) struct StillWorld(Mutex<Instant>);

impl StillWorld {
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(in crate::engine) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl World for StillWorld {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn spawn_detached(&self, _: BoxFuture<()>) {}

    fn seed(&self) -> u64 {
        7
    }
}
