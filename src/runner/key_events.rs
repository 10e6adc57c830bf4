//! What one side tells the other at the end of a call: enough to judge and to explain, not the whole timeline.

use crate::timeline::{Event, Kind, Signal};

/// More bytes of descriptions and candidates than this are not told: a room takes no message of any size.
const MOST_TEXT: usize = 400_000;

/// About what a row of a transceiver table takes.
const ROW: usize = 100;

/// The key events of a timeline, in order, and how many were left out. Of what is repeated only the last one counts. Of very
/// many descriptions the first and the last ones are told.
pub(super) fn key_events(events: &[Event]) -> (Vec<Event>, usize) {
    let keys = all_key_events(events);
    let sizes: Vec<usize> = keys.iter().map(|event| text_size(&event.kind)).collect();
    let fits = |running: &mut usize, size: &usize| {
        *running += size;
        Some(*running <= MOST_TEXT / 2)
    };
    if sizes.iter().sum::<usize>() <= MOST_TEXT {
        return (keys, 0);
    }
    let told = |sizes: &mut dyn Iterator<Item = &usize>| sizes.scan(0, fits).take_while(|fits| *fits).count();
    let (first, last) = (told(&mut sizes.iter()), told(&mut sizes.iter().rev()));
    let middle = first..keys.len().saturating_sub(last);
    let is_told = |index: usize| !middle.contains(&index) || sizes[index] == 0;
    let all = keys.len();
    let told = keys.into_iter().enumerate().filter(|(index, _)| is_told(*index));
    let told: Vec<Event> = told.map(|(_, event)| event).collect();
    let left_out = all - told.len();
    (told, left_out)
}

/// About how much an event takes whose like comes with each negotiation; nothing for all others.
fn text_size(kind: &Kind) -> usize {
    match kind {
        Kind::SignalSent { signal, .. } | Kind::SignalReceived { signal, .. } => match signal {
            Signal::Description { sdp, .. } => sdp.len(),
            Signal::Candidate { candidate, .. } => candidate.len(),
            _ => 0,
        },
        Kind::DescriptionSet { sdp, engine_sdp, .. } => {
            sdp.len() + engine_sdp.as_ref().map_or(0, String::len)
        }
        Kind::DescriptionRejected { sdp, .. } => sdp.len(),
        Kind::Transceivers(rows) => rows.len() * ROW,
        Kind::CandidateGathered(candidate) | Kind::CandidateAdded(candidate) => candidate.candidate.len() * 2,
        _ => 0,
    }
}

fn all_key_events(events: &[Event]) -> Vec<Event> {
    let last = |wanted: fn(&Kind) -> bool| events.iter().rposition(|event| wanted(&event.kind));
    let last_media = last(|kind| matches!(kind, Kind::Media { .. }));
    let last_pair = last(|kind| matches!(kind, Kind::SelectedPair(_)));
    let last_impairment = last(|kind| matches!(kind, Kind::Impairment(_)));
    let is_key = |(index, event): &(usize, &Event)| match &event.kind {
        Kind::Media { .. } => Some(*index) == last_media,
        Kind::SelectedPair(_) => Some(*index) == last_pair,
        Kind::Impairment(_) => Some(*index) == last_impairment,
        Kind::SignalSent { signal, .. } | Kind::SignalReceived { signal, .. } => {
            !matches!(signal, Signal::Report(_) | Signal::Ext(_) | Signal::Step { .. })
        }
        Kind::Fault { .. }
        | Kind::PeerReport { .. }
        | Kind::PeerJoined(_)
        | Kind::PeerLeft { .. }
        | Kind::Unknown(_) => false,
        _ => true,
    };
    events.iter().enumerate().filter(is_key).map(|(_, event)| event.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::{SdpType, Side};

    #[test]
    fn of_a_thousand_rounds_the_first_and_the_last_are_told_and_no_state_is_left_out() {
        let round = |number: usize| {
            let sdp = format!("{number:01000}");
            let set =
                Kind::DescriptionSet { side: Side::Local, sdp_type: SdpType::Offer, sdp, engine_sdp: None };
            [set, Kind::NegotiationNeeded]
        };
        let events: Vec<Event> = (0..1000)
            .flat_map(round)
            .enumerate()
            .map(|(index, kind)| Event { id: format!("caller:{index}"), at_us: 0, kind })
            .collect();
        let (told, left_out) = key_events(&events);
        assert_eq!((&told[0], told.last()), (&events[0], events.last()));
        let states = told.iter().filter(|event| event.kind == Kind::NegotiationNeeded).count();
        assert_eq!((states, told.len() - states, left_out), (1000, 400, 600));
        assert_eq!(key_events(&events[..20]), (events[..20].to_vec(), 0));
    }

    #[test]
    fn only_the_last_sample_is_told_and_no_report_of_a_report() {
        let media = || Kind::Media { outbound: Vec::new(), inbound: Vec::new() };
        let report = Kind::PeerReport { role: crate::jsep::Role::Callee, epoch_us: 0, events: Vec::new() };
        let kinds = [media(), Kind::NegotiationNeeded, report, media()];
        let events: Vec<Event> = kinds
            .into_iter()
            .enumerate()
            .map(|(index, kind)| Event { id: format!("caller:{index}"), at_us: 0, kind })
            .collect();
        let ids: Vec<String> = key_events(&events).0.into_iter().map(|event| event.id).collect();
        assert_eq!(ids, ["caller:1", "caller:3"]);
    }
}
