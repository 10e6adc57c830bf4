//! Both sides of a call in one process: on simulated time, where a call repeats to the byte and takes milliseconds, or on
//! the real clock over loopback. And many such calls, one for each seed.

mod explore;
mod merged;
mod path;
mod proof;
mod shapes;
mod stage;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::plan::Plan;
use crate::runner::{Interrupt, Played, RunError};
use crate::server::Path;
use crate::timeline::Timeline;
use crate::world::{Simulated, Stuck, World};

pub use explore::{Exploration, Explored, Group, explore};
pub use merged::{Recording, write_merged};
pub use path::Latency;
pub use proof::{Good, Named, Proof, Provoked, faulty_call, prove};
pub use shapes::{Shape, shapes};
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
    pub took: Duration,
}

/// A call could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// What somebody waits for never comes.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// A defect of callcheck or of its engine.
    #[error("callcheck panicked: {0}")]
    Panicked(String),
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
    /// Every expectation of both sides held, and callcheck did what its model says.
    #[must_use]
    pub fn passed(&self) -> bool {
        let right = |side: &Played| side.passed() && side.facts.tester_defects.is_empty();
        right(&self.caller) && right(&self.callee)
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
    let limit = longest(&call.caller) + longest(&call.callee) + SPARE;
    let playing = both(Arc::clone(stage.world()), sides);
    // One call that panics must not take a thousand others with it.
    let played = catch_unwind(AssertUnwindSafe(|| world.run_within(limit, playing)));
    // Also when it is stuck: what waits holds the world.
    let stopped = catch_unwind(AssertUnwindSafe(|| world.stop()));
    let played = played.and_then(|played| stopped.map(|()| played));
    let outcome = played.map_err(|panic| SimError::Panicked(text_of(&*panic)))???;
    Ok(Outcome { took: world.elapsed(), ..outcome })
}

/// More than a call can take by its plan.
const SPARE: Duration = Duration::from_secs(3600);

fn longest(plan: &Plan) -> Duration {
    let leg = &plan.leg;
    let acts = leg.habits.later.iter().map(|later| later.after).max().unwrap_or_default();
    let steps: Duration = plan.steps.iter().map(|step| step.takes(leg.timeout)).sum();
    [leg.wait, leg.answer_timeout, leg.timeout * 3, leg.duration.unwrap_or_default(), acts, steps]
        .iter()
        .sum()
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word").to_owned()
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
