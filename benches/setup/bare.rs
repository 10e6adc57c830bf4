//! The same call with the bare engine and its defaults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription, Registry,
    register_default_interceptors,
};

use super::{GIVE_UP, STEP, Signal, Traffic, both, due, elapsed};

enum Event {
    Candidate(RTCIceCandidateInit),
    Connected(Instant),
}

struct Handler(UnboundedSender<Event>, Arc<AtomicU64>);

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json() {
            let _ = self.0.unbounded_send(Event::Candidate(candidate));
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let received = self.1.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(_) = event {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            let _ = self.0.unbounded_send(Event::Connected(Instant::now()));
        }
    }
}

struct Side {
    tracks: Vec<(Arc<TrackLocalStaticRTP>, u32, u8)>,
    received: Arc<AtomicU64>,
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

/// A call that sends media for a while.
pub(super) async fn media_call(_: usize, time: Duration) -> Option<(Traffic, Traffic)> {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::unbounded(), mpsc::unbounded());
    let (a, b) = (Side::new(1, to_b, from_b).await, Side::new(2, to_a, from_a).await);
    let offer = a.connection.create_offer(None).await.ok()?;
    a.connection.set_local_description(offer.clone()).await.ok()?;
    a.out.unbounded_send(Signal::Offer(offer.sdp)).ok()?;
    both(a.run_media(time), b.run_media(time)).await
}

impl Side {
    async fn run_media(mut self, time: Duration) -> Option<Traffic> {
        tokio::time::timeout(GIVE_UP, self.negotiate()).await.ok()??;
        let (mut sent, mut ticks) = (0, tokio::time::interval(STEP));
        let payload = Bytes::from(vec![0_u8; 1000]);
        let mut sequences = [0_u16; 2];
        let steps = (time.as_millis() / STEP.as_millis()) as u32;
        for step in 1..=steps + 20 {
            ticks.tick().await;
            for (track, size) in due(step).filter(|_| step <= steps) {
                sequences[track] = sequences[track].wrapping_add(1);
                let sequence = sequences[track];
                let (track, ssrc, payload_type) = &self.tracks[track];
                let header = Header {
                    version: 2,
                    marker: true,
                    payload_type: *payload_type,
                    sequence_number: sequence,
                    timestamp: step * 480,
                    ssrc: *ssrc,
                    ..Header::default()
                };
                track.write_rtp(Packet { header, payload: payload.slice(..size) }).await.ok()?;
                sent += 1;
            }
        }
        self.connection.close().await.ok()?;
        Some(Traffic { sent, received: self.received.load(Ordering::Relaxed) })
    }

    async fn new(
        ssrc: u32,
        out: UnboundedSender<Signal<RTCIceCandidateInit>>,
        room: UnboundedReceiver<Signal<RTCIceCandidateInit>>,
    ) -> Self {
        let (sender, events) = mpsc::unbounded();
        let received = Arc::new(AtomicU64::new(0));
        let mut media = MediaEngine::default();
        media.register_default_codecs().expect("the default codecs");
        let registry =
            register_default_interceptors(Registry::new(), &mut media).expect("the default interceptors");
        let built = PeerConnectionBuilder::new()
            .with_handler(Arc::new(Handler(sender, received.clone())))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .build()
            .await;
        let connection: Arc<dyn PeerConnection> = Arc::new(built.expect("a connection"));
        let mut tracks = Vec::new();
        for (kind, mime, rate, channels) in
            [(RtpCodecKind::Audio, "audio/opus", 48_000, 2), (RtpCodecKind::Video, "video/VP8", 90_000, 0)]
        {
            let ssrc = ssrc * 10 + u32::from(channels);
            let track = Arc::new(TrackLocalStaticRTP::new(track(kind, mime, rate, channels, ssrc)));
            connection.add_track(track.clone()).await.expect("a track");
            tracks.push((track, ssrc, if channels == 2 { 111 } else { 96 }));
        }
        let (waiting, described, connected, peer_connected) = (vec![], false, None, false);
        Self {
            tracks,
            received,
            connection,
            events,
            out,
            room,
            waiting,
            described,
            connected,
            peer_connected,
        }
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
