//! What two engines do when they negotiate again.

use super::descriptions::{answer_to, offer_of, reject, turn};
use super::pair::{AUDIO_VIDEO, Pair, write};
use crate::engine::EngineEvent;
use crate::jsep::{Direction, LocalDescription, SdpFacts, SdpType, Side};

const THREE: &[(&str, &str)] = &[("0", "audio"), ("1", "video"), ("2", "video")];

#[tokio::test(flavor = "multi_thread")]
async fn either_side_adds_a_section() {
    for from in [0, 1] {
        let mut call = Pair::connected().await;
        call.hears(&["0", "1"]).await;
        let (first, _) = call.round(from, &offer_of(THREE, Direction::Sendrecv), |_| ()).await;
        call.hears(&["0", "1", "2"]).await;
        let four = [THREE, &[("3", "audio")]].concat();
        let (second, _) = call.round(1 - from, &offer_of(&four, Direction::Sendrecv), |_| ()).await;
        call.hears(&["0", "1", "2", "3"]).await;
        let (first, second) = (SdpFacts::parse(&first), SdpFacts::parse(&second));
        assert_eq!(second.bundle, ["0", "1", "2", "3"]);
        assert_eq!(first.complaints.len() + second.complaints.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_held_and_resumed() {
    let mut call = Pair::connected().await;
    call.hears(&["0", "1"]).await;
    for from in [0, 1, 0] {
        let (offer, answer) = call.round(from, &offer_of(AUDIO_VIDEO, Direction::Inactive), |_| ()).await;
        assert!(!offer.contains("a=ssrc") && !answer.contains("a=msid:"), "{offer}{answer}");
        assert!(!write(&call.a.engine, "0", 0, b"x").await && !write(&call.b.engine, "1", 0, b"x").await);
        call.round(1 - from, &offer_of(AUDIO_VIDEO, Direction::Sendrecv), |_| ()).await;
        call.hears(&["0", "1"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn directions_change_one_way_at_a_time() {
    let mut call = Pair::connected().await;
    let cases = [
        (0, Direction::Sendonly, [true, false]),
        (1, Direction::Sendrecv, [true, true]),
        (1, Direction::Sendonly, [false, true]),
        (0, Direction::Recvonly, [false, true]),
        (1, Direction::Recvonly, [true, false]),
        (0, Direction::Sendrecv, [true, true]),
    ];
    for (number, (from, direction, flows)) in (0..).zip(cases) {
        call.round(from, &offer_of(AUDIO_VIDEO, direction), |_| ()).await;
        let payload = format!("case {number}").into_bytes();
        assert_eq!(write(&call.a.engine, "1", number, &payload).await, flows[0], "{number}");
        assert_eq!(write(&call.b.engine, "1", number, &payload).await, flows[1], "{number}");
        call.until("what flows", |pair| {
            pair.b.payloads("1").contains(&payload) == flows[0]
                && pair.a.payloads("1").contains(&payload) == flows[1]
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_is_rejected_and_its_line_used_again() {
    let mut call = Pair::connected().await;
    call.hears(&["0", "1"]).await;
    let before = call.a.engine.writer("1").unwrap();
    let mut without = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    reject(&mut without.sections[1]);
    let (offer, answer) = call.round(1, &without, |_| ()).await;
    for text in [&offer, &answer] {
        let facts = SdpFacts::parse(text);
        assert_eq!(
            (&*facts.bundle, facts.sections[1].is_rejected()),
            (&["0".to_owned()][..], true),
            "{text}"
        );
    }
    assert!(call.a.engine.writer("1").is_none());
    call.hears(&["0"]).await;
    // The line carries another kind now, under another mid.
    call.round(0, &offer_of(&[("0", "audio"), ("7", "audio")], Direction::Sendrecv), |_| ()).await;
    call.hears(&["0", "7"]).await;
    let packet =
        crate::engine::RtpOut { sequence: 9, timestamp: 0, marker: true, payload: (&b"late"[..]).into() };
    assert!(!before.write(packet).await.unwrap(), "the old section is gone for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_offer_is_taken_back_for_the_peers() {
    let mut call = Pair::new().await;
    call.offer(0, &offer_of(THREE, Direction::Sendrecv)).await;
    call.rollback(0, Side::Local).await;
    call.forget_candidates().await;
    call.round(1, &offer_of(AUDIO_VIDEO, Direction::Sendrecv), |_| ()).await;
    call.connect().await;
    call.hears(&["0", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_the_peer_is_taken_back() {
    let mut call = Pair::new().await;
    // Before anything else: it never reached the engine.
    let text = call.offer(0, &offer_of(THREE, Direction::Sendrecv)).await;
    call.take_offer(1, &text).await;
    call.rollback(1, Side::Remote).await;
    call.rollback(0, Side::Local).await;
    call.forget_candidates().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    call.connect().await;
    // In mid-call, and the answer was made already.
    let three = offer_of(THREE, Direction::Sendrecv);
    let text = call.offer(0, &three).await;
    call.take_offer(1, &text).await;
    call.b.engine.create_answer(&answer_to(&three)).await.unwrap();
    call.rollback(1, Side::Remote).await;
    call.rollback(0, Side::Local).await;
    call.hears(&["0", "1"]).await;
    call.round(1, &three, |_| ()).await;
    call.hears(&["0", "1", "2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_restarts_ice() {
    let mut call = Pair::connected().await;
    call.hears(&["0", "1"]).await;
    let ufrag = |text: &str| SdpFacts::parse(text).sections[0].ice_ufrag.clone().unwrap();
    let mut last = [String::new(), String::new()];
    for from in [0, 1, 0] {
        let mut restart = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
        restart.ice_restart = true;
        let (offer, answer) = call.round(from, &restart, |_| ()).await;
        let now = [ufrag(&offer), ufrag(&answer)];
        assert!(now.iter().all(|ufrag| !last.contains(ufrag)), "{now:?} {last:?}");
        last = now.clone();
        // Both name their candidates again, and say when they are all.
        call.until("the candidates of the new generation", |pair| {
            now.iter().all(|new| {
                [&pair.a, &pair.b].iter().any(|peer| {
                    peer.saw(|event| matches!(event, EngineEvent::Candidate { ufrag, .. } if ufrag == new))
                        && peer.saw(
                            |event| matches!(event, EngineEvent::EndOfCandidates { ufrag } if ufrag == new),
                        )
                })
            })
        })
        .await;
        call.hears(&["0", "1"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_is_taken_back_disturbs_nothing() {
    let mut call = Pair::connected().await;
    let mut restart = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    restart.ice_restart = true;
    call.offer(0, &restart).await;
    call.hears(&["0", "1"]).await;
    call.rollback(0, Side::Local).await;
    call.hears(&["0", "1"]).await;
    call.round(1, &offer_of(THREE, Direction::Sendrecv), |_| ()).await;
    call.hears(&["0", "1", "2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_rejected_whole_can_still_be_made() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let (_, answer) = call.round(0, &offer, reject).await;
    assert!(!answer.contains("a=group") && !answer.contains("a=ice-ufrag"), "{answer}");
    let candidate = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host";
    call.a.engine.add_candidate(candidate, Some("0"), None, None).await.unwrap();
    call.forget_candidates().await;
    for from in [1, 0] {
        call.round(from, &offer_of(&[("2", "audio"), ("3", "video")], Direction::Sendrecv), |_| ()).await;
        call.connect().await;
        call.hears(&["2", "3"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisional_answer_is_enough_for_media() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let text = call.offer(0, &offer).await;
    call.take_offer(1, &text).await;
    for sdp_type in [SdpType::Pranswer, SdpType::Answer] {
        let ours = LocalDescription { sdp_type, ..answer_to(&offer) };
        let text = call.answer(1, &ours).await;
        call.take(0, sdp_type, &text).await;
        call.connect().await;
        call.hears(&["0", "1"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_takes_a_part() {
    let mut call = Pair::new().await;
    let offer = offer_of(&[("0", "audio"), ("1", "video"), ("x", "text")], Direction::Sendrecv);
    let (_, answer) = call
        .round(0, &offer, |section| match &*section.mid {
            "0" => turn(section, Direction::Recvonly),
            _ => reject(section),
        })
        .await;
    let facts = SdpFacts::parse(&answer);
    let rejected: Vec<bool> = facts.sections.iter().map(|section| section.is_rejected()).collect();
    assert_eq!((rejected, facts.bundle), (vec![false, true, true], vec!["0".to_owned()]), "{answer}");
    call.open_gates();
    call.connect().await;
    assert!(write(&call.a.engine, "0", 1, b"one way").await);
    assert!(!write(&call.b.engine, "0", 1, b"x").await);
    call.until("the one way", |pair| pair.b.payloads("0") == [b"one way"]).await;
}
