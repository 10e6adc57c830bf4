//! What the engine negotiates, and what handles RTP on its way.

use rtc::interceptor::{
    NackGeneratorBuilder, NackResponderBuilder, ReceiverReportBuilder, SenderReportBuilder, Slot,
};
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_simulcast_extension_headers, configure_twcc_receiver_only,
};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind, TYPE_RTCP_FB_CCM, TYPE_RTCP_FB_GOOG_REMB,
    TYPE_RTCP_FB_NACK,
};
use rtc::shared::error::Result;
use webrtc::peer_connection::Registry;

use super::tap::Tap;
use crate::jsep::MediaKind;

/// The tap hears what really comes and goes, so it sits closest to the wire.
const NEXT_TO_THE_WIRE: usize = 500;

/// Opus and VP8 with the payload types that browsers use, and the interceptors for them.
///
/// No codec is registered with `rtx`: the NACK generator never learns that RTX brought a packet back, asks again and
/// again, and most of what is sent are retransmissions. Without it lost packets come again on the media's own SSRC.
pub(super) fn media(tap: Tap) -> Result<(MediaEngine, Registry)> {
    let mut engine = MediaEngine::default();
    engine.register_codec(parameters(MediaKind::Audio, 111), RtpCodecKind::Audio)?;
    engine.register_codec(parameters(MediaKind::Video, 96), RtpCodecKind::Video)?;
    // sdes:mid tells bundled streams apart (RFC 8843 §9.2); the engine registers it with the simulcast extensions.
    configure_simulcast_extension_headers(&mut engine)?;
    let registry = Registry::new()
        .with(Slot::from(NEXT_TO_THE_WIRE), tap)
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(Slot::NackGenerator, NackGeneratorBuilder::new().build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
        .with(Slot::SenderReport, SenderReportBuilder::new().build());
    let registry = configure_twcc_receiver_only(registry, &mut engine)?;
    Ok((engine, registry))
}

/// The codec of that kind.
pub(super) fn codec(kind: MediaKind) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels, fmtp) = match kind {
        MediaKind::Audio => (MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1"),
        MediaKind::Video => (MIME_TYPE_VP8, 90_000, 0, ""),
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: feedback(kind),
    }
}

fn parameters(kind: MediaKind, payload_type: u8) -> RTCRtpCodecParameters {
    RTCRtpCodecParameters { rtp_codec: codec(kind), payload_type }
}

fn feedback(kind: MediaKind) -> Vec<RTCPFeedback> {
    let video = [
        (TYPE_RTCP_FB_GOOG_REMB, ""),
        (TYPE_RTCP_FB_CCM, "fir"),
        (TYPE_RTCP_FB_NACK, ""),
        (TYPE_RTCP_FB_NACK, "pli"),
    ];
    let types = if kind == MediaKind::Video { &video[..] } else { &[] };
    types
        .iter()
        .map(|(typ, parameter)| RTCPFeedback { typ: (*typ).to_owned(), parameter: (*parameter).to_owned() })
        .collect()
}
