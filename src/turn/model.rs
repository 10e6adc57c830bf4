//! What was found out: servers, the paths to each, the steps of a path. Plain data, as `--json` has it.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::IceTransport;

/// The whole result.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "what callcheck turn --json writes")]
pub struct TurnReport {
    /// Grows when a member changes its meaning.
    pub schema_version: u32,
    /// Always `turn`.
    #[schemars(extend("const" = "turn"))]
    pub kind: &'static str,
    /// Of all servers and expectations together.
    pub verdict: Verdict,
    /// In the order in which they were named.
    pub servers: Vec<ServerReport>,
    /// What was demanded, and whether it held.
    pub expectations: Vec<ExpectationRow>,
}

/// Whether something is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of it was measured, and is.
    Passed,
    /// Something could not be measured.
    Unknown,
    /// Something is not.
    Failed,
}

impl Verdict {
    /// Such as `failed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// An expectation and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExpectationRow {
    /// As it was written, such as `tls=ok`.
    pub expected: String,
    /// Nobody wrote it; it holds for every required path.
    pub default: bool,
    /// Whether it held.
    pub status: Verdict,
    /// What was observed instead.
    pub observed: String,
    /// The URL of the server that a default speaks of; null for what was stated.
    pub server: Option<String>,
    /// The path that a default speaks of, such as `tls 192.0.2.1:443`; null for what was stated.
    pub path: Option<String>,
}

/// One server: a URL.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ServerReport {
    /// As it was named.
    pub url: String,
    /// Of its required paths.
    pub verdict: Verdict,
    /// What was tried, the required ones first.
    pub paths: Vec<Path>,
    /// What the addresses say of the network between us and the server; null if nothing.
    pub nat: Option<String>,
    /// How that network maps and filters, as far as it is known.
    pub nat_behavior: Option<NatBehavior>,
    /// Why it is not as it should be, and what to do.
    pub findings: Vec<Finding>,
    /// What is worth knowing and no fault.
    pub notes: Vec<String>,
}

/// How a NAT or a firewall on the way behaves (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NatBehavior {
    /// On what the address depends as which one socket is seen.
    pub mapping: Dependence,
    /// On what it depends who may send to that address; null if that was not measured.
    pub filtering: Option<Dependence>,
    /// Measured by RFC 5780; otherwise inferred from what the server and its relay saw.
    pub measured: bool,
}

/// What it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dependence {
    /// On nothing of the other side.
    EndpointIndependent,
    /// On the address of the other side.
    AddressDependent,
    /// On address and port of the other side.
    AddressAndPortDependent,
}

impl Dependence {
    /// Such as `address-dependent`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
        }
    }
}

/// One way to a server: an address and a transport.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Path {
    /// What carries it.
    pub transport: IceTransport,
    /// Null if the name could not be resolved.
    pub address: Option<SocketAddr>,
    /// Whether the URL names it, so that it counts; the others are explored.
    pub required: bool,
    /// Of this path alone.
    pub verdict: Verdict,
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
    /// What a certificate said, for TLS and DTLS.
    pub certificate: Option<CertificateReport>,
    /// Our address as the server sees it.
    pub mapped: Option<SocketAddr>,
    /// Our own address.
    pub local: Option<SocketAddr>,
    /// What the server gave us.
    pub relayed: Option<SocketAddr>,
    /// How the peer outside was seen by the server, and then by the relay; null if nothing came from it.
    pub peer_seen: Option<(SocketAddr, SocketAddr)>,
    /// For how long, in seconds.
    pub lifetime_s: Option<u64>,
    /// What the server calls itself.
    pub software: Option<String>,
    /// The realm of its challenge.
    pub realm: Option<String>,
    /// What came back at the rate of media, where `--duration` asked.
    pub load: Option<Load>,
    /// Where it sends us (300).
    pub redirected_to: Option<SocketAddr>,
    /// Peers that it lets us reach and should not, where `--audit` asked.
    pub audit: Vec<AuditRow>,
}

/// Packets that were sent through the relay to a peer outside and back, at the rate of media.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Load {
    /// How many packets were sent.
    pub sent: usize,
    /// How many of them did not come back, in percent.
    pub loss_percent: f64,
    /// The median of the round trips, in milliseconds; null if nothing came back.
    pub round_trip_ms: Option<f64>,
    /// 95 of 100 round trips were no longer.
    pub round_trip_p95_ms: Option<f64>,
    /// The mean difference of two round trips, one after the other, in milliseconds.
    pub jitter_ms: Option<f64>,
    /// The largest payload, in bytes, of those tried (548 to 1472) that came back; null if none did.
    pub largest_payload: Option<usize>,
    /// Between here and the server it was sent in one piece; else it may have been sent in fragments.
    pub in_one_piece: bool,
}

/// Whether a relay reaches an address that no stranger should reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditRow {
    /// The address.
    pub peer: String,
    /// What it is.
    pub what: &'static str,
    /// Whether a permission for it was granted.
    pub allowed: bool,
    /// What the server said.
    pub code: Option<u16>,
}

/// What a server showed in TLS or DTLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CertificateReport {
    /// For whom it is.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Whole days; negative once it has expired.
    pub days_left: Option<i64>,
    /// How many certificates were shown.
    pub chain: usize,
    /// Why it is not trusted; null if it is.
    pub problem: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Which one.
    pub step: StepName,
    /// How it came out.
    pub status: Status,
    /// How long it took; null if it was skipped.
    pub ms: Option<f64>,
    /// The code of STUN, if the server said one.
    pub code: Option<u16>,
    /// Why it failed or was skipped, or what is worth knowing.
    pub reason: Option<String>,
    /// What kind of failure it is; null if it did not fail.
    pub cause: Option<Cause>,
}

/// How a step came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it must.
    Ok,
    /// Not so.
    Failed,
    /// It was not taken; the reason says why.
    Skipped,
}

impl Status {
    /// Such as `skipped`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The steps of a path, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// SRV records say where the server is, if the URL names no port.
    Srv,
    /// The name becomes addresses.
    Resolve,
    /// A socket, and a connection of TCP.
    Connect,
    /// The handshake of TLS or DTLS.
    Handshake,
    /// Binding: the server answers, and says how it sees us.
    Binding,
    /// An Allocate without credentials, which a server must refuse.
    Challenge,
    /// An Allocate with credentials.
    Allocate,
    /// The relay may send to a peer, and the peer to us.
    Permission,
    /// Peer → relay → us.
    Inbound,
    /// A channel to the peer.
    Channel,
    /// We → relay → peer.
    Outbound,
    /// From one relayed address to another, and back.
    Echo,
    /// At a rate like that of media, for `--duration`.
    Load,
    /// An allocation that lives longer than nonce and lifetime, for `--hold`.
    Hold,
    /// A Refresh with a nonce that the server does not know: 438, then success.
    StaleNonce,
    /// An Allocate for an IPv6 address.
    AllocateV6,
    /// Refresh(0).
    Release,
    /// A call between two peers of our own engine that is relayed on both sides, for `--engine`.
    Engine,
}

impl StepName {
    /// All of them, in their order.
    pub const ALL: [Self; 18] = [
        Self::Srv,
        Self::Resolve,
        Self::Connect,
        Self::Handshake,
        Self::Binding,
        Self::Challenge,
        Self::Allocate,
        Self::Permission,
        Self::Inbound,
        Self::Channel,
        Self::Outbound,
        Self::Echo,
        Self::Load,
        Self::Hold,
        Self::StaleNonce,
        Self::AllocateV6,
        Self::Release,
        Self::Engine,
    ];

    /// Such as `stale-nonce`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Srv => "srv",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Binding => "binding",
            Self::Challenge => "challenge",
            Self::Allocate => "allocate",
            Self::Permission => "permission",
            Self::Inbound => "inbound",
            Self::Channel => "channel",
            Self::Outbound => "outbound",
            Self::Echo => "echo",
            Self::Load => "load",
            Self::Hold => "hold",
            Self::StaleNonce => "stale-nonce",
            Self::AllocateV6 => "allocate-v6",
            Self::Release => "release",
            Self::Engine => "engine",
        }
    }
}

/// What kind of failure it is. These are never merged: each has another remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The name has no address.
    Unresolved,
    /// Nothing came in time.
    Silent,
    /// TCP RST or ICMP port unreachable.
    Refused,
    /// ICMP host unreachable or prohibited.
    Unreachable,
    /// The connection was broken.
    Reset,
    /// The server ended the connection.
    Closed,
    /// Something else listens there.
    NotStun,
    /// TLS or DTLS failed, and not for the certificate.
    Handshake,
    /// Its time is over.
    CertificateExpired,
    /// It is for another name.
    CertificateName,
    /// Nobody whom we trust signed it.
    CertificateIssuer,
    /// Anything else about it.
    CertificateOther,
    /// The server refuses; the code says what.
    Code,
    /// It allows allocations without credentials.
    OpenRelay,
    /// What it says makes no sense.
    Nonsense,
    /// Data does not arrive.
    Lost,
    /// A call through the server did not come right.
    Call,
    /// The system refuses.
    System,
}

/// Why a server is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// An id of the catalogue, such as `turn-unreachable`.
    pub id: &'static str,
    /// `blocker`, `major`, `minor` or `info`.
    pub severity: String,
    /// Of the catalogue.
    pub title: String,
    /// The paths that show it.
    pub paths: Vec<String>,
    /// What was seen.
    pub observed: String,
    /// Why.
    pub cause: String,
    /// What to change, with the very option.
    pub remedy: String,
    /// What it means for calls.
    pub calls: String,
}

impl TurnReport {
    /// What somebody stated, and whether it held.
    pub(super) fn stated(&self) -> impl Iterator<Item = &ExpectationRow> {
        self.expectations.iter().filter(|row| !row.default)
    }

    /// Whether that path must be well: the URL names it, and nothing that was stated takes its place.
    pub(super) fn demands(&self, server: &ServerReport, path: &Path) -> bool {
        let name = path.name();
        let of = |row: &ExpectationRow| {
            (row.server.as_ref(), row.path.as_ref()) == (Some(&server.url), Some(&name))
        };
        path.required && self.expectations.iter().any(of)
    }
}

impl Path {
    /// A step of it, if it has it.
    #[must_use]
    pub fn step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|step| step.step == name)
    }

    /// Whether that step was taken and came out well.
    #[must_use]
    pub fn is_ok(&self, name: StepName) -> bool {
        self.step(name).is_some_and(|step| step.status == Status::Ok)
    }

    /// The first step that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.status == Status::Failed)
    }

    /// Such as `tls 192.0.2.1:443`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.address {
            Some(address) => format!("{} {address}", self.transport.as_str()),
            None => self.transport.as_str().to_owned(),
        }
    }
}
