//! Both sides of calls in this process, over real sockets and a room in memory.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use callcheck::jsep::Role;
use callcheck::network::MachineNetwork;
use callcheck::plan::{Expectation, Plan};
use callcheck::runner::{Deps, Played, run};
use callcheck::server::{Hub, ServerConfig, join_memory};
use callcheck::world::{Live, World};
use futures::FutureExt;

/// A room server in memory and the world around it.
#[derive(Clone)]
pub(super) struct Stage {
    world: Arc<dyn World>,
    hub: Hub,
}

impl Stage {
    /// Inside a Tokio runtime.
    pub(super) fn new() -> Self {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        Self { hub: Hub::new(Arc::clone(&world), ServerConfig::default()), world }
    }

    /// Makes a call in a room of its own.
    pub(super) async fn call(&self, number: usize, caller: Plan, callee: Plan) -> (Played, Played) {
        let room = format!("room {number}");
        let (caller, callee) = (self.play(caller, &room), self.play(callee, &room));
        futures::join!(caller, callee)
    }

    async fn play(&self, mut plan: Plan, room: &str) -> Played {
        room.clone_into(&mut plan.room.name);
        let (world, hub) = (Arc::clone(&self.world), self.hub.clone());
        let deps = Deps {
            world: Arc::clone(&self.world),
            network: Arc::new(MachineNetwork),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            join: Box::new(move |request| {
                let (world, hub) = (Arc::clone(&world), hub.clone());
                async move { join_memory(world, &hub, request).await }.boxed()
            }),
            observe: None,
            record: None,
            interrupt: futures::future::pending().boxed().shared(),
        };
        let played =
            tokio::spawn(async move { run(&plan, deps).await }).await.expect("a side does not panic");
        played.expect("the room lets us in").calls.pop().expect("a call was made")
    }
}

/// Audio and video both ways for that long.
pub(super) fn plan(role: Role, duration: Duration) -> Plan {
    let mut plan = Plan::good(role);
    plan.leg.duration = Some(duration);
    plan
}

/// Over as soon as it is connected: no demand on the media.
pub(super) fn quick(mut plan: Plan) -> Plan {
    let any = Expectation::parse("tracks=any", plan.leg.role).expect("a valid expectation");
    plan.expectations.push(any);
    plan
}
