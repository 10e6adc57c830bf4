//! The engine's sections: each always sends and receives, with a source of its own. An m-section on the wire borrows
//! one for as long as it lives.

use std::sync::Arc;

use rand::RngExt;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters};
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::PeerConnection;
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpSender, RtpTransceiver};

use super::shared::Shared;
use super::{EngineError, RtpWriter, codecs, words};
use crate::jsep::MediaKind;

/// One section of the engine.
pub(super) struct Section {
    pub(super) kind: MediaKind,
    pub(super) ssrc: u32,
    /// The mid on the wire of who uses it.
    pub(super) wire_mid: Option<String>,
    /// It has carried a negotiated m-section: its source is known to the peer, and no other m-section may have it.
    used: bool,
    transceiver: Arc<dyn RtpTransceiver>,
    sender: Arc<dyn RtpSender>,
    track: Arc<TrackLocalStaticRTP>,
}

/// All sections of one engine, in the order in which they were made.
#[derive(Default)]
pub(super) struct Sections(Vec<Section>);

impl Sections {
    /// Gives the m-section one of the engine's: its own, one that was never used, or a new one.
    pub(super) async fn bind(
        &mut self,
        mid: &str,
        kind: MediaKind,
        connection: &dyn PeerConnection,
        shared: &Shared,
        label: &str,
    ) -> Result<(), EngineError> {
        if self.bound(mid).is_some_and(|section| section.kind == kind) {
            return Ok(());
        }
        self.release(|bound| bound != mid, shared);
        let free =
            |section: &&mut Section| section.kind == kind && section.wire_mid.is_none() && !section.used;
        if let Some(section) = self.0.iter_mut().find(free) {
            section.wire_mid = Some(mid.to_owned());
            shared.tap.set_local_mid(section.ssrc, Some(mid.to_owned()));
            return Ok(());
        }
        self.make(kind, Some(mid.to_owned()), connection, shared, label).await
    }

    /// Sees to it that there is a section: the engine says what it knows of its transport only in one, and a call may
    /// have nothing but data channels.
    pub(super) async fn at_least_one(
        &mut self,
        connection: &dyn PeerConnection,
        shared: &Shared,
        label: &str,
    ) -> Result<(), EngineError> {
        if self.0.is_empty() {
            self.make(MediaKind::Audio, None, connection, shared, label).await?;
        }
        Ok(())
    }

    async fn make(
        &mut self,
        kind: MediaKind,
        wire_mid: Option<String>,
        connection: &dyn PeerConnection,
        shared: &Shared,
        label: &str,
    ) -> Result<(), EngineError> {
        // The two ends of a call may share a world; one label each keeps their SSRCs apart (RFC 3550 §8.2).
        let ssrc = shared.world.rng(&format!("{label}/ssrc/{}", self.0.len())).random();
        let track = Arc::new(TrackLocalStaticRTP::new(local_track(kind, ssrc)));
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendrecv,
            streams: Vec::new(),
            send_encodings: Vec::new(),
        };
        let transceiver = connection.add_transceiver_from_track(track.clone(), Some(init)).await?;
        let sender = transceiver.sender().await?;
        let sender = sender.ok_or_else(|| EngineError::Failed("a section without a sender".to_owned()))?;
        shared.tap.add_local(ssrc, kind);
        shared.tap.set_local_mid(ssrc, wire_mid.clone());
        self.0.push(Section { kind, ssrc, wire_mid, used: false, transceiver, sender, track });
        Ok(())
    }

    /// Takes the sections back from the m-sections that do not live any more.
    pub(super) fn release(&mut self, lives: impl Fn(&str) -> bool, shared: &Shared) {
        for section in &mut self.0 {
            if let Some(mid) = section.wire_mid.take_if(|mid| !lives(mid)) {
                shared.gates.forget(&mid);
                shared.tap.set_local_mid(section.ssrc, None);
            }
        }
    }

    /// A negotiation is complete: what is in use now is spent afterwards.
    pub(super) fn spend(&mut self) {
        self.0
            .iter_mut()
            .filter(|section| section.wire_mid.is_some())
            .for_each(|section| section.used = true);
    }

    pub(super) fn bound(&self, mid: &str) -> Option<&Section> {
        self.iter().find(|section| section.wire_mid.as_deref() == Some(mid))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Section> {
        self.0.iter()
    }
}

impl Section {
    pub(super) fn writer(&self, shared: &Arc<Shared>) -> Option<RtpWriter> {
        let gate = shared.gates.send(self.wire_mid.as_deref()?);
        Some(RtpWriter::new(shared.clone(), gate, self.track.clone(), self.ssrc))
    }

    /// The engine's mid, once it has given one.
    pub(super) async fn engine_mid(&self) -> Option<String> {
        self.transceiver.mid().await.ok()?
    }

    /// The engine's payload type, once it is negotiated.
    pub(super) async fn payload_type(&self) -> Option<u8> {
        let parameters = self.sender.get_parameters().await.ok()?;
        Some(parameters.rtp_parameters.codecs.first()?.payload_type)
    }
}

/// The ids never reach the wire.
fn local_track(kind: MediaKind, ssrc: u32) -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: codecs::codec(kind),
        active: true,
        ..Default::default()
    };
    let id = format!("section-{ssrc}");
    MediaStreamTrack::new(id.clone(), id.clone(), id, words::engine_kind(kind), vec![encoding])
}
