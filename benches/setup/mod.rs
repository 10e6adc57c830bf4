//! Set-up: from createOffer until both sides are connected, on loopback, over a room in memory, audio and video both
//! ways. The bare engine with its defaults beside ours, in one run.

mod bare;
mod ours;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// Checks that are lost are repeated after 200 ms; a call this slow has lost one.
const LOST_A_CHECK: Duration = Duration::from_millis(150);
/// A call that takes longer has failed.
const GIVE_UP: Duration = Duration::from_secs(10);

/// Prints both figures for that many calls each.
pub(crate) fn run(calls: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("set-up, createOffer to both connected, {calls} calls each");
    runtime.block_on(async {
        report("bare engine", &measure(calls, bare::call).await);
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        report("callcheck's engine", &measure(calls, |number| ours::call(number, &loopback)).await);
        let every = callcheck::engine::local_addresses(true);
        let name = format!("the same, {} addresses", every.len());
        report(&name, &measure(calls, |number| ours::call(number, &every)).await);
    });
}

/// One after the other, as a person would make them.
async fn measure<F: Future<Output = Option<Duration>>>(
    calls: usize,
    call: impl Fn(usize) -> F,
) -> Vec<Option<Duration>> {
    let mut times = Vec::with_capacity(calls);
    for number in 0..calls {
        times.push(call(number).await);
    }
    times
}

fn report(name: &str, times: &[Option<Duration>]) {
    let mut done: Vec<Duration> = times.iter().flatten().copied().collect();
    done.sort();
    let slow = done.iter().filter(|time| **time >= LOST_A_CHECK).count();
    let at =
        |share: f64| done[((done.len() as f64 * share) as usize).min(done.len() - 1)].as_secs_f64() * 1e3;
    if done.is_empty() {
        println!("  {name:<24} no call was connected");
        return;
    }
    println!(
        "  {name:<24} median {:6.1} ms   p95 {:6.1} ms   max {:6.1} ms   slower than 150 ms: {slow}   failed: {}",
        at(0.5),
        at(0.95),
        at(1.0),
        times.len() - done.len()
    );
}

/// Prints the cost of that many calls at the same time, audio and video both ways, for each engine.
pub(crate) fn load(calls: usize, time: Duration) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("media, {calls} calls at the same time for {} s, audio and video both ways", time.as_secs());
    runtime.block_on(async {
        let bare = under_load("bare engine", calls, time, |number| bare::media_call(number, time)).await;
        let ours =
            under_load("callcheck's engine", calls, time, |number| ours::media_call(number, time)).await;
        println!("  CPU beside the bare engine: {:.2}", ours / bare);
    });
}

/// The CPU seconds of one packet received.
async fn under_load<F>(name: &str, calls: usize, time: Duration, call: impl Fn(usize) -> F) -> f64
where
    F: Future<Output = Option<(Traffic, Traffic)>> + Send + 'static,
{
    let before = cpu_seconds();
    let running: Vec<_> = (0..calls).map(|number| tokio::spawn(call(number))).collect();
    let (mut all, mut failed) = (Traffic::default(), 0);
    for call in running {
        match call.await.ok().flatten() {
            Some((a, b)) => {
                all.sent += a.sent + b.sent;
                all.received += a.received + b.received;
            }
            None => failed += 1,
        }
    }
    let cpu = cpu_seconds() - before;
    println!(
        "  {name:<24} CPU {:5.1} % of a core   sent {}   received {}   failed: {failed}",
        cpu / time.as_secs_f64() * 100.0,
        all.sent,
        all.received
    );
    cpu / all.received as f64
}

/// The load of that many calls on the bare engine: CPU seconds, packets received, packets lost and calls failed.
pub(crate) async fn bare_load(calls: usize, time: Duration) -> (f64, u64, u64) {
    let before = cpu_seconds();
    let running: Vec<_> = (0..calls).map(|number| tokio::spawn(bare::media_call(number, time))).collect();
    let (mut received, mut lost) = (0, 0);
    for call in running {
        match call.await.ok().flatten() {
            Some((a, b)) => {
                received += a.received + b.received;
                lost += (a.sent + b.sent).saturating_sub(a.received + b.received);
            }
            None => lost += 1,
        }
    }
    (cpu_seconds() - before, received, lost)
}

/// RTP packets.
#[derive(Clone, Copy, Default)]
struct Traffic {
    sent: u64,
    received: u64,
}

/// Media is made in steps of this length: audio at 50 packets/s, video at 33 frames/s of four packets.
const STEP: Duration = Duration::from_millis(10);

/// What is due in a step: the track, and how many packets of how many bytes.
fn due(step: u32) -> impl Iterator<Item = (usize, usize)> {
    let audio = usize::from(step.is_multiple_of(2));
    let video = if step.is_multiple_of(3) { 4 } else { 0 };
    std::iter::repeat_n((0, 120), audio).chain(std::iter::repeat_n((1, 1000), video))
}

/// User and system time of this process (proc(5), in ticks of 10 ms).
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// What goes through the room.
enum Signal<C> {
    Offer(String),
    Answer(String),
    Candidate(C),
    Done,
}

/// Waits for both ends of a call.
async fn both<T>(
    a: impl Future<Output = Option<T>> + Send + 'static,
    b: impl Future<Output = Option<T>> + Send + 'static,
) -> Option<(T, T)>
where
    T: Send + 'static,
{
    let (a, b) = (tokio::spawn(a), tokio::spawn(b));
    Some((a.await.ok()??, b.await.ok()??))
}

/// The later of two instants, since the first.
fn elapsed(began: Instant, ends: (Instant, Instant)) -> Duration {
    ends.0.max(ends.1) - began
}
