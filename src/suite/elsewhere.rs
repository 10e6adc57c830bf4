//! One side of a scenario is played here, and the other one by another process, perhaps on another machine. When both are
//! done they tell each other what came of it, so that both end with the result of the whole call.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use serde_json::Value;

use super::placed::{finished, not_played};
use super::play::{judged_together, step_rows};
use super::{Done, Settings};
use crate::jsep::Role;
use crate::network::{ImpairedNetwork, MachineNetwork, Network};
use crate::plan::{Impairment, Plan};
use crate::report::{self, CallReport, VerdictWord};
use crate::runner::{self, Deps, Interrupt, Join, Played};
use crate::scenario::Scenario;
use crate::signaling::{Capabilities, JoinRequest, Room, RoomEvent, Signal, Token};
use crate::sim::Recording;
use crate::world::{Live, World, timeout};

/// How long the other side is given to tell what came of the call.
const RESULT_WITHIN: Duration = Duration::from_secs(30);
/// More bytes than this of one text of the other side are not shown.
const LONGEST_TEXT: usize = 20_000;
/// A room's name is no longer than this, in bytes.
const LONGEST_NAME: usize = 56;

/// Where the other side is, and which one we are.
#[derive(Clone)]
pub struct Elsewhere {
    /// The side that is played here.
    pub role: Role,
    /// The way into the rooms.
    pub join: Arc<Join>,
    /// What the room asks of those who join.
    pub token: Option<crate::plan::Secret>,
    /// The local addresses to gather on.
    pub addresses: Vec<IpAddr>,
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Why a scenario cannot be played by two processes.
pub(super) fn unfit(scenario: &Scenario, is_virtual: bool) -> Option<&'static str> {
    if scenario.foreign.is_some() {
        return Some("somebody else plays one of its sides already; run it without --role");
    }
    if scenario.script.is_some() {
        return Some("its two bare connections are in one process; run it without --role");
    }
    is_virtual.then_some("two processes have no simulated time in common; run it without --role")
}

/// Plays our side once and tells the other one.
pub(super) async fn play(
    scenario: &Scenario,
    settings: &Settings,
    elsewhere: &Elsewhere,
    seed: u64,
    interrupt: &Interrupt,
) -> Done {
    let live: Arc<dyn World> = Arc::new(Live::new(seed));
    let begun = live.now();
    let plan = our_plan(scenario, elsewhere);
    let recording = Recording::default();
    let deps = deps(&live, &plan, elsewhere, &recording, interrupt);
    let mut run = match runner::run(&plan, deps).await {
        Ok(run) => run,
        Err(error) => {
            let not = not_played(scenario, settings, VerdictWord::NotRun, error.to_string());
            return Done { had_its_turn: true, ..not };
        }
    };
    // Invariant: a run holds at least one call.
    let played = run.calls.pop().expect("a run has made a call");
    let own = own_report(&plan, &played);
    let interrupted = played.facts.interrupted.is_some();
    let theirs = match (interrupted, played.facts.both_met()) {
        (true, _) => Err("interrupted".to_owned()),
        (_, false) => Err("it did not come".to_owned()),
        (false, true) => exchange(&live, &plan, elsewhere, &own, interrupt).await,
    };
    let untold = untold(&plan, &played, theirs.as_ref().err());
    let call = together(elsewhere.role, own, theirs);
    let timeline = recording.timeline();
    let judged = judged_together(scenario, call, untold);
    finished(scenario, judged, timeline, (false, seed, live.now() - begun))
}

fn our_plan(scenario: &Scenario, elsewhere: &Elsewhere) -> Plan {
    let plan = if elsewhere.role == Role::Caller { &scenario.caller } else { &scenario.callee };
    let mut plan = plan.clone();
    plan.room.name = room_name(scenario);
    plan.room.token.clone_from(&elsewhere.token);
    plan
}

/// The room where the two processes meet. Both find the same: what the scenario says, or the names of its file and folder
/// and its cell.
#[must_use]
pub fn room_name(scenario: &Scenario) -> String {
    if let Some(room) = &scenario.room {
        return room.clone();
    }
    let mut parts: Vec<&str> = scenario.name.rsplitn(3, '/').take(2).collect();
    parts.reverse();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = parts.join("-").chars().map(plain).collect();
    // The end tells cells apart.
    name[name.len().saturating_sub(LONGEST_NAME)..].to_owned()
}

fn deps(
    world: &Arc<dyn World>,
    plan: &Plan,
    elsewhere: &Elsewhere,
    recording: &Recording,
    interrupt: &Interrupt,
) -> Deps {
    let join = Arc::clone(&elsewhere.join);
    Deps {
        world: Arc::clone(world),
        network: network(world, plan),
        addresses: elsewhere.addresses.clone(),
        join: Box::new(move |request| join(request)),
        observe: None,
        record: Some(recording.record()),
        interrupt: interrupt.clone(),
    }
}

/// Each side impairs what it sends itself.
fn network(world: &Arc<dyn World>, plan: &Plan) -> Arc<dyn Network> {
    let role = plan.leg.role;
    let sent = plan.network.of(role).clone();
    if sent.is_nothing() {
        return Arc::new(MachineNetwork);
    }
    let inner = Arc::new(MachineNetwork);
    Arc::new(ImpairedNetwork::new(Arc::clone(world), inner, role.as_str(), sent, Impairment::default()))
}

/// Why not all of the call is known.
pub(super) fn untold(plan: &Plan, played: &Played, theirs: Option<&String>) -> Option<String> {
    let other = plan.leg.role.other();
    if played.facts.interrupted.is_some() {
        return Some("interrupted".to_owned());
    }
    if played.could_not_start.is_some() {
        return played.could_not_start.clone();
    }
    if !played.facts.both_met() {
        let within = humantime::format_duration(plan.leg.wait);
        return Some(format!("the {other} did not join within {within}"));
    }
    theirs.map(|why| format!("the result of the {other} is not known: {why}"))
}

fn own_report(plan: &Plan, played: &Played) -> CallReport {
    let mut call = report::call_report(plan, &played.facts, &played.verdicts);
    // What the other side saw, it tells itself.
    call.peers.retain(|peer| peer.role == plan.leg.role);
    if let Some(why) = &played.could_not_start {
        (call.verdict, call.reason) = (VerdictWord::Unknown, Some(why.clone()));
    }
    step_rows(plan, call, &played.steps)
}

/// Tells our result and hears the other one's, in a room beside that of the call.
async fn exchange(
    world: &Arc<dyn World>,
    plan: &Plan,
    elsewhere: &Elsewhere,
    own: &CallReport,
    interrupt: &Interrupt,
) -> Result<CallReport, String> {
    let other = plan.leg.role.other();
    let told = async {
        let request = JoinRequest {
            room: format!("{}.result", plan.room.name),
            role: Some(plan.leg.role),
            name: plan.leg.name.clone(),
            capabilities: Capabilities::default(),
            token: plan.room.token.as_ref().map(|secret| Token::new(secret.reveal())),
        };
        let mut room = (elsewhere.join)(request).await.map_err(|error| error.to_string())?;
        let heard = hear(&mut room, own).await;
        room.leave().await;
        heard
    };
    let within = timeout(&**world, RESULT_WITHIN, told);
    match select(interrupt.clone(), within.boxed()).await {
        Either::Left(_) => Err("interrupted".to_owned()),
        Either::Right((Ok(told), _)) => told,
        Either::Right((Err(_), _)) => {
            Err(format!("the {other} did not tell its result within {} s", RESULT_WITHIN.as_secs()))
        }
    }
}

async fn hear(room: &mut Room, own: &CallReport) -> Result<CallReport, String> {
    // Invariant: a report is plain data.
    let ours = serde_json::to_value(own).expect("a report is plain data");
    loop {
        match room.next().await {
            RoomEvent::CallStarted { peer, .. } => {
                room.send(Some(&peer.name), Signal::Ext(ours.clone()));
            }
            RoomEvent::Signal { signal: Signal::Ext(theirs), .. } => {
                let theirs = serde_json::from_value(plain(theirs));
                return theirs.map_err(|error| format!("what it told is no result: {error}"));
            }
            RoomEvent::PeerLeft { reason, .. } => {
                return Err(format!("it left without its result: {reason}"));
            }
            RoomEvent::Lost { reason } => return Err(format!("the room was lost: {reason}")),
            _ => {}
        }
    }
}

/// Texts of another machine are shown on ours: without control characters, and not without end.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let shown = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
            Value::String(text.chars().take(LONGEST_TEXT).map(shown).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        other => other,
    }
}

fn together(role: Role, own: CallReport, theirs: Result<CallReport, String>) -> CallReport {
    match (role, theirs) {
        (Role::Caller, Ok(theirs)) => report::joined(own, theirs),
        (Role::Callee, Ok(theirs)) => report::joined(theirs, own),
        (_, Err(why)) => {
            let other = role.other();
            let mut call = own;
            if call.verdict == VerdictWord::Passed {
                // Half of the call is not known.
                let reason = format!("the result of the {other} is not known: {why}");
                (call.verdict, call.reason) = (VerdictWord::Unknown, Some(reason));
            } else {
                call.notes.push(format!("the result of the {other} is not known: {why}"));
            }
            call
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Given, scenarios};

    fn named(file: &str, text: &str) -> Scenario {
        scenarios(file, text, &Given::default(), &|_| Err("none".into())).unwrap().pop().unwrap()
    }

    #[test]
    fn both_processes_find_the_same_room_wherever_the_folder_is() {
        let here = room_name(&named("elsewhere/calls/hold/both hold.toml", ""));
        assert_eq!(here, room_name(&named("calls/hold/both hold.toml", "")));
        assert_eq!(here, "hold-both-hold");
        assert_eq!(room_name(&named("a.toml", "room = \"nightly\"")), "nightly");
        let long = room_name(&named(&format!("{}.toml", "x".repeat(300)), "[matrix]\na = [1, 2]"));
        assert_eq!((long.len(), long.ends_with("a-2-")), (LONGEST_NAME, true));
    }

    #[test]
    fn what_another_machine_says_is_shown_without_control_characters() {
        let told = serde_json::json!({"reason": "\u{1b}[31mred\u{7}\nline", "list": ["\u{0}"], "n": 1});
        assert_eq!(plain(told), serde_json::json!({"reason": " [31mred \nline", "list": [" "], "n": 1}));
    }

    #[test]
    fn a_result_that_is_not_told_makes_a_pass_unknown_and_leaves_a_failure() {
        let report = |verdict| CallReport::bare("x", verdict, "because");
        let told = |own| together(Role::Caller, report(own), Err("it left".into()));
        assert_eq!(told(VerdictWord::Passed).verdict, VerdictWord::Unknown);
        let failed = told(VerdictWord::Failed);
        assert_eq!((failed.verdict, failed.reason.as_deref()), (VerdictWord::Failed, Some("because")));
        assert!(failed.notes[0].contains("it left"));
    }
}
