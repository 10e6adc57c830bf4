//! Between the messages on the wire and the signals of the timeline, both ways.

use serde_json::{Map, Value};

use super::message::{Body, CandidateInit, Message, WirePeer};
use super::{PeerInfo, Signal};
use crate::jsep::SdpType;
use crate::timeline::Report;

impl Message {
    /// What a peer says to us, if it is a signal; a type that is not known is an [`Signal::Ext`] without the envelope.
    pub(crate) fn into_signal(self) -> Option<Signal> {
        let signal = match self.body {
            Body::Offer { sdp } => Signal::Description { sdp_type: SdpType::Offer, sdp },
            Body::Answer { sdp } => Signal::Description { sdp_type: SdpType::Answer, sdp },
            Body::Pranswer { sdp } => Signal::Description { sdp_type: SdpType::Pranswer, sdp },
            Body::Rollback => Signal::Description { sdp_type: SdpType::Rollback, sdp: String::new() },
            Body::Candidate { candidate: Some(init) } => Signal::Candidate {
                candidate: init.candidate,
                sdp_mid: init.sdp_mid,
                sdp_m_line_index: init.sdp_m_line_index,
                username_fragment: init.username_fragment,
            },
            // What `onicecandidate` brings last, sent as it is.
            Body::Candidate { candidate: None } => Signal::EndOfCandidates { username_fragment: None },
            Body::EndOfCandidates { username_fragment } => Signal::EndOfCandidates { username_fragment },
            Body::Done => Signal::Done,
            Body::HangUp { reason } => Signal::HangUp { reason },
            Body::Report { epoch_us, events } => Signal::Report(Report { epoch_us, events }),
            Body::Again => Signal::Again,
            Body::Step { done } => Signal::Step { done },
            Body::Ext { data } => Signal::Ext(data),
            Body::Unknown => Signal::Ext(Value::Object(without_envelope(self.fields))),
            _ => return None,
        };
        Some(signal)
    }
}

impl From<Signal> for Body {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Description { sdp_type, sdp } => match sdp_type {
                SdpType::Offer => Self::Offer { sdp },
                SdpType::Answer => Self::Answer { sdp },
                SdpType::Pranswer => Self::Pranswer { sdp },
                SdpType::Rollback => Self::Rollback,
            },
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment } => {
                Self::Candidate {
                    candidate: Some(CandidateInit {
                        candidate,
                        sdp_mid,
                        sdp_m_line_index,
                        username_fragment,
                    }),
                }
            }
            Signal::EndOfCandidates { username_fragment } => Self::EndOfCandidates { username_fragment },
            Signal::Done => Self::Done,
            Signal::HangUp { reason } => Self::HangUp { reason },
            Signal::Report(Report { epoch_us, events }) => Self::Report { epoch_us, events },
            Signal::Again => Self::Again,
            Signal::Step { done } => Self::Step { done },
            Signal::Ext(data) => Self::Ext { data },
        }
    }
}

impl From<PeerInfo> for WirePeer {
    fn from(peer: PeerInfo) -> Self {
        Self { name: peer.name, role: peer.role, number: peer.number, capabilities: peer.capabilities }
    }
}

impl From<WirePeer> for PeerInfo {
    fn from(peer: WirePeer) -> Self {
        Self { name: peer.name, role: peer.role, number: peer.number, capabilities: peer.capabilities }
    }
}

fn without_envelope(mut fields: Map<String, Value>) -> Map<String, Value> {
    for name in ["to", "from", "seq", "sent_at_us", "room_at_us", "call"] {
        fields.remove(name);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Event;

    fn there_and_back(signal: Signal) -> Option<Signal> {
        Message::parse(&Message::bare(signal.into()).to_text()).unwrap().into_signal()
    }

    #[test]
    fn every_signal_comes_back_as_it_went() {
        for sdp_type in [SdpType::Offer, SdpType::Answer, SdpType::Pranswer] {
            let signal = Signal::Description { sdp_type, sdp: "v=0\r\n\u{e9}".to_owned() };
            assert_eq!(there_and_back(signal.clone()), Some(signal));
        }
        let candidate = Signal::Candidate {
            candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned(),
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        let events = vec![Event { id: "caller:1".to_owned(), at_us: 5, kind: crate::timeline::Kind::Closed }];
        for signal in [
            candidate,
            Signal::Description { sdp_type: SdpType::Rollback, sdp: String::new() },
            Signal::EndOfCandidates { username_fragment: Some("u".to_owned()) },
            Signal::Done,
            Signal::HangUp { reason: "enough".to_owned() },
            Signal::Report(Report { epoch_us: 7, events }),
            Signal::Again,
            Signal::Step { done: 3 },
            Signal::Ext(serde_json::json!({"type": "offer", "to": "me", "n": [1, null, "\u{1F600}\n"]})),
        ] {
            assert_eq!(there_and_back(signal.clone()), Some(signal));
        }
    }

    #[test]
    fn a_type_of_tomorrow_is_an_extension_without_its_envelope() {
        let text = r#"{"type":"mute","from":"bob","to":"alice","seq":3,"kind":"audio"}"#;
        let signal = Message::parse(text).unwrap().into_signal();
        assert_eq!(signal, Some(Signal::Ext(serde_json::json!({"type": "mute", "kind": "audio"}))));
    }

    #[test]
    fn what_a_browser_sends_last_ends_the_candidates() {
        let signal = Message::parse(r#"{"type":"candidate","candidate":null}"#).unwrap().into_signal();
        assert_eq!(signal, Some(Signal::EndOfCandidates { username_fragment: None }));
    }
}
