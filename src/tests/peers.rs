//! Calls with a peer that is not callcheck: it joins the room and says what a test tells it to say.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;

use super::support::{Playing, Stage, plan};
use crate::expect::{Status, Verdict};
use crate::jsep::{Role, SdpType};
use crate::plan::{Plan, Subject};
use crate::runner::Played;
use crate::signaling::{Capabilities, JoinRequest, Room, RoomEvent, Signal};
use crate::world::Simulated;
use crate::world::World;

/// Plays our side of `plan` against `peer`, a future that is given its place in the room.
fn against<F: Future<Output = ()> + Send + 'static>(
    plan: Plan,
    peer: impl FnOnce(Simulated, Room) -> F + Send + 'static,
) -> Played {
    let world = Simulated::new(1);
    let stage = Arc::new(Stage::new(&world));
    let role = plan.leg.role.other();
    let ours: Playing = stage.play(plan);
    let inner = world.clone();
    let run = world.run(async move {
        let room = stage.join(JoinRequest {
            room: "demo".into(),
            role: Some(role),
            name: "stranger".into(),
            capabilities: Capabilities::default(),
            token: None,
        });
        let room = room.await;
        join(ours.result(), peer(inner, room)).await.0
    });
    run.unwrap().calls.remove(0)
}

async fn until_offer(room: &mut Room) {
    loop {
        if let RoomEvent::Signal { signal: Signal::Description { sdp_type: SdpType::Offer, .. }, .. } =
            room.next().await
        {
            return;
        }
    }
}

fn answer(sdp: &str) -> Signal {
    Signal::Description { sdp_type: SdpType::Answer, sdp: sdp.to_owned() }
}

fn verdict(played: &Played, subject: Subject) -> &Verdict {
    played.verdicts.iter().find(|verdict| verdict.subject == subject).expect("the subject is judged")
}

fn assert_failed(played: &Played, says: &str) {
    let tracks = verdict(played, Subject::Tracks);
    assert_eq!(tracks.status, Status::Failed);
    assert!(tracks.observed.contains(says), "{}", tracks.observed);
}

#[test]
fn a_peer_that_never_answers_fails_the_call_in_time() {
    let played = against(plan(Role::Caller), async |_, mut room| {
        until_offer(&mut room).await;
        loop {
            if let RoomEvent::Signal { signal: Signal::HangUp { reason }, .. } = room.next().await {
                assert!(reason.contains("not negotiated"), "{reason}");
                return;
            }
        }
    });
    assert_failed(&played, "answer");
}

#[test]
fn a_peer_that_leaves_before_its_answer_is_told_apart_from_one_that_is_slow() {
    let played = against(plan(Role::Caller), async |_, mut room| {
        until_offer(&mut room).await;
        drop(room);
    });
    assert_failed(&played, "");
    assert!(played.facts.vanished().is_some());
    let waited = played.facts.ended.as_ref().unwrap().at_us;
    assert!(waited < 1_000_000, "nobody is waited for who is gone: {waited} us");
}

#[test]
fn a_malformed_answer_is_rejected_and_named() {
    let played = against(plan(Role::Caller), async |world: Simulated, mut room| {
        until_offer(&mut room).await;
        room.send(None, answer("<html>502 Bad Gateway</html>"));
        world.sleep(Duration::from_secs(60)).await;
    });
    assert_failed(&played, "");
    let (sdp_type, error) = &played.facts.own().rejected[0];
    assert_eq!(*sdp_type, SdpType::Answer);
    assert!(error.contains("Error"), "{error}");
}

#[test]
fn an_answer_without_an_offer_changes_nothing() {
    let played = against(plan(Role::Callee), async |world: Simulated, room| {
        room.send(None, answer("v=0\r\n"));
        room.send(
            None,
            Signal::Candidate {
                candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".into(),
                sdp_mid: Some("0".into()),
                sdp_m_line_index: Some(0),
                username_fragment: None,
            },
        );
        room.send(None, Signal::Ext(serde_json::json!({ "type": "wave" })));
        world.sleep(Duration::from_secs(30)).await;
        drop(room);
    });
    let rejected = &played.facts.own().rejected;
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0].1.starts_with("InvalidStateError"), "{}", rejected[0].1);
    assert_failed(&played, "");
}
