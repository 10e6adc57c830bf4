//! A side that somebody else plays: Chromium on the page of a room server, or a program that speaks the room protocol on
//! its standard input and output. Our side plays against it as `call` and `answer` do, and tells what it saw.

mod chromium;
mod command;
mod process;

pub use process::end_all as end_programs;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{Either, select};

use super::elsewhere::untold;
use super::placed::{finished, not_played};
use super::play::{judged_together, step_rows};
use super::{Done, Settings};
use crate::jsep::Role;
use crate::network::{ImpairedNetwork, MachineNetwork, Network};
use crate::plan::Plan;
use crate::report::{self, CallReport, VerdictWord};
use crate::runner::{self, Deps, Interrupt, Played};
use crate::scenario::{Foreign, Player, Scenario};
use crate::server::{Hub, join_memory};
use crate::sim::Recording;
use crate::world::{Live, World};

/// Whoever plays the other side, while it runs. It is ended when this is dropped.
struct Guest {
    hub: Hub,
    /// Ready when it is gone, with what can be said of that.
    gone: futures::future::BoxFuture<'static, String>,
    /// What it has said besides, for people.
    notes: Box<dyn Fn() -> Vec<String> + Send>,
    /// What runs for it.
    _running: Box<dyn std::any::Any + Send>,
}

/// Why nobody plays the other side.
enum Absent {
    /// This machine lacks something.
    Skipped(String),
    /// It should be there and does not start.
    Failed(String),
}

/// Plays our side once.
pub(super) async fn play(
    scenario: &Scenario,
    settings: &Settings,
    foreign: &Foreign,
    how: (bool, u64),
    interrupt: &Interrupt,
) -> Done {
    let (is_virtual, seed) = how;
    if is_virtual {
        let why = format!("who plays the {} knows no simulated time", foreign.role);
        return not_played(scenario, settings, VerdictWord::Skipped, why);
    }
    let own = Live::new(seed);
    let live: Arc<dyn World> = Arc::new(own.clone());
    let begun = live.now();
    let guest = match &foreign.by {
        Player::Chromium(settings) => chromium::start(&own, &live, foreign.role, settings).await,
        Player::Command(words) => command::start(&own, &live, foreign.role, words),
    };
    let guest = match guest {
        Ok(guest) => guest,
        Err(Absent::Skipped(why)) => return not_played(scenario, settings, VerdictWord::Skipped, why),
        Err(Absent::Failed(why)) => {
            return Done { had_its_turn: true, ..not_played(scenario, settings, VerdictWord::NotRun, why) };
        }
    };
    let plan = our_plan(scenario, foreign.role.other());
    let recording = Recording::default();
    let deps = deps(&live, &plan, &guest.hub, &recording, interrupt);
    let (run, gone) = match select(runner::run(&plan, deps).boxed(), guest.gone).await {
        Either::Left((run, _)) => (run, None),
        // Our side notices by itself: it may have hung up and left, as it should.
        Either::Right((gone, run)) => (run.await, Some(gone)),
    };
    let mut run = match run {
        Ok(run) => run,
        Err(error) => {
            let not = not_played(scenario, settings, VerdictWord::NotRun, error.to_string());
            return Done { had_its_turn: true, ..not };
        }
    };
    // Invariant: a run holds at least one call.
    let played = run.calls.pop().expect("a run has made a call");
    let mut call = own_report(&plan, &played);
    call.notes.extend((guest.notes)());
    if let Some(gone) = gone {
        call.notes.push(gone);
    }
    let judged = judged_together(scenario, call, untold(&plan, &played, None));
    finished(scenario, judged, recording.timeline(), (false, seed, live.now() - begun))
}

fn our_plan(scenario: &Scenario, role: Role) -> Plan {
    let mut plan = if role == Role::Caller { scenario.caller.clone() } else { scenario.callee.clone() };
    plan.room.name = ROOM.to_owned();
    // Nobody else says how long it takes.
    plan.leg.duration = scenario.caller.leg.duration;
    plan
}

/// The room where both meet; there is no other on that server.
const ROOM: &str = "scenario";

fn deps(
    world: &Arc<dyn World>,
    plan: &Plan,
    hub: &Hub,
    recording: &Recording,
    interrupt: &Interrupt,
) -> Deps {
    let (hub, room_world) = (hub.clone(), Arc::clone(world));
    Deps {
        world: Arc::clone(world),
        network: network(world, plan),
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        join: Box::new(move |request| {
            let (hub, world) = (hub.clone(), Arc::clone(&room_world));
            async move { join_memory(world, &hub, request).await }.boxed()
        }),
        observe: None,
        record: Some(recording.record()),
        interrupt: interrupt.clone(),
    }
}

/// Whoever plays the other side impairs nothing, so that both ways are impaired here.
fn network(world: &Arc<dyn World>, plan: &Plan) -> Arc<dyn Network> {
    if plan.network.is_clean() {
        return Arc::new(MachineNetwork);
    }
    let role = plan.leg.role;
    let (sent, received) = (plan.network.of(role).clone(), plan.network.of(role.other()).clone());
    let inner = Arc::new(MachineNetwork);
    Arc::new(ImpairedNetwork::new(Arc::clone(world), inner, role.as_str(), sent, received))
}

fn own_report(plan: &Plan, played: &Played) -> CallReport {
    let mut call = report::call_report(plan, &played.facts, &played.verdicts);
    if let Some(why) = &played.could_not_start {
        (call.verdict, call.reason) = (VerdictWord::Unknown, Some(why.clone()));
    }
    step_rows(plan, call, &played.steps)
}
