//! `--probe`: one call after another in the same room, each with something odd in it, and a table of what the app makes of
//! them.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use clap::builder::FalseyValueParser;

use super::args::CallArgs;
use super::call::{addresses, network, stay};
use super::dialect::Chosen;
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::live::Live as LiveView;
use super::output::Outputs;
use super::rendezvous::{Hosted, rendezvous};
use super::say::{View, say};
use crate::plan::Plan;
use crate::probe::{self, Probe, ProbeOutcome, ProbeReport, ProbeRow, Seen};
use crate::report::{self, VerdictWord};
use crate::runner::{self, Deps, Interrupt, Played, Record, RunError};
use crate::world::{Live, World};

/// Whether the app is probed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Verdict")]
pub(super) struct ProbeArgs {
    /// Make odd calls, and say what the app gets wrong
    ///
    /// Make a good call, and then one call after another with something odd in it that is allowed: another offer, early
    /// and late candidates, tracks without streams, one more m-section, crossing offers, a pause of consent. Says in a
    /// table what the app gets wrong. It must answer, or make, a dozen calls in the room.
    #[arg(long, hide_short_help = true, env = "CALLCHECK_PROBE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(super) probe: bool,
}

/// What makes no sense together with probes.
///
/// # Errors
/// Exit code 2.
pub(super) fn check(args: &CallArgs) -> Result<(), CliError> {
    let stray = [
        ("--fault", !args.fault.fault.is_empty()),
        ("--retry", args.verdict.retry > 0),
        ("--probe-reoffer", args.verdict.probe_reoffer),
    ];
    match stray.iter().find(|(_, stated)| args.probe.probe && *stated) {
        Some((option, _)) => Err(CliError::usage(
            format!("{option} and --probe contradict each other: the probes say themselves what is odd"),
            "leave one of them out",
        )),
        None => Ok(()),
    }
}

/// Everything that outlives a single call.
struct Session<'a> {
    world: Arc<dyn World>,
    plan: &'a Plan,
    dialect: Option<Chosen>,
    record: Option<Arc<Mutex<Record>>>,
    hosted: Option<Hosted>,
    interrupt: Interrupt,
    view: View,
    /// How many calls were made.
    calls: u32,
}

/// Makes the calls, prints the table and decides the exit code.
pub(super) async fn play(
    plan: Plan,
    dialect: Option<Chosen>,
    mut outputs: Outputs,
    seed: u64,
    view: View,
) -> anyhow::Result<Exit> {
    let world: Arc<dyn World> = Arc::new(Live::new(seed));
    let interrupt = interrupt(&world);
    let record = outputs.record().map(|record| Arc::new(Mutex::new(record)));
    let mut session = Session {
        world,
        plan: &plan,
        dialect,
        record,
        hosted: None,
        interrupt: interrupt.clone(),
        view,
        calls: 0,
    };
    let report = session.probe_all().await;
    let interrupted = interrupt.peek().is_some();
    match view {
        View::Nothing => say(probe::table(&plan.room.name, &report, true).lines().next().unwrap_or_default()),
        _ => say(&format!("\n{}", probe::table(&plan.room.name, &report, true).trim_end())),
    }
    let lost = outputs.write(&report);
    for error in &lost {
        say(&error.render(true));
    }
    if let Some(hosted) = session.hosted {
        stay(hosted, interrupt, view).await;
    }
    Ok(match report.verdict {
        _ if interrupted => Exit::Interrupted,
        _ if !lost.is_empty() => Exit::Untested,
        VerdictWord::Failed => Exit::Failed,
        VerdictWord::Passed => Exit::Passed,
        _ => Exit::Untested,
    })
}

impl Session<'_> {
    async fn probe_all(&mut self) -> ProbeReport {
        let base_plan = probe::plan(None, self.plan, None);
        let base = match self.call("base call", &base_plan, false).await {
            Ok(base) => base,
            // The table says it.
            Err(error) => return probe::unreachable(&error.words()),
        };
        let base_seen = seen(&base_plan, &base);
        let (row, is_good) = probe::base(base_seen);
        let report = report::call_report(&base_plan, &base.facts, &base.verdicts);
        let reason = row.reason.clone().unwrap_or_else(|| "the base call failed".to_owned());
        let mut rows = vec![row];
        // Why nothing more is tried.
        let mut over = (!is_good).then_some(reason);
        for &probe in Probe::ALL {
            if let Some(why) = &over {
                rows.push(probe::not_run(probe, why.as_str()));
                continue;
            }
            if let Some(why) = probe::not_applicable(probe, &base_plan, &base.facts) {
                rows.push(probe::not_run(probe, why));
                continue;
            }
            match self.probe(probe, base_seen).await {
                Ok(Ok(row)) => rows.push(row),
                Ok(Err(gone)) => {
                    rows.push(probe::not_run(probe, gone.as_str()));
                    over = Some(gone);
                }
                Err(error) => {
                    let why = error.words();
                    rows.push(probe::not_run(probe, why.as_str()));
                    over = Some(why);
                }
            }
            if self.interrupt.peek().is_some() {
                over = Some("interrupted".to_owned());
            }
        }
        probe::concluded(rows, Some(report))
    }

    /// Makes one probe. Whoever says nothing to it is asked again after a good call: what was there may have been a peer on
    /// its way out. With an error in words, nobody is there any more.
    async fn probe(&mut self, probe: Probe, base: Seen<'_>) -> Result<Result<ProbeRow, String>, CliError> {
        let plan = probe::plan(Some(probe), self.plan, Some(base.facts));
        let hasty = probe == Probe::EarlyCandidates;
        let mut played = self.call(probe.name(), &plan, hasty).await?;
        if let Some(why) = probe::absent(&plan, &played.facts) {
            if self.interrupt.peek().is_some() || !self.is_there(base.plan).await? {
                return Ok(Err(why));
            }
            played = self.call(probe.name(), &plan, hasty).await?;
            if probe::absent(&plan, &played.facts).is_some() {
                let row =
                    if self.is_there(base.plan).await? { probe::mute(probe) } else { return Ok(Err(why)) };
                return Ok(Ok(row));
            }
        }
        let row = probe::judge(probe, seen(&plan, &played), base);
        if row.outcome != ProbeOutcome::Wrong || !seen(&plan, &played).was_left() {
            return Ok(Ok(row));
        }
        let plan = probe::control(self.plan, &played.facts);
        let control = self.call("the same without anything odd", &plan, false).await?;
        Ok(Ok(probe::with_control(row, seen(&plan, &control))))
    }

    /// Whether a good call is answered.
    async fn is_there(&mut self, base: &Plan) -> Result<bool, CliError> {
        for _ in 0..2 {
            let played = self.call("base call again", base, false).await?;
            if probe::absent(base, &played.facts).is_none() {
                return Ok(true);
            }
            // Nobody comes: waiting once is enough.
            if played.facts.other().presence.joined_us.is_none() {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn call(&mut self, name: &str, plan: &Plan, hasty: bool) -> Result<Played, CliError> {
        if self.view != View::Nothing {
            say(&format!("\n{name}"));
        }
        let mut dialect = self.dialect.clone();
        if let Some(chosen) = &mut dialect {
            chosen.place.hasty = hasty;
            // Ids of calls must not be those of the calls before.
            chosen.place.nonce = format!("{}{}", chosen.place.nonce, self.calls);
        }
        let rendezvous = rendezvous(&self.world, &plan.room, Some(&plan.leg), dialect).await?;
        if let Some(hosted) = rendezvous.hosted {
            self.hosted = Some(hosted);
        }
        let number = self.calls;
        self.calls += 1;
        let record = self.record.clone().map(|record| -> Record {
            Box::new(move |_| record.lock().unwrap_or_else(PoisonError::into_inner)(number))
        });
        let live = LiveView::new(self.view, plan, self.hosted.is_some());
        let deps = Deps {
            world: Arc::clone(&self.world),
            network: network(&self.world, plan),
            addresses: addresses(&plan.room.url),
            join: rendezvous.join,
            observe: live.observe(),
            record,
            interrupt: self.interrupt.clone(),
        };
        let run = runner::run(plan, deps).await;
        live.finish();
        let mut run = run.map_err(|error| match error {
            RunError::Join(error) => CliError::untested(error.to_string(), None),
            RunError::Interrupted => CliError::untested("interrupted", None),
        })?;
        let played = run.calls.pop().ok_or_else(|| CliError::untested("no call was made", None))?;
        match &played.could_not_start {
            Some(why) => Err(CliError::untested(why.as_str(), None)),
            None => Ok(played),
        }
    }
}

fn seen<'a>(plan: &'a Plan, played: &'a Played) -> Seen<'a> {
    Seen { plan, facts: &played.facts, verdicts: &played.verdicts }
}
