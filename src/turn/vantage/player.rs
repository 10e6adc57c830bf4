//! The other machine's end: it opens sockets, sends and tells what arrives, as whoever asks for it says. Within bounds: what
//! it sends and what it tells begins with the asker's stamp, is small and little, and no socket lives for long.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{Either, select};

use super::PREFIX;
use super::message::{Bytes, OutsideMessage};
use crate::stun::{Outside, Stop};
use crate::world::{Task, World, spawn};

/// So many sockets are open at a time, for everybody together.
const SOCKETS: usize = 16;

/// No socket is open for longer.
const LIFETIME: Duration = Duration::from_secs(60);

/// So many datagrams are sent from a socket, and so many are told.
const DATAGRAMS: usize = 64;

/// No datagram is larger, in bytes.
const LARGEST: usize = 64;

/// A stamp has so many bytes at least.
const STAMP: usize = 16;

/// So many servers are asked how they see a socket.
const SERVERS: usize = 2;

/// How long each of six attempts to ask may take.
const MAPPING: Duration = Duration::from_millis(175);

/// Who asks: its name in the room.
type Name = String;

/// Where messages go: to whom, and what is said.
type Tell = mpsc::UnboundedSender<(Name, OutsideMessage)>;

/// Does what `asks` say, each with the name of its sender, and answers to `tell`, until there are no more.
pub async fn play_outside(
    world: Arc<dyn World>,
    mut asks: mpsc::UnboundedReceiver<(Name, OutsideMessage)>,
    tell: Tell,
) {
    let mut sockets: BTreeMap<(Name, u64), Socket> = BTreeMap::new();
    while let Some((name, message)) = asks.next().await {
        sockets.retain(|_, socket| !socket.orders.is_closed());
        let id = message.socket();
        match message {
            OutsideMessage::Open { stamp, servers, .. } => {
                let why = match sockets.len() {
                    _ if stamp.0.len() < STAMP || stamp.0.len() > LARGEST || !stamp.0.starts_with(PREFIX) => {
                        Some("that is no stamp")
                    }
                    SOCKETS.. => Some("too many sockets are open"),
                    _ => None,
                };
                if let Some(why) = why {
                    // Nobody hears it once the room is lost.
                    drop(tell.unbounded_send((name, refused(id, why))));
                    continue;
                }
                let (orders, taken) = mpsc::unbounded();
                let line = Line { name: name.clone(), id, tell: tell.clone() };
                let run = run(Arc::clone(&world), line, stamp.0, servers, taken);
                sockets.insert((name, id), Socket { orders, _task: spawn(&*world, run) });
            }
            OutsideMessage::Send { to, payloads, .. } => {
                if let Some(socket) = sockets.get(&(name, id)) {
                    // It may have closed itself meanwhile, and then it answers nothing.
                    drop(socket.orders.unbounded_send((to, payloads)));
                }
            }
            OutsideMessage::Close { .. } => drop(sockets.remove(&(name, id))),
            // What we say ourselves.
            OutsideMessage::Opened { .. }
            | OutsideMessage::Refused { .. }
            | OutsideMessage::Sent { .. }
            | OutsideMessage::Arrived { .. } => {}
        }
    }
}

fn refused(socket: u64, reason: &str) -> OutsideMessage {
    OutsideMessage::Refused { socket, reason: reason.to_owned() }
}

/// What is to be sent, and to whom.
type Order = (SocketAddr, Vec<Bytes>);

struct Socket {
    orders: mpsc::UnboundedSender<Order>,
    /// Ends with it.
    _task: Task,
}

/// The way back to the asker of one socket.
struct Line {
    name: Name,
    id: u64,
    tell: Tell,
}

impl Line {
    fn say(&self, message: OutsideMessage) {
        // Nobody hears it once the room is lost.
        drop(self.tell.unbounded_send((self.name.clone(), message)));
    }
}

async fn run(
    world: Arc<dyn World>,
    line: Line,
    stamp: Vec<u8>,
    servers: Vec<SocketAddr>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let end = world.now() + LIFETIME;
    // Kept until the end, so that it never stops.
    let (_never, stop) = Stop::pair();
    let socket = match open(&world, &line, servers, stop).await {
        Ok((socket, mapped)) => {
            line.say(OutsideMessage::Opened { socket: line.id, mapped });
            socket
        }
        Err(why) => return line.say(refused(line.id, &why)),
    };
    let (mut may_send, mut may_tell) = (DATAGRAMS, DATAGRAMS);
    loop {
        let arrives = Box::pin(socket.receive(end));
        match select(orders.next(), arrives).await {
            Either::Left((Some((to, payloads)), _)) => {
                for Bytes(payload) in payloads {
                    let fits = payload.len() <= LARGEST && payload.starts_with(&stamp);
                    if may_send > 0 && fits && is_one(to) {
                        may_send -= 1;
                        socket.send(&payload, to).await;
                    }
                }
                line.say(OutsideMessage::Sent { socket: line.id });
            }
            Either::Right((Ok(Some((payload, from))), _)) => {
                if may_tell > 0 && payload.len() <= LARGEST && payload.starts_with(&stamp) {
                    may_tell -= 1;
                    line.say(OutsideMessage::Arrived { socket: line.id, from, payload: Bytes(payload) });
                }
            }
            // It is closed, out of time, or gone.
            Either::Left((None, _)) | Either::Right(_) => return,
        }
    }
}

async fn open(
    world: &Arc<dyn World>,
    line: &Line,
    servers: Vec<SocketAddr>,
    stop: Stop,
) -> Result<(Outside, SocketAddr), String> {
    let Some(first) = servers.first() else {
        return Err("no server was named that could say how it sees a socket".to_owned());
    };
    let label = format!("outside for {} {}", line.name, line.id);
    let opened = Outside::open(world, *first, &label, stop).await;
    let mut socket = opened.map_err(|error| format!("no socket: {error}"))?;
    for server in servers.into_iter().take(SERVERS).filter(|server| is_one(*server)) {
        if let Ok(Some(mapped)) = socket.mapped(server, MAPPING).await {
            return Ok((socket, mapped));
        }
    }
    Err("UDP does not pass between it and the server either".to_owned())
}

/// Whether it is the address of one machine.
fn is_one(to: SocketAddr) -> bool {
    let many = match to.ip() {
        IpAddr::V4(ip) => ip.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    !many && !to.ip().is_multicast() && !to.ip().is_unspecified() && to.port() != 0
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::world::Live;

    /// Answers Binding requests with an address of its choice.
    fn server() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a server beside the world under test")]
        std::thread::spawn(move || {
            let mut buffer = [0; 200];
            while let Ok((_, from)) = socket.recv_from(&mut buffer) {
                let head = [&[1, 1, 0, 12], &buffer[4..20]].concat();
                // 198.51.100.5:4000, each with the cookie in it (RFC 8489 §14.2).
                let mapped = [
                    0,
                    0x20,
                    0,
                    8,
                    0,
                    1,
                    0x0f ^ 0x21,
                    0xa0 ^ 0x12,
                    198 ^ 0x21,
                    51 ^ 0x12,
                    100 ^ 0xa4,
                    5 ^ 0x42,
                ];
                socket.send_to(&[head, mapped.to_vec()].concat(), from).unwrap();
            }
        });
        address
    }

    struct Yard {
        asks: mpsc::UnboundedSender<(Name, OutsideMessage)>,
        told: mpsc::UnboundedReceiver<(Name, OutsideMessage)>,
        _playing: Task,
    }

    impl Yard {
        fn open() -> Self {
            let world: Arc<dyn World> = Arc::new(Live::new(1));
            let (asks, asked) = mpsc::unbounded();
            let (tell, told) = mpsc::unbounded();
            Self { asks, told, _playing: spawn(&*world, play_outside(Arc::clone(&world), asked, tell)) }
        }

        fn ask(&self, message: OutsideMessage) {
            self.asks.unbounded_send(("prober".to_owned(), message)).unwrap();
        }

        async fn answer(&mut self) -> OutsideMessage {
            let (name, message) = self.told.next().await.unwrap();
            assert_eq!(name, "prober");
            message
        }
    }

    fn stamped(more: &str) -> Vec<u8> {
        [b"callcheck-of-ours", more.as_bytes()].concat()
    }

    #[tokio::test]
    async fn nothing_is_sent_or_told_but_what_carries_the_stamp() {
        let mut yard = Yard::open();
        let stamp = Bytes(stamped(""));
        yard.ask(OutsideMessage::Open { socket: 7, stamp, servers: vec![server()] });
        let mapped = "198.51.100.5:4000".parse().unwrap();
        assert_eq!(yard.answer().await, OutsideMessage::Opened { socket: 7, mapped });

        let relay = UdpSocket::bind("127.0.0.1:0").unwrap();
        relay.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let to = relay.local_addr().unwrap();
        let payloads =
            ["GET / HTTP/1.1".into(), stamped(&"x".repeat(99)), stamped("good")].map(Bytes).to_vec();
        yard.ask(OutsideMessage::Send { socket: 7, to, payloads });
        assert_eq!(yard.answer().await, OutsideMessage::Sent { socket: 7 });
        let mut buffer = [0; 200];
        let (length, from) = relay.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..length], stamped("good"), "the others were not sent");

        for payload in [b"hello".to_vec(), stamped("back")] {
            relay.send_to(&payload, from).unwrap();
        }
        let payload = Bytes(stamped("back"));
        assert_eq!(yard.answer().await, OutsideMessage::Arrived { socket: 7, from: to, payload });
        yard.ask(OutsideMessage::Close { socket: 7 });
    }

    #[tokio::test]
    async fn whoever_asks_for_too_much_is_refused() {
        let mut yard = Yard::open();
        let open = |socket, stamp: &[u8]| OutsideMessage::Open {
            socket,
            stamp: Bytes(stamp.to_vec()),
            servers: Vec::new(),
        };
        for (stamp, why) in [
            (&b""[..], "that is no stamp"),
            (b"callcheck-short", "that is no stamp"),
            (b"not-of-callcheck-and-long", "that is no stamp"),
            (b"callcheck-of-ours", "no server was named that could say how it sees a socket"),
        ] {
            yard.ask(open(1, stamp));
            assert_eq!(yard.answer().await, refused(1, why));
        }
        let first = server();
        for socket in 0..=SOCKETS as u64 {
            yard.ask(OutsideMessage::Open { socket, stamp: Bytes(stamped("")), servers: vec![first] });
        }
        let mut refusals = 0;
        for _ in 0..=SOCKETS {
            refusals += u32::from(matches!(yard.answer().await, OutsideMessage::Refused { .. }));
        }
        assert_eq!(refusals, 1);
        assert!(!is_one("255.255.255.255:9".parse().unwrap()) && !is_one("224.0.0.1:9".parse().unwrap()));
    }
}
