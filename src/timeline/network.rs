//! What network and transports say of themselves: errors of STUN and TURN servers, connectivity checks, DTLS errors,
//! RTP that belongs nowhere, data channels. Rules read them; who can measure them records them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `icecandidateerror` (W3C webrtc §4.8.3): a STUN or TURN server did not do what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerError {
    /// The server, without credentials.
    pub url: String,
    /// The STUN error code (RFC 8489 §14.8), or 701 where no answer came.
    pub code: u16,
    /// The text that came with it.
    pub text: String,
    /// A request with credentials was refused; the first 401 of every allocation is none (RFC 8489 §9.2.3).
    #[serde(default)]
    pub authenticated: bool,
    /// The peer's address where the error is about one (CreatePermission, ChannelBind).
    pub peer: Option<String>,
}

/// Connectivity checks so far (RFC 8445 §7), of all pairs together; cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IceChecks {
    /// Requests that left.
    pub requests_sent: u64,
    /// Requests that came in.
    pub requests_received: u64,
    /// Of these, refused for their credentials.
    pub requests_refused: u64,
    /// Requests with our own role that came in.
    pub requests_of_our_role: u64,
    /// Success responses that came in.
    pub responses_received: u64,
    /// Success responses that left.
    pub responses_sent: u64,
    /// 400 and 401 that came in.
    pub refused_by_peer: u64,
    /// 487 that came in or left.
    pub role_conflicts: u64,
    /// Requests with USE-CANDIDATE, of either side.
    pub nominations: u64,
}

/// `error` of the DTLS transport (W3C webrtc §5.5, RTCError).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DtlsError {
    /// `dtls-failure` or `fingerprint-failure`.
    pub detail: String,
    /// The alert that came (RFC 8446 §6), by number.
    pub received_alert: Option<u8>,
    /// The alert that left, by number.
    pub sent_alert: Option<u8>,
    /// In words for people.
    pub text: String,
}

/// RTP of one SSRC that no m-section takes (RFC 9143 §9.2); cumulative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnboundRtp {
    /// The SSRC.
    pub ssrc: u32,
    /// The payload type of the latest packet.
    pub payload_type: u8,
    /// The mid in its header extension; null without one.
    pub mid: Option<String>,
    /// The rid in its header extension; null without one.
    pub rid: Option<String>,
    /// So many packets.
    pub packets: u64,
}

/// A data channel came into a state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// Its label.
    pub label: String,
    /// Its stream id; null until it has one.
    pub id: Option<u16>,
    /// `connecting`, `open`, `closing` or `closed`.
    pub state: String,
    /// What went wrong; null if nothing did.
    pub error: Option<String>,
}
