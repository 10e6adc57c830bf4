//! Peers whose descriptions are not like ours.

use super::descriptions::{offer_of, reject};
use super::pair::{AUDIO_VIDEO, Pair, Peer, write};
use crate::engine::EngineEvent;
use crate::jsep::{Direction, SdpFacts};

fn without_sources(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("a=ssrc")).flat_map(|line| [line, "\r\n"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_nobody_declares_are_found_by_their_payload_type() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let (text, _) = call.round_with(0, &offer, |_| (), without_sources).await;
    assert!(!text.contains("a=ssrc"), "{text}");
    call.connect().await;
    call.hears(&["0", "1"]).await;
    // They are still known when one more section comes.
    call.round(1, &offer_of(&[AUDIO_VIDEO, &[("2", "audio")]].concat(), Direction::Sendrecv), |_| ()).await;
    call.hears(&["0", "1", "2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_cannot_be_told_apart_are_a_limit() {
    let mut call = Pair::new().await;
    let offer = offer_of(&[("0", "video"), ("1", "video")], Direction::Sendrecv);
    call.round_with(0, &offer, |_| (), without_sources).await;
    call.connect().await;
    call.open_gates();
    assert!(write(&call.a.engine, "0", 1, b"whose?").await);
    let limit = |event: &EngineEvent| matches!(event, EngineEvent::Limit { limit: "undeclared-source", detail } if detail.contains("0 and 1"));
    call.until("the limit", |pair| pair.b.saw(limit)).await;
    assert!(call.b.payloads("0").is_empty() && call.b.payloads("1").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_types_are_the_peers() {
    let mut call = Pair::new().await;
    let theirs =
        |text: &str| text.replace("111", "109").replace(":96 ", ":120 ").replace("SAVPF 96", "SAVPF 120");
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let (_, answer) = call.round_with(0, &offer, |_| (), theirs).await;
    assert!(
        answer.contains("a=rtpmap:109 opus/48000/2") && answer.contains("a=rtpmap:120 VP8/90000"),
        "{answer}"
    );
    call.connect().await;
    call.hears(&["0", "1"]).await;
    let numbers = |peer: &Peer, on: &str| -> Vec<u8> {
        let packets = peer.events.iter().filter_map(|(_, event)| match event {
            EngineEvent::Rtp { mid, packet, .. } if **mid == *on => Some(packet.payload_type),
            _ => None,
        });
        packets.collect()
    };
    for peer in [&call.a, &call.b] {
        assert!(numbers(peer, "0").iter().all(|number| *number == 109), "{:?}", numbers(peer, "0"));
        assert!(numbers(peer, "1").iter().all(|number| *number == 120), "{:?}", numbers(peer, "1"));
    }
    // Feedback finds its way, and later offers keep the numbers.
    call.b.engine.request_key_frame("1");
    let asked = EngineEvent::KeyFrameRequested { mid: "1".into() };
    call.until("the request", |pair| pair.a.saw(|event| *event == asked)).await;
    let (again, _) = call.round(1, &offer, |_| ()).await;
    assert!(again.contains("m=audio 9 UDP/TLS/RTP/SAVPF 109") && again.contains("SAVPF 120"), "{again}");
    call.hears(&["0", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_without_a_codec_of_ours_is_rejected() {
    let mut call = Pair::new().await;
    let foreign = |text: &str| text.replace("VP8", "H265");
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let reject_video = |section: &mut crate::jsep::LocalSection| {
        if section.mid == "1" {
            reject(section);
        }
    };
    let (_, answer) = call.round_with(0, &offer, reject_video, foreign).await;
    assert!(SdpFacts::parse(&answer).sections[1].is_rejected(), "{answer}");
    call.connect().await;
    call.hears(&["0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_channels_are_there_from_the_start_or_not_at_all() {
    let with_data = offer_of(&[("0", "audio"), ("1", "data")], Direction::Sendrecv);
    let mut call = Pair::new().await;
    let (offer, answer) = call.round(0, &with_data, |_| ()).await;
    for text in [&offer, &answer] {
        assert!(text.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"), "{text}");
    }
    call.connect().await;
    call.hears(&["0"]).await;
    call.round(1, &offer_of(&[("0", "audio"), ("1", "data"), ("2", "video")], Direction::Sendrecv), |_| ())
        .await;
    call.hears(&["0", "2"]).await;

    let mut call = Pair::connected().await;
    let late = offer_of(&[AUDIO_VIDEO, &[("2", "data")]].concat(), Direction::Sendrecv);
    let (offer, _) = call.round(0, &late, |_| ()).await;
    let facts = SdpFacts::parse(&offer);
    assert_eq!((facts.sections[2].port, facts.bundle), (0, vec!["0".to_owned(), "1".to_owned()]), "{offer}");
    let limit = |event: &EngineEvent| matches!(event, EngineEvent::Limit { limit: "late-data-channel", .. });
    call.until("the limit", |pair| pair.a.saw(limit)).await;
    call.hears(&["0", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_data_channels_alone_connects() {
    let mut call = Pair::new().await;
    call.round(0, &offer_of(&[("0", "data")], Direction::Sendrecv), |_| ()).await;
    call.connect().await;
    call.round(1, &offer_of(&[("0", "data"), ("1", "audio")], Direction::Sendrecv), |_| ()).await;
    call.hears(&["1"]).await;
}
