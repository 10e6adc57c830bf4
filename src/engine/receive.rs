//! Reading what comes in: one task for each remote stream, straight to the owner.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtc::rtp::Packet;
use rtc::rtp_transceiver::RTCRtpTransceiverId;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::gates::Gate;
use super::shared::Shared;
use super::{EngineEvent, RtpIn};
use crate::jsep::MediaKind;

/// Reads a remote stream until it ends. The engine announces a stream at its first packet.
pub(super) async fn read(shared: Arc<Shared>, track: Arc<dyn TrackRemote>) {
    let mut stream = Stream { transceiver: None, source: None, negotiations: u64::MAX };
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnOpen(init) => {
                stream.transceiver.get_or_insert_with(|| init.receiver_id.into());
                shared.remote_track(init.ssrc, &track);
            }
            TrackRemoteEvent::OnRtpPacket(packet) => stream.packet(&shared, packet).await,
            _ => {}
        }
    }
}

struct Stream {
    transceiver: Option<RTCRtpTransceiverId>,
    source: Option<Source>,
    /// The negotiations that `source` was looked up after.
    negotiations: u64,
}

struct Source {
    mid: Arc<str>,
    kind: MediaKind,
    gate: Arc<Gate>,
}

impl Stream {
    async fn packet(&mut self, shared: &Shared, packet: Packet) {
        let negotiations = shared.negotiations.load(Ordering::Acquire);
        if self.negotiations != negotiations {
            self.negotiations = negotiations;
            self.source = self.find_source(shared, packet.header.ssrc).await;
        }
        let Some(source) = &self.source else { return };
        if source.gate.is_open() {
            let packet = rtp_in(packet);
            shared.emit(EngineEvent::Rtp { mid: source.mid.clone(), kind: source.kind, packet });
        }
    }

    /// The m-section of the stream. The engine also accepts streams that no m-section declares and calls their kind
    /// unspecified; they land on a transceiver whose current direction does not receive, so its gate is closed.
    async fn find_source(&self, shared: &Shared, ssrc: u32) -> Option<Source> {
        let transceivers = shared.connection()?.get_transceivers().await;
        let own = transceivers.into_iter().find(|transceiver| Some(transceiver.id()) == self.transceiver)?;
        let mid = own.mid().await.ok()??;
        let gate = shared.gates.receive(&mid);
        shared.tap.set_remote_mid(ssrc, &mid);
        Some(Source { kind: gate.kind()?, mid: mid.into(), gate })
    }
}

fn rtp_in(packet: Packet) -> RtpIn {
    RtpIn {
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        marker: packet.header.marker,
        payload_type: packet.header.payload_type,
        ssrc: packet.header.ssrc,
        payload: packet.payload,
    }
}
