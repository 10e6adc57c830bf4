//! The time that a path has of its own. It stands still while the path waits for others.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::world::World;

/// How often it is looked again whether a path that waits has its turn.
const LOOK: Duration = Duration::from_millis(50);

/// What is left to a path, and why it was ended.
pub(super) struct Allowance {
    world: Arc<dyn World>,
    end: Cell<Instant>,
    waits: Cell<bool>,
    ended: Cell<Ended>,
}

/// Why a path was ended before its last step. None of it is the fault of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its own time is used up.
    Own,
    /// What the URL names is done, and this is not what it names.
    Cut,
    /// The time of all servers together is used up.
    All,
}

impl Allowance {
    pub(super) fn new(world: &Arc<dyn World>, time: Duration) -> Self {
        let end = Cell::new(world.now() + time);
        Self { world: Arc::clone(world), end, waits: Cell::new(false), ended: Cell::new(Ended::Own) }
    }

    /// Waits for others, which costs nothing.
    pub(super) async fn free<T>(&self, wait: impl Future<Output = T>) -> T {
        let start = self.world.now();
        self.waits.set(true);
        let value = wait.await;
        self.waits.set(false);
        self.end.set(self.end.get() + (self.world.now() - start));
        value
    }

    /// Waits until nothing is left.
    pub(super) async fn used_up(&self) {
        loop {
            let left = self.end.get().saturating_duration_since(self.world.now());
            if left.is_zero() && !self.waits.get() {
                return;
            }
            self.world.sleep(left.max(LOOK)).await;
        }
    }

    pub(super) fn end(&self, why: Ended) {
        self.ended.set(why);
    }

    /// Why it was ended, for the step that was not done.
    pub(super) fn reason(&self) -> &'static str {
        match self.ended.get() {
            Ended::Own => "cut short: the time of this path is used up",
            Ended::Cut => "cut short: the paths that the URL names are done",
            Ended::All => "cut short: the time of all servers together is used up",
        }
    }
}
