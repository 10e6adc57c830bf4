//! What simulated calls cost. Plain `main`: figures and ratios, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use callcheck::expect::Status;
use callcheck::jsep::Role;
use callcheck::network::{Datagrams, ImpairedNetwork, Network, Socket};
use callcheck::plan::{Act, Expectation, Impairment, Later, Plan};
use callcheck::runner::Interrupt;
use callcheck::sim::{SimCall, explore, play};
use callcheck::world::{Simulated, World};
use futures::FutureExt;

const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    set_ups();
    idle_hour();
    busy_hour();
    threads();
    impairment();
    repeat();
}

/// The same figure in debug and in release: `cargo bench --bench sim --profile dev` prints it once more.
fn repeat() {
    let bad = Impairment::parse("loss=5%,jitter=30ms,reorder=2%,duplicate=1%", "--network").expect("valid");
    let call = call(|plan| (plan.network.caller, plan.network.callee) = (bad.clone(), bad.clone()));
    let timeline = play(&call, 7, true, never()).expect("it ends").timeline.expect("it was asked for");
    let text = format!("{:?}{:?}", timeline.header, timeline.events);
    // FNV-1a.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    println!("the timeline of seed 7: {} events, {hash:016x}", timeline.events.len());
}

fn never() -> Interrupt {
    futures::future::pending().boxed().shared()
}

fn call(change: impl Fn(&mut Plan)) -> SimCall {
    let plan = |role| {
        let mut plan = Plan::good(role);
        change(&mut plan);
        plan
    };
    SimCall { caller: plan(Role::Caller), callee: plan(Role::Callee), path: None }
}

/// Over as soon as it is connected: no demand on the media.
fn set_up() -> SimCall {
    call(|plan| {
        let any = Expectation::parse("tracks=any", plan.leg.role).expect("a valid expectation");
        plan.expectations.push(any);
        plan.leg.duration = Some(Duration::ZERO);
    })
}

fn set_ups() {
    let start = Instant::now();
    let call = set_up();
    for seed in 0..1000 {
        assert!(play(&call, seed, false, never()).expect("it ends").passed());
    }
    println!("1000 set-ups: {:.2} s (limit 10 s)", start.elapsed().as_secs_f64());
}

/// Connected, and on hold for an hour.
fn idle_hour() {
    let call = call(|plan| {
        if plan.leg.role == Role::Caller {
            let at = |after, act| Later { after, act };
            plan.leg.habits.later = vec![at(Duration::ZERO, Act::Hold), at(HOUR, Act::Resume)];
        }
    });
    report("a virtual hour without media", &call, 1.0);
}

/// Media for 3 s of each minute.
fn busy_hour() {
    let call = call(|plan| {
        if plan.leg.role == Role::Caller {
            plan.leg.habits.later = (0u64..60)
                .flat_map(|minute| {
                    let at = |seconds, act| Later { after: Duration::from_secs(minute * 60 + seconds), act };
                    [at(3, Act::Hold), at(60, Act::Resume)]
                })
                .collect();
        }
    });
    report("a virtual hour, media for 3 s of each minute", &call, 2.0);
}

fn report(what: &str, call: &SimCall, limit: f64) {
    let start = Instant::now();
    let outcome = play(call, 1, false, never()).expect("it ends");
    let took = start.elapsed().as_secs_f64();
    for verdict in [&outcome.caller, &outcome.callee].into_iter().flat_map(|side| &side.verdicts) {
        if verdict.status != Status::Passed {
            println!("  {}: {}", verdict.name(), verdict.observed);
        }
    }
    let passed = if outcome.passed() { "passed" } else { "did not pass" };
    println!("{what}: {took:.2} s for {:.0} s, {passed} (limit {limit} s)", outcome.took.as_secs_f64());
}

fn threads() {
    let timed = |threads| {
        let start = Instant::now();
        let found = explore(&set_up(), 1..=1000, threads, &never(), &|_| {});
        assert_eq!(found.passed, 1000);
        start.elapsed().as_secs_f64()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (one, all) = (timed(1), timed(cores));
    println!("1000 seeds: {one:.2} s on 1 thread, {all:.2} s on {cores}: {:.2} times as fast", one / all);
}

/// A datagram each way, with an impairment that does nothing at the moment and without any.
fn impairment() {
    const ROUNDS: u32 = 500_000;
    let world: Arc<dyn World> = Arc::new(Simulated::new(1));
    let later = Impairment::parse("loss=5%@1000s..2000s", "--network").expect("valid");
    let impaired = ImpairedNetwork::new(Arc::clone(&world), Arc::new(Nowhere), "bench", later.clone(), later);
    let measure = |network: &dyn Network| {
        let name = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let Ok(Socket::Datagrams(socket)) = network.udp(name) else { panic!("not a socket of ours") };
        let cx = &mut Context::from_waker(Waker::noop());
        let (datagram, mut buffer) = ([0x80; 1200], [0; 1500]);
        let start = Instant::now();
        for _ in 0..ROUNDS {
            assert!(socket.poll_send(cx, std::hint::black_box(&datagram), PEER).is_ready());
            assert!(socket.poll_recv(cx, std::hint::black_box(&mut buffer)).is_ready());
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(2 * ROUNDS)
    };
    let (bare, ours) = (measure(&Nowhere), measure(&impaired));
    println!("an idle impairment: {:.3} µs per packet (limit 2 µs; {bare:.3} without)", ours - bare);
}

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// Swallows what is sent, and always has something to receive.
#[derive(Debug)]
struct Nowhere;

impl Network for Nowhere {
    fn udp(&self, _: std::net::UdpSocket) -> io::Result<Socket> {
        Ok(Socket::Datagrams(Arc::new(Self)))
    }
}

impl Datagrams for Nowhere {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(PEER)
    }

    fn poll_send(&self, _: &mut Context<'_>, _: &[u8], _: SocketAddr) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        buffer[..1200].fill(0x80);
        Poll::Ready(Ok((1200, PEER)))
    }
}
