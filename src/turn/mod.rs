//! The TURN prober: which step fails, over which transport, and what to change.
//!
//! Read it in this order: `probe` takes all servers side by side, `chain` one path step by step, `data` what an allocation
//! is good for, with a `peer` outside that may be on another machine (`vantage`); `verdict`, `finding` and `advice` judge
//! what was written down and do no I/O, and neither do `expect`, `screen`, `junit`, `markdown` and `metrics`.

mod advice;
mod allowance;
mod call;
mod chain;
mod credentials;
mod data;
mod dial;
mod expect;
mod finding;
mod junit;
mod longer;
mod markdown;
mod metrics;
mod model;
mod nat;
mod peer;
mod probe;
mod resolve;
mod sane;
mod schema;
mod screen;
mod step;
mod vantage;
mod verdict;
mod volley;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use call::{Called, add_call};
pub use credentials::{Suspicion, rest, suspicion};
pub use expect::{TurnExpectation, judge, parse_turn_expectation};
pub use junit::junit;
pub use markdown::markdown;
pub use metrics::{changes, metrics};
pub use model::{
    AuditRow, Cause, CertificateReport, Dependence, ExpectationRow, Finding, NatBehavior, Path, ServerReport,
    Status, Step, StepName, TurnReport, Verdict,
};
pub use probe::probe;
pub use schema::schema;
pub use screen::{screen, summary};
pub use vantage::{OutsideMessage, Vantage, play_outside};

use crate::plan::{IceTransport, IceUrl};
use crate::stun::{Credentials, Limits};
use crate::trust::Trust;

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
    /// Data is sent at the rate of media for so long.
    pub duration: Option<Duration>,
    /// The allocation is held for so long, and renewed.
    pub hold: Option<Duration>,
    /// Whether it is tried to reach inner addresses through the relay.
    pub audit: bool,
    /// More loss than so many percent at the rate of media is a failure; None where an expectation says what is.
    pub loss_limit: Option<f64>,
    /// Who is asked for names; None for the system.
    pub resolver: Option<SocketAddr>,
    /// Who plays the peer outside, if that is not to be a socket of ours.
    pub vantage: Option<Arc<Vantage>>,
    /// Transports that expectations name: they are tried at length where they are only explored, too.
    pub demanded: Vec<IceTransport>,
}

impl Config {
    /// How answers are waited for unless somebody says otherwise: six datagrams in three seconds.
    pub const LIMITS: Limits =
        Limits { transaction: Duration::from_secs(3), retransmission: Duration::from_millis(500) };

    /// More packets of a hundred that are lost there and back make a call that people complain about.
    pub const LOSS_LIMIT: f64 = 10.0;

    /// How much longer than usual it takes, because that was asked for.
    fn longer(&self) -> Duration {
        self.duration.unwrap_or_default() + self.hold.unwrap_or_default()
    }
}

/// The whole result, with what was demanded of it.
#[must_use]
pub fn report(stated: &[TurnExpectation], servers: Vec<ServerReport>) -> TurnReport {
    let expectations = judge(stated, &servers);
    let verdict = Verdict::worst(expectations.iter().map(|row| row.status));
    TurnReport { schema_version: 1, kind: "turn", verdict, servers, expectations }
}

#[cfg(test)]
mod expect_tests;
#[cfg(test)]
mod finding_tests;
