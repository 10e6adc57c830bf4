//! What shall happen in a call, as plain data: who joins which room, what is sent, how long to wait, and what is
//! expected of the outcome. Made by `cli` (later also by scenario files), read by everything, changed by nobody.

mod call_step;
mod duration;
mod expectation;
mod fault;
mod finding;
mod habits;
mod ice_url;
mod ip_scope;
mod network;
mod operation;
mod room_url;
mod secret;
mod subject;
mod value;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::jsep::{Direction, MediaKind, Role};

pub use call_step::{CallAct, CallStep, OWN_STREAM};
pub use duration::parse_duration;
pub use expectation::{Expectation, ExpectedTransceiver, Value, are_symptoms, wanted};
pub use fault::FaultPlan;
pub use finding::{FINDINGS, TESTER_FINDINGS};
pub use habits::{Act, Attach, AttachAt, Clash, Habits, Later, Streams};
pub use ice_url::{IceTransport, IceUrl, IceUrlError, check_ice_url, parse_ice_url};
pub use ip_scope::IpScope;
pub use network::{Conditions, Impairment, KNOBS, NetworkPlan};
pub use operation::{Operation, Step};
pub use room_url::RoomUrl;
pub use secret::Secret;
pub use subject::{Op, SUBJECTS, Subject, SubjectInfo, ValueKind};

/// Where two terminals meet when nothing else is said; 2255 spells CALL.
pub const DEFAULT_ROOM_URL: &str = "ws://127.0.0.1:2255";

/// One call, seen from the side that we play.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Where the two sides meet.
    pub room: RoomPlan,
    /// What our side does.
    pub leg: LegPlan,
    /// What goes wrong on the network on purpose.
    pub network: NetworkPlan,
    /// What happens in the middle of the call, step by step; the same list on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<CallStep>,
    /// What was stated about the outcome; the rest is default.
    pub expectations: Vec<Expectation>,
    /// What is expected is how a broken call shows itself, and says nothing of what is wanted of it.
    pub expects_symptoms: bool,
    /// Also demand sendrecv/sendrecv everywhere and no finding.
    pub strict: bool,
    /// How often a call that did not pass is made again.
    pub retries: u32,
    /// A pass on a later try counts as a pass.
    pub flaky_ok: bool,
}

impl Plan {
    /// Audio and video both ways for 5 s, in the room `demo`, and nothing stated about the outcome.
    #[must_use]
    pub fn good(role: Role) -> Self {
        let minute = Duration::from_secs(60);
        let send = [(MediaKind::Audio, SourcePlan::Tone), (MediaKind::Video, SourcePlan::Bars)];
        Self {
            room: RoomPlan {
                name: "demo".into(),
                url: RoomUrl::default(),
                host: false,
                token: None,
                dialect: None,
            },
            leg: LegPlan {
                role,
                name: role.to_string(),
                send: send.into_iter().map(|(kind, source)| SendPlan { kind, source }).collect(),
                receive: MediaKind::ALL.to_vec(),
                habits: Habits::good(role),
                data: false,
                faults: Vec::new(),
                ice_servers: Vec::new(),
                ca: None,
                insecure: false,
                ice_policy: IcePolicy::All,
                trickle: true,
                bind: Vec::new(),
                wait: minute,
                answer_timeout: minute,
                timeout: minute / 2,
                follow_up: minute / 12,
                probe_reoffer: false,
                duration: (role == Role::Caller).then_some(Duration::from_secs(5)),
            },
            network: NetworkPlan::default(),
            steps: Vec::new(),
            expectations: Vec::new(),
            expects_symptoms: false,
            strict: false,
            retries: 0,
            flaky_ok: false,
        }
    }
}

/// The room and how to get in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoomPlan {
    /// The name of the room.
    pub name: String,
    /// `ws://` or `wss://`; [`DEFAULT_ROOM_URL`] if nobody said.
    pub url: RoomUrl,
    /// The first process hosts the room when nobody listens at `url` yet. Off when the URL was stated.
    pub host: bool,
    /// What the room asks of those who join.
    pub token: Option<Secret>,
    /// How the room speaks, as it was said: a name or a file; none for our own protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
}

impl RoomPlan {
    /// The command that plays the other side of `own`, for people to copy.
    #[must_use]
    pub fn other_command(&self, own: Role) -> String {
        let command = match own {
            Role::Caller => "answer",
            Role::Callee => "call",
        };
        let mut words = format!("callcheck {command} {}", quoted(&self.name));
        if !self.host {
            words += &format!(" --signal {}", quoted(&self.url.to_string()));
        }
        if let Some(dialect) = &self.dialect {
            words += &format!(" --dialect {}", quoted(dialect));
        }
        words
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,[]".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// One side of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegPlan {
    /// Who makes the first offer.
    pub role: Role,
    /// Our name in the room.
    pub name: String,
    /// What we send, in the order of the m-sections.
    pub send: Vec<SendPlan>,
    /// What we want of the other side; a caller offers an m-section for each kind that it sends or wants.
    pub receive: Vec<MediaKind>,
    /// How its application behaves.
    pub habits: Habits,
    /// It opens a data channel, if it is the caller.
    pub data: bool,
    /// What it does wrong on purpose.
    pub faults: Vec<FaultPlan>,
    /// STUN and TURN servers, in the order given.
    pub ice_servers: Vec<IceServer>,
    /// Certificates of authorities besides the public ones, as PEM, for TURN servers over TLS and DTLS. Only its name
    /// goes into records.
    #[serde(serialize_with = "optional_file_name", skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Believe every certificate of those servers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Which candidates may be used.
    pub ice_policy: IcePolicy,
    /// Candidates are sent as they are found; otherwise the description waits for all of them.
    pub trickle: bool,
    /// Local addresses to use; empty means every interface that is up.
    pub bind: Vec<IpAddr>,
    /// Until the other peer joins.
    #[serde(serialize_with = "millis")]
    pub wait: Duration,
    /// From both present to the answer.
    #[serde(serialize_with = "millis")]
    pub answer_timeout: Duration,
    /// From the answer to verified media.
    #[serde(serialize_with = "millis")]
    pub timeout: Duration,
    /// From an answer that brings less than is wanted, for another offer to come.
    #[serde(serialize_with = "millis")]
    pub follow_up: Duration,
    /// Offer once more when none comes, to learn whether the other side sends by then.
    pub probe_reoffer: bool,
    /// Of media, once verified. None follows the other side.
    #[serde(serialize_with = "optional_millis")]
    pub duration: Option<Duration>,
}

/// A track to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendPlan {
    /// The kind of the track.
    pub kind: MediaKind,
    /// Where its media comes from.
    pub source: SourcePlan,
}

/// Where media comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourcePlan {
    /// A tone whose pitch tells who sends it.
    Tone,
    /// A picture that carries who sends it, which frame it is and when it was made.
    Bars,
    /// A file, looped; Ogg Opus or IVF with VP8. Only its name goes into records.
    File(#[serde(serialize_with = "file_name")] PathBuf),
}

/// An entry of RTCConfiguration.iceServers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IceServer {
    /// RFC 7064 and RFC 7065 URIs.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN.
    pub credential: Option<Secret>,
}

/// RTCIceTransportPolicy (W3C webrtc §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IcePolicy {
    /// Every candidate.
    All,
    /// Relayed ones only.
    Relay,
}

impl LegPlan {
    /// The direction that this side wishes for its transceivers of that kind.
    #[must_use]
    pub fn wish(&self, kind: MediaKind) -> Direction {
        self.habits.directions.get(&kind).copied().unwrap_or(Direction::Sendrecv)
    }

    /// Whether this side means to send that kind: it has a track, and wishes a direction that sends.
    #[must_use]
    pub fn sends(&self, kind: MediaKind) -> bool {
        self.send.iter().any(|track| track.kind == kind) && self.wish(kind).sends()
    }
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}

fn optional_millis<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => millis(duration, serializer),
        None => serializer.serialize_none(),
    }
}

fn optional_file_name<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => file_name(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// Records name the file but hold no path of the machine.
fn file_name<S: serde::Serializer>(path: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.file_name().unwrap_or_default().to_string_lossy())
}
