//! What the sinks report is what was done on purpose, on both clocks.

use std::sync::Arc;
use std::time::Duration;

use callcheck::jsep::{MediaKind, Role};
use callcheck::sim::{Outcome, SimCall, play_live};
use callcheck::timeline::{Carries, ImpairedPackets, InboundMedia, Kind, Way};
use callcheck::world::{Live, World};

use crate::calls::{alone, call, expect, impairment, never, played};

/// Sound alone: a frame for each packet, and what is lost stays lost.
fn sound_over(network: &str, seconds: u64) -> SimCall {
    let mut call = call(|plan| {
        plan.leg.send.retain(|track| track.kind == MediaKind::Audio);
        plan.leg.receive = vec![MediaKind::Audio];
        expect(plan, "tracks=audio");
        plan.network.caller = impairment(network);
        if plan.leg.role == Role::Caller {
            plan.leg.duration = Some(Duration::from_secs(seconds));
        }
    });
    // The clocks are compared over the room; at once there and back leaves nothing open.
    call.path = None;
    call
}

/// The call on simulated time, and on the real clock.
fn on_both_clocks(call: &SimCall) -> [(&'static str, Outcome); 2] {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _alone = alone();
    let live = runtime.block_on(async {
        let world: Arc<dyn World> = Arc::new(Live::new(3));
        play_live(call, world, true, never()).await.unwrap()
    });
    [("virtual", played(call, 3)), ("real", live)]
}

/// The last word on what was done to the caller's media, and on what the callee got of it.
fn done_and_seen(outcome: &Outcome) -> (ImpairedPackets, InboundMedia) {
    let events = || outcome.timeline.as_ref().unwrap().events.iter().rev();
    let done = events().find_map(|event| match &event.kind {
        Kind::Impairment(done) if event.id.starts_with("caller") => Some(done.clone()),
        _ => None,
    });
    let done =
        done.unwrap().into_iter().find(|row| (row.direction, row.carries) == (Way::Sent, Carries::Rtp));
    let seen = outcome.callee.facts.own().inbound.as_ref().unwrap()[0].clone();
    (done.unwrap(), seen)
}

#[test]
fn losses_agree() {
    for (clock, outcome) in on_both_clocks(&sound_over("loss=10%", 4)) {
        let (done, seen) = done_and_seen(&outcome);
        assert!(done.lost > 5, "{clock}: {done:?}");
        // What was lost last is missed only once something follows it; the two sides count at moments of their own.
        let difference = done.lost.abs_diff(seen.packets_lost);
        assert!(
            difference <= 2 + done.lost / 10,
            "{clock}: {} were lost, {} are missing",
            done.lost,
            seen.packets_lost
        );
        assert_eq!(seen.packets_lost, seen.frames_lost, "{clock}");
    }
}

#[test]
fn bursts_agree() {
    let (done, seen) = done_and_seen(&played(&sound_over("loss=10%,burst=5", 60), 3));
    assert!((200..400).contains(&done.lost), "{done:?}");
    assert!(done.lost.abs_diff(seen.packets_lost) <= 5, "{done:?} {}", seen.packets_lost);
}

#[test]
fn delays_agree() {
    let clean = on_both_clocks(&sound_over("delay=1us", 2));
    let slow = on_both_clocks(&sound_over("delay=80ms", 2));
    for ((clock, clean), (_, slow)) in clean.iter().zip(&slow) {
        let ms = |outcome: &Outcome| done_and_seen(outcome).1.latency.unwrap().p50_ms;
        let (done, _) = done_and_seen(slow);
        assert!((done.mean_delay_ms.unwrap() - 80.0).abs() < 0.1, "{clock}: {done:?}");
        let allowed = if *clock == "virtual" { 0.5 } else { 8.0 };
        let added = ms(slow) - ms(clean);
        assert!((added - 80.0).abs() < allowed, "{clock}: {added:.1} ms were added, {allowed:.1} allowed");
    }
}

#[test]
fn reordering_agrees() {
    for (clock, outcome) in on_both_clocks(&sound_over("reorder=10%", 4)) {
        let (done, seen) = done_and_seen(&outcome);
        assert!(done.reordered > 5, "{clock}: {done:?}");
        // Two in a row that are held back keep their order, but are overtaken all the same.
        let difference = done.reordered.abs_diff(seen.reordered);
        assert!(
            difference <= 2 + done.reordered / 10,
            "{clock}: {} were held back, {} came late",
            done.reordered,
            seen.reordered
        );
        // One that is held back at the very end is missing still.
        assert!(seen.frames_lost <= 3, "{clock}: {seen:?}");
    }
}

#[test]
fn a_block_holds_for_its_time_and_a_rate_for_its_bits() {
    let (done, seen) = done_and_seen(&played(&sound_over("block@2s..3s", 4), 3));
    assert!((45..=55).contains(&done.blocked), "{done:?}");
    assert_eq!(done.blocked, seen.packets_lost);
    // Sound takes about 50 kbit/s with headers: half of it gets through.
    let (done, seen) = done_and_seen(&played(&sound_over("rate=25kbps@1s..", 10), 3));
    assert!(done.overflowed > 100, "{done:?}");
    assert!(done.overflowed.abs_diff(seen.packets_lost) <= 20, "{done:?} {}", seen.packets_lost);
}
