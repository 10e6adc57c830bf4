//! Servers side by side: every address over every transport, what the URL names first.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, join_all, pending, select};
use futures::lock::Mutex;

use super::allowance::{Allowance, Ended};
use super::chain::{Floor, Gate, Row, Shared, blank, walk};
use super::dial::port_of;
use super::model::{Cause, Path, ServerReport, StepName, Verdict};
use super::step::{Steps, Trouble};
use super::{Config, Target, verdict};
use crate::diagnostic::escaped;
use crate::plan::IceTransport;
use crate::stun::Stop;
use crate::world::{World, timeout};

/// What a path may take, without the time in which it waits for others.
const DEADLINE: Duration = Duration::from_secs(8);

/// All servers together, however many of them wait for each other.
const ALL: Duration = Duration::from_secs(12);

/// What is explored gets this long after what is required, if that passed.
const AFTER: Duration = Duration::from_secs(1);

/// A server may send us so often to another one.
const REDIRECTIONS: u32 = 3;

/// More addresses of a name than this are not tried.
const ADDRESSES: usize = 6;

/// Probes all of them at once. After `stop` what is open is put away, and what is known is told.
pub async fn probe(
    world: &Arc<dyn World>,
    config: &Config,
    targets: &[Target],
    stop: &Stop,
) -> Vec<ServerReport> {
    // One user of one server is one user, however many URLs lead there.
    let mut floors: BTreeMap<Account<'_>, Floor> = BTreeMap::new();
    for target in targets {
        floors.entry(account(target)).or_insert_with(|| Arc::new(Mutex::new(Gate::Untried)));
    }
    // Where it takes longer, each path that waits for others waits longer.
    let most = u32::try_from(targets.len() * ADDRESSES).unwrap_or(u32::MAX);
    let end = world.now() + ALL + config.longer().saturating_mul(most);
    let probes = targets.iter().map(|target| {
        let floor = Arc::clone(&floors[&account(target)]);
        let run = Run { world, config, targets, target, floor, stop, end };
        async move { run.server().await }
    });
    join_all(probes).await
}

/// Host, port, and user and credential there.
type Account<'a> = (&'a str, u16, Option<(&'a str, &'a str)>);

fn account(target: &Target) -> Account<'_> {
    let user = target.credentials.as_ref();
    let user = user.map(|user| (user.username.as_str(), user.credential.reveal()));
    (target.url.host.as_str(), target.url.port, user)
}

/// One server of many.
struct Run<'a> {
    world: &'a Arc<dyn World>,
    config: &'a Config,
    targets: &'a [Target],
    target: &'a Target,
    floor: Floor,
    stop: &'a Stop,
    /// Then all servers together are out of time.
    end: Instant,
}

impl Run<'_> {
    async fn server(&self) -> ServerReport {
        let Self { world, target, .. } = *self;
        let mut steps = Steps::new(world, &Rc::new(Allowance::new(world, DEADLINE)));
        let resolved = steps.take(StepName::Resolve, resolve(world, target)).await;
        let resolve = steps.list.pop();
        let mut paths = match resolved {
            Ok(addresses) => self.walk_all(&addresses).await,
            Err(_) => vec![nowhere(target)],
        };
        for path in &mut paths {
            path.steps.splice(0..0, resolve.clone());
        }
        verdict::server(target, paths, world.wall())
    }

    /// Takes all paths, and stops in time.
    async fn walk_all(&self, addresses: &[IpAddr]) -> Vec<Path> {
        let Self { world, config, target, .. } = *self;
        let datagrams = datagrams(target, addresses);
        let (done, required_done) = Stop::pair();
        let floor = Arc::clone(&self.floor);
        let shared = Shared { world: Arc::clone(world), config, target, floor, datagrams, required_done };
        let rows = self.rows(addresses).into_iter();
        let (required, explored): (Vec<Row>, Vec<Row>) = rows.partition(|row| row.required);
        let start = world.now();
        let all_passed = Cell::new(false);
        let required = async {
            let walks = required.iter().map(|row| self.timed(&shared, *row, pending()));
            let mut paths = join_all(walks).await;
            self.follow(&shared, &mut paths).await;
            verdict::discount(&mut paths);
            let passed = |path: &Path| verdict::judge(path, target.url.turn) == Verdict::Passed;
            all_passed.set(paths.iter().filter(|path| path.required).all(passed));
            drop(done);
            paths
        };
        let (after, passed) = (&shared.required_done, &all_passed);
        let cut = |row: Row| async move {
            if row.demanded {
                return pending().await;
            }
            after.over().await;
            let left = (start + DEADLINE + config.longer()).saturating_duration_since(world.now());
            world.sleep(if passed.get() { left.min(AFTER) } else { left }).await;
        };
        let explored = join_all(explored.iter().map(|row| self.timed(&shared, *row, cut(*row))));
        let (required, explored) = futures::join!(required, explored);
        required.into_iter().chain(explored).collect()
    }

    /// Takes a path in its own time, but not beyond `cut`, nor beyond the time of all servers together.
    async fn timed(&self, shared: &Shared<'_>, row: Row, cut: impl Future<Output = ()>) -> Path {
        let world = self.world;
        let (cancel, stop) = Stop::pair();
        let allowance = Rc::new(Allowance::new(world, DEADLINE + self.config.longer()));
        let clock = async {
            // Moved in, so that the path stops when it is dropped.
            let _cancel = cancel;
            let all = world.sleep(self.end.saturating_duration_since(world.now()));
            let ends = select(Box::pin(allowance.used_up()), select(Box::pin(cut), Box::pin(all)));
            match self.stop.unless(ends).await {
                Some(Either::Left(_)) => allowance.end(Ended::Own),
                Some(Either::Right((Either::Left(_), _))) => allowance.end(Ended::Cut),
                Some(Either::Right((Either::Right(_), _))) | None => allowance.end(Ended::All),
            }
        };
        let walk = Box::pin(walk(shared, row, stop, &allowance));
        match select(walk, Box::pin(clock)).await {
            Either::Left((path, _)) => path,
            Either::Right(((), walk)) => walk.await,
        }
    }

    /// Goes where a server sends us (RFC 8656 §7.2), and on from there, but nowhere twice.
    async fn follow(&self, shared: &Shared<'_>, paths: &mut Vec<Path>) {
        let (mut next, mut followed) = (0, 0);
        while let Some(path) = paths.get(next).filter(|_| followed < REDIRECTIONS) {
            next += 1;
            let transport = path.transport;
            let Some(address) = path.redirected_to else { continue };
            let known = |path: &Path| path.transport == transport && path.address == Some(address);
            if !paths.iter().any(known) {
                followed += 1;
                let row = Row { transport, address, required: true, demanded: false };
                paths.push(self.timed(shared, row, pending()).await);
            }
        }
    }

    /// The paths that the URL names, and those that are explored because no other URL of this server names them.
    fn rows(&self, addresses: &[IpAddr]) -> Vec<Row> {
        let (config, url) = (self.config, &self.target.url);
        let mut rows = Vec::new();
        for ip in addresses {
            rows.push(Row {
                transport: url.transport,
                address: SocketAddr::new(*ip, url.port),
                required: true,
                demanded: false,
            });
        }
        if !url.turn {
            return rows;
        }
        let mut explore = |transport: IceTransport, address: SocketAddr| {
            let known = |row: &Row| row.transport == transport && row.address == address;
            let named = |other: &Target| {
                let there = &other.url;
                there.host == url.host && there.transport == transport && there.port == address.port()
            };
            if !rows.iter().any(known) && !self.targets.iter().any(named) {
                let demanded = config.demanded.contains(&transport);
                rows.push(Row { transport, address, required: false, demanded });
            }
        };
        for ip in addresses {
            for transport in IceTransport::ALL.into_iter().filter(|transport| *transport != url.transport) {
                explore(transport, SocketAddr::new(*ip, port_of(transport, url.transport, url.port)));
            }
            if config.also_443 {
                explore(IceTransport::Tls, SocketAddr::new(*ip, 443));
                explore(IceTransport::Tcp, SocketAddr::new(*ip, 443));
            }
        }
        rows
    }
}

/// The path of a name that has no address.
fn nowhere(target: &Target) -> Path {
    let address = ([0, 0, 0, 0], 0).into();
    let row = Row { transport: target.url.transport, address, required: true, demanded: false };
    Path { address: None, ..blank(row) }
}

async fn resolve(world: &Arc<dyn World>, target: &Target) -> Result<(Vec<IpAddr>, Option<String>), Trouble> {
    let host = target.url.host.as_str();
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok((vec![ip], Some("it is an address".to_owned())));
    }
    let looked_up = timeout(&**world, DEADLINE / 2, tokio::net::lookup_host((host, target.url.port))).await;
    let unresolved =
        |why: String| Trouble::failed(Cause::Unresolved, format!("`{host}` has no address: {why}"));
    let found = match looked_up {
        Err(_) => return Err(unresolved(format!("no answer in {} s", DEADLINE.as_secs() / 2))),
        Ok(Err(error)) => return Err(unresolved(looked_up_in_vain(&error))),
        Ok(Ok(found)) => found,
    };
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    if addresses.is_empty() {
        return Err(unresolved("the answer is empty".to_owned()));
    }
    let listed: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    addresses.truncate(ADDRESSES);
    Ok((addresses, Some(listed.join(", "))))
}

/// What the resolver says, without what it says of itself.
fn looked_up_in_vain(error: &std::io::Error) -> String {
    let text = escaped(error.to_string().as_bytes());
    text.trim_start_matches("failed to lookup address information: ").to_owned()
}

/// Where the server may answer a Binding over UDP.
fn datagrams(target: &Target, addresses: &[IpAddr]) -> Vec<SocketAddr> {
    let plain = port_of(IceTransport::Udp, target.url.transport, target.url.port);
    let mut ports = vec![plain, target.url.port, 3478];
    ports.dedup();
    let found = ports.into_iter().flat_map(|port| addresses.iter().map(move |ip| SocketAddr::new(*ip, port)));
    let mut unique: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    unique
}

impl Verdict {
    /// The worst of them; unknown if there are none.
    pub(super) fn worst(verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts.max().unwrap_or(Self::Unknown)
    }
}
