//! The TURN prober: which step fails, over which transport, and what to change.
//!
//! Read it in this order: `probe` takes all servers side by side, `chain` one path step by step, `data` what an allocation
//! is good for; `verdict`, `finding` and `advice` judge what was written down and do no I/O.

mod advice;
mod chain;
mod credentials;
mod data;
mod dial;
mod finding;
mod model;
mod probe;
mod sane;
mod step;
mod verdict;

use std::time::Duration;

pub use credentials::{Suspicion, rest, suspicion};
pub use model::{
    AuditRow, Cause, CertificateReport, ExpectationRow, Finding, Path, ServerReport, Status, Step, StepName,
    TurnReport, Verdict,
};
pub use probe::probe;

use crate::plan::IceUrl;
use crate::stun::{Credentials, Limits, Trust};

/// One server to probe.
#[derive(Clone, Debug)]
pub struct Target {
    /// As it was named.
    pub name: String,
    /// The same, read.
    pub url: IceUrl,
    /// Who we are there.
    pub credentials: Option<Credentials>,
}

/// How servers are probed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which certificates are good.
    pub trust: Trust,
    /// How long each answer is waited for.
    pub limits: Limits,
    /// Whether TLS and TCP on port 443 are explored too.
    pub also_443: bool,
}

impl Config {
    /// How answers are waited for unless somebody says otherwise: three datagrams in three seconds.
    pub const LIMITS: Limits =
        Limits { transaction: Duration::from_secs(3), retransmission: Duration::from_millis(500) };

    /// How much longer than usual it takes, because that was asked for.
    fn longer(&self) -> Duration {
        Duration::ZERO
    }
}
