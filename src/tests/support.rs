//! Two sides of a call in one process.

use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;

use crate::jsep::Role;
use crate::plan::{Expectation, Plan};
use crate::runner::{Interrupt, Run};
use crate::signaling::{JoinRequest, Room};
use crate::sim;
use crate::world::{BoxFuture, Simulated};

/// Where both sides live.
pub(super) struct Stage(sim::Stage);

/// One side that is being played.
pub(super) struct Playing {
    playing: sim::Playing,
    pub(super) interrupt: Option<oneshot::Sender<()>>,
}

impl Stage {
    pub(super) fn new(world: &Simulated) -> Self {
        Self(sim::Stage::simulated(world))
    }

    /// Joins the room as somebody whom a test plays.
    pub(super) async fn join(&self, request: JoinRequest) -> Room {
        self.0.join(request).await.expect("the room lets us in")
    }

    /// Starts one side.
    pub(super) fn play(&self, plan: Plan) -> Playing {
        let (interrupt, interrupted) = oneshot::channel();
        Playing { playing: self.0.play(plan, told(interrupted)), interrupt: Some(interrupt) }
    }
}

/// Nobody to interrupt is nobody who interrupts.
fn told(interrupted: oneshot::Receiver<()>) -> Interrupt {
    let interrupted: BoxFuture<()> = Box::pin(async move {
        if interrupted.await.is_err() {
            futures::future::pending::<()>().await;
        }
    });
    interrupted.shared()
}

impl Playing {
    pub(super) async fn result(self) -> Run {
        self.playing.result().await.expect("the room let us in")
    }
}

/// A plan as the command line would make it, with little patience.
pub(super) fn plan(role: Role) -> Plan {
    let mut plan = Plan::good(role);
    let patience = Duration::from_secs(10);
    (plan.leg.wait, plan.leg.answer_timeout, plan.leg.timeout) = (patience, patience, patience);
    plan.leg.duration = plan.leg.duration.map(|_| Duration::from_secs(2));
    plan
}

/// Adds a stated expectation.
pub(super) fn expecting(mut plan: Plan, text: &str) -> Plan {
    let expectation = Expectation::parse(text, plan.leg.role).expect("a valid expectation");
    plan.expectations.push(expectation);
    plan
}
