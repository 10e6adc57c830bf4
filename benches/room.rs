//! What the room server costs: messages passed on for a second of its processor time, and memory for sockets that say
//! nothing. The server is a process of its own on one thread, the clients are this one. Linux alone tells what is measured.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program of its own, which measures and prints"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callcheck::server::{Limits, Server, ServerConfig};
use callcheck::world::{Live, World};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Pairs of peers, each of which has so many messages on the way.
const PAIRS: usize = 16;
const WINDOW: usize = 32;
const MEASURED: Duration = Duration::from_secs(5);
const LEAST_PER_SECOND: f64 = 20_000.0;

const IDLE: usize = 5_000;
/// As many as fit into the rooms that a server has by default.
const PER_ROOM: usize = 5;
const MOST_MEGABYTES: f64 = 150.0;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--child") {
        return serve();
    }
    if !std::path::Path::new("/proc/self/stat").exists() {
        return println!("skipped: /proc tells what is measured here, and there is none");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        busy().await;
        idle().await;
    });
}

/// The room server on one thread, until it is killed.
fn serve() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let world: Arc<dyn World> = Arc::new(Live::new(1));
        let much = u32::MAX / 2;
        let limits = Limits { messages_per_second: much, burst: much, ..Limits::default() };
        let config = ServerConfig { limits, ..ServerConfig::default() };
        let address = "127.0.0.1:0".parse().expect("it is one");
        let server = Server::bind(world, address, config).await.expect("loopback has a free port");
        println!("ws://{}/room", server.local_addr());
        server.run(std::future::pending()).await;
    });
}

async fn busy() {
    let server = Process::start();
    let mut pairs = Vec::new();
    for index in 0..PAIRS {
        let room = format!("busy-{index}");
        pairs.push((join(&server.url, &room, "a").await, join(&server.url, &room, "b").await));
    }
    let (processor, begin) = (server.processor_time(), Instant::now());
    let counts = pairs.into_iter().map(|(from, to)| tokio::spawn(pump(from, to, begin + MEASURED)));
    let passed: usize = futures::future::join_all(counts)
        .await
        .into_iter()
        .map(|count| count.expect("no client unwinds"))
        .sum();
    let (took, used) = (begin.elapsed(), server.processor_time() - processor);
    let count = u32::try_from(passed).map_or(f64::MAX, f64::from);
    let (whole, each) = (count / took.as_secs_f64(), count / used.as_secs_f64());
    println!("room server, one thread, {PAIRS} pairs of peers, candidates of 160 bytes");
    println!("  messages passed on    {whole:>10.0} a second, beside the clients");
    println!(
        "  per second of its CPU {each:>10.0}   {:>6.2} of {LEAST_PER_SECOND} (at least 1)",
        each / LEAST_PER_SECOND
    );
}

/// Sends from one to the other, [`WINDOW`] ahead, until the time is over. How many arrived.
async fn pump(mut from: Socket, mut to: Socket, until: Instant) -> usize {
    let candidate = json!({
        "type": "candidate",
        "candidate": { "candidate": "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host generation 0", "sdpMid": "0", "sdpMLineIndex": 0 },
    });
    let text = candidate.to_string();
    let (mut sent, mut arrived) = (0, 0);
    while Instant::now() < until {
        while sent < arrived + WINDOW {
            from.feed(Message::text(text.clone())).await.expect("the room reads");
            sent += 1;
        }
        from.flush().await.expect("the room reads");
        match to.next().await.expect("the room is there").expect("it says what can be read") {
            Message::Text(text) if text.contains("\"candidate\"") => arrived += 1,
            _ => {}
        }
    }
    arrived
}

async fn idle() {
    let server = Process::start();
    let before = server.megabytes();
    let mut sockets = Vec::new();
    for index in 0..IDLE {
        let socket =
            join(&server.url, &format!("idle-{}", index / PER_ROOM), &format!("peer-{}", index % PER_ROOM))
                .await;
        // Whoever reads answers pings.
        sockets.push(tokio::spawn(socket.for_each(|_| std::future::ready(()))));
    }
    // Over the first pings, which cost memory too.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = server.megabytes();
    let open = sockets.iter().filter(|socket| !socket.is_finished()).count();
    println!("room server, {open} idle sockets");
    println!(
        "  resident memory       {after:>10.1} MB (empty {before:.1})   {:>6.2} of {MOST_MEGABYTES}",
        after / MOST_MEGABYTES
    );
    assert_eq!(open, IDLE, "the room holds them all");
}

async fn join(url: &str, room: &str, name: &str) -> Socket {
    let (mut socket, _) =
        connect_async(url).await.expect("the room lets us in; `ulimit -n 12000` may be needed");
    let join = json!({ "type": "join", "room": room, "name": name });
    socket.send(Message::text(join.to_string())).await.expect("the room reads");
    let joined = socket.next().await.expect("the room answers").expect("it says what can be read");
    assert!(joined.to_text().is_ok_and(|text| text.contains("\"joined\"")), "{joined}");
    socket
}

/// The server's process. Killed when dropped.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start() -> Self {
        let program = std::env::current_exe().expect("we run");
        let mut child = Command::new(program)
            .arg("--child")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts once more");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut url).expect("it says where it is");
        Self { child, url: url.trim().to_owned() }
    }

    /// In user and system mode together (proc_pid_stat(5), fields 14 and 15, in ticks of 10 ms).
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks: u64 = fields[11..13].iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    fn megabytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells it");
        let kibibytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
        kibibytes.expect("it is a number") * 1024.0 / 1e6
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; nobody waits for its answer.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
