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
