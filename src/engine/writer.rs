//! Sending RTP.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rtc::rtp::{Header, Packet};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use super::EngineError;
use super::gates::Gate;
use super::shared::Shared;

/// An RTP packet to send; SSRC and payload type are the engine's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpOut {
    /// RFC 3550 §5.1.
    pub sequence: u16,
    /// In units of the codec's clock.
    pub timestamp: u32,
    /// The last packet of a video frame; the first of a talk spurt.
    pub marker: bool,
    /// The payload.
    pub payload: Bytes,
}

/// Writes the packets of one sender. Cheap to clone.
#[derive(Clone)]
pub struct RtpWriter {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
}

impl fmt::Debug for RtpWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpWriter")
            .field("ssrc", &self.ssrc)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

impl RtpWriter {
    pub(super) fn new(
        shared: Arc<Shared>,
        gate: Arc<Gate>,
        track: Arc<TrackLocalStaticRTP>,
        ssrc: u32,
    ) -> Self {
        Self { shared, gate, track, ssrc }
    }

    /// The source that the packets leave as.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Hands a packet to the transport. `false`: nothing was sent, because the gate is closed: the transport is not
    /// connected, the sender has no mid, its current direction does not send, or
    /// [`Engine::set_may_send`](super::Engine::set_may_send) was not told so.
    ///
    /// # Errors
    /// [`EngineError::Closed`] once the engine is gone.
    pub async fn write(&self, packet: RtpOut) -> Result<bool, EngineError> {
        if self.shared.is_closing() {
            return Err(EngineError::Closed);
        }
        // The engine would drop the packet before DTLS is up, and send it for a transceiver without a mid.
        if !self.shared.connected.load(Ordering::Acquire) || !self.gate.is_open() {
            return Ok(false);
        }
        // The engine's error is left alone: its text holds the whole payload.
        self.track.write_rtp(self.packet(packet)).await.map_err(|_| EngineError::Closed)?;
        if self.shared.relayed.load(Ordering::Acquire) {
            // What is relayed leaves only when the driver wakes once more.
            self.shared.pace.kick();
        }
        Ok(true)
    }

    fn packet(&self, packet: RtpOut) -> Packet {
        Packet {
            header: Header {
                version: 2,
                marker: packet.marker,
                payload_type: self.gate.payload_type(),
                sequence_number: packet.sequence,
                timestamp: packet.timestamp,
                ssrc: self.ssrc,
                ..Header::default()
            },
            payload: packet.payload,
        }
    }
}
