//! Runs scenarios: which files hold them, how each is played, what came of it, many at a time in a stable order.
//!
//! `files` finds and reads them, `play` plays one on the real or the simulated clock, `script` those that are a list of
//! operations, `elsewhere` those whose
//! other side is another process of callcheck, `foreign` those that a browser or a program takes part in, and `placed` gives each result its place in the file.

mod elsewhere;
mod files;
mod foreign;
mod placed;
mod play;
mod script;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};

use crate::diagnostic::Diagnostic;
use crate::report::{CallReport, VerdictWord};
use crate::runner::Interrupt;
use crate::scenario::Scenario;
use crate::timeline::Timeline;
use crate::world::World;

pub use elsewhere::{Elsewhere, room_name};
pub use files::{FileError, Found, find, listing};
pub use foreign::end_programs;
pub use play::call_report;

/// How scenarios are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// So many at a time.
    pub jobs: usize,
    /// A call that did not pass is tried again so often, unless the scenario says otherwise.
    pub retry: u32,
    /// Nothing more is run once one did not pass.
    pub fail_fast: bool,
    /// All on simulated time, or all on the real clock; none leaves it to each.
    pub is_virtual: Option<bool>,
    /// Where every random choice starts; none leaves it to each.
    pub seed: Option<u64>,
    /// One side alone is played here.
    pub elsewhere: Option<Elsewhere>,
}

/// What came of one scenario.
#[derive(Debug)]
pub struct Done {
    /// The result.
    pub call: CallReport,
    /// What both sides recorded in the last try, merged; none of what was not played, and of scripts.
    pub timeline: Option<Timeline>,
    /// Its turn came: it was not left out, and the run did not end before it.
    pub had_its_turn: bool,
    /// Each expectation that did not hold, at its place in the file.
    pub complaints: Vec<Diagnostic>,
}

impl Done {
    /// It passed, or was left out.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        matches!(self.call.verdict, VerdictWord::Passed | VerdictWord::Skipped)
    }
}

/// Runs all of them. The results are in the order of the scenarios, and `watch` sees them in that order, as soon as it can.
pub async fn run(
    scenarios: &[Scenario],
    settings: &Settings,
    world: &Arc<dyn World>,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(&Done),
) -> Vec<Done> {
    let only = scenarios.iter().any(|scenario| scenario.only);
    let one = |scenario: Scenario| async move {
        if let Some(why) = left_out(&scenario, only) {
            return placed::not_played(&scenario, settings, VerdictWord::Skipped, why);
        }
        if interrupt.peek().is_some() {
            return placed::not_played(
                &scenario,
                settings,
                VerdictWord::NotRun,
                "interrupted before it began".into(),
            );
        }
        retried(&scenario, settings, world, interrupt).await
    };
    let mut running =
        futures::stream::iter(scenarios.iter().cloned().map(one)).buffered(settings.jobs.max(1));
    let mut all = Vec::with_capacity(scenarios.len());
    while let Some(done) = running.next().await {
        watch(&done);
        let stop = settings.fail_fast && !done.is_fine();
        all.push(done);
        if stop {
            break;
        }
    }
    // What was not reached is not forgotten.
    drop(running);
    for scenario in &scenarios[all.len()..] {
        let why = "another scenario did not pass, and --fail-fast ends the run then".to_owned();
        let done = placed::not_played(scenario, settings, VerdictWord::NotRun, why);
        watch(&done);
        all.push(done);
    }
    all
}

fn left_out(scenario: &Scenario, only: bool) -> Option<String> {
    let others = (only && !scenario.only).then(|| "another scenario says `only`".to_owned());
    scenario.skip.clone().or(others)
}

async fn retried(
    scenario: &Scenario,
    settings: &Settings,
    world: &Arc<dyn World>,
    interrupt: &Interrupt,
) -> Done {
    let most = scenario.retry.unwrap_or(settings.retry) + 1;
    let mut tries = 0;
    let mut earlier: Vec<String> = Vec::new();
    loop {
        tries += 1;
        let mut done = play::play(scenario, settings, world, interrupt).await;
        if let Some(scenario) = &mut done.call.scenario {
            scenario.tries = tries;
        }
        let interrupted = interrupt.clone().now_or_never().is_some();
        if done.is_fine() || tries >= most || interrupted {
            if done.call.verdict == VerdictWord::Passed && tries > 1 {
                done.call.verdict = VerdictWord::Flaky;
                done.call.reason = Some(format!("passed on try {tries} only"));
            }
            earlier.append(&mut done.call.notes);
            done.call.notes = earlier;
            return done;
        }
        let why = done.call.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        earlier.push(format!("try {tries} of {most} {}{why}", done.call.verdict.as_str()));
    }
}

/// How long it took on the clock of the machine.
fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
