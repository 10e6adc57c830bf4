//! One socket of the engine and its connection to the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, select_biased};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::bridge::Far;
use super::exchange::refused;
use super::reach::{Reached, Upstream, reach};
use super::session::{Ours, Session};
use crate::stun::{Connection, LinkError};

/// After this the request that gives back an allocation is sent again; so often.
const RELEASE_AGAIN: Duration = Duration::from_millis(100);
const RELEASE_TRIES: usize = 4;

/// Carries what one socket of the engine asks.
pub(super) struct Client {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    messages: mpsc::Receiver<Vec<u8>>,
    far: Far,
}

enum Came {
    Ours(Option<Vec<u8>>),
    Theirs(Result<Vec<u8>, LinkError>),
}

impl Client {
    /// For the socket at that address, to which answers go through `socket`.
    pub(super) fn new(
        socket: Arc<UdpSocket>,
        address: SocketAddr,
        messages: mpsc::Receiver<Vec<u8>>,
        far: Far,
    ) -> Self {
        Self { socket, address, messages, far }
    }

    /// Until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let Some(first) = self.messages.recv().await else { return };
        let rng = self.far.world.rng(&format!("turn {} {}", self.far.url, self.address));
        let mut session = Session::new(self.far.password.to_string(), rng);
        let Ours::Send { message, .. } = session.ours(first.clone(), false) else { return };
        let (mut ending, own) = (self.far.ending.clone(), self.own());
        let reached = select_biased! {
            reached = reach(&self.far.world, &self.far.way, &own, &message).fuse() => reached,
            _ = ending.changed().fuse() => return,
        };
        let why = match reached {
            Ok(Reached { mut connection, answer }) => {
                match self.carry(&mut session, &mut connection, answer).await {
                    Ok(()) => return self.release(session, connection).await,
                    Err(why) => why.to_string(),
                }
            }
            Err(why) => why,
        };
        self.far.tell_once(why);
        // Whoever asks is told at once, so that gathering need not wait for its end.
        let mut asked = Some(first);
        while let Some(message) = asked {
            if let Some(answer) = refused(&message) {
                self.hand_back(&answer).await;
            }
            asked = self.messages.recv().await;
        }
    }

    /// Our addresses, the one of this socket before the others.
    fn own(&self) -> Vec<std::net::IpAddr> {
        let mut own = self.far.own.to_vec();
        own.sort_by_key(|ip| *ip != self.address.ip());
        own
    }

    /// Carries both ways until nothing more is asked.
    async fn carry(
        &mut self,
        session: &mut Session,
        connection: &mut Connection,
        answer: Vec<u8>,
    ) -> Result<(), LinkError> {
        self.theirs(session, connection, answer).await?;
        loop {
            let came = select_biased! {
                message = self.messages.recv().fuse() => Came::Ours(message),
                message = connection.receive().fuse() => Came::Theirs(message),
            };
            let done = match came {
                Came::Ours(None) => return Ok(()),
                Came::Ours(Some(message)) => self.ours(session, connection, message).await,
                Came::Theirs(Ok(message)) => self.theirs(session, connection, message).await,
                Came::Theirs(Err(error)) => Err(error),
            };
            match done {
                Ok(()) => {}
                // UDP goes on when ICMP says that one datagram did not arrive.
                Err(why @ (LinkError::Refused | LinkError::Unreachable(_)))
                    if self.far.way.upstream == Upstream::Udp =>
                {
                    self.far.tell_once(why.to_string());
                }
                Err(why) => return Err(why),
            }
        }
    }

    async fn ours(
        &self,
        session: &mut Session,
        connection: &mut Connection,
        message: Vec<u8>,
    ) -> Result<(), LinkError> {
        match session.ours(message, connection.is_reliable()) {
            Ours::Send { message, binds } => {
                if binds {
                    connection.expect_channels();
                }
                connection.send(&message).await?;
            }
            Ours::Answer(answer) => self.hand_back(&answer).await,
            Ours::Drop => {}
        }
        Ok(())
    }

    async fn theirs(
        &self,
        session: &mut Session,
        connection: &mut Connection,
        message: Vec<u8>,
    ) -> Result<(), LinkError> {
        let theirs = session.theirs(message);
        if let Some(refusal) = theirs.refusal {
            self.far.tell(refusal.of(&self.far.url));
        }
        if let Some(back) = theirs.back {
            self.hand_back(&back).await;
        }
        match theirs.again {
            Some(again) => connection.send(&again).await,
            None => Ok(()),
        }
    }

    async fn hand_back(&self, message: &[u8]) {
        // A socket of the engine that is gone needs nothing any more.
        let _ = self.socket.send_to(message, self.address).await;
    }

    /// Gives back the allocation. The engine asks for that once, at its very end, and does not wait.
    async fn release(&self, mut session: Session, mut connection: Connection) {
        for _ in 0..RELEASE_TRIES {
            let Some(release) = session.release() else { return };
            if connection.send(&release).await.is_err() {
                return;
            }
            let mut late = self.far.world.sleep(RELEASE_AGAIN).fuse();
            while session.holds() {
                let message = select_biased! {
                    message = connection.receive().fuse() => message,
                    () = late => break,
                };
                let Ok(message) = message else { return };
                // What the server says now is no error of the call.
                let again = session.theirs(message).again;
                if let Some(again) = again
                    && connection.send(&again).await.is_err()
                {
                    return;
                }
            }
        }
    }
}
