//! What two engines do together.

use std::time::Duration;

use super::descriptions::{answer_to, offer_of};
use super::pair::{AUDIO_VIDEO, Pair, direction_of, loopback, write};
use crate::engine::{EngineConfig, EngineError, EngineEvent, IceServer};
use crate::jsep::{ConnectionState, Direction, DtlsState, GatheringState, IceState, SdpType};

#[tokio::test(flavor = "multi_thread")]
async fn media_flows_both_ways_and_the_states_come_in_order() {
    let mut call = Pair::new().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    assert!(!write(&call.a.engine, "0", 0, b"too early").await);
    call.connect().await;
    for sequence in 0..20 {
        for (engine, text) in [(&call.a.engine, &b"from a"[..]), (&call.b.engine, &b"from b"[..])] {
            assert!(write(engine, "0", sequence, text).await);
            assert!(write(engine, "1", sequence, text).await);
        }
    }
    let heard = |pair: &Pair| {
        [&pair.a, &pair.b].iter().all(|peer| ["0", "1"].iter().all(|mid| peer.payloads(mid).len() == 20))
    };
    call.until("all packets", heard).await;
    assert!(call.b.payloads("0").iter().all(|payload| payload == b"from a"));
    assert!(call.a.payloads("1").iter().all(|payload| payload == b"from b"));
    for peer in [&call.a, &call.b] {
        let order = [
            EngineEvent::GatheringState(GatheringState::Gathering),
            EngineEvent::GatheringState(GatheringState::Complete),
            EngineEvent::IceState(IceState::Connected),
            EngineEvent::DtlsState(DtlsState::Connected),
            EngineEvent::ConnectionState(ConnectionState::Connected),
        ];
        let at: Vec<usize> = order.iter().map(|event| peer.position(event)).collect();
        assert!(at[0] < at[1] && at[2] < at[3] && at[3] < at[4], "{:?}", peer.events);
        assert!(peer.saw(|event| *event == EngineEvent::DtlsState(DtlsState::Connecting)));
        assert!(peer.events.is_sorted_by_key(|(at, _)| *at), "{:?}", peer.events);
    }
    call.until("the selected pairs", |pair| {
        [&pair.a, &pair.b].iter().all(|peer| peer.saw(|event| matches!(event, EngineEvent::SelectedPair(_))))
    })
    .await;
    let pair = call.a.engine.selected_pair().await.unwrap();
    assert_eq!((&*pair.local.candidate_type, &*pair.local.protocol), ("host", "udp"));
    assert!(pair.rtt_ms.unwrap() < 1000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_carry_what_a_browser_asks_for() {
    let mut call = Pair::new().await;
    let (offer, _) = call.negotiate(Direction::Sendrecv).await;
    call.connect().await;
    let ufrag = offer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap();
    let mut ended = false;
    for (_, event) in &call.a.events {
        match event {
            EngineEvent::Candidate { candidate, mid, index, ufrag: own } => {
                assert!(!ended, "a candidate after the end");
                assert!(candidate.candidate.starts_with("candidate:"), "{candidate:?}");
                assert!(candidate.address.starts_with("127.0.0.1:"), "{candidate:?}");
                assert_eq!((mid.as_str(), *index, own.as_str()), ("0", 0, ufrag));
            }
            EngineEvent::EndOfCandidates { ufrag: own } => {
                assert!(!ended, "two ends");
                assert_eq!(own, ufrag);
                ended = true;
            }
            _ => {}
        }
    }
    assert!(ended);
    assert!(offer.contains("a=ice-options:trickle"), "{offer}");
    let (sdp_type, whole) = call.a.engine.local_description().await.unwrap();
    assert_eq!(sdp_type, SdpType::Offer);
    assert!(whole.contains("a=candidate:"), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn codecs_have_feedback_and_no_retransmission_stream() {
    let mut call = Pair::new().await;
    let (offer, answer) = call.negotiate(Direction::Sendrecv).await;
    for sdp in [offer, answer] {
        for line in [
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:96 VP8/90000",
            "a=rtcp-fb:96 nack",
            "a=rtcp-fb:96 nack pli",
            "a=rtcp-fb:96 ccm fir",
            "a=rtcp-fb:96 goog-remb",
        ] {
            assert!(sdp.lines().any(|own| own.trim_end() == line), "no {line} in {sdp}");
        }
        // A random password may say anything.
        let maps = sdp.lines().filter(|line| line.starts_with("a=rtpmap:") || line.starts_with("a=fmtp:"));
        assert!(!maps.clone().any(|line| line.contains("rtx") || line.contains("apt=")), "{sdp}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_keeps_media_in_and_out() {
    let mut call = Pair::new().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    call.b.engine.set_may_receive("1", false);
    call.connect().await;
    call.a.engine.set_may_send("0", false);
    assert!(!write(&call.a.engine, "0", 0, b"x").await);
    assert!(write(&call.a.engine, "1", 0, b"x").await);
    call.wait(Duration::from_millis(50)).await;
    assert!(call.b.payloads("0").is_empty() && call.b.payloads("1").is_empty());
    call.b.engine.set_may_receive("1", true);
    assert!(write(&call.a.engine, "1", 1, b"now").await);
    call.until("the open gate", |pair| pair.b.payloads("1") == [b"now"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_answer_does_not_take_is_not_sent() {
    let mut call = Pair::new().await;
    let (_, answer) = call.negotiate(Direction::Sendonly).await;
    assert_eq!(direction_of(&answer, "0"), Direction::Sendonly);
    call.open_gates();
    call.connect().await;
    assert!(!write(&call.a.engine, "0", 0, b"x").await);
    assert!(write(&call.b.engine, "0", 0, b"y").await);
    call.until("the other way", |pair| pair.a.payloads("0") == [b"y"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_role_survives_a_new_offer_from_the_other_side() {
    let mut call = Pair::new().await;
    let (_, answer) = call.negotiate(Direction::Sendrecv).await;
    assert!(answer.contains("a=setup:active") && !answer.contains("a=setup:passive"), "{answer}");
    call.connect().await;
    let (_, answer) = call.round(1, &offer_of(AUDIO_VIDEO, Direction::Sendrecv), |_| ()).await;
    assert!(answer.contains("a=setup:passive") && !answer.contains("a=setup:active"), "{answer}");
    call.hears(&["0", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_frame_request_reaches_the_sender() {
    let mut call = Pair::new().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    call.connect().await;
    assert!(write(&call.a.engine, "1", 0, b"video").await);
    call.until("the first packet", |pair| !pair.b.payloads("1").is_empty()).await;
    call.b.engine.request_key_frame("1");
    let asked = EngineEvent::KeyFrameRequested { mid: "1".into() };
    call.until("the request", |pair| pair.a.saw(|event| *event == asked)).await;
    assert_eq!(call.a.engine.stats().outbound["1"].pli, 1);
    assert_eq!(call.b.engine.stats().inbound["1"].pli, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_the_peer_give_round_trip_time_and_loss() {
    let mut call = Pair::new().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    call.connect().await;
    // Reports go out once a second; a round-trip time takes one of each side.
    for sequence in 0..200 {
        assert!(write(&call.a.engine, "0", sequence, b"audio").await);
        call.wait(Duration::from_millis(20)).await;
        if call.a.engine.stats().outbound["0"].rtt_ms.is_some() {
            break;
        }
    }
    let audio = call.a.engine.stats().outbound["0"];
    assert!(audio.rtt_ms.unwrap() < 200.0, "{audio:?}");
    assert_eq!((audio.fraction_lost, audio.total_lost), (Some(0.0), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_candidates_are_refused_and_ends_are_not() {
    let mut call = Pair::new().await;
    let early =
        call.a.engine.add_candidate("candidate:1 1 udp 9 127.0.0.1 9 typ host", None, None, None).await;
    assert!(matches!(early, Err(EngineError::InvalidState(_))), "{early:?}");
    call.negotiate(Direction::Sendrecv).await;
    let good = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host";
    let engine = &mut call.a.engine;
    for end in ["", "candidate:", "a=end-of-candidates"] {
        engine.add_candidate(end, Some("0"), Some(0), None).await.unwrap();
    }
    let wrong_mid = engine.add_candidate(good, Some("7"), None, None).await;
    assert!(matches!(wrong_mid, Err(EngineError::UnknownMid(_))), "{wrong_mid:?}");
    let wrong_ufrag = engine.add_candidate(good, Some("0"), None, Some("nobody")).await;
    assert!(matches!(wrong_ufrag, Err(EngineError::UnknownUfrag(_))), "{wrong_ufrag:?}");
    let garbage = engine.add_candidate("candidate:garbage", Some("0"), None, None).await;
    assert!(matches!(garbage, Err(EngineError::Candidate(_))), "{garbage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_out_of_order_are_errors() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let answer = call.a.engine.create_answer(&answer_to(&offer)).await;
    assert!(matches!(answer, Err(EngineError::InvalidState(_))), "{answer:?}");
    let unknown = call.a.engine.set_local(&offer, "v=0").await;
    assert!(matches!(unknown, Err(EngineError::InvalidState(_))), "{unknown:?}");
    let text = call.b.engine.create_offer(&offer).await.unwrap();
    let early = call.a.engine.set_remote(SdpType::Answer, &text).await;
    assert!(matches!(early, Err(EngineError::InvalidState(_))), "{early:?}");
    let without =
        |word: &str| text.lines().filter(|line| !line.contains(word)).collect::<Vec<_>>().join("\r\n");
    for broken in ["garbage".to_owned(), without("a=ice-pwd"), without("a=fingerprint"), without("a=mid")] {
        let refused = call.a.engine.set_remote(SdpType::Offer, &broken).await;
        assert!(matches!(refused, Err(EngineError::Description(_))), "{refused:?} {broken}");
    }
    for side in [crate::jsep::Side::Local, crate::jsep::Side::Remote] {
        let nothing = call.a.engine.rollback(side).await;
        assert!(matches!(nothing, Err(EngineError::InvalidState(_))), "{nothing:?}");
    }
    call.negotiate(Direction::Sendrecv).await;
    call.connect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_cannot_be_used_are_named_and_gathering_still_ends() {
    // Nobody answers on the discard port.
    let silent = IceServer {
        urls: vec!["turn:127.0.0.1:9".into(), "turns:127.0.0.1".into(), "stun:nobody.invalid".into()],
        username: Some("u".into()),
        credential: Some("secret".into()),
    };
    let mut config = EngineConfig::new("a", loopback());
    config.ice_servers = vec![silent];
    config.gathering_timeout = Duration::from_millis(200);
    assert!(!format!("{config:?}").contains("secret"));
    let mut call = Pair::with(config, EngineConfig::new("b", loopback())).await;
    call.negotiate(Direction::Sendrecv).await;
    let complete = EngineEvent::GatheringState(GatheringState::Complete);
    call.until("gathering", |pair| pair.a.saw(|event| *event == complete)).await;
    let skipped: Vec<&str> = call
        .a
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            EngineEvent::ServerSkipped { url, .. } => Some(url.as_str()),
            _ => None,
        })
        .collect();
    // Those of TURN were refused at once, so that nobody had to wait for the deadline.
    assert_eq!(skipped, ["stun:nobody.invalid"]);
    let errors = call.a.events.iter().filter_map(|(_, event)| match event {
        EngineEvent::ServerError(error) => Some((error.url.as_str(), error.code, error.text.as_str())),
        _ => None,
    });
    let mut errors: Vec<_> = errors.collect();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [("turn:127.0.0.1:9", 701, "connection refused"), ("turns:127.0.0.1", 701, "connection refused")]
    );
    call.connect().await;
    let ends = call.a.events.iter().filter(|(_, event)| *event == complete).count();
    assert_eq!(ends, 1);
}
