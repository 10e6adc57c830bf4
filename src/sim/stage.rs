//! Where both sides of a call live: a world, a network and a room.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::join;

use super::merged::{Recording, merge};
use super::{Outcome, SimError};
use crate::network::{ImpairedNetwork, MachineNetwork, Network, SimulatedNetwork};
use crate::plan::{Impairment, Plan};
use crate::runner::{Deps, Interrupt, Played, Run, RunError, run};
use crate::server::{Hub, Path, ServerConfig, join_memory, join_memory_over};
use crate::signaling::{JoinError, JoinRequest, Room};
use crate::world::{Simulated, Task, World, spawn};

/// A world, a network and a room.
#[derive(Debug)]
pub struct Stage {
    world: Arc<dyn World>,
    /// None is the machine's.
    network: Option<SimulatedNetwork>,
    hub: Hub,
    /// Where both sides gather.
    addresses: Vec<IpAddr>,
}

/// One side that is ready to be played.
pub(super) struct Side {
    plan: Plan,
    deps: Deps,
    recording: Option<Recording>,
}

/// One side that is being played.
#[derive(Debug)]
pub struct Playing {
    result: oneshot::Receiver<Result<Run, RunError>>,
    _task: Task,
}

impl Stage {
    /// On simulated time.
    #[must_use]
    pub fn simulated(world: &Simulated) -> Self {
        let network = Some(SimulatedNetwork::new(world.clone()));
        let world: Arc<dyn World> = Arc::new(world.clone());
        let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        Self { hub: Hub::new(Arc::clone(&world), ServerConfig::default()), world, network, addresses }
    }

    /// Over the loopback interface of this machine.
    #[must_use]
    pub fn live(world: Arc<dyn World>) -> Self {
        Self::live_at(world, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }

    /// At these addresses of this machine.
    #[must_use]
    pub fn live_at(world: Arc<dyn World>, addresses: Vec<IpAddr>) -> Self {
        let hub = Hub::new(Arc::clone(&world), ServerConfig::default());
        Self { hub, world, network: None, addresses }
    }

    /// The world of both sides.
    #[must_use]
    pub fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// Joins the room as somebody whom the caller of this function plays.
    ///
    /// # Errors
    /// The room refuses.
    pub async fn join(&self, request: JoinRequest) -> Result<Room, JoinError> {
        join_memory(Arc::clone(&self.world), &self.hub, request).await
    }

    /// Starts one side of a call by itself.
    #[must_use]
    pub fn play(&self, plan: Plan, interrupt: Interrupt) -> Playing {
        self.side(plan, None, false, interrupt).play(&self.world)
    }

    pub(super) fn side(
        &self,
        plan: Plan,
        path: Option<Arc<dyn Path>>,
        record: bool,
        interrupt: Interrupt,
    ) -> Side {
        let recording = record.then(Recording::default);
        let (hub, world) = (self.hub.clone(), Arc::clone(&self.world));
        let deps = Deps {
            world: Arc::clone(&self.world),
            network: self.network(&plan),
            addresses: self.addresses.clone(),
            join: Box::new(move |request| {
                let (hub, world, path) = (hub.clone(), Arc::clone(&world), path.clone());
                let joined = async move {
                    match path {
                        Some(path) => join_memory_over(world, &hub, request, path).await,
                        None => join_memory(world, &hub, request).await,
                    }
                };
                joined.boxed()
            }),
            observe: None,
            record: recording.as_ref().map(Recording::record),
            interrupt,
        };
        Side { plan, deps, recording }
    }

    /// What this side sends meets with what the plan says of it. What comes in has met with it at its sender.
    fn network(&self, plan: &Plan) -> Arc<dyn Network> {
        let role = plan.leg.role;
        let inner = match &self.network {
            Some(network) => network.host(),
            None => Arc::new(MachineNetwork),
        };
        let sent = plan.network.of(role).clone();
        if sent.is_nothing() {
            return inner;
        }
        let world = Arc::clone(&self.world);
        Arc::new(ImpairedNetwork::new(world, inner, role.as_str(), sent, Impairment::default()))
    }
}

impl Side {
    fn play(self, world: &Arc<dyn World>) -> Playing {
        let Self { plan, deps, .. } = self;
        let (tell, result) = oneshot::channel();
        let task = spawn(&**world, async move {
            // Whoever started it may have stopped to wait.
            let _ = tell.send(run(&plan, deps).await);
        });
        Playing { result, _task: task }
    }
}

impl Playing {
    /// How it went.
    ///
    /// # Errors
    /// The room did not let it in.
    pub async fn result(self) -> Result<Run, RunError> {
        // Invariant: the task ends by telling, and lives as long as we.
        self.result.await.expect("a side runs to its end")
    }
}

/// Plays both sides to their end.
pub(super) async fn both(world: Arc<dyn World>, sides: [Side; 2]) -> Result<Outcome, SimError> {
    let recordings = sides.each_ref().map(|side| side.recording.clone());
    let [caller, callee] = sides.map(|side| side.play(&world));
    let (caller, callee) = join(caller.result(), callee.result()).await;
    let (caller, callee) = (last(caller?), last(callee?));
    Ok(Outcome { caller, callee, timeline: merge(&recordings), took: std::time::Duration::ZERO })
}

fn last(mut run: Run) -> Played {
    // Invariant: a run holds at least one call.
    run.calls.pop().expect("a run has made a call")
}
