//! Candidates on their way.

use super::descriptions::{answer_to, offer_of};
use super::pair::{AUDIO_VIDEO, Pair};
use crate::engine::{EngineError, EngineEvent};
use crate::jsep::Direction;

fn is_end(event: &EngineEvent) -> bool {
    matches!(event, EngineEvent::EndOfCandidates { .. })
}

/// The answerer alone knows where the other is, and only from candidates that came before its answer.
#[tokio::test(flavor = "multi_thread")]
async fn candidates_of_an_offer_wait_for_its_answer() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    let text = call.offer(0, &offer).await;
    call.take_offer(1, &text).await;
    call.until("all of a's", |pair| pair.a.saw(is_end)).await;
    let garbage = call.b.engine.add_candidate("candidate:garbage", Some("0"), None, None).await;
    assert!(matches!(garbage, Err(EngineError::Candidate(_))), "{garbage:?}");
    let text = call.answer(1, &answer_to(&offer)).await;
    call.until("all of b's", |pair| pair.b.saw(is_end)).await;
    call.forget_candidates().await;
    assert!(!text.contains("a=candidate:"), "{text}");
    call.take_answer(0, &text).await;
    call.connect().await;
    call.hears(&["0", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_inside_descriptions_are_enough() {
    let mut call = Pair::new().await;
    let offer = offer_of(AUDIO_VIDEO, Direction::Sendrecv);
    call.offer(0, &offer).await;
    call.until("all of a's", |pair| pair.a.saw(is_end)).await;
    let (_, text) = call.a.engine.local_description().await.unwrap();
    assert!(text.contains("a=candidate:") && text.contains("a=end-of-candidates"), "{text}");
    call.forget_candidates().await;
    call.take_offer(1, &text).await;
    call.answer(1, &answer_to(&offer)).await;
    call.until("all of b's", |pair| pair.b.saw(is_end)).await;
    let (_, text) = call.b.engine.local_description().await.unwrap();
    call.forget_candidates().await;
    call.take_answer(0, &text).await;
    call.connect().await;
    call.hears(&["0", "1"]).await;
}
