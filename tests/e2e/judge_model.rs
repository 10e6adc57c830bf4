//! Chromium as the judge of our model: the page's log of what it did and of the descriptions that it got is played to a
//! `jsep::Peer`, which must come to the same transceivers, track events and signaling states.

use callcheck::jsep::{
    Association, Direction, LocalDescription, MediaKind, Peer, PeerEvent, SdpFacts, SdpType, SignalingState,
    Transceiver, TransceiverId, TransceiverInit,
};
use serde_json::Value;

use crate::chromium::Chromium;
use crate::harness::{DEADLINE, Process, one_call_at_a_time, serve, start};
use crate::judge::{DECODES, Row, chromium_rows};

/// What the page is told to be, and how many descriptions are exchanged until all is negotiated.
struct Case {
    role: &'static str,
    settings: &'static str,
    descriptions: usize,
}

const fn case(role: &'static str, settings: &'static str, descriptions: usize) -> Case {
    Case { role, settings, descriptions }
}

const CASES: [Case; 13] = [
    case("caller", "", 2),
    case("caller", "attach=add-transceiver&streams=none", 2),
    case("caller", "attach-at=after-answer", 4),
    case("callee", "", 2),
    case("callee", "streams=none", 2),
    case("callee", "attach-at=after-offer", 2),
    case("callee", "attach-at=after-create-answer", 4),
    case("callee", "attach-at=after-answer&renegotiate=no", 2),
    case("callee", "attach=add-transceiver&renegotiate=no", 2),
    case("callee", "attach=add-transceiver", 4),
    case("callee", "attach=add-transceiver&attach-at=after-offer", 4),
    case("callee", "attach=reuse&attach-at=after-offer&streams=set", 2),
    case("callee", "attach=replace-only&attach-at=after-offer", 2),
];

/// What an application sees of negotiation.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    rows: Vec<Row>,
    /// mid, kind and the ids of the streams of each track event.
    tracks: Vec<(String, String, Vec<String>)>,
    signaling: Vec<String>,
}

#[test]
fn chromium_does_what_the_model_says() {
    let _turn = one_call_at_a_time();
    let Some(chromium) = Chromium::launch() else { return };
    let mut wrong = Vec::new();
    for case in &CASES {
        // A room of its own: the page of the last case may not have left yet.
        let (_server, url) = serve(&[]);
        chromium.visit(&url, &format!("role={}&{}", case.role, case.settings));
        let _ours = other_side(&url, case.role);
        chromium.until(&format!(
            "callcheck.state().signaling === 'stable' && {DECODES} &&
             callcheck.events.filter(({{ type }}) => type === 'description').length === {}",
            case.descriptions
        ));
        compare(&chromium, case, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn chromium_holds_and_resumes_as_the_model_says() {
    let _turn = one_call_at_a_time();
    let (_server, url) = serve(&[]);
    let case = case("callee", "", 6);
    let Some(chromium) = Chromium::open(&url, "role=callee") else { return };
    let _ours = other_side(&url, case.role);
    chromium.until(DECODES);
    for (act, current) in [("hold", "inactive"), ("resume", "sendrecv")] {
        chromium.value::<()>(&format!("callcheck.{act}().then(() => null)"));
        crate::judge::settles(&chromium, current);
    }
    let mut wrong = Vec::new();
    compare(&chromium, &case, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Our binary on the other side; it only has to stay.
fn other_side(url: &str, role: &str) -> Process {
    let command = if role == "caller" { "answer" } else { "call" };
    let duration = format!("{}s", DEADLINE.as_secs());
    start(url, &[command, "demo", "--signal", url, "--bind", "127.0.0.1", "--duration", &duration])
}

fn compare(chromium: &Chromium, case: &Case, wrong: &mut Vec<String>) {
    let events: Vec<Value> = chromium.value("callcheck.events");
    let seen = Seen { rows: chromium_rows(chromium), ..seen(&events) };
    let predicted = predict(case.settings, &events);
    if seen != predicted {
        let Case { role, settings, .. } = case;
        wrong.push(format!("{role} {settings}\n  Chromium: {seen:?}\n  model:    {predicted:?}"));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn seen(events: &[Value]) -> Seen {
    let mut seen = Seen::default();
    for event in events {
        match event["type"].as_str().unwrap() {
            // At setLocalDescription of an offer that holds, Chromium takes each track out of its streams and puts it
            // back, with events; by W3C webrtc §4.4.1.5 a local offer does nothing to remote tracks.
            "track" if seen.signaling.last().is_some_and(|state| state == "have-local-offer") => {}
            "track" => {
                let streams = event["streams"].as_array().unwrap().iter().map(text).collect();
                seen.tracks.push((text(&event["mid"]), text(&event["kind"]), streams));
            }
            "signaling" => seen.signaling.push(text(&event["state"])),
            _ => {}
        }
    }
    seen
}

/// Plays the log to the model.
fn predict(settings: &str, events: &[Value]) -> Seen {
    let mut model = Model { peer: Peer::new(Association::Jsep), answer: None, held: Vec::new() };
    for event in events {
        match event["type"].as_str().unwrap() {
            "attached" => {
                // What is attached between createAnswer and setLocalDescription is not in the answer.
                if event["moment"] == "after-create-answer" {
                    model.answer = Some(model.peer.create_answer().unwrap());
                }
                model.attach(settings);
            }
            "asked" => model.ask(),
            "held" => model.hold(),
            "resumed" => model.resume(),
            "description" => model.description(event),
            _ => {}
        }
    }
    model.seen()
}

struct Model {
    peer: Peer,
    answer: Option<LocalDescription>,
    held: Vec<(TransceiverId, Direction)>,
}

impl Model {
    fn attach(&mut self, settings: &str) {
        let says = |word: &str| settings.split('&').any(|setting| setting == word);
        let set = says("streams=set");
        let streams = if set || says("streams=none") { vec![] } else { vec!["page".to_owned()] };
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let peer = &mut self.peer;
            let id = if says("attach=add-transceiver") {
                let init = TransceiverInit { streams: streams.clone(), ..TransceiverInit::default() };
                peer.add_transceiver(kind, Some(kind.as_str()), init).unwrap()
            } else if says("attach=reuse") || says("attach=replace-only") {
                let offered = |peer: &Peer| {
                    let of_kind = |known: &&Transceiver| known.mid().is_some() && known.kind() == kind;
                    peer.transceivers().find(of_kind).unwrap().id()
                };
                let id = offered(peer);
                if says("attach=reuse") {
                    peer.set_direction(id, Direction::Sendrecv).unwrap();
                }
                peer.replace_track(id, Some((kind, kind.as_str()))).unwrap();
                id
            } else {
                peer.add_track(kind, kind.as_str(), &streams).unwrap()
            };
            if set {
                peer.set_streams(id, &["page".to_owned()]).unwrap();
            }
        }
    }

    /// A caller asks for what it does not send yet.
    fn ask(&mut self) {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let init = TransceiverInit { direction: Direction::Recvonly, streams: vec![] };
            self.peer.add_transceiver(kind, None, init).unwrap();
        }
    }

    fn hold(&mut self) {
        self.held = self.peer.transceivers().map(|known| (known.id(), known.direction())).collect();
        for (id, _) in &self.held {
            self.peer.set_direction(*id, Direction::Inactive).unwrap();
        }
    }

    fn resume(&mut self) {
        for (id, direction) in std::mem::take(&mut self.held) {
            self.peer.set_direction(id, direction).unwrap();
        }
    }

    fn description(&mut self, event: &Value) {
        let sdp_type: SdpType = event["sdp_type"].as_str().unwrap().parse().unwrap();
        let facts = SdpFacts::parse(event["sdp"].as_str().unwrap());
        if event["side"] == "remote" {
            return self.peer.set_remote_description(sdp_type, &facts).unwrap();
        }
        let ours = match (sdp_type, self.answer.take()) {
            (SdpType::Offer, _) => self.peer.create_offer().unwrap(),
            (_, Some(kept)) => kept,
            (_, None) => self.peer.create_answer().unwrap(),
        };
        // The page's streams have ids of its own; and Chromium writes an msid also where it does not send.
        let known = |(model, wire): &(String, String)| {
            model.contains("streams") || (model.ends_with("msid: false") && wire.ends_with("msid: true"))
        };
        let differences: Vec<_> =
            ours.differences(&facts, None).into_iter().filter(|pair| !known(pair)).collect();
        assert_eq!(differences, [], "Chromium's {sdp_type} is not the model's");
        self.peer.set_local_description(&ours).unwrap();
    }

    fn seen(mut self) -> Seen {
        let mut seen = Seen::default();
        for event in self.peer.take_events() {
            match event {
                PeerEvent::Track { mid, kind, streams, .. } => {
                    seen.tracks.push((mid, kind.to_string(), streams));
                }
                PeerEvent::SignalingState(state) => seen.signaling.push(state.to_string()),
                _ => {}
            }
        }
        assert_eq!(self.peer.signaling_state(), SignalingState::Stable);
        seen.rows = self
            .peer
            .transceivers()
            .map(|known| {
                let mid = known.mid().map(str::to_owned);
                let current = known.current_direction().map(|current| current.to_string());
                (mid, known.kind().to_string(), known.direction().to_string(), current)
            })
            .collect();
        seen
    }
}
