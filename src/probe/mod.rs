//! What an app gets wrong that a good call does not show: calls in which our side does something odd that is allowed, each
//! judged against a base call without anything odd. Pure: a list of plans, and facts → rows of a table. Somebody else
//! makes the calls.

mod judge;
mod plans;
mod schema;
mod table;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{CallReport, FindingReport, VerdictWord};

pub use judge::{Seen, absent, base, concluded, judge, mute, not_run, unreachable, with_control};
pub use plans::{control, not_applicable, plan};
pub use schema::schema;
pub use table::table;

/// Something odd that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The call stays up for as long as another offer may come.
    FollowUp,
    /// Our side offers once more, with nothing changed.
    Reoffer,
    /// Our side sends no connectivity checks: the control of the next two.
    ListenFirst,
    /// Our candidates come before our description.
    EarlyCandidates,
    /// Our candidates come long after our description.
    LateCandidates,
    /// Our tracks are in no stream.
    Streamless,
    /// Our side adds another video track.
    ExtraSection,
    /// Offers cross, and our side takes its own back.
    GlareYield,
    /// Offers cross, and our side keeps its own.
    GlareInsist,
    /// Our side is away for eight seconds.
    ConsentPause,
}

impl Probe {
    /// In the order in which they are made; what may leave an app in a bad state comes last.
    pub const ALL: &'static [Self] = &[
        Self::FollowUp,
        Self::Reoffer,
        Self::ExtraSection,
        Self::Streamless,
        Self::ListenFirst,
        Self::EarlyCandidates,
        Self::LateCandidates,
        Self::GlareYield,
        Self::GlareInsist,
        Self::ConsentPause,
    ];

    /// As people know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FollowUp => "follow-up window",
            Self::Reoffer => "own re-offer",
            Self::ListenFirst => "listen first",
            Self::EarlyCandidates => "early candidates",
            Self::LateCandidates => "late candidates",
            Self::Streamless => "streamless track",
            Self::ExtraSection => "extra m-section",
            Self::GlareYield => "glare, we yield",
            Self::GlareInsist => "glare, we insist",
            Self::ConsentPause => "consent pause",
        }
    }

    /// What our side does.
    #[must_use]
    pub const fn did(self) -> &'static str {
        match self {
            Self::FollowUp => "stayed in the call, to see whether another offer comes",
            Self::Reoffer => "offered the same once more",
            Self::ListenFirst => "sent candidates and no connectivity checks",
            Self::EarlyCandidates => "sent its candidates before its description, and no checks",
            Self::LateCandidates => "sent its candidates 1.5 s later, and no checks",
            Self::Streamless => "sent tracks that are in no stream (a=msid:-)",
            Self::ExtraSection => "added a second video track, and offered it",
            Self::GlareYield => "offered when the app's offer came, and took its own back",
            Self::GlareInsist => "offered when the app's offer came, and kept its own",
            Self::ConsentPause => "neither sent nor heard anything for 8 s",
        }
    }
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// The app did what it should.
    Ok,
    /// It did not, and nothing but the odd thing can be why.
    Wrong,
    /// It is not known; the reason is told.
    NotTested,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbeRow {
    /// What people call it.
    pub probe: String,
    /// What our side did.
    pub did: String,
    /// What was seen of the app; null where nothing was tested.
    pub seen: Option<String>,
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// Why it was not tested; else null.
    pub reason: Option<String>,
    /// The failure mode, by its name in the catalogue; null unless it is wrong and has one.
    pub finding: Option<String>,
    /// What was found in that call and not in the base call.
    pub findings: Vec<FindingReport>,
}

/// The whole result.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbeReport {
    /// Grows when a member changes its meaning.
    pub schema_version: u32,
    /// `probe`.
    pub kind: &'static str,
    /// Failed if the base call failed or the app got something wrong; unknown if nothing could be told; passed otherwise.
    pub verdict: VerdictWord,
    /// Why, in a line.
    pub reason: Option<String>,
    /// The base call first, then every probe.
    pub probes: Vec<ProbeRow>,
    /// The base call; null if it could not be made.
    pub base: Option<CallReport>,
}
