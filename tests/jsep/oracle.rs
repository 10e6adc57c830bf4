//! Every row of `jsep-oracle.json`: what the answerer did, times what was offered.

use callcheck::jsep::{
    Association, Direction, LocalDescription, MediaKind, Peer, PeerEvent, SdpFacts, SdpType, TransceiverId,
    TransceiverInit,
};

use crate::cases::oracle::{OracleRow, rows};
use crate::render::render;

const AUDIO: MediaKind = MediaKind::Audio;

#[test]
fn every_row_holds() {
    let rows = rows();
    assert_eq!(rows.len(), 44);
    let mut wrong = Vec::new();
    for row in &rows {
        // addTransceiver does not pair, with a track or by kind, in whatever direction.
        let preparations = match row.state {
            'C' | 'D' | 'G' => {
                vec![(true, Direction::Sendrecv), (false, Direction::Recvonly), (false, Direction::Inactive)]
            }
            _ => vec![(true, Direction::Sendrecv)],
        };
        for (with_track, direction) in preparations {
            let found = observe(row, with_track, direction);
            let expected = expectation(row);
            if found != expected {
                wrong.push(format!(
                    "{} ({with_track}, {direction}):\n  model  {found}\n  row    {expected}",
                    row.id
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn expectation(row: &OracleRow) -> String {
    let direction = if row.state == 'K' { Direction::Stopped } else { row.assoc_dir };
    let streams = match row.offerer_streams.split(' ').next() {
        Some("[S]") => "1",
        Some("[]") => "0",
        _ => "-",
    };
    format!(
        "direction {direction}, answer {}, current {}/{}, ontrack {}/{}, streams {streams}, removed {}, ended {}, \
         sends {}, unassociated {}, needed {}",
        row.answer,
        row.cur_answerer,
        row.cur_offerer,
        row.ontrack_answerer,
        row.ontrack_offerer,
        row.track_removed_at_answer,
        row.track_ended_by_stop,
        row.rtp_from_answerer,
        row.unassociated,
        row.nn_answerer,
    )
}

fn observe(row: &OracleRow, with_track: bool, direction: Direction) -> String {
    let streams = ["S".to_owned()];
    let mut offerer = Peer::new(Association::Jsep);
    let init = TransceiverInit { direction: row.offer, streams: streams.to_vec() };
    offerer.add_transceiver(AUDIO, Some("theirs"), init).unwrap();
    let offer = offerer.create_offer().unwrap();
    offerer.set_local_description(&offer).unwrap();

    let mut answerer = Peer::new(Association::Jsep);
    let init = || TransceiverInit { direction, streams: streams.to_vec() };
    let track = with_track.then_some("ours");
    match row.state {
        'B' => drop(answerer.add_track(AUDIO, "ours", &streams).unwrap()),
        'C' => drop(answerer.add_transceiver(AUDIO, track, init()).unwrap()),
        'D' => {
            let id = answerer.add_transceiver(AUDIO, None, init()).unwrap();
            assert_eq!(answerer.add_track(AUDIO, "ours", &streams).unwrap(), id);
        }
        'E' => {
            let id = answerer.add_track(AUDIO, "ours", &streams).unwrap();
            answerer.replace_track(id, None).unwrap();
        }
        _ => {}
    }
    set(&mut answerer, SdpType::Offer, &offer);
    let at_offer = answerer.take_events();
    let associated = |peer: &Peer| -> TransceiverId {
        peer.transceivers().find(|transceiver| transceiver.mid() == Some("0")).unwrap().id()
    };
    let id = associated(&answerer);
    match row.state {
        'F' => assert_eq!(answerer.add_track(AUDIO, "ours", &streams).unwrap(), id),
        'G' => drop(answerer.add_transceiver(AUDIO, track, init()).unwrap()),
        'H' | 'I' => {
            let wish = if row.state == 'H' { Direction::Sendrecv } else { Direction::Sendonly };
            answerer.set_direction(id, wish).unwrap();
            answerer.replace_track(id, Some((AUDIO, "ours"))).unwrap();
        }
        'J' => answerer.set_direction(id, Direction::Inactive).unwrap(),
        'K' => answerer.stop(id).unwrap(),
        _ => {}
    }
    let ended = answerer.take_events().iter().any(|event| matches!(event, PeerEvent::Ended { .. }));
    let answer = answerer.create_answer().unwrap();
    answerer.set_local_description(&answer).unwrap();
    let at_answer = answerer.take_events();
    offerer.take_events();
    set(&mut offerer, SdpType::Answer, &answer);
    let at_offerer = offerer.take_events();

    let ours = answerer.transceiver(id).unwrap();
    let current = ours.current_direction().unwrap();
    let theirs = offerer.transceivers().next().unwrap().current_direction().unwrap();
    let fired = |events: &[PeerEvent]| {
        events.iter().find_map(|event| match event {
            PeerEvent::Track { streams, .. } => Some(streams.len()),
            _ => None,
        })
    };
    format!(
        "direction {}, answer {}, current {current}/{theirs}, ontrack {}/{}, streams {}, removed {}, ended {ended}, \
         sends {}, unassociated {}, needed {}",
        ours.direction(),
        answer.sections[0].direction,
        fired(&at_offer).is_some(),
        fired(&at_offerer).is_some(),
        fired(&at_offerer).map_or_else(|| "-".to_owned(), |streams| streams.to_string()),
        at_answer.iter().any(|event| matches!(event, PeerEvent::Muted { .. })),
        current.sends() && ours.sender_track().is_some(),
        answerer.transceivers().filter(|transceiver| transceiver.mid().is_none()).count(),
        at_answer.contains(&PeerEvent::NegotiationNeeded),
    )
}

fn set(peer: &mut Peer, sdp_type: SdpType, description: &LocalDescription) {
    let facts = SdpFacts::parse(&render(description, "side", 1));
    assert_eq!(facts.complaints, []);
    assert_eq!(description.differences(&facts, None), []);
    peer.set_remote_description(sdp_type, &facts).unwrap();
}
