//! What the engine negotiates, and what handles RTP on its way.

use rtc::interceptor::{
    NackGeneratorBuilder, NackResponderBuilder, ReceiverReportBuilder, SenderReportBuilder, Slot,
};
use rtc::peer_connection::configuration::interceptor_registry::configure_twcc_receiver_only;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability,
};
use rtc::shared::error::Result;
use webrtc::peer_connection::Registry;

use super::intake::Intake;
use super::tap::Tap;
use super::translate::{Capability, SDES_MID, capability};
use super::words;
use crate::jsep::{KnownCodec, MediaKind};

/// The tap hears what really comes and goes, so it sits closest to the wire.
const NEXT_TO_THE_WIRE: usize = 500;
/// What was counted, reported and asked for again is taken out for the owner.
const NEXT_TO_THE_OWNER: usize = 14_000;

/// The one codec that we have for each kind.
#[must_use]
pub fn supported() -> [KnownCodec; 2] {
    [MediaKind::Audio, MediaKind::Video].map(|kind| {
        let Capability { name, clock_rate, channels, .. } = *capability(kind);
        KnownCodec { kind, name, clock_rate, channels: channels.unwrap_or(1) }
    })
}

/// Opus and VP8 with the payload types that browsers use, and the interceptors for them.
///
/// No codec is registered with `rtx`: the NACK generator never learns that RTX brought a packet back, asks again and
/// again, and most of what is sent are retransmissions. Without it lost packets come again on the media's own SSRC.
pub(super) fn media(tap: Tap, intake: Intake) -> Result<(MediaEngine, Registry)> {
    let mut engine = MediaEngine::default();
    for kind in [MediaKind::Audio, MediaKind::Video] {
        engine.register_codec(parameters(kind), words::engine_kind(kind))?;
        // sdes:mid tells bundled streams apart (RFC 8843 §9.2).
        let mid = RTCRtpHeaderExtensionCapability { uri: SDES_MID.to_owned() };
        engine.register_header_extension(mid, words::engine_kind(kind), None)?;
    }
    let registry = Registry::new()
        .with(Slot::from(NEXT_TO_THE_WIRE), tap)
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(Slot::NackGenerator, NackGeneratorBuilder::new().build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
        .with(Slot::from(NEXT_TO_THE_OWNER), intake);
    // Feedback for transport-cc is registered with it, and its header extension.
    let registry = configure_twcc_receiver_only(registry, &mut engine)?;
    Ok((engine, registry))
}

/// The codec of that kind.
pub(super) fn codec(kind: MediaKind) -> RTCRtpCodec {
    let capability = capability(kind);
    RTCRtpCodec {
        mime_type: format!("{kind}/{}", capability.name),
        clock_rate: capability.clock_rate,
        channels: capability.channels.unwrap_or_default(),
        sdp_fmtp_line: capability.fmtp.to_owned(),
        rtcp_feedback: feedback(capability),
    }
}

fn parameters(kind: MediaKind) -> RTCRtpCodecParameters {
    RTCRtpCodecParameters { rtp_codec: codec(kind), payload_type: capability(kind).payload_type }
}

fn feedback(capability: &Capability) -> Vec<RTCPFeedback> {
    let own = capability.feedback.iter().filter(|feedback| **feedback != "transport-cc");
    own.map(|feedback| {
        let (typ, parameter) = feedback.split_once(' ').unwrap_or((feedback, ""));
        RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() }
    })
    .collect()
}
