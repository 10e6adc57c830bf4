//! Dumps of chrome://webrtc-internals: each connection's log becomes a timeline. Values are strings, usually JSON.

mod statistics;
mod transceivers;

use serde_json::Value;

use super::ExplainError;
use super::merge::{self, Merged};
use crate::jsep::{DtlsState, Role, SdpType, Side};
use crate::timeline::{Event, Header, IceCandidate, Kind, SCHEMA_VERSION, Signal, Timeline};

/// More connections than this of one dump are not looked at.
const MOST: usize = 64;

/// The connections of a dump: two that belong together as both sides, or the first one that set a description.
pub(super) fn timelines(name: &str, dump: &Value, said: &mut Vec<String>) -> Result<Merged, ExplainError> {
    let connections = dump["PeerConnections"].as_object().into_iter().flatten().take(MOST);
    let mut list: Vec<(String, Timeline)> =
        connections.filter_map(|(id, connection)| Some((id.clone(), Log::read(connection)?))).collect();
    // The one that began first is told first.
    list.sort_by_key(|(_, timeline)| timeline.header.epoch_us);
    let Some(first) = list.first() else {
        return Err(ExplainError::NoConnection { name: name.to_owned() });
    };
    let pair = list.iter().skip(1).find(|(_, other)| belong(&first.1, other)).cloned();
    let (own, other) = match pair {
        Some(pair) if pair.1.header.role < first.1.header.role => (pair, Some(first.clone())),
        pair => (first.clone(), pair),
    };
    let mut text = format!("{name}: connection {} as the {}", own.0, own.1.header.role);
    if let Some((id, timeline)) = &other {
        text += &format!(", connection {id} as the {}", timeline.header.role);
    }
    let left = list.len() - 1 - usize::from(other.is_some());
    if left > 0 {
        text += &format!("; {left} more were left out");
    }
    said.push(text);
    Ok(merge::of_parts(own.1, other.map(|(_, timeline)| timeline)))
}

/// Whether what one set as local the other set as remote.
fn belong(one: &Timeline, two: &Timeline) -> bool {
    let of = |timeline: &Timeline, wanted: Side| -> Vec<String> {
        let texts = timeline.events.iter().filter_map(|event| match &event.kind {
            Kind::DescriptionSet { side, sdp, .. } if *side == wanted => Some(credentials(sdp)),
            _ => None,
        });
        texts.collect()
    };
    let (sent, came) = (of(one, Side::Local), of(two, Side::Remote));
    one.header.role != two.header.role && sent.iter().any(|text| !text.is_empty() && came.contains(text))
}

fn credentials(sdp: &str) -> String {
    sdp.lines().find(|line| line.starts_with("a=ice-ufrag:")).unwrap_or_default().trim_end().to_owned()
}

/// A connection's log in the making.
struct Log {
    role: Role,
    start_ms: f64,
    events: Vec<Event>,
    table: transceivers::Table,
    /// What was asked for and has not succeeded yet.
    asked: [Option<(SdpType, String)>; 2],
    created: Option<(SdpType, String)>,
    dtls: bool,
}

impl Log {
    /// None if the connection never set a description.
    fn read(connection: &Value) -> Option<Timeline> {
        let entries = connection["updateLog"].as_array()?;
        let start_ms = entries.iter().filter_map(time).fold(f64::INFINITY, f64::min);
        let role = role(entries)?;
        let mut log = Self {
            role,
            start_ms,
            events: Vec::new(),
            table: transceivers::Table::default(),
            asked: [None, None],
            created: None,
            dtls: false,
        };
        let mut samples = statistics::samples(&connection["stats"]).into_iter().peekable();
        for entry in entries {
            let at_us = log.at_us(time(entry).unwrap_or(start_ms));
            // Timelines are in order.
            while let Some((time_ms, media)) = samples.next_if(|(time_ms, _)| log.at_us(*time_ms) < at_us) {
                log.push(log.at_us(time_ms), media);
            }
            let value = entry["value"].as_str().unwrap_or_default();
            if let Some(name) = entry["type"].as_str() {
                log.entry(at_us, name, value);
            }
        }
        for (time_ms, media) in samples {
            log.push(log.at_us(time_ms), media);
        }
        let header = Header {
            schema_version: SCHEMA_VERSION,
            tool_version: "webrtc-internals".into(),
            call: None,
            role,
            name: role.to_string(),
            epoch_us: (start_ms * 1e3) as u64,
            clock: "real".into(),
            seed: 0,
            plan: Value::Null,
            legs: None,
        };
        Some(Timeline { header, events: log.events, torn: false })
    }

    fn at_us(&self, time_ms: f64) -> u64 {
        ((time_ms - self.start_ms).max(0.0) * 1e3) as u64
    }

    fn push(&mut self, at_us: u64, kind: Kind) {
        let id = format!("{}:{}", self.role, self.events.len() + 1);
        self.events.push(Event { id, at_us, kind });
    }

    fn entry(&mut self, at_us: u64, name: &str, value: &str) {
        let word = value.trim_matches('"');
        match name {
            "createOfferOnSuccess" | "createAnswerOnSuccess" => self.created = description(value),
            "setLocalDescription" => self.asked[0] = description(value),
            "setRemoteDescription" => self.asked[1] = description(value),
            "setLocalDescriptionOnSuccess" => self.set(at_us, Side::Local, value),
            "setRemoteDescriptionOnSuccess" => self.set(at_us, Side::Remote, value),
            "setRemoteDescriptionOnFailure" => {
                if let Some((sdp_type, sdp)) = self.asked[1].take() {
                    let error = word.to_owned();
                    self.push(at_us, Kind::DescriptionRejected { side: Side::Remote, sdp_type, sdp, error });
                }
            }
            "onsignalingstatechange" | "signalingstatechange" => {
                self.state(at_us, word, Kind::SignalingState)
            }
            "onicegatheringstatechange" | "icegatheringstatechange" => {
                self.state(at_us, word, Kind::GatheringState);
            }
            "oniceconnectionstatechange" | "iceconnectionstatechange" => {
                self.state(at_us, word, Kind::IceState)
            }
            "onconnectionstatechange" | "connectionstatechange" => {
                // The connection is connected once DTLS is (W3C webrtc §4.3.3).
                if word == "connected" && !std::mem::replace(&mut self.dtls, true) {
                    self.push(at_us, Kind::DtlsState(DtlsState::Connected));
                }
                self.state(at_us, word, Kind::ConnectionState);
            }
            "onnegotiationneeded" | "negotiationneeded" => self.push(at_us, Kind::NegotiationNeeded),
            "onicecandidate" | "icecandidate" => {
                if let Some((candidate, ..)) = candidate(value).filter(|(text, ..)| !text.is_empty()) {
                    self.push(at_us, Kind::CandidateGathered(IceCandidate::parse(&candidate)));
                }
            }
            "addIceCandidate" | "addIceCandidateFailed" => {
                self.candidate(at_us, value, name.ends_with("Failed"))
            }
            "transceiverAdded" | "transceiverModified" if self.table.learn(value) => {
                let rows = self.table.rows();
                self.push(at_us, Kind::Transceivers(rows));
            }
            "addTrack" | "addTransceiver" | "createDataChannel" | "removeTrack" | "close" | "restartIce" => {
                let kind = Kind::Operation { name: name.to_owned(), arguments: String::new(), error: None };
                self.push(at_us, kind);
            }
            _ => {}
        }
    }

    /// A description was set: the one that was asked for, or that was created for a call without an argument.
    fn set(&mut self, at_us: u64, side: Side, value: &str) {
        let asked = self.asked[usize::from(side == Side::Remote)].take();
        let created = self.created.take_if(|_| side == Side::Local && asked.is_none());
        let Some((sdp_type, sdp)) = description(value).or(asked).or(created) else { return };
        let signal = Signal::Description { sdp_type, sdp: sdp.clone() };
        let set = Kind::DescriptionSet { side, sdp_type, sdp, engine_sdp: None };
        match side {
            Side::Local => {
                self.push(at_us, set);
                let seq = self.events.len() as u64;
                self.push(at_us, Kind::SignalSent { seq, signal });
            }
            Side::Remote => {
                let from = self.role.other().to_string();
                self.push(at_us, Kind::SignalReceived { from, seq: None, signal });
                self.push(at_us, set);
            }
        }
    }

    fn state<S: std::str::FromStr>(&mut self, at_us: u64, word: &str, kind: fn(S) -> Kind) {
        if let Ok(state) = word.parse() {
            self.push(at_us, kind(state));
        }
    }

    fn candidate(&mut self, at_us: u64, value: &str, failed: bool) {
        let Some((text, mid, index)) = candidate(value) else { return };
        let from = self.role.other().to_string();
        let signal = Signal::Candidate {
            candidate: text.clone(),
            sdp_mid: mid,
            sdp_m_line_index: index,
            username_fragment: None,
        };
        self.push(at_us, Kind::SignalReceived { from, seq: None, signal });
        if failed {
            let error = "addIceCandidate failed".to_owned();
            self.push(at_us, Kind::CandidateRefused { candidate: text, error });
        } else if !text.is_empty() {
            self.push(at_us, Kind::CandidateAdded(IceCandidate::parse(&text)));
        }
    }
}

fn time(entry: &Value) -> Option<f64> {
    let value = &entry["timestamp"];
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    number.is_finite().then_some(number)
}

/// The caller is who sets an offer of its own first.
fn role(entries: &[Value]) -> Option<Role> {
    entries.iter().find_map(|entry| {
        let side = match entry["type"].as_str()? {
            "setLocalDescription" => Side::Local,
            "setRemoteDescription" => Side::Remote,
            "createOfferOnSuccess" => return Some(Role::Caller),
            _ => return None,
        };
        let offer =
            description(entry["value"].as_str()?).is_none_or(|(sdp_type, _)| sdp_type == SdpType::Offer);
        Some(if (side == Side::Local) == offer { Role::Caller } else { Role::Callee })
    })
}

/// `{"type","sdp"}`, or `type: offer, sdp: v=0...` as older versions write it.
fn description(value: &str) -> Option<(SdpType, String)> {
    if let Ok(object) = serde_json::from_str::<Value>(value) {
        let sdp_type = object["type"].as_str()?.parse().ok()?;
        return Some((sdp_type, object["sdp"].as_str()?.to_owned()));
    }
    let (word, sdp) = value.strip_prefix("type: ")?.split_once(", sdp: ")?;
    Some((word.parse().ok()?, sdp.to_owned()))
}

/// `{"candidate","sdpMid","sdpMLineIndex"}`, or `sdpMid: 0, sdpMLineIndex: 0, candidate: ...`.
fn candidate(value: &str) -> Option<(String, Option<String>, Option<u16>)> {
    if let Ok(object) = serde_json::from_str::<Value>(value) {
        let index = object["sdpMLineIndex"].as_u64().and_then(|index| u16::try_from(index).ok());
        let mid = object["sdpMid"].as_str().map(str::to_owned);
        return Some((object["candidate"].as_str()?.to_owned(), mid, index));
    }
    let after = |key: &str| {
        let rest = &value[value.find(key)? + key.len()..];
        Some(rest.split(',').next().unwrap_or(rest).trim().to_owned())
    };
    let at = value.find("candidate: ")? + "candidate: ".len();
    let text = value[at..].split(", url").next()?.trim_end_matches([' ', '\n']).to_owned();
    Some((text, after("sdpMid: "), after("sdpMLineIndex: ").and_then(|index| index.parse().ok())))
}
