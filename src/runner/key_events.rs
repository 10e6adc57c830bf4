//! What one side tells the other at the end of a call: enough to judge and to explain, not the whole timeline.

use crate::timeline::{Event, Kind, Signal};

/// The key events of a timeline, in order. Of what is repeated only the last one counts.
pub(super) fn key_events(events: &[Event]) -> Vec<Event> {
    let last = |wanted: fn(&Kind) -> bool| events.iter().rposition(|event| wanted(&event.kind));
    let last_media = last(|kind| matches!(kind, Kind::Media { .. }));
    let last_pair = last(|kind| matches!(kind, Kind::SelectedPair(_)));
    let last_impairment = last(|kind| matches!(kind, Kind::Impairment(_)));
    let is_key = |(index, event): &(usize, &Event)| match &event.kind {
        Kind::Media { .. } => Some(*index) == last_media,
        Kind::SelectedPair(_) => Some(*index) == last_pair,
        Kind::Impairment(_) => Some(*index) == last_impairment,
        Kind::SignalSent { signal, .. } | Kind::SignalReceived { signal, .. } => {
            !matches!(signal, Signal::Report(_) | Signal::Ext(_))
        }
        Kind::PeerReport { .. } | Kind::PeerJoined(_) | Kind::PeerLeft { .. } | Kind::Unknown(_) => false,
        _ => true,
    };
    events.iter().enumerate().filter(is_key).map(|(_, event)| event.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let ids: Vec<String> = key_events(&events).into_iter().map(|event| event.id).collect();
        assert_eq!(ids, ["caller:1", "caller:3"]);
    }
}
