//! Two sides of a call in one process.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;

use crate::engine::memory::MemoryNetwork;
use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, Habits, IcePolicy, LegPlan, Plan, RoomPlan, SendPlan, SourcePlan};
use crate::runner::{Deps, Run, RunError, run};
use crate::server::{Hub, ServerConfig, join_memory};
use crate::signaling::{JoinRequest, Room};
use crate::world::stepped::Stepped;
use crate::world::{BoxFuture, Task, World, spawn};

/// Where both sides live.
pub(super) struct Stage {
    pub(super) world: Stepped,
    network: MemoryNetwork,
    hub: Hub,
}

/// One side that is being played.
pub(super) struct Playing {
    result: oneshot::Receiver<Result<Run, RunError>>,
    pub(super) interrupt: Option<oneshot::Sender<()>>,
    _task: Task,
}

impl Stage {
    pub(super) fn new(world: &Stepped) -> Self {
        let hub = Hub::new(Arc::new(world.clone()), ServerConfig::default());
        Self { world: world.clone(), network: MemoryNetwork::default(), hub }
    }

    /// Joins the room as somebody whom a test plays.
    pub(super) async fn join(&self, request: JoinRequest) -> Room {
        join_memory(Arc::new(self.world.clone()), &self.hub, request).await.expect("the room lets us in")
    }

    /// Starts one side.
    pub(super) fn play(&self, plan: Plan) -> Playing {
        let world: Arc<dyn World> = Arc::new(self.world.clone());
        let (hub, joiner) = (self.hub.clone(), Arc::clone(&world));
        let (interrupt, interrupted) = oneshot::channel();
        // Nobody to interrupt is nobody who interrupts.
        let interrupted: BoxFuture<()> = Box::pin(async move {
            if interrupted.await.is_err() {
                futures::future::pending::<()>().await;
            }
        });
        let deps = Deps {
            world: Arc::clone(&world),
            network: Arc::new(self.network.clone()),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            join: Box::new(move |request| {
                let (hub, world) = (hub.clone(), Arc::clone(&joiner));
                async move { join_memory(world, &hub, request).await }.boxed()
            }),
            observe: None,
            record: None,
            interrupt: interrupted.shared(),
        };
        let (tell, result) = oneshot::channel();
        let task = spawn(&*world, async move {
            let _ = tell.send(run(&plan, deps).await);
        });
        Playing { result, interrupt: Some(interrupt), _task: task }
    }
}

impl Playing {
    pub(super) async fn result(self) -> Run {
        self.result.await.expect("the side ran to its end").expect("the room let us in")
    }
}

/// A plan as the command line would make it.
pub(super) fn plan(role: Role) -> Plan {
    let send = vec![
        SendPlan { kind: MediaKind::Audio, source: SourcePlan::Tone },
        SendPlan { kind: MediaKind::Video, source: SourcePlan::Bars },
    ];
    Plan {
        room: RoomPlan { name: "demo".into(), url: String::new(), host: false, token: None },
        leg: LegPlan {
            role,
            name: role.to_string(),
            send,
            receive: vec![MediaKind::Audio, MediaKind::Video],
            habits: Habits::good(role),
            ice_servers: Vec::new(),
            ice_policy: IcePolicy::All,
            trickle: true,
            bind: Vec::new(),
            wait: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            duration: (role == Role::Caller).then_some(Duration::from_secs(2)),
        },
        expectations: Vec::new(),
        strict: false,
        retries: 0,
        flaky_ok: false,
    }
}

/// Adds a stated expectation.
pub(super) fn expecting(mut plan: Plan, text: &str) -> Plan {
    let expectation = Expectation::parse(text, plan.leg.role).expect("a valid expectation");
    plan.expectations.push(expectation);
    plan
}
