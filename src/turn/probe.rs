//! Servers side by side: every address over every transport, what the URL names first.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::lock::Mutex;

use super::chain::{Floor, Gate, Row, Shared, blank, walk};
use super::dial::port_of;
use super::model::{Cause, Path, ServerReport, StepName, Verdict};
use super::step::{Steps, Trouble};
use super::{Config, Target, verdict};
use crate::diagnostic::escaped;
use crate::plan::IceTransport;
use crate::stun::Stop;
use crate::world::{World, timeout};

/// All of it, per server.
const DEADLINE: Duration = Duration::from_secs(8);

/// What is explored gets this long after what is required, if that passed.
const AFTER: Duration = Duration::from_secs(1);

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
    let mut floors: BTreeMap<(&str, Option<&str>), Floor> = BTreeMap::new();
    for target in targets {
        floors.entry(account(target)).or_insert_with(|| Arc::new(Mutex::new(Gate::Untried)));
    }
    let probes = targets.iter().map(|target| {
        let run = Run { world, config, targets, target, floor: Arc::clone(&floors[&account(target)]), stop };
        async move { run.server().await }
    });
    join_all(probes).await
}

fn account(target: &Target) -> (&str, Option<&str>) {
    let user = target.credentials.as_ref().map(|credentials| credentials.username.as_str());
    (target.url.host.as_str(), user)
}

/// One server of many.
struct Run<'a> {
    world: &'a Arc<dyn World>,
    config: &'a Config,
    targets: &'a [Target],
    target: &'a Target,
    floor: Floor,
    stop: &'a Stop,
}

impl Run<'_> {
    async fn server(&self) -> ServerReport {
        let Self { world, target, .. } = *self;
        let mut steps = Steps::new(world, true);
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
        let rows = self.rows(addresses);
        let datagrams = datagrams(target, addresses);
        let (all, stop) = Stop::pair();
        let (done, required_done) = Stop::pair();
        let world_of = Arc::clone(world);
        let floor = Arc::clone(&self.floor);
        let shared = Shared { world: world_of, config, target, floor, datagrams, required_done };
        let (required, explored): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.required);
        let deadline = DEADLINE + config.longer();
        let start = world.now();
        let all_passed = AtomicBool::new(false);
        let required = async {
            let mut paths = join_all(required.iter().map(|row| walk(&shared, *row, stop.clone()))).await;
            let redirected = paths.iter().find_map(|path| path.redirected_to.map(|to| (path.transport, to)));
            if let Some((transport, address)) = redirected {
                let row = Row { transport, address, required: true };
                paths.push(walk(&shared, row, stop.clone()).await);
            }
            let passed = paths.iter().all(|path| verdict::judge(path, target.url.turn) == Verdict::Passed);
            all_passed.store(passed, Ordering::Relaxed);
            drop(done);
            paths
        };
        let explored = join_all(explored.iter().map(|row| walk(&shared, *row, stop.clone())));
        let clock = async {
            // Moved in, so that all paths stop when it is dropped.
            let _all = all;
            let in_time = async {
                let left = |until: Duration| until.saturating_sub(world.now() - start);
                let finished = timeout(&**world, deadline, shared.required_done.over()).await;
                if finished.is_ok() {
                    let most = if all_passed.load(Ordering::Relaxed) { AFTER } else { deadline };
                    world.sleep(left(deadline).min(most)).await;
                }
            };
            // Stopped or not, it is over now.
            self.stop.unless(in_time).await.unwrap_or_default();
        };
        let walks = async { futures::join!(required, explored) };
        // The clock is dropped with the walks, and ends them if it comes first.
        let (required, explored) = match select(Box::pin(walks), Box::pin(clock)).await {
            Either::Left((paths, _)) => paths,
            Either::Right(((), walks)) => walks.await,
        };
        required.into_iter().chain(explored).collect()
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
                rows.push(Row { transport, address, required: false });
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
    let row = Row { transport: target.url.transport, address: ([0, 0, 0, 0], 0).into(), required: true };
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
