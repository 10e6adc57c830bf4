//! Tracks and transceivers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::RngExt;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters};
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::rtp_transceiver::{RTCRtpTransceiverInit, RtpSender, RtpTransceiver};

use super::gates::Gate;
use super::shared::Shared;
use super::{Engine, EngineError, EngineTransceiver, RtpWriter, SenderId, TransceiverId, codecs, words};
use crate::jsep::{Direction, MediaKind};

/// A sender with its track.
pub(super) struct Sender {
    pub(super) gate: Arc<Gate>,
    pub(super) transceiver: TransceiverId,
    sender: Arc<dyn RtpSender>,
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
}

impl Sender {
    pub(super) fn writer(&self, shared: &Arc<Shared>) -> RtpWriter {
        RtpWriter::new(shared.clone(), self.gate.clone(), self.track.clone(), self.ssrc)
    }

    /// The payload type is known once it is negotiated.
    async fn payload_type(&self) -> Option<u8> {
        let parameters = self.sender.get_parameters().await.ok()?;
        Some(parameters.rtp_parameters.codecs.first()?.payload_type)
    }
}

impl Engine {
    /// JSEP addTrack: reuses a transceiver or makes one. `stream` and `track` are the ids of the `msid`.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn add_track(
        &mut self,
        kind: MediaKind,
        stream: Option<&str>,
        track: &str,
    ) -> Result<SenderId, EngineError> {
        let id = SenderId(self.senders.len());
        // The two ends of a call may share a world; one label each keeps their SSRCs apart (RFC 3550 §8.2).
        let ssrc = self.shared.world.rng(&format!("{}/ssrc/{}", self.label, id.0)).random();
        let track = Arc::new(TrackLocalStaticRTP::new(local_track(kind, stream, track, ssrc)));
        let sender = self.connection.add_track(track.clone()).await?;
        let transceiver = TransceiverId(sender.id().into());
        self.kinds.insert(transceiver, kind);
        self.shared.tap.add_local(ssrc, id);
        self.senders.push(Sender { gate: Arc::default(), transceiver, sender, track, ssrc });
        self.refresh().await;
        Ok(id)
    }

    /// JSEP addTransceiver without a track.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Failed`].
    pub async fn add_transceiver(
        &mut self,
        kind: MediaKind,
        direction: Direction,
    ) -> Result<TransceiverId, EngineError> {
        let init = RTCRtpTransceiverInit {
            direction: words::engine_direction(direction),
            streams: Vec::new(),
            send_encodings: Vec::new(),
        };
        let made = self.connection.add_transceiver_from_kind(words::engine_kind(kind), Some(init)).await?;
        let id = TransceiverId(made.id());
        self.kinds.insert(id, kind);
        Ok(id)
    }

    /// What the m-section shall negotiate next; for an answer, call this between `set_remote` and `create_answer` with
    /// desired ∩ reverse(offered): the engine's own answers are not always legal.
    ///
    /// # Errors
    /// [`EngineError::UnknownMid`], [`EngineError::Closed`].
    pub async fn set_direction(&mut self, mid: &str, direction: Direction) -> Result<(), EngineError> {
        for transceiver in self.connection.get_transceivers().await {
            if transceiver.mid().await?.as_deref() == Some(mid) {
                return Ok(transceiver.set_direction(words::engine_direction(direction)).await?);
            }
        }
        Err(EngineError::UnknownMid(format!("with the mid {mid:?}")))
    }

    /// The same for a transceiver that may not have a mid yet.
    ///
    /// # Errors
    /// [`EngineError::Failed`] for an id that is not of this engine, [`EngineError::Closed`].
    pub async fn set_transceiver_direction(
        &mut self,
        id: TransceiverId,
        direction: Direction,
    ) -> Result<(), EngineError> {
        let transceivers = self.connection.get_transceivers().await;
        let Some(transceiver) = transceivers.into_iter().find(|transceiver| transceiver.id() == id.0) else {
            return Err(EngineError::Failed(format!("there is no transceiver {}", id.0)));
        };
        Ok(transceiver.set_direction(words::engine_direction(direction)).await?)
    }

    /// All transceivers, oldest first; the engine lists them in random order.
    pub async fn transceivers(&self) -> Vec<EngineTransceiver> {
        let mut all = Vec::new();
        for transceiver in self.connection.get_transceivers().await {
            all.extend(self.describe(&*transceiver).await);
        }
        all.sort_by_key(|transceiver| transceiver.id);
        all
    }

    /// Brings gates, payload types and mids up to date after something was negotiated.
    pub(super) async fn refresh(&self) {
        let transceivers = self.transceivers().await;
        self.shared.gates.forget_negotiated();
        for transceiver in &transceivers {
            let Some(mid) = &transceiver.mid else { continue };
            let gate = self.shared.gates.receive(mid);
            gate.set_kind(transceiver.kind);
            gate.negotiate(transceiver.current_direction.is_some_and(Direction::receives));
        }
        for sender in &self.senders {
            let own = transceivers.iter().find(|transceiver| transceiver.id == sender.transceiver);
            let mid = own.and_then(|transceiver| transceiver.mid.clone());
            let sends =
                own.and_then(|transceiver| transceiver.current_direction).is_some_and(Direction::sends);
            let payload_type = sender.payload_type().await;
            sender.gate.set_payload_type(payload_type.unwrap_or_default());
            sender.gate.negotiate(mid.is_some() && sends && payload_type.is_some());
            self.shared.tap.set_local_mid(sender.ssrc, mid);
        }
        self.shared.negotiations.fetch_add(1, Ordering::Release);
    }

    async fn describe(&self, transceiver: &dyn RtpTransceiver) -> Option<EngineTransceiver> {
        let id = TransceiverId(transceiver.id());
        let mid = transceiver.mid().await.ok()?;
        let known = self.kinds.get(&id).copied();
        Some(EngineTransceiver {
            kind: known.or_else(|| self.negotiation.kind(mid.as_deref()?))?,
            direction: words::direction(transceiver.direction().await.ok()?)?,
            current_direction: words::direction(transceiver.current_direction().await.ok()?),
            sender: self.senders.iter().position(|sender| sender.transceiver == id).map(SenderId),
            id,
            mid,
        })
    }
}

fn local_track(kind: MediaKind, stream: Option<&str>, track: &str, ssrc: u32) -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codecs::codec(kind),
        active: true,
        ..Default::default()
    };
    // RFC 8830 §2: "-" is the stream of a track that has none.
    let stream = stream.unwrap_or("-").to_owned();
    let (track, label) = (track.to_owned(), track.to_owned());
    MediaStreamTrack::new(stream, track, label, words::engine_kind(kind), vec![encoding])
}
