//! Where events come into being: one recorder for each side of a call, shared by all that play it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{Event, Kind};
use crate::jsep::Role;

/// Somebody who sees every event at the moment it is recorded. Must be quick: it runs where the event happened.
pub type Observer = Box<dyn FnMut(&Event) + Send>;

/// Gives each event its id and time and shows it to every observer, in one order. Clones share everything.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    role: Role,
    start: Instant,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    observers: Vec<Observer>,
}

impl Recorder {
    /// A recorder whose `at_us` 0 is `start`.
    #[must_use]
    pub fn new(role: Role, start: Instant) -> Self {
        Self(Arc::new(Shared { role, start, log: Mutex::default() }))
    }

    /// Shows `observer` everything so far, then each event as it comes.
    pub fn observe(&self, mut observer: Observer) {
        let mut log = self.lock();
        for event in &log.events {
            observer(event);
        }
        log.observers.push(observer);
    }

    /// Records what happened at `at`.
    pub fn record(&self, at: Instant, kind: Kind) {
        let mut log = self.lock();
        let event = Event {
            id: format!("{}:{}", self.0.role, log.events.len() + 1),
            at_us: u64::try_from(at.saturating_duration_since(self.0.start).as_micros()).unwrap_or(u64::MAX),
            kind,
        };
        let Log { events, observers } = &mut *log;
        for observer in observers.iter_mut() {
            observer(&event);
        }
        events.push(event);
    }

    /// Everything so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Reads everything so far where it is; recording waits meanwhile.
    pub fn read<T>(&self, reader: impl FnOnce(&[Event]) -> T) -> T {
        reader(&self.lock().events)
    }

    /// The side that records.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// What `at_us` 0 is.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.0.start
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        // An observer that panicked has lost its own view only; the log itself is whole.
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.0.role)
    }
}
