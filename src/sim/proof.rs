//! The proof of the diagnosis: every fault against a good peer, and good calls of every shape against nothing. What a
//! fault causes must be the first thing that the good side is told; a good call must have no finding at all.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::shapes::{Shape, shapes};
use super::{Outcome, SimCall, SimError, play};
use crate::diagnose::{Context, Findings, diagnose};
use crate::fault::{Fault, faults};
use crate::jsep::{MediaKind, Role};
use crate::plan::{Act, Expectation, FaultPlan, Later, Plan};
use crate::runner::{Interrupt, Played};

/// What the proof has come to.
#[derive(Debug, Default)]
pub struct Proof {
    /// One for each fault and side that can commit it, in the order of the faults.
    pub provoked: Vec<Provoked>,
    /// One for each shape of a good call.
    pub good: Vec<Good>,
}

/// One fault, committed by one side.
#[derive(Debug)]
pub struct Provoked {
    /// The failure mode that it should cause.
    pub id: &'static str,
    /// Who commits it.
    pub by: Role,
    /// How well it was named.
    pub named: Named,
    /// What the good side was told, in order.
    pub told: Vec<&'static str>,
    /// And what the faulty side was.
    pub told_faulty: Vec<&'static str>,
}

/// How well a failure was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// First of all that was told.
    First,
    /// After something else.
    Later,
    /// Something else was told, and it was not.
    Wrongly,
    /// Nothing was told.
    Missed,
    /// The call could not be played to its end, or the fault was never committed.
    NotProvoked,
}

/// Good calls of one shape.
#[derive(Debug)]
pub struct Good {
    /// What is special about it.
    pub name: &'static str,
    /// How many were made.
    pub played: usize,
    /// Those with findings: the seed and what was told.
    pub alarms: Vec<(u64, Vec<&'static str>)>,
}

impl Proof {
    /// How many faults were named in that way.
    #[must_use]
    pub fn count(&self, named: Named) -> usize {
        self.provoked.iter().filter(|row| row.named == named).count()
    }

    /// The share of the provoked faults that was told first, 0..1.
    #[must_use]
    pub fn recall(&self) -> f64 {
        let provoked = self.provoked.len() - self.count(Named::NotProvoked);
        self.count(Named::First) as f64 / provoked.max(1) as f64
    }

    /// Good calls of which something was told.
    #[must_use]
    pub fn false_alarms(&self) -> usize {
        self.good.iter().map(|good| good.alarms.len()).sum()
    }
}

/// Commits every fault whose name begins with `filter`, and makes `seeds` good calls of each shape.
#[must_use]
pub fn prove(filter: &str, seeds: u64, threads: usize, interrupt: &Interrupt) -> Proof {
    let sides = |fault: &'static Fault| {
        let all = [Role::Callee, Role::Caller];
        all.into_iter().filter(|role| fault.by.is_none_or(|by| by == *role)).map(move |role| (fault, role))
    };
    let cases: Vec<_> = faults().filter(|fault| fault.id.starts_with(filter)).flat_map(sides).collect();
    let provoked = in_threads(threads, &cases, |(fault, by)| provoke(fault, *by, interrupt));
    let shapes: Vec<Shape> = if filter.is_empty() { shapes() } else { Vec::new() };
    let calls: Vec<(usize, u64)> =
        (0..shapes.len()).flat_map(|shape| (1..=seeds).map(move |seed| (shape, seed))).collect();
    let told = in_threads(threads, &calls, |(shape, seed)| alarms(&shapes[*shape].call, *seed, interrupt));
    let good = shapes.iter().enumerate().map(|(index, shape)| {
        let of_shape = calls.iter().zip(&told).filter(|((shape, _), _)| *shape == index);
        let with = of_shape.filter(|(_, told)| !told.is_empty());
        Good {
            name: shape.name,
            played: usize::try_from(seeds).unwrap_or(usize::MAX),
            alarms: with.map(|((_, seed), told)| (*seed, told.clone())).collect(),
        }
    });
    Proof { good: good.collect(), provoked }
}

/// Plays the good call in which `by` makes a mistake.
#[must_use]
pub fn faulty_call(fault: &'static Fault, by: Role) -> SimCall {
    let mut plans = [Plan::good(Role::Caller), Plan::good(Role::Callee)];
    let (good, faulty) = match by {
        Role::Callee => {
            let [good, faulty] = &mut plans;
            (good, faulty)
        }
        Role::Caller => {
            let [faulty, good] = &mut plans;
            (good, faulty)
        }
    };
    faulty.leg.faults.push(FaultPlan { id: fault.id, time: None });
    good_side(fault.id, good);
    let [mut caller, callee] = plans;
    caller.leg.duration = Some(lasts(fault.id));
    SimCall { caller, callee, path: Some(super::Latency::default().path()) }
}

/// How long the media flows: long enough for what shows late.
fn lasts(id: &str) -> Duration {
    Duration::from_secs(match id {
        "sdp-hold-not-resumed" | "ice-restart-missing" => 45,
        "media-clock-drift" | "media-clock-rate" | "ice-consent-lost" => 60,
        "ice-transient-disconnect" | "ice-restart-loop" | "ice-restart-unanswered" => 30,
        "nn-storm" | "glare-both-impolite" | "glare-double-rollback" | "glare-rollback-no-answer" => 20,
        _ => 12,
    })
}

/// What the good side does so that the mistake can be made at all.
fn good_side(id: &str, plan: &mut Plan) {
    let second = Duration::from_secs(1);
    let later = |act, seconds: u32| Later { after: second * seconds, act };
    match id {
        "sdp-second-offer-ignored" | "sdp-setup-flipped" | "ice-creds-changed-no-restart" => {
            plan.leg.habits.later = vec![later(Act::Hold, 2), later(Act::Resume, 4)];
        }
        "glare-both-impolite" | "glare-double-rollback" | "glare-rollback-no-answer" => {
            plan.leg.habits.later = vec![later(Act::Hold, 2), later(Act::Resume, 5)];
        }
        "dc-rejected" | "dc-legacy-sdp" | "dc-open-missing" => {
            // Whoever is good: the caller opens the channel.
            plan.leg.data = plan.leg.role == Role::Caller;
        }
        "ice-restart-unanswered" => plan.leg.habits.later = vec![later(Act::RestartIce, 3)],
        "sdp-direction-illegal" => {
            // Its offer is recvonly for video, which only sendonly and inactive can answer.
            plan.leg.send.retain(|track| track.kind == MediaKind::Audio);
        }
        _ => {}
    }
    if id == "rtp-direction-violation"
        && let Ok(none) = Expectation::parse("caller.tracks=none", Role::Caller)
    {
        plan.expectations.push(none);
    }
    if id == "sdp-direction-illegal"
        && let Ok(only_audio) = Expectation::parse("callee.tracks=audio", Role::Caller)
    {
        plan.expectations.push(only_audio);
    }
}

fn provoke(fault: &'static Fault, by: Role, interrupt: &Interrupt) -> Provoked {
    let call = faulty_call(fault, by);
    let outcome = play(&call, 1, false, interrupt.clone());
    let Ok(outcome) = outcome else {
        let named = Named::NotProvoked;
        return Provoked { id: fault.id, by, named, told: Vec::new(), told_faulty: Vec::new() };
    };
    let [caller, callee] = told(&call, &outcome);
    let (good, faulty) = if by == Role::Callee { (caller, callee) } else { (callee, caller) };
    let played = if by == Role::Callee { &outcome.callee } else { &outcome.caller };
    let told: Vec<&'static str> = ids(&good).collect();
    let named = match told.iter().position(|id| *id == fault.id) {
        _ if !played.facts.mistakes.contains(fault.id) => Named::NotProvoked,
        Some(0) => Named::First,
        Some(_) => Named::Later,
        None if told.is_empty() => Named::Missed,
        None => Named::Wrongly,
    };
    Provoked { id: fault.id, by, named, told, told_faulty: ids(&faulty).collect() }
}

/// What is told of a good call, by either side; a call that could not be played is told of as well.
fn alarms(call: &SimCall, seed: u64, interrupt: &Interrupt) -> Vec<&'static str> {
    match play(call, seed, false, interrupt.clone()) {
        Ok(outcome) => {
            let told = told(call, &outcome);
            told.iter().flat_map(|findings| findings.ids().collect::<Vec<_>>()).collect()
        }
        Err(SimError::Panicked(_)) => vec!["panicked"],
        Err(_) => vec!["not-played"],
    }
}

/// What each side is told, the caller first.
fn told(call: &SimCall, outcome: &Outcome) -> [Findings; 2] {
    let of = |plan: &Plan, played: &Played| diagnose(&Context::of_plan(plan), &played.facts, true);
    [of(&call.caller, &outcome.caller), of(&call.callee, &outcome.callee)]
}

/// Findings first, then what is only worth knowing.
fn ids(findings: &Findings) -> impl Iterator<Item = &'static str> + '_ {
    findings.findings.iter().chain(&findings.notes).map(|finding| finding.id)
}

/// Does `work` for every item, on so many threads; the results are in the order of the items.
fn in_threads<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::AcqRel);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    done.lock().expect("no panic while held").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic while held");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
