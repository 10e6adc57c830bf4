//! The result of a run, exactly as `--json` prints it. What is absent is null, never 0; durations are milliseconds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jsep::{ConnectionState, DtlsState, GatheringState, IceState, MediaKind, Role, SignalingState};
use crate::timeline::TransceiverRow;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "callcheck report")]
pub struct Report {
    /// 1; rises only when the meaning of something existing changes.
    pub schema_version: u32,
    /// What was run.
    pub kind: ReportKind,
    /// The verdict of the whole run.
    pub verdict: VerdictWord,
    /// Why, where the verdict alone does not say; else null.
    pub reason: Option<String>,
    /// The calls, in order. Of many seeds only the first of each group that did not pass.
    pub calls: Vec<CallReport>,
    /// What came of many seeds; null unless they were explored.
    pub exploration: Option<ExplorationReport>,
}

/// Many simulated calls that differ in their seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplorationReport {
    /// The first seed that was asked for.
    pub first_seed: u64,
    /// The last one; it belongs to them.
    pub last_seed: u64,
    /// How many were played; all of them unless the run was interrupted.
    pub played: u64,
    /// How many of these passed.
    pub passed: u64,
    /// The simulated time of all calls, in milliseconds.
    pub virtual_ms: f64,
    /// Those that did not pass, by what they have in common; the largest group first.
    pub groups: Vec<SeedGroupReport>,
}

/// Seeds that went wrong in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeedGroupReport {
    /// What went wrong, with `#` for each figure.
    pub cause: String,
    /// In order.
    pub seeds: Vec<u64>,
    /// The command that plays the first of them again.
    pub replay: String,
}

/// What was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// Calls were made.
    Calls,
    /// Files were explained.
    Explain,
}

/// What judging comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictWord {
    /// Every expectation held.
    Passed,
    /// An expectation did not hold.
    Failed,
    /// Nothing failed, but something could not be measured.
    Unknown,
    /// It passed, but only when it was tried again.
    Flaky,
    /// It was left out on purpose.
    Skipped,
    /// It did not come to that.
    NotRun,
}

impl VerdictWord {
    /// As people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Flaky => "flaky",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
        }
    }
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallReport {
    /// What people call it: the room, or the scenario.
    pub name: String,
    /// The verdict of this call.
    pub verdict: VerdictWord,
    /// Why, where the verdict alone does not say; else null.
    pub reason: Option<String>,
    /// At least our own side; the other one where it reported.
    pub peers: Vec<PeerReport>,
    /// What was expected, and what came of it.
    pub expectations: Vec<ExpectationReport>,
    /// What is wrong, and why.
    pub findings: Vec<FindingReport>,
    /// Things worth knowing.
    pub notes: Vec<String>,
    /// What files say beyond that; null for a call that was made.
    pub explained: Option<ExplainedReport>,
    /// Which scenario it plays; null for a call without one.
    pub scenario: Option<ScenarioReport>,
}

/// The scenario that a call plays, and how it was played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioReport {
    /// The file, relative to where it was looked for, with `/`.
    pub file: String,
    /// In words for people; null if it has none.
    pub title: Option<String>,
    /// What stands behind each name of its matrix, in the order of the file; empty without one.
    pub cell: Vec<(String, String)>,
    /// Its tags.
    pub tags: Vec<String>,
    /// `real` or `virtual`.
    pub clock: String,
    /// Where every random choice started.
    pub seed: u64,
    /// How often it was played.
    pub tries: u32,
    /// How long the last try took on the machine's clock, in milliseconds; null if it was not played.
    pub took_ms: Option<f64>,
    /// Signals, descriptions, states, first media and faults of both sides on one time axis; null unless it went wrong.
    pub ladder: Option<String>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceReport {
    /// As in [`ScenarioReport::file`].
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What files say besides findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedReport {
    /// What was inferred of the files.
    pub said: Vec<String>,
    /// What each browser would have done with the descriptions, caller first.
    pub browsers: Vec<BrowserReport>,
    /// Complaints about descriptions.
    pub lints: Vec<LintReport>,
}

/// A browser, by the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserReport {
    /// Which side.
    pub role: Role,
    /// Its transceivers at the end.
    pub transceivers: Vec<TransceiverRow>,
    /// The `track` events that it fired, in order.
    pub ontrack: Vec<FiredReport>,
    /// The descriptions that it refused: which one, and the W3C error.
    pub refused: Vec<String>,
    /// Another offer of this side is due.
    pub offer_due: bool,
    /// Where and why the model could not follow; null if it could.
    pub lost: Option<String>,
}

/// A `track` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FiredReport {
    /// The description that fired it.
    pub by: String,
    /// Its m-section.
    pub mid: String,
    /// Its kind.
    pub kind: MediaKind,
    /// The ids in `event.streams`.
    pub streams: Vec<String>,
}

/// A complaint with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LintReport {
    /// `error` or `warning`.
    pub level: String,
    /// The file.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub title: String,
    /// The clause that is broken.
    pub clause: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// One side of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerReport {
    /// Which side.
    pub role: Role,
    /// Its name in the room; null if it never joined.
    pub name: Option<String>,
    /// Its remote tracks: `ontrack` fired, and media was received.
    pub tracks: Vec<TrackReport>,
    /// getTransceivers(), just before hang-up.
    pub transceivers: Vec<TransceiverRow>,
    /// The states that were reached until hang-up began, in order.
    pub states: StatesReport,
    /// How many candidates.
    pub candidates: CandidatesReport,
    /// The pair that carried the media; null if none was selected.
    pub selected_pair: Option<PairReport>,
    /// Since createOffer; of the callee, since the offer's arrival.
    pub timing_ms: TimingReport,
}

/// A remote track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrackReport {
    /// Its kind.
    pub kind: Option<MediaKind>,
    /// Its m-section.
    pub mid: String,
    /// The ids of its streams.
    pub streams: Vec<String>,
    /// RTP packets with a payload; null if nobody counted.
    pub packets: Option<u64>,
    /// Whole frames, of audio packets; null if nobody counted.
    pub frames: Option<u64>,
    /// Of these, with a readable stamp of the peer; null if nobody counted.
    pub stamped_frames: Option<u64>,
    /// No media came.
    pub muted: bool,
}

/// State names of W3C WebRTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "named like the words of jsep")]
pub struct StatesReport {
    pub signaling: Vec<SignalingState>,
    pub gathering: Vec<GatheringState>,
    pub ice: Vec<IceState>,
    pub dtls: Vec<DtlsState>,
    pub connection: Vec<ConnectionState>,
}

/// Counts without ends of candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidatesReport {
    /// Trickled to the other side.
    pub sent: u64,
    /// Trickled by the other side.
    pub received: u64,
    /// In our descriptions.
    pub sent_in_sdp: u64,
    /// In the other side's descriptions.
    pub received_in_sdp: u64,
}

/// The selected candidate pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairReport {
    /// This end.
    pub local: CandidateReport,
    /// The other end.
    pub remote: CandidateReport,
    /// The round-trip time of the last connectivity check; null if none was measured.
    pub rtt_ms: Option<f64>,
}

/// An end of the selected pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateReport {
    /// `host`, `srflx`, `prflx` or `relay`.
    #[serde(rename = "type")]
    pub candidate_type: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// `ip:port`, `[ip]:port` or `name.local:port`.
    pub address: String,
    /// The protocol towards the TURN server; null unless relayed.
    pub relay_protocol: Option<String>,
    /// The STUN or TURN server; null for host candidates.
    pub url: Option<String>,
}

/// Milliseconds; null where it did not come to that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimingReport {
    /// The answer was set.
    pub answer: Option<f64>,
    /// ICE was connected.
    pub ice: Option<f64>,
    /// DTLS was connected.
    pub dtls: Option<f64>,
    /// The first RTP packet with a payload came.
    pub first_rtp: Option<f64>,
    /// The first whole frame came.
    pub first_frame: Option<f64>,
}

/// An expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationReport {
    /// Such as `caller.tracks`.
    pub subject: String,
    /// Whether it held.
    pub status: ExpectationStatus,
    /// In words for people.
    pub expected: String,
    /// In words for people.
    pub observed: String,
    /// Where the scenario states it; null for what is demanded without a word, and without a scenario.
    pub place: Option<PlaceReport>,
}

/// Whether an expectation held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectationStatus {
    /// Measured, and it held.
    Passed,
    /// Measured, and it did not hold.
    Failed,
    /// Not measured.
    Unknown,
}

/// What is wrong, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingReport {
    /// Its name in the catalogue.
    pub id: String,
    /// The layer that broke first.
    pub layer: String,
    /// `certain`, `probable` or `inferred`.
    pub confidence: String,
    /// `blocker`, `major` or `minor`.
    pub severity: String,
    /// Whose it is; null for the whole call.
    pub peer: Option<Role>,
    /// In a line.
    pub title: String,
    /// What was observed in this call.
    pub observed: String,
    /// Why it happens.
    pub cause: String,
    /// How to mend it, line by line; indented lines are JavaScript.
    pub remedy: String,
    /// The clause of the standard; null where there is none.
    pub spec: Option<String>,
    /// What else it could be.
    pub alternatives: Vec<String>,
    /// What would settle between it and its alternatives; null where nothing is open.
    pub settle: Option<String>,
    /// The lines of descriptions that show it, for people.
    pub shown: Vec<String>,
    /// The events that show it.
    pub evidence: Vec<String>,
}
