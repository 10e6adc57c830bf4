//! `--engine`: a real call through each server that passed, between two peers of our own engine, relayed on both sides.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;

use super::args::TurnArgs;
use crate::engine::local_addresses;
use crate::expect::Status;
use crate::jsep::Role;
use crate::plan::{IcePolicy, IceServer, Plan};
use crate::runner::{Interrupt, Played, Run, RunError};
use crate::sim::Stage;
use crate::turn::{Called, ServerReport, StepName, Target, Verdict, add_call};
use crate::world::World;

/// How long media is sent once it is proven.
const MEDIA: Duration = Duration::from_secs(1);

/// How long each part of the call may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes a call through each server, one after the other, and writes it down.
pub(super) async fn calls(
    world: &Arc<dyn World>,
    args: &TurnArgs,
    targets: &[Target],
    servers: &mut [ServerReport],
    interrupt: &Interrupt,
) {
    for (target, server) in targets.iter().zip(servers).filter(|(target, _)| target.url.turn) {
        let called = match server.verdict {
            // Data in and out may be unmeasured from here; an allocation is enough for a call.
            Verdict::Passed | Verdict::Unknown if allocates(server) => {
                Some(call(world, args, target, server, interrupt.clone()).await)
            }
            _ => None,
        };
        add_call(server, called);
    }
}

fn allocates(server: &ServerReport) -> bool {
    server.paths.iter().any(|path| path.required && path.is_ok(StepName::Allocate))
}

async fn call(
    world: &Arc<dyn World>,
    args: &TurnArgs,
    target: &Target,
    server: &ServerReport,
    interrupt: Interrupt,
) -> Called {
    let found = |path: &crate::turn::Path| path.is_ok(StepName::Srv);
    if server.paths.iter().any(found) {
        return Called::Not("the engine looks up no SRV records, and would ask another server".to_owned());
    }
    let Some(credentials) = &target.credentials else {
        return Called::Not("no credentials were given".to_owned());
    };
    let used = IceServer {
        urls: vec![target.name.clone()],
        username: Some(credentials.username.clone()),
        credential: Some(credentials.credential.clone()),
    };
    let side = |role: Role| {
        let mut plan = Plan::good(role);
        plan.leg.ice_servers = vec![used.clone()];
        plan.leg.ice_policy = IcePolicy::Relay;
        (plan.leg.ca, plan.leg.insecure) = (args.ca.clone(), args.insecure);
        (plan.leg.wait, plan.leg.answer_timeout, plan.leg.timeout) = (PATIENCE, PATIENCE, PATIENCE);
        plan.leg.duration = plan.leg.duration.map(|_| MEDIA);
        plan
    };
    let stage = Stage::live_at(Arc::clone(world), local_addresses(true));
    let caller = stage.play(side(Role::Caller), interrupt.clone());
    let callee = stage.play(side(Role::Callee), interrupt);
    let (caller, callee) = join(caller.result(), callee.result()).await;
    match (last(caller), last(callee)) {
        (Ok(caller), Ok(callee)) => judged(&caller, &callee),
        (Err(why), _) | (_, Err(why)) => Called::Not(why),
    }
}

fn last(run: Result<Run, RunError>) -> Result<Played, String> {
    let run = run.map_err(|error| error.to_string())?;
    run.calls.into_iter().next_back().ok_or_else(|| "no call was made".to_owned())
}

fn judged(caller: &Played, callee: &Played) -> Called {
    for side in [caller, callee] {
        if let Some(why) = &side.could_not_start {
            return Called::Not(why.clone());
        }
        if side.facts.interrupted.is_some() {
            return Called::Not("interrupted".to_owned());
        }
    }
    // The first of what failed, else of what is unknown.
    for failed in [true, false] {
        let is = |status: &Status| if failed { *status == Status::Failed } else { *status != Status::Passed };
        for (name, side) in [("caller", caller), ("callee", callee)] {
            if let Some(wrong) = side.verdicts.iter().find(|verdict| is(&verdict.status)) {
                let why = format!("the {name} expected {}, and observed {}", wrong.expected, wrong.observed);
                return if failed { Called::Badly(why) } else { Called::Not(why) };
            }
        }
    }
    let timing = &caller.facts.caller.timing;
    match (timing.zero, timing.connected) {
        (Some(zero), Some(connected)) => Called::Well(Duration::from_micros(connected.saturating_sub(zero))),
        _ => Called::Not("it is not known when it connected".to_owned()),
    }
}
