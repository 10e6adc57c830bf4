//! Plays a plan: joins the room, plays one side of the call until everything is settled, hangs up, and judges what the
//! timeline says. A call that did not pass is made again as often as the plan allows.

mod call;
mod ending;
mod follow_up;
mod key_events;
mod phases;
mod steps;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, Shared, select};

use crate::expect::{Status, Verdict};
use crate::facts::Facts;
use crate::network::Network;
use crate::plan::Plan;
use crate::signaling::{Capabilities, JoinError, JoinRequest, Room, RoomEvent, Signal, Token};
use crate::timeline::{Observer, Storage};
use crate::world::{BoxFuture, World, timeout};

use call::Call;

pub use steps::StepOutcome;

/// How long a peer that may retry is given to ask for it.
const AGAIN_WITHIN: Duration = Duration::from_secs(2);

/// Joins a room, however it is reached.
pub type Join = Box<dyn Fn(JoinRequest) -> BoxFuture<Result<Room, JoinError>> + Send + Sync>;

/// Gives the observer of a call, by its number counted from 0.
pub type Observe = Box<dyn FnMut(u32) -> Observer + Send>;

/// Opens the storage for the timeline of a call, by its number counted from 0.
pub type Record = Box<dyn FnMut(u32) -> io::Result<Box<dyn Storage>> + Send>;

/// Ready when somebody interrupts the run.
pub type Interrupt = Shared<BoxFuture<()>>;

/// What a run needs besides its plan.
pub struct Deps {
    /// Time, tasks, randomness.
    pub world: Arc<dyn World>,
    /// Sockets.
    pub network: Arc<dyn Network>,
    /// The local addresses to use when the plan states none.
    pub addresses: Vec<IpAddr>,
    /// The way into the room.
    pub join: Join,
    /// Who watches.
    pub observe: Option<Observe>,
    /// Where the timelines go.
    pub record: Option<Record>,
    /// Ends the run.
    pub interrupt: Interrupt,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("world", &self.world)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// How a run went: every call that was made, in order.
#[derive(Debug)]
pub struct Run {
    /// At least one.
    pub calls: Vec<Played>,
}

/// One call, judged.
#[derive(Debug)]
pub struct Played {
    /// What is known of it.
    pub facts: Facts,
    /// What that means.
    pub verdicts: Vec<Verdict>,
    /// What the steps of the plan have shown on this side, in their order.
    pub steps: Vec<StepOutcome>,
    /// The timeline could not be written to its end.
    pub record_error: Option<io::Error>,
    /// No connection could be made on this machine, so nothing was tested.
    pub could_not_start: Option<String>,
}

impl Played {
    /// Every expectation held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.could_not_start.is_none()
            && self.facts.interrupted.is_none()
            && self.verdicts.iter().all(|verdict| verdict.status == Status::Passed)
            && self.steps.iter().all(|step| step.holds == Some(true))
    }
}

/// The run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The room could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// Somebody interrupted the run before the room had answered.
    #[error("interrupted")]
    Interrupted,
}

/// Plays `plan` and judges it.
///
/// # Errors
/// [`RunError`] when there was no room; everything after that is in the result.
pub async fn run(plan: &Plan, mut deps: Deps) -> Result<Run, RunError> {
    let mut room = join((deps.join)(request(plan)), deps.interrupt.clone()).await?;
    let mut calls: Vec<Played> = Vec::new();
    for number in 0..=plan.retries {
        let (played, answered) = Call::new(plan, &mut deps, &mut room, number).play().await;
        if !calls.is_empty() && !answered {
            // The other side has no retries left: the call before stands as judged.
            break;
        }
        let over = played.passed() || played.facts.interrupted.is_some() || played.facts.room_lost.is_some();
        calls.push(played);
        if number == plan.retries
            || !once_more(&deps.world.clone(), deps.interrupt.clone(), &mut room, over).await
        {
            break;
        }
    }
    room.leave().await;
    Ok(Run { calls })
}

fn request(plan: &Plan) -> JoinRequest {
    JoinRequest {
        room: plan.room.name.clone(),
        role: Some(plan.leg.role),
        name: plan.leg.name.clone(),
        capabilities: Capabilities { stamps: true, end_of_call: true },
        token: plan.room.token.as_ref().map(|secret| Token::new(secret.reveal())),
    }
}

async fn join(joining: BoxFuture<Result<Room, JoinError>>, interrupt: Interrupt) -> Result<Room, RunError> {
    match select(interrupt, joining).await {
        Either::Left(((), _)) => Err(RunError::Interrupted),
        Either::Right((room, _)) => Ok(room?),
    }
}

/// Asks for another call, or with nothing to ask for gives the other side the chance to. Whether one will be made.
async fn once_more(world: &Arc<dyn World>, interrupt: Interrupt, room: &mut Room, satisfied: bool) -> bool {
    if !satisfied {
        room.send(None, Signal::Again);
        return true;
    }
    let asked = async {
        loop {
            match room.next().await {
                RoomEvent::Signal { signal: Signal::Again, .. } => return true,
                RoomEvent::PeerLeft { .. } | RoomEvent::Lost { .. } => return false,
                _ => {}
            }
        }
    };
    let answer = timeout(&**world, AGAIN_WITHIN, asked);
    match select(interrupt, answer.boxed()).await {
        Either::Left(_) => false,
        Either::Right((asked, _)) => asked.unwrap_or(false),
    }
}
