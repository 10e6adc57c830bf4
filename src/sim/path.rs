//! How long signals are on their way to the room.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;

use super::PathFactory;
use crate::jsep::Role;
use crate::server::Path;
use crate::world::{Rng, World};

/// The shortest and the longest time that a signal takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// At least.
    pub least: Duration,
    /// At most.
    pub most: Duration,
}

impl Default for Latency {
    /// A server in the same country: 1 to 30 ms.
    fn default() -> Self {
        Self { least: Duration::from_millis(1), most: Duration::from_millis(30) }
    }
}

impl Latency {
    /// The path for each side of a call, with a chance of its own.
    #[must_use]
    pub fn path(self) -> PathFactory {
        Arc::new(move |world: &dyn World, role: Role| {
            let rng = world.rng(&format!("signals {role}"));
            Arc::new(InOrder { latency: self, state: Mutex::new(State { rng, last_due: None }) })
        })
    }
}

/// A path on which each signal takes a time of its own, and none overtakes another, as over one TCP connection.
struct InOrder {
    latency: Latency,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    last_due: Option<Instant>,
}

impl Path for InOrder {
    fn carry(&self, now: Instant, _: &str) -> Vec<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Latency { least, most } = self.latency;
        let takes = least + most.saturating_sub(least).mul_f64(state.rng.random());
        let due = (now + takes).max(state.last_due.unwrap_or(now));
        state.last_due = Some(due);
        vec![due - now]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Simulated;

    #[test]
    fn signals_take_their_time_and_keep_their_order() {
        let world = Simulated::new(3);
        let path = Latency::default().path()(&world, Role::Caller);
        let now = world.now();
        let due: Vec<Duration> = (0..100)
            .map(|index| Duration::from_millis(index) + path.carry(now + Duration::from_millis(index), "")[0])
            .collect();
        assert!(due.is_sorted());
        assert!(due[0] >= Duration::from_millis(1) && due[99] <= Duration::from_millis(129));
    }
}
