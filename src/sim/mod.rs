//! Both sides of a call in one process: on simulated time, where a call repeats to the byte and takes milliseconds, or on
//! the real clock over loopback. And many such calls, one for each seed.

mod explore;
mod merged;
mod path;
mod stage;

use std::sync::Arc;

use crate::plan::Plan;
use crate::runner::{Interrupt, Played, RunError};
use crate::server::Path;
use crate::timeline::Timeline;
use crate::world::{Deadlock, Simulated, World};

pub use explore::{Exploration, Explored, Group, explore};
pub use merged::write_merged;
pub use path::Latency;
pub use stage::{Playing, Stage};

use stage::{Side, both};

/// A call whose both sides we play.
#[derive(Clone)]
pub struct SimCall {
    /// What the caller does.
    pub caller: Plan,
    /// What the callee does.
    pub callee: Plan,
    /// How signals get to the room, given the world of the call; straight away where there is none.
    pub path: Option<PathFactory>,
}

/// Makes the path of one side's signals for the world of a call.
pub type PathFactory = Arc<dyn Fn(&dyn World, crate::jsep::Role) -> Arc<dyn Path> + Send + Sync>;

/// How a call went on both sides.
#[derive(Debug)]
pub struct Outcome {
    /// The caller's view.
    pub caller: Played,
    /// The callee's view.
    pub callee: Played,
    /// What both sides recorded, merged; none unless it was asked for.
    pub timeline: Option<Timeline>,
    /// How long it took, by the clock of the call.
    pub took: std::time::Duration,
}

/// A call could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Everybody waits for something that never comes.
    #[error(transparent)]
    Deadlock(#[from] Deadlock),
    /// A side did not get into the room.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl std::fmt::Debug for SimCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimCall")
            .field("caller", &self.caller)
            .field("callee", &self.callee)
            .finish_non_exhaustive()
    }
}

impl Outcome {
    /// Every expectation of both sides held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.caller.passed() && self.callee.passed()
    }
}

/// Plays `call` on simulated time, on this thread. The same call and seed give the same outcome.
///
/// # Errors
/// [`SimError`].
pub fn play(call: &SimCall, seed: u64, record: bool, interrupt: Interrupt) -> Result<Outcome, SimError> {
    let world = Simulated::new(seed);
    let stage = Stage::simulated(&world);
    let sides = sides(call, &stage, record, interrupt);
    let played = world.run(both(Arc::clone(stage.world()), sides));
    // Also when it is locked for ever: what waits holds the world.
    world.stop();
    let outcome = played??;
    Ok(Outcome { took: world.elapsed(), ..outcome })
}

/// Plays `call` in `world`, which is live, over the loopback interface.
///
/// # Errors
/// [`SimError::Run`].
pub async fn play_live(
    call: &SimCall,
    world: Arc<dyn World>,
    record: bool,
    interrupt: Interrupt,
) -> Result<Outcome, SimError> {
    let stage = Stage::live(Arc::clone(&world));
    let start = world.now();
    let outcome = both(Arc::clone(&world), sides(call, &stage, record, interrupt)).await?;
    Ok(Outcome { took: world.now() - start, ..outcome })
}

fn sides(call: &SimCall, stage: &Stage, record: bool, interrupt: Interrupt) -> [Side; 2] {
    let path = |role| call.path.as_ref().map(|make| make(&**stage.world(), role));
    let side = |plan: &Plan| stage.side(plan.clone(), path(plan.leg.role), record, interrupt.clone());
    [side(&call.caller), side(&call.callee)]
}
