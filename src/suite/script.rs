//! Plays a scenario that is a list of operations, over two bare connections, and judges what they show.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::placed::place;
use crate::jsep::{Association, MediaKind, Role};
use crate::leg::script::{self, FiredTrack, Outcome, ScriptRow, ScriptSetting, SideOutcome};
use crate::media::{self, Identity, Source};
use crate::network::{MachineNetwork, Network, SimulatedNetwork};
use crate::plan::{SendPlan, SourcePlan};
use crate::report::{CallReport, ExpectationReport, ExpectationStatus, VerdictWord};
use crate::scenario::{Claim, InScript, Placing, Scenario, Script};
use crate::timeline::Kind;
use crate::world::{Live, Simulated, World};

/// Longer than any script takes.
const LONGEST: Duration = Duration::from_secs(3600);

/// Plays it and says what came of it.
pub(super) async fn play(scenario: &Scenario, on_simulated_time: bool, seed: u64) -> CallReport {
    let Some(script) = scenario.script.clone() else {
        return CallReport::bare(&scenario.name, VerdictWord::NotRun, "there are no steps");
    };
    let live = Live::new(seed);
    let outcome = if on_simulated_time {
        let steps = script.steps.clone();
        let played = live.aside(move || {
            let world = Simulated::new(seed);
            let network = SimulatedNetwork::new(world.clone());
            let setting = setting(Arc::new(world.clone()), [network.host(), network.host()]);
            let played = world.run_within(LONGEST, async move { script::play(&steps, setting).await });
            world.stop();
            played
        });
        match played.await {
            Some(Ok(Ok(outcome))) => Ok(outcome),
            Some(Ok(Err(error))) => Err(error.to_string()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("callcheck has a defect".to_owned()),
        }
    } else {
        let networks: [Arc<dyn Network>; 2] = [Arc::new(MachineNetwork), Arc::new(MachineNetwork)];
        let setting = setting(Arc::new(live), networks);
        script::play(&script.steps, setting).await.map_err(|error| error.to_string())
    };
    match outcome {
        Ok(outcome) => judged(scenario, &script, &outcome),
        Err(why) => CallReport::bare(&scenario.name, VerdictWord::NotRun, why),
    }
}

fn setting(world: Arc<dyn World>, networks: [Arc<dyn Network>; 2]) -> ScriptSetting {
    let mut streams = 0;
    ScriptSetting {
        world,
        networks,
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        association: Association::Jsep,
        trickling: vec![Role::Caller, Role::Callee],
        sources: Box::new(move |role, kind| {
            streams += 1;
            source(role, kind, streams)
        }),
    }
}

fn source(role: Role, kind: MediaKind, stream: u8) -> Box<dyn Source> {
    let source = if kind == MediaKind::Audio { SourcePlan::Tone } else { SourcePlan::Bars };
    let identity = Identity { peer: if role == Role::Caller { 1 } else { 2 }, stream };
    // Invariant: only files can be missing or wrong.
    media::open(&SendPlan { kind, source }, identity).expect("synthetic media can always be made")
}

fn judged(scenario: &Scenario, script: &Script, outcome: &Outcome) -> CallReport {
    let mut rows = Vec::new();
    for (number, wanted) in script.rejections.iter().enumerate() {
        let error = outcome.rejected.iter().find(|one| one.step == number).map(|one| one.error.to_string());
        if (wanted.is_none() && error.is_none()) || wanted.as_deref() == Some("any") {
            continue;
        }
        let told = |error: Option<&String>| error.cloned().unwrap_or_else(|| "no error".to_owned());
        let subject = format!("step {}", number + 1);
        let placing = scenario.place_in_script(InScript::Step(number));
        rows.push(row(scenario, subject, told(wanted.as_ref()), told(error.as_ref()), placing));
    }
    for (number, claim) in script.claims.iter().enumerate() {
        let seen = seen(claim, outcome);
        let at = claim.checkpoint.map(|at| format!(" at checkpoint {}", at + 1)).unwrap_or_default();
        let subject = format!("{}.{}{at}", claim.of, claim.subject);
        let placing = scenario.place_in_script(InScript::Claim(number));
        rows.push(row(scenario, subject, claim.expected.clone(), seen, placing));
    }
    let defects = defects(outcome);
    let mut report = CallReport::bare(&scenario.name, VerdictWord::Passed, "").judged_by(rows);
    // Rows of states say little without their subject.
    let failed = report.expectations.iter().find(|row| row.status == ExpectationStatus::Failed);
    if let Some(row) = failed {
        let (subject, expected, observed) = (&row.subject, &row.expected, &row.observed);
        report.reason = Some(format!("{subject}: expected {expected}, observed {observed}"));
    }
    if let (VerdictWord::Failed, Some(defect)) = (report.verdict, defects.first()) {
        // What callcheck did wrong itself says nothing of anybody.
        (report.verdict, report.reason) = (VerdictWord::Unknown, Some(defect.clone()));
    }
    CallReport { notes: defects, ..report }
}

fn row(
    scenario: &Scenario,
    subject: String,
    expected: String,
    observed: String,
    placing: Option<Placing>,
) -> ExpectationReport {
    let status = if expected == observed { ExpectationStatus::Passed } else { ExpectationStatus::Failed };
    let place = placing.map(|placing| place(scenario, &placing));
    ExpectationReport { subject, status, expected, observed, place }
}

/// What is seen of a claim, in its words.
fn seen(claim: &Claim, outcome: &Outcome) -> String {
    let side = if claim.of == Role::Caller { &outcome.caller } else { &outcome.callee };
    let tracks = claim.expected.contains("track");
    if let Some(number) = claim.checkpoint {
        let Some(at) = outcome.checkpoints.get(number) else { return "it was not reached".to_owned() };
        return table(if claim.of == Role::Caller { &at.caller } else { &at.callee }, tracks);
    }
    match claim.subject {
        "signaling" => side.signaling_state.to_string(),
        "transceivers" => table(&side.transceivers, tracks),
        "ontrack" => fired(claim, side),
        "negotiationneeded" => side.negotiationneeded.to_string(),
        "ice" => joined(&side.ice_connection_states),
        "connection" => joined(&side.connection_states),
        "kinds" => side.local_sections.iter().map(|(kind, _)| kind.clone()).collect::<Vec<_>>().join(", "),
        _ => {
            let section = |(kind, rejected): &(String, bool)| {
                if *rejected { format!("{kind} rejected") } else { kind.clone() }
            };
            side.local_sections.iter().map(section).collect::<Vec<_>>().join(", ")
        }
    }
}

fn joined(states: &[impl ToString]) -> String {
    states.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn table(rows: &[ScriptRow], tracks: bool) -> String {
    let row = |row: &ScriptRow| {
        let current = row.current_direction.map_or_else(|| "-".to_owned(), |current| current.to_string());
        let track = match (tracks, row.sender_track) {
            (false, _) => "",
            (true, true) => " track",
            (true, false) => " no-track",
        };
        format!("{} {} {}/{current}{track}", row.mid.as_deref().unwrap_or("-"), row.kind, row.direction)
    };
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}

/// The index of the transceiver is told where it is asked for.
fn fired(claim: &Claim, side: &SideOutcome) -> String {
    let asked: Vec<bool> = claim.expected.split(", ").map(|one| one.split(' ').count() > 3).collect();
    let one = |(number, fired): (usize, &FiredTrack)| {
        let indexed = asked.get(number).copied().unwrap_or(false);
        let index =
            fired.transceiver.filter(|_| indexed).map(|index| format!(" {index}")).unwrap_or_default();
        format!("{} {} {}{index}", fired.kind, fired.mid, fired.streams)
    };
    side.ontrack.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

/// What our own stack did wrong.
fn defects(outcome: &Outcome) -> Vec<String> {
    let events = outcome.caller.events.iter().chain(&outcome.callee.events);
    let defect = |kind: &Kind| match kind {
        Kind::TesterDefect { what, expected, observed } => {
            Some(format!("callcheck did not follow its model: {what}: {expected}, in fact {observed}"))
        }
        Kind::EngineLimit { limit, detail } => {
            Some(format!("a known limit of callcheck's engine: {limit}: {detail}"))
        }
        _ => None,
    };
    events.filter_map(|event| defect(&event.kind)).collect()
}
