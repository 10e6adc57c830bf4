//! The same call with the bare engine and its defaults.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription, Registry,
    register_default_interceptors,
};

use super::{GIVE_UP, Signal, both, elapsed};

enum Event {
    Candidate(RTCIceCandidateInit),
    Connected(Instant),
}

struct Handler(UnboundedSender<Event>);

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json() {
            let _ = self.0.unbounded_send(Event::Candidate(candidate));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            let _ = self.0.unbounded_send(Event::Connected(Instant::now()));
        }
    }
}

struct Side {
    connection: Arc<dyn PeerConnection>,
    events: UnboundedReceiver<Event>,
    out: UnboundedSender<Signal<RTCIceCandidateInit>>,
    room: UnboundedReceiver<Signal<RTCIceCandidateInit>>,
    waiting: Vec<RTCIceCandidateInit>,
    described: bool,
    connected: Option<Instant>,
    peer_connected: bool,
}

pub(super) async fn call(_: usize) -> Option<Duration> {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::unbounded(), mpsc::unbounded());
    let (a, b) = (Side::new(1, to_b, from_b).await, Side::new(2, to_a, from_a).await);
    let began = Instant::now();
    let offer = a.connection.create_offer(None).await.ok()?;
    a.connection.set_local_description(offer.clone()).await.ok()?;
    a.out.unbounded_send(Signal::Offer(offer.sdp)).ok()?;
    Some(elapsed(began, both(a.run(), b.run()).await?))
}

impl Side {
    async fn new(
        ssrc: u32,
        out: UnboundedSender<Signal<RTCIceCandidateInit>>,
        room: UnboundedReceiver<Signal<RTCIceCandidateInit>>,
    ) -> Self {
        let (sender, events) = mpsc::unbounded();
        let mut media = MediaEngine::default();
        media.register_default_codecs().expect("the default codecs");
        let registry =
            register_default_interceptors(Registry::new(), &mut media).expect("the default interceptors");
        let built = PeerConnectionBuilder::new()
            .with_handler(Arc::new(Handler(sender)))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .build()
            .await;
        let connection: Arc<dyn PeerConnection> = Arc::new(built.expect("a connection"));
        for (kind, mime, rate, channels) in
            [(RtpCodecKind::Audio, "audio/opus", 48_000, 2), (RtpCodecKind::Video, "video/VP8", 90_000, 0)]
        {
            let track = track(kind, mime, rate, channels, ssrc * 10 + u32::from(channels));
            connection.add_track(Arc::new(TrackLocalStaticRTP::new(track))).await.expect("a track");
        }
        let (waiting, described, connected, peer_connected) = (vec![], false, None, false);
        Self { connection, events, out, room, waiting, described, connected, peer_connected }
    }

    async fn run(mut self) -> Option<Instant> {
        let outcome = tokio::time::timeout(GIVE_UP, self.negotiate()).await.ok().flatten();
        self.connection.close().await.ok()?;
        outcome
    }

    async fn negotiate(&mut self) -> Option<Instant> {
        while self.connected.is_none() || !self.peer_connected {
            tokio::select! {
                biased;
                signal = self.room.next() => self.signal(signal?).await?,
                event = self.events.next() => self.event(event?),
            }
        }
        self.connected
    }

    fn event(&mut self, event: Event) {
        let signal = match event {
            Event::Candidate(candidate) => Signal::Candidate(candidate),
            Event::Connected(at) => {
                self.connected = Some(at);
                Signal::Done
            }
        };
        let _ = self.out.unbounded_send(signal);
    }

    async fn signal(&mut self, signal: Signal<RTCIceCandidateInit>) -> Option<()> {
        match signal {
            Signal::Offer(offer) => self.answer(offer).await?,
            Signal::Answer(answer) => {
                let answer = RTCSessionDescription::answer(answer).ok()?;
                self.connection.set_remote_description(answer).await.ok()?;
                self.described = true;
            }
            Signal::Candidate(candidate) => self.waiting.push(candidate),
            Signal::Done => self.peer_connected = true,
        }
        if self.described {
            for candidate in std::mem::take(&mut self.waiting) {
                self.connection.add_ice_candidate(candidate).await.ok()?;
            }
        }
        Some(())
    }

    async fn answer(&mut self, offer: String) -> Option<()> {
        self.connection.set_remote_description(RTCSessionDescription::offer(offer).ok()?).await.ok()?;
        self.described = true;
        let answer = self.connection.create_answer(None).await.ok()?;
        self.connection.set_local_description(answer.clone()).await.ok()?;
        self.out.unbounded_send(Signal::Answer(answer.sdp)).ok()
    }
}

fn track(kind: RtpCodecKind, mime: &str, clock_rate: u32, channels: u16, ssrc: u32) -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: RTCRtpCodec { mime_type: mime.into(), clock_rate, channels, ..Default::default() },
        active: true,
        ..Default::default()
    };
    MediaStreamTrack::new("stream".into(), format!("{kind}"), format!("{kind}"), kind, vec![encoding])
}
