//! Time, tasks and randomness. Nobody else asks a clock, starts a task or draws a random number, so that a call runs
//! the same on Tokio ([`Live`]) and on simulated time ([`Simulated`]).

#[cfg(feature = "engine")]
mod live;
mod simulated;
mod task;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use futures::future::{Either, select};
use rand::SeedableRng;

#[cfg(feature = "engine")]
pub use live::Live;
pub use simulated::{Deadlock, Simulated};
pub use task::Task;

/// A future that can be moved to another thread.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The random source handed out by [`World::rng`].
pub type Rng = rand::rngs::StdRng;

/// What a call needs of the machine it runs on. Shared as `Arc<dyn World>`.
pub trait World: Debug + Send + Sync + 'static {
    /// The monotonic clock.
    fn now(&self) -> Instant;

    /// The wall clock; use it for what people read and for what two machines compare, never for a duration.
    fn wall(&self) -> SystemTime;

    /// Ready once `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// Runs `future` beside the caller. Use [`spawn`], which gives a handle.
    fn spawn_detached(&self, future: BoxFuture<()>);

    /// The seed that every random source of this run derives from.
    fn seed(&self) -> u64;

    /// Which clock it has. On the virtual one a run repeats, so nothing that differs from run to run may be let in.
    fn clock(&self) -> Clock {
        Clock::Real
    }

    /// A random source of its own for each `label`: one more draw in one place never changes another place.
    fn rng(&self, label: &str) -> Rng {
        // FNV-1a: stable across versions of Rust, unlike the standard hasher.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.seed();
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Rng::seed_from_u64(hash)
    }
}

/// Which clock a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time passes by itself.
    Real,
    /// Time is simulated.
    Virtual,
}

impl Clock {
    /// `real` or `virtual`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Virtual => "virtual",
        }
    }
}

/// Runs `future` beside the caller; dropping the [`Task`] stops it.
pub fn spawn(world: &dyn World, future: impl Future<Output = ()> + Send + 'static) -> Task {
    let (task, body) = Task::new(future);
    world.spawn_detached(Box::pin(body));
    task
}

/// The deadline given to [`timeout`] passed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct Elapsed;

/// Waits for `future`, but no longer than `limit`.
pub async fn timeout<T>(
    world: &dyn World,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    match select(Box::pin(future), world.sleep(limit)).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(Elapsed),
    }
}
