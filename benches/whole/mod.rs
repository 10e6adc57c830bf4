//! Whole calls as people make them: both sides through the runner, over a room, judged.

mod load;
mod processes;
mod stage;

use std::time::Duration;

use callcheck::facts::{MidFacts, PeerFacts};
use callcheck::jsep::Role;
use callcheck::runner::Played;
use callcheck::timeline::Proof;

use stage::{Stage, plan, quick};

pub(crate) use load::{child, load};
pub(crate) use processes::processes;

/// A call this slow has lost a connectivity check, which the engine repeats after 200 ms.
const LOST_A_CHECK_MS: f64 = 150.0;

/// Set-up of that many calls, one after the other: until both sides are connected, and until both have read a frame.
/// Gives the median time to the first frames, in ms.
pub(crate) fn set_up(calls: usize) -> f64 {
    println!("whole calls in one process, a room in memory, {calls} calls one after the other");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (mut connected, mut frames, mut failed) = (Vec::new(), Vec::new(), 0);
    runtime.block_on(async {
        let stage = Stage::new();
        for number in 0..calls {
            let (caller, callee) = stage
                .call(number, plan(Role::Caller, Duration::ZERO), plan(Role::Callee, Duration::ZERO))
                .await;
            if !(caller.passed() && callee.passed()) {
                failed += 1;
            }
            connected.extend(both(&caller, |peer| peer.timing.connected));
            frames.extend(both(&caller, first_stamped_frames));
        }
    });
    let (quick, slow): (Vec<f64>, Vec<f64>) = connected.iter().partition(|ms| **ms < LOST_A_CHECK_MS);
    line("createOffer to both connected", &connected, Some((6.0, 12.0)));
    println!(
        "  of these slower than {LOST_A_CHECK_MS} ms: {} of {} (target: at most 2 %)",
        slow.len(),
        connected.len()
    );
    if !slow.is_empty() {
        line("without the slow ones", &quick, None);
    }
    line("to the first stamped frames, both sides", &frames, Some((50.0, f64::INFINITY)));
    println!(
        "  measured {} and {} of {calls}, not passed {failed}: {}",
        connected.len(),
        frames.len(),
        met(failed == 0 && connected.len() == calls && frames.len() == calls)
    );
    at(&frames, 0.5)
}

/// What is left behind by that many calls made and closed in a row.
pub(crate) fn in_a_row(calls: usize) {
    println!("{calls} calls made and closed in a row: what stays");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let stage = Stage::new();
        for number in 0..=calls {
            if [0, calls / 5, calls].contains(&number) {
                // What was closed last is given a moment to go.
                tokio::time::sleep(Duration::from_millis(300)).await;
                let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
                println!(
                    "  after {number:>4}: {:>7} KiB resident, {:>3} descriptors, {tasks:>3} tasks",
                    memory_kib("VmRSS"),
                    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
                );
            }
            stage
                .call(
                    number,
                    quick(plan(Role::Caller, Duration::ZERO)),
                    quick(plan(Role::Callee, Duration::ZERO)),
                )
                .await;
        }
    });
}

/// The later of both sides' times since the caller's createOffer, in ms.
fn both(caller: &Played, time: impl Fn(&PeerFacts) -> Option<u64>) -> Option<f64> {
    let (own, other) = (caller.facts.own(), caller.facts.other());
    let zero = i64::try_from(own.timing.zero?).ok()?;
    let ours = i64::try_from(time(own)?).ok()?;
    // Both sides read one clock here, so what was measured between their clocks is taken out again.
    let (measured, _) = caller.facts.clock_offset?;
    let theirs = i64::try_from(time(other)?).ok()? + other.shift_us? + measured;
    Some((ours.max(theirs) - zero) as f64 / 1e3)
}

/// When the last of a side's remote tracks has shown its first frame, if all are proven by stamps.
fn first_stamped_frames(peer: &PeerFacts) -> Option<u64> {
    let stamped = |mid: &MidFacts| matches!(mid.proof, Some((_, Proof::Stamped)));
    let frames: Option<Vec<u64>> =
        peer.mids.values().map(|mid| mid.first_frame_us.filter(|_| stamped(mid))).collect();
    frames?.into_iter().max()
}

fn line(what: &str, values: &[f64], targets: Option<(f64, f64)>) {
    let (median, p95) = (at(values, 0.5), at(values, 0.95));
    let verdict = match targets {
        None => String::new(),
        Some((_, most)) if most.is_infinite() => {
            let (most, _) = targets.unwrap_or_default();
            format!("   target median {most} ms: {}", met(median <= most))
        }
        Some((middle, most)) => {
            format!("   target {middle} / {most} ms: {}", met(median <= middle && p95 <= most))
        }
    };
    println!("  {what:<40} median {median:6.1} ms   p95 {p95:6.1} ms{verdict}");
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// A line of proc(5) status, in KiB.
fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or_default()
}
