//! What the bridge to a TURN server adds to a packet, and how much it carries, on loopback. The server is a stand-in that
//! sends back what it gets. Plain `main`: medians and their ratios to the limits, no statistics framework.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program of its own, which measures and prints"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use callcheck::engine::{IceServer, TurnBridge};
use callcheck::network::MachineNetwork;
use callcheck::world::{Live, World};

const LATENCY_LIMIT: Duration = Duration::from_micros(300);
const ROUNDS: usize = 5000;
/// As large as video comes.
const PACKET: usize = 1200;
/// 50 Mbit/s of payload, in bursts of a millisecond.
const MEGABITS: f64 = 50.0;
const SECONDS: u64 = 3;
/// Before a packet counts as lost.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() {
    let udp = udp_echo();
    let straight = Round::to(udp);
    let plain = straight.latency();
    let carried = straight.load();
    println!("straight UDP  there and back {plain:>8.1?}  {carried}");
    for (name, url) in [
        ("bridge, UDP", format!("turn:{udp}")),
        ("bridge, TCP", format!("turn:{}?transport=tcp", tcp_echo())),
    ] {
        let bridge = Bridge::start(url);
        let round = Round::through(bridge.address);
        let there_and_back = round.latency();
        // Two packets of each round passed the bridge.
        let added = there_and_back.saturating_sub(plain) / 2;
        let ratio = added.as_secs_f64() / LATENCY_LIMIT.as_secs_f64();
        println!(
            "{name:<13} there and back {there_and_back:>8.1?}, adds {added:.1?} a packet, {ratio:.3} of {LATENCY_LIMIT:?}"
        );
        let before = bridge.cpu();
        let carried = round.load();
        let busy = (bridge.cpu() - before).as_secs_f64() / Duration::from_secs(SECONDS).as_secs_f64();
        println!("{name:<13} {carried}, {:.0} % of one core", busy * 100.0);
    }
}

/// The bridge with a thread of its own, so that it has one core at most.
struct Bridge {
    address: SocketAddr,
    ticks: Arc<AtomicU64>,
}

impl Bridge {
    fn start(url: String) -> Self {
        let (tell, address) = channel();
        let ticks = Arc::new(AtomicU64::new(0));
        let shown = Arc::clone(&ticks);
        spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let world: Arc<dyn World> = Arc::new(Live::new(1));
                let server = IceServer {
                    urls: vec![url.clone()],
                    username: Some("me".to_owned()),
                    credential: Some("secret".to_owned()),
                };
                let own = ["127.0.0.1".parse().expect("an address")];
                let bridge = TurnBridge::open(&world, &MachineNetwork, &server, &url, &own);
                let bridge = bridge.await.expect("a bridge");
                tell.send(bridge.address()).expect("somebody waits");
                loop {
                    shown.store(thread_ticks(), Ordering::Relaxed);
                    world.sleep(Duration::from_millis(20)).await;
                }
            });
        });
        Self { address: address.recv().expect("the bridge opens"), ticks }
    }

    /// How long it has computed; zero where Linux does not tell.
    fn cpu(&self) -> Duration {
        // It looks every 20 ms.
        sleep(Duration::from_millis(50));
        Duration::from_millis(self.ticks.load(Ordering::Relaxed) * 10)
    }
}

/// User and system time of this thread, in hundredths of a second (proc(5)).
fn thread_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum()
}

/// One client.
struct Round(UdpSocket);

impl Round {
    fn to(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(server).expect("an address");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self(socket)
    }

    /// As the engine begins, and binds a channel, without which streams carry no ChannelData.
    fn through(bridge: SocketAddr) -> Self {
        let round = Self::to(bridge);
        let mut buffer = [0; 2048];
        for method in [3, 9] {
            let request = [&[0, method, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[method; 12]].concat();
            round.0.send(&request).expect("the bridge takes it");
            round.0.recv(&mut buffer).expect("the server answers");
        }
        round
    }

    /// The median of a packet's way there and back.
    fn latency(&self) -> Duration {
        let mut times: Vec<Duration> = (0..ROUNDS).map(|number| self.ping(number)).collect();
        times.sort_unstable();
        times[ROUNDS / 2]
    }

    fn ping(&self, number: usize) -> Duration {
        let (packet, mut buffer) = (packet(number), [0; 2048]);
        let begin = Instant::now();
        self.0.send(&packet).expect("sent");
        let length = self.0.recv(&mut buffer).expect("it comes back");
        let took = begin.elapsed();
        assert_eq!(buffer[..length], packet);
        took
    }

    fn load(&self) -> String {
        let receiver = self.0.try_clone().expect("a second handle");
        let counting = spawn(move || {
            let (mut buffer, mut count) = ([0; 2048], 0_u64);
            while receiver.recv(&mut buffer).is_ok() {
                count += 1;
            }
            count
        });
        let per_second = MEGABITS * 1e6 / 8.0 / PACKET as f64;
        let (begin, mut sent) = (Instant::now(), 0_u64);
        let packet = packet(0);
        while begin.elapsed() < Duration::from_secs(SECONDS) {
            while (sent as f64) < begin.elapsed().as_secs_f64() * per_second {
                self.0.send(&packet).expect("sent");
                sent += 1;
            }
            sleep(Duration::from_millis(1));
        }
        let back = counting.join().expect("the counter ends");
        format!("{MEGABITS} Mbit/s each way: {sent} packets, {} lost", sent - back)
    }
}

/// ChannelData (RFC 8656 §12.4).
fn packet(number: usize) -> Vec<u8> {
    let length = u16::try_from(PACKET - 4).expect("it fits").to_be_bytes();
    let mut packet = vec![0x40, 0, length[0], length[1]];
    packet.resize(PACKET, u8::try_from(number % 256).expect("a byte"));
    packet
}

/// What a server says to this: a success to a request, and anything else as it came.
fn echoed(message: &[u8]) -> Vec<u8> {
    let mut echo = message.to_vec();
    if echo[0] < 4 {
        echo[0] |= 1;
    }
    echo
}

fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&echoed(&buffer[..length]), from).expect("sent back");
        }
    });
    address
}

fn tcp_echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nodelay(true).expect("an option");
            spawn(move || echo_stream(stream));
        }
    });
    address
}

/// Both kinds of messages have their length at the same place; one of them does not count its header.
fn echo_stream(mut stream: TcpStream) {
    let mut head = [0; 4];
    while stream.read_exact(&mut head).is_ok() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let rest = if head[0] < 4 { length + 16 } else { length.next_multiple_of(4) };
        let mut message = head.to_vec();
        message.resize(4 + rest, 0);
        if stream.read_exact(&mut message[4..]).is_err() || stream.write_all(&echoed(&message)).is_err() {
            return;
        }
    }
}
