//! The rooms on a TCP port.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, select_biased};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::http::GREETING;
use super::{Hub, ServerConfig, socket};
use crate::signaling::message::shorten;
use crate::world::{self, Task, World, timeout};

/// How long whoever has the port may take to say who it is.
const ASK_WITHIN: Duration = Duration::from_secs(1);
/// The pause before a port is tried again that is taken while nobody listens there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long connections may take to end when the server does.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The pause after a failed accept: the machine is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A room server that owns its port.
#[derive(Debug)]
pub struct Server {
    world: Arc<dyn World>,
    listener: TcpListener,
    address: SocketAddr,
    hub: Hub,
}

/// Why a room server could not take its port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// A callcheck room has it already.
    #[error("a callcheck room already runs at {0}; join it, or choose another port")]
    RoomRuns(SocketAddr),
    /// Another program has it.
    #[error("{address} is taken by another program, which {said}; stop it, or choose another port")]
    PortTaken {
        /// Where.
        address: SocketAddr,
        /// What it said when asked, such as `answered "SSH-2.0"`.
        said: String,
    },
    /// The operating system refused for another reason.
    #[error("cannot listen at {address}: {reason}; choose an address of this machine and a port above 1023")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What it said.
        reason: String,
    },
}

impl Server {
    /// Takes the port; nobody is served before [`Server::run`].
    ///
    /// # Errors
    /// [`BindError`] tells whether a callcheck room or another program has the port.
    pub async fn bind(
        world: Arc<dyn World>,
        address: SocketAddr,
        config: ServerConfig,
    ) -> Result<Self, BindError> {
        let end = world.now() + ASK_WITHIN;
        loop {
            let bound = TcpListener::bind(address).await.and_then(|listener| {
                let address = listener.local_addr()?;
                Ok((listener, address))
            });
            let error = match bound {
                Ok((listener, address)) => {
                    let hub = Hub::new(Arc::clone(&world), config);
                    return Ok(Self { world, listener, address, hub });
                }
                Err(error) => error,
            };
            if error.kind() != io::ErrorKind::AddrInUse {
                return Err(BindError::Refused { address, reason: error.to_string() });
            }
            match who_has(&*world, address).await {
                // It takes the port at this moment, or gives it up.
                None if world.now() < end => world.sleep(LOOK_AGAIN).await,
                found => return Err(found.unwrap_or_else(|| taken(address, ""))),
            }
        }
    }

    /// Where it listens, with the real port if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The rooms, for clients in the same process and to know when nobody needs them any more.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Serves until `shutdown` is ready, then closes every connection.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let (tell, mut ended) = mpsc::unbounded();
        let mut tasks: BTreeMap<u64, Task> = BTreeMap::new();
        let mut shutdown = Box::pin(shutdown.fuse());
        let mut last = 0;
        loop {
            select_biased! {
                () = shutdown => break,
                id = ended.select_next_some() => drop(tasks.remove(&id)),
                accepted = self.listener.accept().fuse() => match accepted {
                    // Beyond the limit a connection is dropped before it costs anything.
                    Ok((stream, _)) if tasks.len() < self.hub.limits().connections => {
                        last += 1;
                        tasks.insert(last, self.serve(stream, last, tell.clone()));
                    }
                    Ok(_) => log::warn!("a connection was dropped: {} are open", tasks.len()),
                    Err(error) => {
                        log::warn!("accept: {error}");
                        self.world.sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        self.hub.close_all("the room server ends");
        let closed = async {
            while !tasks.is_empty() {
                tasks.remove(&ended.select_next_some().await);
            }
        };
        let _ = timeout(&*self.world, CLOSE_WITHIN, closed).await;
    }

    fn serve(&self, stream: TcpStream, id: u64, ended: mpsc::UnboundedSender<u64>) -> Task {
        let served = socket::serve(Arc::clone(&self.world), self.hub.clone(), stream);
        world::spawn(&*self.world, async move {
            served.await;
            let _ = ended.unbounded_send(id);
        })
    }
}

/// Who has the port; None if nobody listens there.
async fn who_has(world: &dyn World, address: SocketAddr) -> Option<BindError> {
    let mut answer = Vec::new();
    let asked = timeout(world, ASK_WITHIN, ask(address, &mut answer)).await;
    if let Ok(Err(error)) = asked
        && error.kind() == io::ErrorKind::ConnectionRefused
    {
        return None;
    }
    // A program that says nothing more, or nothing at all, is judged by what it said.
    let answer = String::from_utf8_lossy(&answer);
    Some(match answer.contains(GREETING) {
        true => BindError::RoomRuns(address),
        false => taken(address, first_line(&answer)),
    })
}

fn taken(address: SocketAddr, line: &str) -> BindError {
    let said = match line {
        "" => "did not say what it is".to_owned(),
        line => format!("answered {:?}", shorten(line, 60)),
    };
    BindError::PortTaken { address, said }
}

/// What whoever listens there says to a GET.
async fn ask(address: SocketAddr, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = TcpStream::connect(reachable(address)).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: callcheck\r\nconnection: close\r\n\r\n").await?;
    stream.take(1024).read_to_end(answer).await?;
    Ok(())
}

/// The address to ask: one that listens everywhere is asked here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
