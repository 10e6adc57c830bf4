//! The steps of a plan, taken in the middle of the call and in one order with the other side: each side says how far it
//! has come, and waits before a step of its own until the other side has come past its steps before that.

use std::time::Duration;

use super::call::{Call, Step};
use super::ending::Ending;
use crate::connection::W3cError;
use crate::expect::{Status, judge};
use crate::fault::Act;
use crate::jsep::Role;
use crate::plan::{CallAct, CallStep, Expectation, Operation, Plan};
use crate::timeline::{Kind, Signal};

/// How often figures are looked at while something is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What came of a step that has something to show.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Which, counted from 0.
    pub step: usize,
    /// What of it, such as `caller.tracks`; empty for the step itself.
    pub subject: String,
    /// Whether it is as demanded; none if it could not be measured.
    pub holds: Option<bool>,
    /// What is demanded.
    pub expected: String,
    /// What is seen.
    pub observed: String,
}

/// How far the steps have come.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The first one that our side has not come past.
    done: usize,
    /// The same of the other side, as it has told.
    peer: usize,
    /// The other side did not come in time, and is not waited for again.
    alone: bool,
    outcomes: Vec<StepOutcome>,
}

impl Steps {
    /// The other side has told how far it has come.
    pub(super) fn peer_came(&mut self, done: u32) {
        self.peer = self.peer.max(usize::try_from(done).unwrap_or(usize::MAX));
    }
}

impl Call<'_> {
    /// Takes all steps of this side.
    pub(super) async fn take_steps(&mut self) -> Result<(), Ending> {
        let plan: &Plan = self.plan;
        let own = plan.leg.role;
        if plan.steps.is_empty() {
            return Ok(());
        }
        // What a side does first must not overtake its answer.
        self.let_negotiate().await?;
        self.flush().await;
        for (index, step) in plan.steps.iter().enumerate().filter(|(_, step)| step.is_of(own)) {
            self.await_the_other(index).await?;
            self.record(Kind::Note(format!("step {}: {}", step.number, step.act)));
            self.take_step(index, step).await?;
            self.past(index);
        }
        self.await_the_other(plan.steps.len()).await
    }

    /// What the steps have shown; those that were not taken show nothing.
    pub(super) fn outcomes(&mut self) -> Vec<StepOutcome> {
        let own = self.plan.leg.role;
        let mut outcomes = std::mem::take(&mut self.steps.outcomes);
        let steps = self.plan.steps.iter().enumerate().skip(self.steps.done);
        outcomes.extend(steps.filter(|(_, step)| step.is_of(own)).map(|(index, step)| StepOutcome {
            step: index,
            subject: String::new(),
            holds: None,
            expected: step.act.to_string(),
            observed: "the call was over before this step".to_owned(),
        }));
        outcomes
    }

    /// Sends what the leg has ready.
    async fn flush(&mut self) {
        let ready = match &mut self.leg {
            Some(leg) => leg.ready().await,
            None => Vec::new(),
        };
        ready.into_iter().for_each(|signal| self.send(signal));
    }

    fn past(&mut self, index: usize) {
        self.steps.done = index + 1;
        // Invariant: a plan has no more steps than that.
        let done = u32::try_from(self.steps.done).unwrap_or(u32::MAX);
        self.send(Signal::Step { done });
        self.fold();
    }

    /// Until the other side has taken all its steps before that one.
    async fn await_the_other(&mut self, index: usize) -> Result<(), Ending> {
        let other = self.plan.leg.role.other();
        let before = &self.plan.steps[..index];
        let Some(last) = before.iter().rposition(|step| step.is_of(other)) else { return Ok(()) };
        let step = &before[last];
        let timeout = self.plan.leg.timeout;
        let longest = self.plan.steps.iter().map(|step| step.takes(timeout)).max().unwrap_or_default();
        let mut deadline = self.after(longest + timeout);
        let mut heard = self.steps.peer;
        while self.steps.peer <= last && !self.steps.alone {
            self.ended_early()?;
            if self.steps.peer != heard {
                (heard, deadline) = (self.steps.peer, self.after(longest + timeout));
            }
            if step.is_last() && self.is_out_of_earshot() {
                // It is gone, as it should be.
                return Ok(());
            }
            let late = self.is_out_of_earshot() || self.step(Some(deadline)).await? == Step::Deadline;
            if late {
                self.steps.alone = true;
                self.steps.outcomes.push(StepOutcome {
                    step: last,
                    subject: format!("order with the {other}"),
                    holds: None,
                    expected: format!("the {other} takes it before what follows"),
                    observed: format!("the {other} did not say that it has; what follows did not wait"),
                });
            }
        }
        Ok(())
    }

    async fn take_step(&mut self, index: usize, step: &CallStep) -> Result<(), Ending> {
        match &step.act {
            CallAct::Operate(operation) => self.operate(index, step, operation).await?,
            CallAct::Hold => {
                if let Some(leg) = &mut self.leg {
                    leg.hold_now().await;
                }
            }
            CallAct::Resume => {
                if let Some(leg) = &mut self.leg {
                    leg.resume_now().await;
                }
            }
            CallAct::HangUp => {
                // Its plan ends here, so the call is not cut short.
                self.flush().await;
                self.send(Signal::Done);
                return self.leave(index, Act::HangUp);
            }
            CallAct::Vanish => {
                self.faults.vanish();
                self.room.vanish();
                return self.leave(index, Act::Vanish);
            }
            CallAct::Wait(time) => self.let_pass(*time).await?,
            CallAct::Checkpoint => {
                self.past(index);
                return self.await_the_other(index + 1).await;
            }
            CallAct::FaultOn(fault) => self.faults.switch(self.now(), fault.id, true),
            CallAct::FaultOff(id) => self.faults.switch(self.now(), id, false),
            CallAct::Expect { all, within } => self.expect(index, all, *within).await?,
        }
        self.fold();
        if step.settles && step.negotiates() { self.let_negotiate().await } else { Ok(()) }
    }

    fn leave(&mut self, index: usize, act: Act) -> Result<(), Ending> {
        self.left = Some(act);
        self.steps.done = index + 1;
        self.ended_early()
    }

    async fn operate(&mut self, index: usize, step: &CallStep, operation: &Operation) -> Result<(), Ending> {
        let Some(leg) = &mut self.leg else { return Ok(()) };
        let done = match operation {
            Operation::WaitIceConnected => return self.let_connect(index).await,
            operation => leg.operate(operation).await,
        };
        self.fold();
        let wanted = step.rejected.as_deref();
        if wanted == Some("any") || (wanted.is_none() && done.is_ok()) {
            return Ok(());
        }
        let told = |error: Option<String>| error.unwrap_or_else(|| "no error".to_owned());
        let named = done.as_ref().err().map(|error| error.name.to_string());
        let observed = done.err().map(|error: W3cError| match wanted {
            Some(_) => error.name.to_string(),
            None => error.to_string(),
        });
        self.steps.outcomes.push(StepOutcome {
            step: index,
            subject: String::new(),
            holds: Some(named.as_deref() == wanted),
            expected: told(wanted.map(str::to_owned)),
            observed: told(observed),
        });
        Ok(())
    }

    async fn let_connect(&mut self, index: usize) -> Result<(), Ending> {
        let own = self.plan.leg.role;
        // Invariant: that is an expectation.
        let connected = Expectation::parse("ice=connected", own).expect("ICE can be expected to connect");
        self.expect(index, &[connected], self.plan.leg.timeout).await
    }

    async fn let_pass(&mut self, time: Duration) -> Result<(), Ending> {
        let deadline = self.after(time);
        loop {
            self.ended_early()?;
            if self.step(Some(deadline)).await? == Step::Deadline {
                return Ok(());
            }
        }
    }

    /// Until what the step has changed is negotiated, where the application does that by itself.
    async fn let_negotiate(&mut self) -> Result<(), Ending> {
        let deadline = self.after(self.plan.leg.timeout);
        loop {
            self.ended_early()?;
            let negotiated = match &self.leg {
                Some(leg) => leg.has_negotiated().await,
                None => true,
            };
            if negotiated || self.is_out_of_earshot() {
                return Ok(());
            }
            if self.step(Some(deadline)).await? == Step::Deadline {
                let within = humantime::format_duration(self.plan.leg.timeout);
                self.record(Kind::Note(format!("what the step changed was not negotiated within {within}")));
                return Ok(());
            }
        }
    }

    /// Until all of our side's hold, or the time is over.
    async fn expect(&mut self, index: usize, all: &[Expectation], within: Duration) -> Result<(), Ending> {
        let own = self.plan.leg.role;
        let ours: Vec<&Expectation> = all.iter().filter(|one| one.of == Some(own)).collect();
        let deadline = self.after(within);
        loop {
            self.sample().await;
            let looked: Vec<StepOutcome> = ours.iter().map(|one| self.look(index, one, own)).collect();
            let ended = self.ended_early();
            let hold = looked.iter().all(|outcome| outcome.holds == Some(true));
            if hold || ended.is_err() || self.now() >= deadline {
                self.steps.outcomes.extend(looked);
                if ended.is_err() {
                    self.steps.done = index + 1;
                }
                return ended;
            }
            self.let_pass_or_end(deadline.min(self.after(LOOK_EVERY))).await?;
        }
    }

    async fn let_pass_or_end(&mut self, until: std::time::Instant) -> Result<(), Ending> {
        while self.step(Some(until)).await? == Step::Event {}
        Ok(())
    }

    /// How an expectation stands at this moment.
    fn look(&self, index: usize, stated: &Expectation, own: Role) -> StepOutcome {
        let plan = Plan {
            expectations: vec![stated.clone()],
            strict: false,
            steps: Vec::new(),
            ..self.plan.clone()
        };
        let verdicts = judge(&plan, &self.facts, true, self.now_us());
        let verdict = verdicts.iter().find(|one| one.of == Some(own) && one.subject == stated.subject);
        let subject = format!("{own}.{}", stated.subject.info().name);
        let outcome = |holds, expected: &str, observed: &str| StepOutcome {
            step: index,
            subject,
            holds,
            expected: expected.to_owned(),
            observed: observed.to_owned(),
        };
        match verdict {
            Some(verdict) => {
                let holds = match verdict.status {
                    Status::Passed => Some(true),
                    Status::Failed => Some(false),
                    Status::Unknown(_) => None,
                };
                outcome(holds, &verdict.expected, &verdict.observed)
            }
            // `any` demands nothing.
            None => outcome(Some(true), "any", "not asked"),
        }
    }
}
