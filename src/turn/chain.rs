//! One path to a server, from a socket to an allocation that is put away again: the steps in their order, until the first
//! one that fails.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::allowance::Allowance;
use super::data::Data;
use super::dial::{self, Dialed};
use super::model::{Cause, Path, Status, StepName, Verdict};
use super::step::{Note, Steps, Trouble, said};
use super::{Config, Target, sane};
use crate::plan::IceTransport;
use crate::stun::{Answer, Auth, Client, Failure, Limits, Method, Reply, Stop, attribute};
use crate::world::World;

/// How long the server gets to put an allocation away: four datagrams, since some may be lost.
pub(super) const RELEASE: Limits =
    Limits { transaction: Duration::from_secs(2), retransmission: Duration::from_millis(500) };

/// What the first Allocate with credentials came to. Until then the others wait, so that a wrong password is tried once:
/// servers lock out whoever tries it again and again.
#[derive(Debug)]
pub(super) enum Gate {
    Untried,
    Accepted,
    Refused { over: String },
}

/// Who holds it may have allocations.
pub(super) type Floor = Arc<futures::lock::Mutex<Gate>>;

/// What all paths of a server share.
pub(super) struct Shared<'a> {
    pub(super) world: Arc<dyn World>,
    pub(super) config: &'a Config,
    pub(super) target: &'a Target,
    /// Whoever holds it may have allocations: so there are never more than three of them at a time.
    pub(super) floor: Floor,
    /// Where this server may answer over UDP.
    pub(super) datagrams: Vec<SocketAddr>,
    /// Over once the paths that the URL names are.
    pub(super) required_done: Stop,
}

/// A path that is to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) transport: IceTransport,
    pub(super) address: SocketAddr,
    pub(super) required: bool,
    /// Nobody's URL names it, and an expectation does: it gets all its time.
    pub(super) demanded: bool,
}

/// Why a path was never tried with credentials.
const TURN_NEVER_CAME: &str = "cut short: the time was used up before it was its turn";

/// What is said of a server that relays and answers no Binding.
pub(super) const NO_STUN: &str = "it answers no Binding (for coturn: `no-stun`), while it answers Allocate";

/// How a release begins that nobody answered.
pub(super) const UNANSWERED: &str = "the release of the allocation was not answered";

/// The steps after Binding, which only a TURN server takes.
const OF_TURN: [StepName; 9] = [
    StepName::Challenge,
    StepName::Allocate,
    StepName::Permission,
    StepName::Inbound,
    StepName::Channel,
    StepName::Outbound,
    StepName::Echo,
    StepName::StaleNonce,
    StepName::Release,
];

impl Row {
    /// Whether it is tried at length.
    pub(super) const fn counts(&self) -> bool {
        self.required || self.demanded
    }
}

/// Takes a path.
pub(super) async fn walk(shared: &Shared<'_>, row: Row, stop: Stop, allowance: &Rc<Allowance>) -> Path {
    let steps = Steps::new(&shared.world, allowance);
    let mut chain = Chain { shared, row, stop, allowance, steps, path: blank(row) };
    let ended = chain.go().await;
    if let Err(trouble) = ended {
        // The release comes after whatever ended the path.
        let mut done = chain.steps.list.iter().rev();
        let last = done.find(|step| step.status != Status::Ok && step.step != StepName::Release);
        let reason = match (trouble, last.map(|step| step.step.as_str())) {
            (Trouble::Failed { .. }, Some(last)) => format!("not reached: {last} failed"),
            (_, Some(last)) => format!("not reached: {last} was not done"),
            (_, None) => allowance.reason().to_owned(),
        };
        let secure = row.transport.is_secure().then_some(StepName::Handshake);
        let early: Vec<StepName> = secure.into_iter().chain([StepName::Binding]).collect();
        chain.steps.skip_rest(&early, &reason);
        if shared.target.url.turn {
            chain.steps.skip_rest(&OF_TURN, &reason);
        }
    }
    chain.steps.list.sort_by_key(|step| step.step);
    Path { steps: chain.steps.list, ..chain.path }
}

/// A path of which nothing is known yet.
pub(super) fn blank(row: Row) -> Path {
    Path {
        transport: row.transport,
        address: Some(row.address),
        required: row.required,
        verdict: Verdict::Unknown,
        steps: Vec::new(),
        certificate: None,
        mapped: None,
        local: None,
        relayed: None,
        peer_seen: None,
        lifetime_s: None,
        software: None,
        realm: None,
        redirected_to: None,
        load: None,
        audit: Vec::new(),
    }
}

struct Chain<'a> {
    shared: &'a Shared<'a>,
    row: Row,
    stop: Stop,
    allowance: &'a Allowance,
    steps: Steps,
    path: Path,
}

impl Chain<'_> {
    async fn go(&mut self) -> Result<(), Trouble> {
        let Dialed { connection, certificate } = self.dial().await?;
        self.path.certificate = certificate;
        self.path.local = Some(connection.local());
        let label = format!("turn {}", self.path.name());
        let credentials = self.shared.target.credentials.clone();
        let limits = self.shared.config.limits;
        let mut client =
            Client::new(&self.shared.world, connection, &label, credentials, limits, self.stop.clone());
        let bound = self.bind(&mut client).await;
        if !self.shared.target.url.turn {
            return bound;
        }
        let challenge = match bound {
            Ok(()) => self.challenge(&mut client).await?,
            Err(Trouble::Failed { cause: Cause::Silent, .. }) => self.unbound(&mut client, bound).await?,
            Err(trouble) => return Err(trouble),
        };
        if self.shared.target.credentials.is_none() && challenge.is_some() {
            return self.no(StepName::Allocate, "no credentials were given");
        }
        self.on_the_floor(client, challenge).await
    }

    /// Asks for an allocation where no Binding was answered: that is silence only if this is not answered either.
    async fn unbound(
        &mut self,
        client: &mut Client,
        bound: Result<(), Trouble>,
    ) -> Result<Option<Box<Reply>>, Trouble> {
        client.go_on_until(self.stop.clone(), RELEASE);
        let challenge = self.challenge(client).await;
        client.go_on_until(self.stop.clone(), self.shared.config.limits);
        if let Err(Trouble::Failed { cause: Cause::Silent, .. } | Trouble::Stopped) = challenge {
            self.steps.list.retain(|step| step.step != StepName::Challenge);
            bound?;
        }
        for step in self.steps.list.iter_mut().filter(|step| step.step == StepName::Binding) {
            (step.status, step.ms, step.cause) = (Status::Skipped, None, None);
            step.reason = Some(NO_STUN.to_owned());
        }
        challenge
    }

    fn no(&mut self, name: StepName, reason: &str) -> Result<(), Trouble> {
        self.steps.skip(name, reason);
        Err(Trouble::skipped(reason))
    }

    async fn dial(&mut self) -> Result<Dialed, Trouble> {
        let Self { shared, row, stop, steps, .. } = self;
        let start = shared.world.now();
        let connected = dial::connect(shared, *row, stop).await;
        let connection = steps.write(StepName::Connect, start, connected.map(|open| (open, None)))?;
        if !row.transport.is_secure() {
            return Ok(Dialed { connection, certificate: None });
        }
        let start = shared.world.now();
        let (shaken, certificate) = dial::secure(shared, connection, stop).await;
        self.path.certificate = certificate.clone();
        let note: Note = certificate.as_ref().map(dial::certificate_note);
        let connection = steps.write(StepName::Handshake, start, shaken.map(|open| (open, note)))?;
        Ok(Dialed { connection, certificate })
    }

    async fn bind(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let result = client.request(Method::Binding, &[], Auth::Anonymous).await;
        let result = match result {
            Ok(answer) => self.bound(&answer),
            // It answered in STUN; a server may keep Binding to those whom it knows.
            Err(Failure::Refused { code: code @ 401, reason, .. }) if self.shared.target.url.turn => {
                Ok(((), Some(format!("{}: Binding is for known users only", said(code, &reason)))))
            }
            Err(failure) => Err(failure.into()),
        };
        self.steps.write(StepName::Binding, start, result)
    }

    fn bound(&mut self, answer: &Answer) -> Result<((), Note), Trouble> {
        self.path.software = answer.reply.text(attribute::SOFTWARE);
        let Some(mapped) = answer.reply.address(attribute::MAPPED) else {
            return Err(Trouble::failed(Cause::Nonsense, "its answer holds no XOR-MAPPED-ADDRESS"));
        };
        self.path.mapped = Some(mapped);
        let again = if answer.sent > 1 { format!("; sent {} times", answer.sent) } else { String::new() };
        Ok(((), Some(format!("seen as {mapped}{again}"))))
    }

    /// Asks without credentials. Gives the challenge, or None where the server does without one.
    async fn challenge(&mut self, client: &mut Client) -> Result<Option<Box<Reply>>, Trouble> {
        let start = self.shared.world.now();
        let result = client.request(Method::Allocate, &[attribute::requested_udp()], Auth::Anonymous).await;
        let result = match result {
            Ok(answer) => {
                drop(self.granted(&answer));
                self.release(client).await;
                let why = "it allocates without credentials: an open relay";
                Err(Trouble::failed(Cause::OpenRelay, why))
            }
            Err(Failure::Refused { code: 401, reply, .. }) => self.challenged(reply),
            Err(Failure::Refused { code: 300, reply, .. }) if reply.alternate().is_some() => {
                self.path.redirected_to = reply.alternate();
                let to = reply.alternate().map(|to| to.to_string()).unwrap_or_default();
                Err(Trouble::skipped(format!("300: the server sends us to {to}; see the path there")))
            }
            Err(failure) => Err(failure.into()),
        };
        self.steps.write(StepName::Challenge, start, result)
    }

    fn challenged(&mut self, reply: Box<Reply>) -> Result<(Option<Box<Reply>>, Note), Trouble> {
        self.path.realm = reply.text(attribute::REALM);
        if reply.bytes(attribute::NONCE).is_none() || reply.bytes(attribute::REALM).is_none() {
            let why = "its 401 holds no realm or no nonce, so that nobody can answer it";
            return Err(Trouble::Failed { cause: Cause::Nonsense, code: Some(401), reason: why.to_owned() });
        }
        let oauth = reply.text(attribute::THIRD_PARTY).map(|server| format!(", or a token of {server}"));
        let realm = self.path.realm.clone().unwrap_or_default();
        let note = format!("401 with realm {realm}{}", oauth.unwrap_or_default());
        Ok((Some(reply), Some(note)))
    }

    /// Everything that needs an allocation, one path at a time.
    async fn on_the_floor(
        &mut self,
        mut client: Client,
        challenge: Option<Box<Reply>>,
    ) -> Result<(), Trouble> {
        let allowance = self.allowance;
        let turn = async {
            if !self.row.required {
                self.shared.required_done.over().await;
            }
            self.shared.floor.lock().await
        };
        let Some(mut gate) = allowance.free(self.stop.unless(turn)).await else {
            return self.no(StepName::Allocate, TURN_NEVER_CAME);
        };
        if let Gate::Refused { over } = &*gate {
            let why = format!("the credentials were refused over {over}; they are not tried again");
            return self.no(StepName::Allocate, &why);
        }
        if let Some(reply) = challenge {
            client.take_challenge(&reply);
        }
        let allocated = self.allocate(&mut client).await;
        *gate = match &allocated {
            Ok(()) => Gate::Accepted,
            Err(trouble) if matches!(trouble.code(), Some(401 | 441)) => {
                Gate::Refused { over: self.path.name() }
            }
            Err(_) => return allocated,
        };
        allocated?;
        let used = self.use_it(&mut client).await;
        self.release(&mut client).await;
        used
    }

    async fn allocate(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let start = self.shared.world.now();
        let result = client.request(Method::Allocate, &[attribute::requested_udp()], Auth::LongTerm).await;
        let result = match result {
            Ok(answer) => self.granted(&answer),
            Err(failure) => Err(failure.into()),
        };
        self.steps.write(StepName::Allocate, start, result)
    }

    fn granted(&mut self, answer: &Answer) -> Result<((), Note), Trouble> {
        self.path.lifetime_s = answer.reply.lifetime().map(|lifetime| lifetime.as_secs());
        self.path.relayed = answer.reply.address(attribute::RELAYED);
        self.path.mapped = self.path.mapped.or_else(|| answer.reply.address(attribute::MAPPED));
        let Some(relayed) = self.path.relayed else {
            return Err(Trouble::failed(Cause::Nonsense, "its answer holds no XOR-RELAYED-ADDRESS"));
        };
        let lifetime = self.path.lifetime_s.map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
        let odd = sane::oddity(relayed.ip(), self.row.address.ip()).map(|odd| format!(", {odd}"));
        Ok(((), Some(format!("relayed as {relayed}{lifetime}{}", odd.unwrap_or_default()))))
    }

    async fn use_it(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let Some(relayed) = self.path.relayed else { return Ok(()) };
        let Self { shared, row, stop, steps, path, .. } = self;
        let mut data = Data { shared, row: *row, stop, steps, path, client, relayed };
        data.flow().await?;
        data.stale_nonce().await?;
        if row.counts()
            && let Some(time) = shared.config.hold
        {
            data.hold(time).await?;
        }
        if shared.config.audit && row.counts() && data.relayed.is_ipv4() {
            data.audit().await?;
        }
        if row.counts() {
            data.allocate_v6().await?;
        }
        Ok(())
    }

    /// Puts the allocation away, also after a stop.
    async fn release(&mut self, client: &mut Client) {
        // Kept until the end, so that it never stops.
        let (_never, stop) = Stop::pair();
        client.go_on_until(stop, RELEASE);
        let start = self.shared.world.now();
        let result = match client.request(Method::Refresh, &[attribute::lifetime(0)], Auth::LongTerm).await {
            Ok(_) => Ok(((), None)),
            // It is gone already, which is what we want.
            Err(Failure::Refused { code: 437, .. }) => Ok(((), Some("437: it was gone already".to_owned()))),
            // Either it is gone, or it ends by itself with its lifetime: that is no fault of the server.
            Err(Failure::Link(error)) => Err(Trouble::skipped(format!("{UNANSWERED}: {error}"))),
            Err(failure) => Err(Trouble::from(failure)),
        };
        // What could not be put away is told by its step, and ends by itself with its lifetime.
        drop(self.steps.write(StepName::Release, start, result));
    }
}
