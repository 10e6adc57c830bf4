//! A network in memory on simulated time: every peer has one address, and what is sent arrives a moment later, in order.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Datagrams, Network, Socket, lock};
use crate::world::Simulated;

/// How long a datagram travels, as in one building. The ICE agent nominates no pair at the instant at which it was
/// started, so it must be more than nothing.
const LATENCY: Duration = Duration::from_micros(100);
/// The first port of a peer; each later socket of it has the next one.
const FIRST_PORT: u16 = 50_000;

/// The addresses between all peers of one simulated world. Clones share everything.
#[derive(Clone, Debug)]
pub struct SimulatedNetwork {
    world: Simulated,
    places: Arc<Mutex<Places>>,
}

#[derive(Debug, Default)]
struct Places {
    peers: u8,
    mailboxes: BTreeMap<SocketAddr, Arc<Mutex<Mailbox>>>,
}

#[derive(Debug, Default)]
struct Mailbox {
    datagrams: VecDeque<(Vec<u8>, SocketAddr)>,
    reader: Option<Waker>,
}

/// The network as one peer sees it.
#[derive(Debug)]
struct Host {
    network: SimulatedNetwork,
    ip: IpAddr,
    sockets: Mutex<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    made: u16,
    /// The address on the machine, and the one that others see, of the socket that is open.
    open: Option<(SocketAddr, SocketAddr)>,
    /// That of the last one, which may be asked for after it was closed.
    last: Option<(SocketAddr, SocketAddr)>,
}

#[derive(Debug)]
struct HostSocket {
    host: Arc<Host>,
    mailbox: Arc<Mutex<Mailbox>>,
    local: SocketAddr,
    seen: SocketAddr,
    /// Never read: it keeps the machine from giving its port, our name for it, to another socket.
    _name: UdpSocket,
}

impl SimulatedNetwork {
    /// An empty network.
    #[must_use]
    pub fn new(world: Simulated) -> Self {
        Self { world, places: Arc::default() }
    }

    /// The network of the next peer. Its address is 192.0.2.1 for the first peer, 192.0.2.2 for the second, and so on
    /// (RFC 5737: addresses that are nobody's).
    #[must_use]
    pub fn host(&self) -> Arc<dyn Network> {
        let mut places = self.places();
        places.peers += 1;
        let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, places.peers));
        Arc::new(HostNetwork(Arc::new(Host { network: self.clone(), ip, sockets: Mutex::default() })))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        lock(&self.places)
    }

    fn deliver(&self, datagram: Vec<u8>, from: SocketAddr, to: SocketAddr) {
        let Some(mailbox) = self.places().mailboxes.get(&to).cloned() else { return };
        let mut mailbox = lock(&mailbox);
        mailbox.datagrams.push_back((datagram, from));
        if let Some(reader) = mailbox.reader.take() {
            reader.wake();
        }
    }
}

/// A network hands out sockets that know it, so it is behind an `Arc`.
#[derive(Debug)]
struct HostNetwork(Arc<Host>);

impl Network for HostNetwork {
    fn udp(&self, socket: UdpSocket) -> io::Result<Socket> {
        let local = socket.local_addr()?;
        let mailbox = Arc::new(Mutex::new(Mailbox::default()));
        let seen = {
            let mut sockets = lock(&self.0.sockets);
            if sockets.open.is_some() {
                // With two, the engine would take them in the order of a hash map, and no run would be like another.
                let text = "a simulated peer has one address; bind it to one";
                return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, text));
            }
            let seen = SocketAddr::new(self.0.ip, FIRST_PORT + sockets.made);
            sockets.made += 1;
            sockets.open = Some((local, seen));
            sockets.last = sockets.open;
            seen
        };
        self.0.network.places().mailboxes.insert(seen, Arc::clone(&mailbox));
        let host = Arc::clone(&self.0);
        Ok(Socket::Datagrams(Arc::new(HostSocket { host, mailbox, local, seen, _name: socket })))
    }

    fn seen_as(&self, address: SocketAddr) -> SocketAddr {
        match lock(&self.0.sockets).last {
            Some((local, seen)) if local == address => seen,
            _ => address,
        }
    }
}

impl Datagrams for HostSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_send(&self, _: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        let (network, datagram, from) = (self.host.network.clone(), datagram.to_vec(), self.seen);
        self.host.network.world.after(LATENCY, move || network.deliver(datagram, from, to));
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut mailbox = lock(&self.mailbox);
        let Some((datagram, from)) = mailbox.datagrams.pop_front() else {
            mailbox.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Poll::Ready(Ok((length, from)))
    }
}

impl Drop for HostSocket {
    fn drop(&mut self) {
        lock(&self.host.sockets).open = None;
        self.host.network.places().mailboxes.remove(&self.seen);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn socket(network: &dyn Network) -> io::Result<Arc<dyn Datagrams>> {
        match network.udp(UdpSocket::bind("127.0.0.1:0")?)? {
            Socket::Datagrams(socket) => Ok(socket),
            Socket::System(_) => panic!("a simulated network has no sockets of the system"),
        }
    }

    #[test]
    fn peers_see_each_other_under_their_own_addresses() {
        let world = Simulated::new(1);
        let network = SimulatedNetwork::new(world.clone());
        let (a, b) = (network.host(), network.host());
        let (to_b, at_b) = (socket(&*a).unwrap(), socket(&*b).unwrap());
        let seen = b.seen_as(at_b.local_addr().unwrap());
        assert_eq!(seen.to_string(), "192.0.2.2:50000");
        let received = world.run(async move {
            poll_fn(|cx| to_b.poll_send(cx, b"hello", seen)).await.unwrap();
            let mut buffer = [0; 16];
            let (length, from) = poll_fn(|cx| at_b.poll_recv(cx, &mut buffer)).await.unwrap();
            (buffer[..length].to_vec(), from)
        });
        let (datagram, from) = received.unwrap();
        assert_eq!((datagram, from.to_string()), (b"hello".to_vec(), "192.0.2.1:50000".to_owned()));
        assert_eq!(world.elapsed(), LATENCY);
    }

    #[test]
    fn a_second_address_is_refused_until_the_first_is_gone() {
        let network = SimulatedNetwork::new(Simulated::new(1));
        let host = network.host();
        let first = socket(&*host).unwrap();
        assert_eq!(
            socket(&*host).unwrap_err().to_string(),
            "a simulated peer has one address; bind it to one"
        );
        drop(first);
        let again = socket(&*host).unwrap();
        assert_eq!(host.seen_as(again.local_addr().unwrap()).port(), FIRST_PORT + 1);
    }
}
