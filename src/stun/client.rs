//! Transactions of one client with one server (RFC 8489 §6, RFC 8656).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::framing::looks_like;
use super::message::{self, Signer, Written, attribute};
use super::stop::{Stop, Waited};
use super::{Attribute, Connection, LinkError, Method, Reply};
use crate::plan::Secret;
use crate::world::{Rng, World};

/// Packets that wait for somebody to read them; a flood beyond is dropped, as a router would.
const INBOX: usize = 256;

/// Nothing is sent again sooner, however near the server is: it may have to ask others first.
const SOONEST: Duration = Duration::from_millis(200);

/// Who we are (RFC 8489 §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// USERNAME.
    pub username: String,
    /// The password.
    pub credential: Secret,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a whole transaction.
    pub transaction: Duration,
    /// Before a datagram is sent again, at most; sooner where the server is known to answer sooner. Unlike in
    /// RFC 8489 §6.2.1 it does not double each time: a few small datagrams congest nothing, and too few make loss look like
    /// silence.
    pub retransmission: Duration,
}

/// Whether a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    Anonymous,
    /// With the credentials, the realm and the nonce of the last challenge; a stale nonce is renewed once.
    LongTerm,
    /// The same, but a stale nonce is told as any other refusal.
    OnceOnly,
}

/// A success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What came.
    pub reply: Reply,
    /// From the first time it was sent.
    pub took: Duration,
    /// How often it was sent.
    pub sent: u32,
}

/// No success.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The server says no.
    Refused {
        /// Of ERROR-CODE.
        code: u16,
        /// Its reason, fit to be shown.
        reason: String,
        /// The whole reply.
        reply: Box<Reply>,
    },
    /// The server says nothing.
    Link(LinkError),
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// Relayed data that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who sent it, as the server saw it; None over a channel.
    pub from: Option<SocketAddr>,
    /// The channel that it came over.
    pub channel: Option<u16>,
    /// What was sent.
    pub payload: Vec<u8>,
}

/// What came and answered nothing.
#[derive(Debug, Default)]
struct Ignored {
    strange: u32,
    example: String,
    others: u32,
    unsigned: u32,
}

/// One client of one server over one connection.
pub struct Client {
    world: Arc<dyn World>,
    connection: Connection,
    limits: Limits,
    /// How long an answer took that came to the first datagram: of others it is not known which they answer (RFC 6298 §3).
    round_trip: Option<Duration>,
    stop: Stop,
    rng: Rng,
    credentials: Option<Credentials>,
    signer: Option<Signer>,
    inbox: VecDeque<Incoming>,
    ignored: Ignored,
}

impl Client {
    /// A client whose transaction ids come from the random source named `label`.
    #[must_use]
    pub fn new(
        world: &Arc<dyn World>,
        connection: Connection,
        label: &str,
        credentials: Option<Credentials>,
        limits: Limits,
        stop: Stop,
    ) -> Self {
        let (world, rng) = (Arc::clone(world), world.rng(label));
        let (signer, inbox, ignored) = (None, VecDeque::new(), Ignored::default());
        let round_trip = None;
        Self { world, connection, limits, round_trip, stop, rng, credentials, signer, inbox, ignored }
    }

    /// What ends it from outside is replaced, such as to put away what was built after a stop.
    pub fn go_on_until(&mut self, stop: Stop, limits: Limits) {
        (self.stop, self.limits) = (stop, limits);
    }

    /// Takes realm and nonce from a challenge. False if it has none, or we have no credentials.
    pub fn take_challenge(&mut self, reply: &Reply) -> bool {
        let (Some(credentials), Some(nonce)) = (&self.credentials, reply.bytes(attribute::NONCE)) else {
            return false;
        };
        let known = self.signer.as_ref().map(|signer| signer.realm.as_slice());
        let Some(realm) = reply.bytes(attribute::REALM).or(known) else { return false };
        let Some(key) = message::long_term_key(&credentials.username, realm, credentials.credential.reveal())
        else {
            return false;
        };
        let username = credentials.username.clone();
        self.signer = Some(Signer { username, realm: realm.to_vec(), nonce: nonce.to_vec(), key });
        true
    }

    /// Uses a nonce that the server cannot know.
    pub fn spoil_nonce(&mut self) {
        if let Some(signer) = &mut self.signer {
            signer.nonce = b"callcheck-asks-with-a-stale-nonce".to_vec();
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// A refusal with its code, or why no answer came.
    pub async fn request(
        &mut self,
        method: Method,
        attributes: &[Attribute],
        auth: Auth,
    ) -> Result<Answer, Failure> {
        let first = self.transaction(method, attributes, auth != Auth::Anonymous).await;
        match first {
            Err(Failure::Refused { code: 438, ref reply, .. }) if auth == Auth::LongTerm => {
                let reply = reply.clone();
                if !self.take_challenge(&reply) {
                    return first;
                }
                self.transaction(method, attributes, true).await
            }
            other => other,
        }
    }

    async fn transaction(
        &mut self,
        method: Method,
        attributes: &[Attribute],
        signed: bool,
    ) -> Result<Answer, Failure> {
        let signer = self.signer.clone().filter(|_| signed);
        let written = message::request(&mut self.rng, method, attributes, signer.as_ref());
        let written = written.map_err(LinkError::Io)?;
        let key = signer.map(|signer| signer.key);
        if method == Method::ChannelBind {
            self.connection.expect_channels();
        }
        self.ignored = Ignored::default();
        let start = self.world.now();
        let end = start + self.limits.transaction;
        let mut pause = self.patience();
        for sent in 1.. {
            self.send(&written.bytes).await?;
            let now = self.world.now();
            let next = if self.connection.is_reliable() { end } else { (now + pause).min(end) };
            pause = (pause * 2).min(self.limits.retransmission);
            if let Some(reply) = self.answer(method, &written, key.as_deref(), next).await? {
                let took = self.world.now() - start;
                if sent == 1 {
                    self.round_trip = Some(took);
                }
                return judged(reply, took, sent);
            }
            let now = self.world.now();
            if now >= end {
                return Err(self.silent(sent, now - start).into());
            }
        }
        unreachable!("a transaction ends with its limit")
    }

    /// How long the first datagram of a transaction is left alone.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let most = self.limits.retransmission;
        self.round_trip.map_or(most, |trip| (trip * 3).max(SOONEST).min(most))
    }

    /// The answer, if it comes before `until`.
    async fn answer(
        &mut self,
        method: Method,
        written: &Written,
        key: Option<&[u8]>,
        until: Instant,
    ) -> Result<Option<Reply>, LinkError> {
        while let Some(packet) = self.receive(until).await? {
            let Some(reply) = self.sort(&packet) else { continue };
            if !reply.answers(method, &written.id) {
                self.ignored.others += 1;
                continue;
            }
            // Whoever does not know the key can refuse us, but cannot grant anything (RFC 8489 §9.2.5).
            if reply.is_success() && key.is_some_and(|key| reply.is_signed_with(key) != Some(true)) {
                self.ignored.unsigned += 1;
                continue;
            }
            return Ok(Some(reply));
        }
        Ok(None)
    }

    async fn receive(&mut self, until: Instant) -> Result<Option<Vec<u8>>, LinkError> {
        // Asked first: under a flood the connection always has something, and no timer would ever be seen.
        let left = until.saturating_duration_since(self.world.now());
        if left.is_zero() {
            return Ok(None);
        }
        match self.stop.within(&*self.world, left, self.connection.receive()).await {
            Waited::Done(packet) => packet.map(Some),
            Waited::TooLong => Ok(None),
            Waited::Stopped => Err(LinkError::Stopped),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let limit = self.limits.transaction;
        match self.stop.within(&*self.world, limit, self.connection.send(bytes)).await {
            Waited::Done(sent) => sent,
            Waited::TooLong => Err(self.silent(0, limit)),
            Waited::Stopped => Err(LinkError::Stopped),
        }
    }

    /// Puts data into the inbox, counts what is strange, and gives every other message.
    fn sort(&mut self, packet: &[u8]) -> Option<Reply> {
        if let Some(incoming) = channel_data(packet) {
            self.keep(incoming);
            return None;
        }
        let Some(reply) = Reply::read(packet) else {
            self.ignored.strange += 1;
            self.ignored.example = looks_like(packet);
            return None;
        };
        let Some((from, payload)) = reply.data() else { return Some(reply) };
        self.keep(Incoming { from: Some(from), channel: None, payload });
        None
    }

    fn keep(&mut self, incoming: Incoming) {
        if self.inbox.len() < INBOX {
            self.inbox.push_back(incoming);
        }
    }

    fn silent(&self, sent: u32, waited: Duration) -> LinkError {
        let Ignored { strange, example, others, unsigned } = &self.ignored;
        if *strange > 0 && *others == 0 && *unsigned == 0 {
            return LinkError::NotStun(example.clone());
        }
        let ignored = match (unsigned, others) {
            (1.., _) => Some("its answers are not signed with our credential".to_owned()),
            (_, 1..) => Some(format!("{others} messages came that answer nothing we asked")),
            _ => None,
        };
        LinkError::Silent { sent, waited, ignored }
    }

    /// Relayed data that came, or comes before `until`.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn incoming(&mut self, until: Instant) -> Result<Option<Incoming>, LinkError> {
        loop {
            if let Some(incoming) = self.inbox.pop_front() {
                return Ok(Some(incoming));
            }
            let Some(packet) = self.receive(until).await? else { return Ok(None) };
            self.sort(&packet);
        }
    }

    /// Forgets relayed data that nobody has read.
    pub fn clear(&mut self) {
        self.inbox.clear();
    }

    /// Sends data to a peer in a Send indication (RFC 8656 §11).
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn indicate(&mut self, peer: SocketAddr, payload: &[u8]) -> Result<(), LinkError> {
        let attributes = [attribute::peer(peer), Attribute::Raw(attribute::DATA, payload.to_vec())];
        let written = message::indication(&mut self.rng, Method::Send, &attributes).map_err(LinkError::Io)?;
        self.send(&written.bytes).await
    }

    /// As [`Connection::forbid_fragments`].
    pub fn forbid_fragments(&self, forbid: bool) -> bool {
        self.connection.forbid_fragments(forbid)
    }

    /// Sends data over a channel (RFC 8656 §12.4).
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn over_channel(&mut self, number: u16, payload: &[u8]) -> Result<(), LinkError> {
        let length = u16::try_from(payload.len()).map_err(|_| LinkError::Io("too long".to_owned()))?;
        let message = [&number.to_be_bytes()[..], &length.to_be_bytes(), payload].concat();
        self.send(&message).await
    }
}

fn judged(reply: Reply, took: Duration, sent: u32) -> Result<Answer, Failure> {
    if !reply.is_success() {
        let Some((code, reason)) = reply.error() else {
            return Err(LinkError::NotStun("it refuses without a code".to_owned()).into());
        };
        return Err(Failure::Refused { code, reason, reply: Box::new(reply) });
    }
    match reply.unknown().first() {
        Some(kind) => {
            let why =
                format!("it demands that we understand attribute {kind:#06x}, which no RFC of TURN has");
            Err(LinkError::NotStun(why).into())
        }
        None => Ok(Answer { reply, took, sent }),
    }
}

/// ChannelData (RFC 8656 §12.4); over datagrams it may be padded.
fn channel_data(packet: &[u8]) -> Option<Incoming> {
    let (head, rest) = packet.split_at_checked(4)?;
    let number = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let payload = rest.get(..length)?;
    (0x4000..=0x4fff).contains(&number).then(|| Incoming {
        from: None,
        channel: Some(number),
        payload: payload.to_vec(),
    })
}
