//! Sending RTP.

use bytes::Bytes;

use super::EngineError;

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
#[derive(Clone, Debug)]
pub struct RtpWriter {}

impl RtpWriter {
    /// Hands a packet to the transport. `false`: nothing was sent, because the gate is closed: the transport is not
    /// connected, the sender has no mid, its current direction does not send, or
    /// [`Engine::set_may_send`](super::Engine::set_may_send) was not told so.
    ///
    /// # Errors
    /// [`EngineError::Closed`] once the engine is gone.
    pub async fn write(&self, _packet: RtpOut) -> Result<bool, EngineError> {
        Err(EngineError::Closed)
    }
}
