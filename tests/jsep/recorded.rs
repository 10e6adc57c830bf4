//! Every recorded call of Chromium: the model, fed with the recorded texts, predicts states, events and its own texts.

use std::collections::BTreeMap;

use callcheck::jsep::{
    Association, Direction, LocalDescription, MediaKind, Role, SdpFacts, SdpType, Transceiver,
    TransceiverInit,
};

use crate::cases::chromium::{Act, Scenario, scenarios, sdp};
use crate::driver::{End, rows};

/// Where the recording counts `negotiationneeded` as the model does not, and why.
const NOT_COUNTED: &[(&str, Role, &str)] = &[(
    "s50-caller-no-media-offerToReceive",
    Role::Caller,
    "the legacy options make transceivers inside createOffer, which the model has no operation for",
)];

#[test]
fn every_recorded_call_is_predicted() {
    let scenarios = scenarios();
    assert_eq!(scenarios.len(), 23);
    let files: usize = scenarios.iter().map(|scenario| scenario.messages.len()).sum();
    assert_eq!(files, 59);
    for scenario in &scenarios {
        // Where the recording does not say how the caller attached, it makes no difference.
        for unknown in ["addTrack", "addTransceiver"] {
            play(scenario, unknown);
        }
    }
}

struct Call {
    caller: End,
    callee: End,
    streams: BTreeMap<Role, String>,
    texts: BTreeMap<(Role, SdpType), SdpFacts>,
    tracks: u32,
    answer: Option<LocalDescription>,
}

fn play(scenario: &Scenario, unknown: &str) {
    let mut call = Call {
        caller: End::new(Role::Caller, Association::Jsep),
        callee: End::new(Role::Callee, Association::Jsep),
        streams: streams(scenario),
        texts: BTreeMap::new(),
        tracks: 0,
        answer: None,
    };
    for act in &scenario.timeline {
        let op = if act.op == "addTrackOrAddTransceiver" { unknown } else { &act.op };
        call.act(scenario, op, act);
        call.end(act.who).note();
    }
    for role in [Role::Caller, Role::Callee] {
        let (end, observed) = (call.end(role), scenario.observed.side(role));
        let name = &scenario.name;
        let predicted = rows(&end.peer);
        assert_eq!(predicted.len(), observed.transceivers.len(), "{name} {role}: {predicted:#?}");
        for ((row, observed), transceiver) in
            predicted.into_iter().zip(&observed.transceivers).zip(end.peer.transceivers())
        {
            assert!(observed.receiver_muted == Some(true) || !transceiver.receiver_muted(), "{name} {role}");
            let row = crate::cases::Row { receiver_muted: observed.receiver_muted, ..row };
            assert_eq!(&row, observed, "{name} {role}");
        }
        let fired: Vec<_> = end.ontrack.iter().map(|row| (row.kind, &row.mid, row.streams)).collect();
        let browser: Vec<_> = observed.ontrack.iter().map(|row| (row.kind, &row.mid, row.streams)).collect();
        assert_eq!(fired, browser, "{name} {role}: ontrack");
        assert_eq!(end.signaling_states, observed.signaling_states, "{name} {role}");
        if !NOT_COUNTED.iter().any(|(scenario, who, _)| scenario == name && *who == role) {
            assert_eq!(end.negotiationneeded, observed.negotiationneeded, "{name} {role}: negotiationneeded");
        }
    }
}

impl Call {
    fn act(&mut self, scenario: &Scenario, op: &str, act: &Act) {
        match op {
            "addTrack" | "addTransceiver" => {
                for kind in &act.kinds {
                    self.attach(op, act, *kind);
                }
            }
            "offer" => {
                self.legacy(act);
                let end = self.end(act.who);
                let offer = end.peer.create_offer().unwrap();
                self.set_local(scenario, act, &offer);
            }
            "createAnswer" => self.answer = Some(self.end(act.who).peer.create_answer().unwrap()),
            "setLocalDescription" => {
                let answer = self.answer.take().expect("an answer was created");
                self.set_local(scenario, act, &answer);
            }
            "answer" => {
                let answer = self.end(act.who).peer.create_answer().unwrap();
                self.set_local(scenario, act, &answer);
            }
            "setRemoteDescription" => {
                let mut words = act.of.as_deref().expect("of").split(' ');
                let who: Role = words.next().and_then(|word| word.parse().ok()).expect("whose");
                let sdp_type: SdpType = words.next().and_then(|word| word.parse().ok()).expect("which");
                let facts = self.texts[&(who, sdp_type)].clone();
                self.end(act.who).peer.set_remote_description(sdp_type, &facts).unwrap();
            }
            "patchTransceivers" => self.patch(act),
            "ignoreNegotiationneeded" => {
                assert!(self.end(act.who).peer.negotiation_needed(), "{}", scenario.name)
            }
            other => panic!("{}: unknown act {other}", scenario.name),
        }
    }

    fn attach(&mut self, op: &str, act: &Act, kind: MediaKind) {
        let (track, streams) = (self.track(), self.named(act.who, &act.streams));
        let peer = &mut self.end(act.who).peer;
        if op == "addTrack" {
            peer.add_track(kind, &track, &streams).unwrap();
        } else {
            let init = TransceiverInit { streams, ..TransceiverInit::default() };
            peer.add_transceiver(kind, Some(&track), init).unwrap();
        }
    }

    /// offerToReceive adds a transceiver that only receives where none of that kind is there.
    fn legacy(&mut self, act: &Act) {
        let options = &act.legacy_options;
        let wanted = [
            (options.offer_to_receive_audio, MediaKind::Audio),
            (options.offer_to_receive_video, MediaKind::Video),
        ];
        for (_, kind) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            let peer = &mut self.end(act.who).peer;
            if !peer.transceivers().any(|transceiver| transceiver.kind() == kind) {
                let init = TransceiverInit { direction: Direction::Recvonly, streams: Vec::new() };
                peer.add_transceiver(kind, None, init).unwrap();
            }
        }
    }

    /// Our description says what Chromium's says.
    fn set_local(&mut self, scenario: &Scenario, act: &Act, description: &LocalDescription) {
        let facts = SdpFacts::parse(&sdp(act.file.as_deref().expect("a file")));
        assert_eq!(description.differences(&facts, None), [], "{}: {:?}", scenario.name, act.file);
        self.end(act.who).peer.set_local_description(description).unwrap();
        self.texts.insert((act.who, description.sdp_type), facts);
    }

    fn patch(&mut self, act: &Act) {
        let associated = |transceiver: &&Transceiver| transceiver.mid().is_some();
        let chosen: Vec<_> = self
            .end(act.who)
            .peer
            .transceivers()
            .filter(associated)
            .map(|transceiver| (transceiver.id(), transceiver.kind()))
            .collect();
        for (id, kind) in chosen {
            let track = self.track();
            let streams = act.set_streams.as_ref().map(|streams| self.named(act.who, streams));
            let peer = &mut self.end(act.who).peer;
            if act.replace_track {
                peer.replace_track(id, Some((kind, &track))).unwrap();
            }
            if let Some(direction) = act.set_direction {
                peer.set_direction(id, direction).unwrap();
            }
            if let Some(streams) = streams {
                peer.set_streams(id, &streams).unwrap();
            }
        }
    }

    fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Caller => &mut self.caller,
            Role::Callee => &mut self.callee,
        }
    }

    fn track(&mut self) -> String {
        self.tracks += 1;
        format!("track-{}", self.tracks)
    }

    /// The stream's id in that side's recorded texts: each side has one stream.
    fn named(&self, who: Role, streams: &[String]) -> Vec<String> {
        streams.iter().map(|label| self.streams.get(&who).unwrap_or(label).clone()).collect()
    }
}

/// The id of each side's stream.
fn streams(scenario: &Scenario) -> BTreeMap<Role, String> {
    let mut streams = BTreeMap::new();
    for message in &scenario.messages {
        let facts = SdpFacts::parse(&sdp(&message.file));
        assert_eq!(facts.complaints, [], "{}", message.file);
        assert!(message.file.contains(message.sdp_type.as_str()), "{}", message.file);
        if let Some(stream) =
            facts.sections.iter().find_map(|section| section.streams().first().map(|id| (*id).to_owned()))
        {
            streams.entry(message.who).or_insert(stream);
        }
    }
    streams
}
