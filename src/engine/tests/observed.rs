//! What the engine keeps to itself and the wire shows.

use super::descriptions::offer_of;
use super::pair::{AUDIO_VIDEO, Pair, Peer};
use crate::engine::EngineEvent;
use crate::jsep::{Direction, DtlsState};
use crate::timeline::{ChannelState, DtlsError};

/// Every fingerprint says something else than the certificate.
fn with_other_fingerprints(text: &str) -> String {
    let changed = |line: &str| match line.strip_prefix("a=fingerprint:sha-256 ") {
        Some(value) => format!("a=fingerprint:sha-256 {}:00\r\n", &value[..value.len() - 3]),
        None => format!("{line}\r\n"),
    };
    text.lines().map(changed).collect()
}

fn dtls_error(peer: &Peer) -> Option<&DtlsError> {
    peer.events.iter().find_map(|(_, event)| match event {
        EngineEvent::DtlsError(error) => Some(error),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_match_ends_dtls_with_its_reason() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    call.round_with(0, &offer, |_| (), with_other_fingerprints).await;
    let failed = |peer: &Peer| {
        dtls_error(peer).is_some() && peer.saw(|event| *event == EngineEvent::DtlsState(DtlsState::Failed))
    };
    call.until("the errors", |pair| failed(&pair.a) && failed(&pair.b)).await;
    let errors = [&call.a, &call.b].map(|peer| dtls_error(peer).unwrap());
    // Who is the client gets a certificate first, and says no to it.
    let found = errors.iter().find(|error| error.sent_alert == Some(42)).unwrap();
    assert_eq!(found.detail, "fingerprint-failure");
    let told = errors.iter().find(|error| error.received_alert == Some(42)).unwrap();
    assert_eq!((told.detail.as_str(), told.text.as_str()), ("dtls-failure", "bad_certificate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_are_counted_and_good_ones_are_not_refused() {
    let call = Pair::connected().await;
    for peer in [&call.a, &call.b] {
        let checks = peer.engine.checks();
        assert!(checks.requests_sent > 0 && checks.requests_received > 0, "{checks:?}");
        assert!(checks.responses_sent > 0 && checks.responses_received > 0, "{checks:?}");
        assert!(checks.nominations > 0, "{checks:?}");
        let trouble = (checks.requests_refused, checks.refused_by_peer, checks.requests_of_our_role);
        assert_eq!((trouble, checks.role_conflicts), ((0, 0, 0), 0), "{checks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_channel_opens_at_both_ends() {
    let mut call = Pair::new().await;
    call.a.engine.name_data_channel("chat");
    call.round(0, &offer_of(&[("0", "audio"), ("1", "data")], Direction::Sendrecv), |_| ()).await;
    let states = |peer: &Peer| -> Vec<(String, String)> {
        let all = peer.events.iter().filter_map(|(_, event)| match event {
            EngineEvent::DataChannel(ChannelState { label, state, .. }) => {
                Some((label.clone(), state.clone()))
            }
            _ => None,
        });
        all.collect()
    };
    let of = |words: &[&str]| -> Vec<(String, String)> {
        words.iter().map(|state| ("chat".to_owned(), (*state).to_owned())).collect()
    };
    call.connect().await;
    call.until("open channels", |pair| {
        states(&pair.a) == of(&["connecting", "open"]) && states(&pair.b) == of(&["open"])
    })
    .await;
}
