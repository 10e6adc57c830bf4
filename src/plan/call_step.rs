//! What happens in the middle of a call, step by step and in one order for both sides, as data.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{Expectation, FaultPlan, Operation};
use crate::jsep::Role;

/// The label of the stream that an application's tracks are in from the start.
pub const OWN_STREAM: &str = "own";

/// A step of a call. Both sides have the same list; each takes its own steps, and waits with the next one until the other
/// side has taken those before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallStep {
    /// As people count it, from 1; a checkpoint and what is claimed there have the same.
    pub number: usize,
    /// Who takes it; none is both at the same time.
    pub who: Option<Role>,
    /// What is done.
    pub act: CallAct,
    /// A negotiation that it causes is waited for; otherwise the next step follows at once.
    pub settles: bool,
    /// The W3C error that it must be refused with; `any` is some error or none.
    pub rejected: Option<String>,
}

/// What a side can do in the middle of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallAct {
    /// An operation on its connection.
    Operate(Operation),
    /// Every transceiver becomes inactive.
    Hold,
    /// Every transceiver gets its direction back.
    Resume,
    /// It hangs up, and its call is over.
    HangUp,
    /// It is gone without a word to anybody.
    Vanish,
    /// Nothing, for a while.
    Wait(#[serde(serialize_with = "super::millis")] Duration),
    /// Both sides come here before either goes on.
    Checkpoint,
    /// From now on it makes this mistake, which it has not made before.
    FaultOn(FaultPlan),
    /// It makes this mistake no longer.
    FaultOff(&'static str),
    /// This comes true within the time; the next step follows as soon as it has.
    Expect {
        /// Of the sides that take the step, each sees to its own.
        all: Vec<Expectation>,
        /// Zero asks once.
        #[serde(serialize_with = "super::millis")]
        within: Duration,
    },
}

impl CallStep {
    /// The longest that it may take, if what is under way comes to its end within `timeout`.
    #[must_use]
    pub fn takes(&self, timeout: Duration) -> Duration {
        timeout
            + match &self.act {
                CallAct::Wait(time) => *time,
                CallAct::Expect { within, .. } => *within,
                _ => Duration::ZERO,
            }
    }

    /// It can make a negotiation necessary.
    #[must_use]
    pub fn negotiates(&self) -> bool {
        match &self.act {
            CallAct::Operate(operation) => !matches!(operation, Operation::WaitIceConnected),
            CallAct::Hold | CallAct::Resume => true,
            _ => false,
        }
    }

    /// It brings media that was not there before.
    #[must_use]
    pub fn adds_media(&self) -> bool {
        let CallAct::Operate(operation) = &self.act else { return false };
        matches!(operation, Operation::AddTrack { .. } | Operation::AddTransceiver { .. })
    }

    /// Who takes it is gone afterwards.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self.act, CallAct::HangUp | CallAct::Vanish)
    }

    /// Whether that side takes it.
    #[must_use]
    pub fn is_of(&self, role: Role) -> bool {
        match &self.act {
            CallAct::Expect { all, .. } => all.iter().any(|expectation| expectation.of == Some(role)),
            _ => self.who.is_none_or(|who| who == role),
        }
    }
}

/// As a scenario names it.
impl fmt::Display for CallAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operate(operation) => f.write_str(operation.name()),
            Self::Hold => f.write_str("hold"),
            Self::Resume => f.write_str("resume"),
            Self::HangUp => f.write_str("hang-up"),
            Self::Vanish => f.write_str("vanish"),
            Self::Wait(time) => write!(f, "wait {}", humantime::format_duration(*time)),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::FaultOn(fault) => write!(f, "fault-on {}", fault.id),
            Self::FaultOff(id) => write!(f, "fault-off {id}"),
            Self::Expect { all, .. } => {
                let mut texts: Vec<&str> = all.iter().map(|expectation| expectation.text.as_str()).collect();
                texts.dedup();
                write!(f, "expect {}", texts.join(", "))
            }
        }
    }
}
