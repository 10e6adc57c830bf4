//! A network in memory, for tests that run without Tokio: what is sent is there at once, in order, and never lost.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::{Datagrams, Network, Socket};

/// Every socket of one test. Clones share everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryNetwork(Arc<Mutex<BTreeMap<SocketAddr, Arc<Mutex<Mailbox>>>>>);

#[derive(Debug, Default)]
struct Mailbox {
    datagrams: VecDeque<(Vec<u8>, SocketAddr)>,
    reader: Option<Waker>,
}

#[derive(Debug)]
struct MemorySocket {
    network: MemoryNetwork,
    mailbox: Arc<Mutex<Mailbox>>,
    address: SocketAddr,
    /// Never read: it keeps the machine from giving its port, our address, to another socket.
    _name: UdpSocket,
}

impl Network for MemoryNetwork {
    fn udp(&self, socket: UdpSocket) -> io::Result<Socket> {
        let address = socket.local_addr()?;
        let mailbox = Arc::new(Mutex::new(Mailbox::default()));
        self.0.lock().unwrap().insert(address, Arc::clone(&mailbox));
        Ok(Socket::Datagrams(Arc::new(MemorySocket {
            network: self.clone(),
            mailbox,
            address,
            _name: socket,
        })))
    }
}

impl Datagrams for MemorySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn poll_send(&self, _: &mut Context<'_>, datagram: &[u8], to: SocketAddr) -> Poll<io::Result<()>> {
        let receiver = self.network.0.lock().unwrap().get(&to).cloned();
        if let Some(receiver) = receiver {
            let mut mailbox = receiver.lock().unwrap();
            mailbox.datagrams.push_back((datagram.to_vec(), self.address));
            if let Some(reader) = mailbox.reader.take() {
                reader.wake();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut mailbox = self.mailbox.lock().unwrap();
        let Some((datagram, from)) = mailbox.datagrams.pop_front() else {
            mailbox.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Poll::Ready(Ok((length, from)))
    }
}

impl Drop for MemorySocket {
    fn drop(&mut self) {
        self.network.0.lock().unwrap().remove(&self.address);
    }
}
