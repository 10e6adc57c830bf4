//! Servers side by side: every address over every transport, what the URL names first.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, join_all, pending, select};
use futures::lock::Mutex;

use super::allowance::{Allowance, Ended};
use super::chain::{Floor, Gate, Row, Shared, blank, walk};
use super::dial::port_of;
use super::model::{Path, ServerReport, Verdict};
use super::resolve::ADDRESSES;
use super::step::Steps;
use super::{Config, Target, nat, resolve, verdict};
use crate::plan::IceTransport;
use crate::stun::Stop;
use crate::world::World;

/// What a path may take, without the time in which it waits for others.
const DEADLINE: Duration = Duration::from_secs(8);

/// All servers together, however many of them wait for each other.
const ALL: Duration = Duration::from_secs(12);

/// What is explored gets this long after what is required, if that passed.
const AFTER: Duration = Duration::from_secs(1);

/// So many addresses are asked to help to measure the network.
const NAT: usize = 2;

/// A server may send us so often to another one.
const REDIRECTIONS: u32 = 3;

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
        let resolved = resolve::find(world, self.config, target, &mut steps).await;
        let (mut paths, behavior) = match resolved {
            Ok(addresses) => {
                let servers = resolve::datagrams(&target.url, &addresses);
                let measured = nat::measured(world, &servers[..servers.len().min(NAT)], self.stop);
                futures::join!(self.walk_all(&addresses), measured)
            }
            Err(_) => (vec![nowhere(target)], None),
        };
        for path in &mut paths {
            path.steps.splice(0..0, steps.list.iter().cloned());
        }
        let mut report = verdict::server(target, paths, world.wall());
        verdict::measured(&mut report, behavior);
        report
    }

    /// Takes all paths, and stops in time.
    async fn walk_all(&self, addresses: &[SocketAddr]) -> Vec<Path> {
        let Self { world, config, target, .. } = *self;
        let datagrams = resolve::datagrams(&target.url, addresses);
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
    fn rows(&self, addresses: &[SocketAddr]) -> Vec<Row> {
        let (config, url) = (self.config, &self.target.url);
        let mut rows = Vec::new();
        for address in addresses {
            let (transport, address) = (url.transport, *address);
            rows.push(Row { transport, address, required: true, demanded: false });
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
        for address in addresses {
            let at = |port| SocketAddr::new(address.ip(), port);
            for transport in IceTransport::ALL.into_iter().filter(|transport| *transport != url.transport) {
                explore(transport, at(port_of(transport, url.transport, address.port())));
            }
            if config.also_443 {
                explore(IceTransport::Tls, at(443));
                explore(IceTransport::Tcp, at(443));
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

impl Verdict {
    /// The worst of them; unknown if there are none.
    pub(super) fn worst(verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts.max().unwrap_or(Self::Unknown)
    }
}
