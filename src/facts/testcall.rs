//! Timelines written by hand, for tests.

use super::Facts;
use crate::jsep::{
    ConnectionState, Direction, DtlsState, GatheringState, IceState, MediaKind, Role, SdpType, Side,
    SignalingState,
};
use crate::timeline::{
    CandidatePair, Capabilities, Event, IceCandidate, InboundMedia, Kind, Latency, PeerInfo, Proof, Signal,
    TransceiverRow,
};

/// What callcheck can do.
pub(crate) const CALLCHECK: Capabilities = Capabilities { stamps: true, end_of_call: true };

/// The two m-sections of most calls, both ways.
pub(crate) const BOTH_WAYS: [(MediaKind, Direction); 2] =
    [(MediaKind::Audio, Direction::Sendrecv), (MediaKind::Video, Direction::Sendrecv)];

/// A call as one side records it.
pub(crate) struct TestCall {
    own: Role,
    at_us: u64,
    pub(crate) events: Vec<Event>,
}

impl TestCall {
    /// That side is in the room, alone.
    pub(crate) fn joined(own: Role) -> Self {
        let mut call = Self { own, at_us: 0, events: Vec::new() };
        call.then(Kind::Joined { room: "demo".into(), url: None, me: info(own, CALLCHECK) });
        call
    }

    /// The other side came.
    pub(crate) fn met(mut self, capabilities: Capabilities) -> Self {
        let peer = info(self.own.other(), capabilities);
        self.then(Kind::PeerJoined(peer.clone()));
        self.then(Kind::CallStarted { call: "c1".into(), peer });
        self
    }

    /// The offer was made or came in.
    pub(crate) fn offered(mut self) -> Self {
        let sdp = sdp(SdpType::Offer, &BOTH_WAYS);
        let signal = Signal::Description { sdp_type: SdpType::Offer, sdp: sdp.clone() };
        let (side, state) = match self.own {
            Role::Caller => (Side::Local, SignalingState::HaveLocalOffer),
            Role::Callee => (Side::Remote, SignalingState::HaveRemoteOffer),
        };
        match self.own {
            Role::Caller => self.then(Kind::Operation {
                name: "createOffer".into(),
                arguments: String::new(),
                error: None,
            }),
            Role::Callee => self.then(Kind::SignalReceived {
                from: "caller".into(),
                seq: Some(1),
                signal: signal.clone(),
            }),
        }
        self.then(Kind::DescriptionSet { side, sdp_type: SdpType::Offer, sdp, engine_sdp: None });
        self.then(Kind::SignalingState(state));
        if self.own == Role::Caller {
            self.then(Kind::SignalSent { seq: 1, signal });
        }
        self
    }

    /// The answer was set; its directions are the callee's.
    pub(crate) fn answered(mut self, sections: &[(MediaKind, Direction)]) -> Self {
        let side = if self.own == Role::Caller { Side::Remote } else { Side::Local };
        self.then(Kind::DescriptionSet {
            side,
            sdp_type: SdpType::Answer,
            sdp: sdp(SdpType::Answer, sections),
            engine_sdp: None,
        });
        self.then(Kind::SignalingState(SignalingState::Stable));
        let rows = sections.iter().enumerate().map(|(mid, &(kind, direction))| {
            let current = if self.own == Role::Caller { direction.reversed() } else { direction };
            row(&mid.to_string(), kind, Direction::Sendrecv, Some(current))
        });
        let rows = rows.collect();
        self.then(Kind::Transceivers(rows));
        for (mid, (kind, direction)) in sections.iter().enumerate() {
            let receives = if self.own == Role::Caller { direction.sends() } else { direction.receives() };
            if receives {
                self.then(Kind::Track { mid: mid.to_string(), kind: *kind, streams: vec!["s".into()] });
            }
        }
        self
    }

    /// Candidates went both ways, and ICE and DTLS came up.
    pub(crate) fn connected(mut self) -> Self {
        self.trickled();
        for kind in [
            Kind::IceState(IceState::Checking),
            Kind::ConnectionState(ConnectionState::Connecting),
            Kind::IceState(IceState::Connected),
            Kind::DtlsState(DtlsState::Connecting),
            Kind::DtlsState(DtlsState::Connected),
            Kind::ConnectionState(ConnectionState::Connected),
        ] {
            self.then(kind);
        }
        self.then(Kind::SelectedPair(CandidatePair {
            local: candidate("10.0.0.1:5000", "host"),
            remote: candidate("10.0.0.2:5000", "host"),
            rtt_ms: Some(0.4),
        }));
        self
    }

    /// Candidates went both ways.
    pub(crate) fn trickled(&mut self) {
        let signal = Signal::Candidate {
            candidate: "candidate:1 1 udp 1 10.0.0.2 5000 typ host".into(),
            sdp_mid: Some("0".into()),
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        self.then(Kind::GatheringState(GatheringState::Gathering));
        self.then(Kind::SignalSent { seq: 2, signal: signal.clone() });
        self.then(Kind::SignalReceived { from: "peer".into(), seq: Some(2), signal });
        self.then(Kind::CandidateAdded(candidate("10.0.0.2:5000", "host")));
        self.then(Kind::GatheringState(GatheringState::Complete));
    }

    /// Media of these kinds came and was proven.
    pub(crate) fn media(mut self, kinds: &[(&str, MediaKind)], proof: Proof) -> Self {
        for (mid, kind) in kinds {
            self.then(Kind::FirstRtp { mid: (*mid).into(), kind: *kind });
            self.then(Kind::FirstFrame { mid: (*mid).into(), kind: *kind });
            self.then(Kind::MediaProven { mid: (*mid).into(), kind: *kind, proof });
        }
        for second in 1..=5 {
            self.at_us += 1_000_000;
            let inbound = kinds.iter().map(|(mid, kind)| sample(mid, *kind, second * 50)).collect();
            self.then(Kind::Media { outbound: Vec::new(), inbound });
        }
        self
    }

    /// Both were done, somebody hung up, and the call was over.
    pub(crate) fn hung_up(mut self, by: Role) -> Self {
        let other = self.own.other().to_string();
        self.then(Kind::SignalSent { seq: 8, signal: Signal::Done });
        self.then(Kind::SignalReceived { from: other, seq: Some(8), signal: Signal::Done });
        self.hung_up_early(by)
    }

    /// Somebody hung up before anybody was done.
    pub(crate) fn hung_up_early(mut self, by: Role) -> Self {
        let signal = Signal::HangUp { reason: "both sides are done".into() };
        self.then(if by == self.own {
            Kind::SignalSent { seq: 9, signal }
        } else {
            Kind::SignalReceived { from: by.to_string(), seq: Some(9), signal }
        });
        self.ended("both sides are done")
    }

    /// The other side is gone.
    pub(crate) fn left(self, reason: &str) -> Self {
        let name = self.own.other().to_string();
        self.with(Kind::PeerLeft { name, reason: reason.into() })
    }

    pub(crate) fn ended(self, reason: &str) -> Self {
        self.with(Kind::Ended { reason: reason.into() }).with(Kind::Closed)
    }

    pub(crate) fn with(mut self, kind: Kind) -> Self {
        self.then(kind);
        self
    }

    /// So many seconds later.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.at_us += seconds * 1_000_000;
        // Time passes only where something is recorded.
        self.with(Kind::Note("waiting".into()))
    }

    /// Whose timeline it is.
    pub(crate) const fn own(&self) -> Role {
        self.own
    }

    /// Media as [`TestCall::media`] has it, whose counts begin at so many seconds.
    pub(crate) fn media_from(mut self, from: u64, kinds: &[(&str, MediaKind)], proof: Proof) -> Self {
        for (mid, kind) in kinds {
            self.then(Kind::MediaProven { mid: (*mid).into(), kind: *kind, proof });
        }
        for second in from..from + 5 {
            self.at_us += 1_000_000;
            let inbound = kinds.iter().map(|(mid, kind)| sample(mid, *kind, second * 50)).collect();
            self.then(Kind::Media { outbound: Vec::new(), inbound });
        }
        self
    }

    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::new(self.own);
        self.events.iter().for_each(|event| facts.apply(event));
        facts
    }

    /// As the other side's report brings it.
    pub(crate) fn reported(self) -> Kind {
        Kind::PeerReport { role: self.own, epoch_us: 0, events: self.events }
    }

    /// One more event, 700 microseconds after the last one.
    fn then(&mut self, kind: Kind) {
        self.at_us += 700;
        let id = format!("{}:{}", self.own, self.events.len() + 1);
        self.events.push(Event { id, at_us: self.at_us, kind });
    }
}

/// A good call up to its end.
pub(crate) fn good(own: Role) -> TestCall {
    TestCall::joined(own)
        .met(CALLCHECK)
        .offered()
        .answered(&BOTH_WAYS)
        .connected()
        .media(&[("0", MediaKind::Audio), ("1", MediaKind::Video)], Proof::Stamped)
}

/// The callee sends audio only.
pub(crate) fn missing_video() -> TestCall {
    TestCall::joined(Role::Caller)
        .met(CALLCHECK)
        .offered()
        .answered(&[(MediaKind::Audio, Direction::Sendrecv), (MediaKind::Video, Direction::Recvonly)])
        .connected()
        .media(&[("0", MediaKind::Audio)], Proof::Stamped)
}

pub(crate) fn row(
    mid: &str,
    kind: MediaKind,
    direction: Direction,
    current_direction: Option<Direction>,
) -> TransceiverRow {
    TransceiverRow { mid: Some(mid.into()), kind, direction, current_direction }
}

pub(crate) fn candidate(address: &str, candidate_type: &str) -> IceCandidate {
    IceCandidate {
        candidate: format!("candidate:1 1 udp 1 {address} typ {candidate_type}"),
        candidate_type: candidate_type.into(),
        protocol: "udp".into(),
        address: address.into(),
        relay_protocol: None,
        url: None,
    }
}

fn info(role: Role, capabilities: Capabilities) -> PeerInfo {
    PeerInfo { name: role.to_string(), role: Some(role), number: 1, capabilities }
}

/// A description with all that a browser demands: the caller offers, the callee answers.
pub(crate) fn sdp(sdp_type: SdpType, sections: &[(MediaKind, Direction)]) -> String {
    let (number, setup) = if sdp_type == SdpType::Offer { (1, "actpass") } else { (2, "active") };
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- {number} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
        mids.join(" ")
    );
    for (mid, (kind, direction)) in sections.iter().enumerate() {
        let (format, codec) = match kind {
            MediaKind::Audio => (111, "opus/48000/2"),
            MediaKind::Video => (96, "VP8/90000"),
        };
        text += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF {format}\r\na=rtpmap:{format} {codec}\r\na=mid:{mid}\r\n\
             a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={direction}\r\n\
             a=msid:s t{mid}\r\na=rtcp-mux\r\na=ice-ufrag:uf{number}{number}\r\na=ice-pwd:{}\r\n\
             a=ice-options:trickle\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n",
            "p".repeat(24),
            [format!("{number:02}").as_str()].repeat(32).join(":"),
        );
    }
    text
}

fn sample(mid: &str, kind: MediaKind, frames: u64) -> InboundMedia {
    InboundMedia {
        mid: mid.into(),
        kind: Some(kind),
        packets: frames * 2,
        bytes: frames * 2000,
        packets_lost: 1,
        frames,
        stamped_frames: frames,
        latency: Some(Latency {
            count: frames,
            min_ms: 1.0,
            p50_ms: 2.0,
            p95_ms: 5.0,
            max_ms: 9.0,
            error_ms: 0.2,
            histogram: None,
        }),
        ..InboundMedia::default()
    }
}
