//! Whole calls as people make them: both sides through the runner, over a room, judged.

mod load;
mod processes;
mod stage;

use std::time::Duration;

use callcheck::jsep::Role;
use callcheck::runner::Played;

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
            connected.extend(both(&caller, |timing| timing.connected));
            frames.extend(both(&caller, |timing| timing.first_frame));
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
    line("to the first frame on both sides", &frames, Some((50.0, f64::INFINITY)));
    println!("  not passed: {failed}");
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

/// The later of both sides' times since the caller's createOffer, in ms, as the caller knows them.
fn both(caller: &Played, time: impl Fn(&callcheck::facts::Timing) -> Option<u64>) -> Option<f64> {
    let (own, other) = (caller.facts.own(), caller.facts.other());
    let zero = i64::try_from(own.timing.zero?).ok()?;
    let ours = i64::try_from(time(&own.timing)?).ok()?;
    let theirs = i64::try_from(time(&other.timing)?).ok()? + other.shift_us?;
    Some((ours.max(theirs) - zero) as f64 / 1e3)
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
    println!("  {what:<34} median {median:6.1} ms   p95 {p95:6.1} ms{verdict}");
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
