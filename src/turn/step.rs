//! Steps as they are taken: each with its time, and each that was not taken with its reason.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::allowance::Allowance;
use super::model::{Cause, Status, Step, StepName};
use crate::stun::{Failure, LinkError};
use crate::trust::CertificateProblem;
use crate::world::World;

/// Why a step did not come out well.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// It failed.
    Failed { cause: Cause, code: Option<u16>, reason: String },
    /// It could not be tested, which is nobody's fault.
    Skipped { reason: String },
    /// Time is up.
    Stopped,
}

impl Trouble {
    pub(super) fn failed(cause: Cause, reason: impl Into<String>) -> Self {
        Self::Failed { cause, code: None, reason: reason.into() }
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped { reason: reason.into() }
    }

    /// The code that the server said.
    pub(super) const fn code(&self) -> Option<u16> {
        match self {
            Self::Failed { code, .. } => *code,
            _ => None,
        }
    }
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        let cause = match &error {
            LinkError::Stopped => return Self::Stopped,
            // Something came back, and it was no answer: that is another thing than silence.
            LinkError::Silent { ignored: Some(_), .. } => Cause::Nonsense,
            LinkError::Silent { .. } => Cause::Silent,
            LinkError::Refused => Cause::Refused,
            LinkError::Unreachable(_) => Cause::Unreachable,
            LinkError::Reset => Cause::Reset,
            LinkError::Closed => Cause::Closed,
            LinkError::NotStun(_) => Cause::NotStun,
            LinkError::Handshake(_) => Cause::Handshake,
            LinkError::Io(_) => Cause::System,
            LinkError::Certificate(problem) => match problem {
                CertificateProblem::Expired => Cause::CertificateExpired,
                CertificateProblem::WrongName { .. } => Cause::CertificateName,
                CertificateProblem::UnknownIssuer => Cause::CertificateIssuer,
                CertificateProblem::NotYetValid | CertificateProblem::Other(_) => Cause::CertificateOther,
            },
        };
        Self::failed(cause, error.to_string())
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Link(error) => error.into(),
            Failure::Refused { code, reason, .. } => {
                Self::Failed { cause: Cause::Code, code: Some(code), reason: said(code, &reason) }
            }
        }
    }
}

/// `438 Stale nonce`.
pub(super) fn said(code: u16, reason: &str) -> String {
    format!("{code} {reason}").trim_end().to_owned()
}

/// What is worth knowing of a step that came out well.
pub(super) type Note = Option<String>;

/// The steps of a path so far.
pub(super) struct Steps {
    world: Arc<dyn World>,
    pub(super) list: Vec<Step>,
    allowance: Rc<Allowance>,
}

impl Steps {
    pub(super) fn new(world: &Arc<dyn World>, allowance: &Rc<Allowance>) -> Self {
        Self { world: Arc::clone(world), list: Vec::new(), allowance: Rc::clone(allowance) }
    }

    /// Takes a step. None if it did not come out well.
    pub(super) async fn take<T>(
        &mut self,
        name: StepName,
        step: impl Future<Output = Result<(T, Note), Trouble>>,
    ) -> Result<T, Trouble> {
        let start = self.world.now();
        let result = step.await;
        self.write(name, start, result)
    }

    /// Writes down a step that began at `start`.
    pub(super) fn write<T>(
        &mut self,
        name: StepName,
        start: Instant,
        result: Result<(T, Note), Trouble>,
    ) -> Result<T, Trouble> {
        let ms = Some(milliseconds(self.world.now() - start));
        let blank = Step { step: name, status: Status::Ok, ms, code: None, reason: None, cause: None };
        let (step, result) = match result {
            Ok((value, reason)) => (Step { reason, ..blank }, Ok(value)),
            Err(Trouble::Failed { cause, code, reason }) => {
                let step = Step {
                    status: Status::Failed,
                    code,
                    reason: Some(reason.clone()),
                    cause: Some(cause),
                    ..blank
                };
                (step, Err(Trouble::Failed { cause, code, reason }))
            }
            Err(Trouble::Skipped { reason }) => {
                let step = Step { status: Status::Skipped, ms: None, reason: Some(reason.clone()), ..blank };
                (step, Err(Trouble::Skipped { reason }))
            }
            Err(Trouble::Stopped) => (self.stopped(blank), Err(Trouble::Stopped)),
        };
        self.list.push(step);
        result
    }

    fn stopped(&self, blank: Step) -> Step {
        // Our clock ended it, and each answer has a limit of its own: that says nothing of the server.
        let reason = Some(self.allowance.reason().to_owned());
        Step { status: Status::Skipped, ms: None, reason, ..blank }
    }

    pub(super) fn skip(&mut self, name: StepName, reason: impl Into<String>) {
        let reason = Some(reason.into());
        self.list.push(Step {
            step: name,
            status: Status::Skipped,
            ms: None,
            code: None,
            reason,
            cause: None,
        });
    }

    /// Skips all that were not taken, because of one that was.
    pub(super) fn skip_rest(&mut self, names: &[StepName], reason: &str) {
        for name in names {
            if !self.list.iter().any(|step| step.step == *name) {
                self.skip(*name, reason);
            }
        }
    }
}

/// To a thousandth.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
