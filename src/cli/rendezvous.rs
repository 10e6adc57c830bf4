//! Where the two sides meet. With `--signal` we only join; without it whoever comes first hosts the room in its own
//! process, so that two terminals need no server.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::select;
use url::Url;

use super::dialect::Chosen;
use super::error::CliError;
use crate::plan::{LegPlan, RoomPlan, RoomUrl};
use crate::runner::{Interrupt, Join};
use crate::server::{BindError, Hub, Server, ServerConfig};
use crate::signaling::{JoinError, Token, WebSocketOptions, join_dialect, join_websocket};
use crate::world::{Task, World, spawn};

/// The way into the room, and the room itself where we host it.
pub(super) struct Rendezvous {
    pub(super) join: Join,
    pub(super) hosted: Option<Hosted>,
}

/// A room server inside this process.
pub(super) struct Hosted {
    hub: Hub,
    shutdown: oneshot::Sender<()>,
    serving: Task,
}

/// Finds the room or becomes it.
///
/// # Errors
/// The port belongs to another program, or cannot be used; exit code 3.
pub(super) async fn rendezvous(
    world: &Arc<dyn World>,
    plan: &RoomPlan,
    leg: Option<&LegPlan>,
    dialect: Option<Chosen>,
) -> Result<Rendezvous, CliError> {
    let url = Url::parse(plan.url.reveal()).map_err(|error| {
        CliError::usage(format!("`{}` is not a URL: {error}", plan.url), "write `ws://HOST:PORT`")
    })?;
    let hosted = if plan.host { host(world, &url, plan).await? } else { None };
    let options = options(leg)?;
    let world = Arc::clone(world);
    let join: Join = Box::new(move |request| {
        let (world, url, options) = (Arc::clone(&world), url.clone(), options.clone());
        let speaker = dialect.as_ref().map(Chosen::speaker);
        async move {
            match speaker {
                None => join_websocket(world, &url, request, options).await,
                Some(Ok(speaker)) => join_dialect(world, &url, request, options, speaker).await,
                // Invariant: the plan was made with this very place.
                Some(Err(error)) => {
                    let (url, reason) = (url.host_str().unwrap_or_default().to_owned(), error.to_string());
                    Err(JoinError::Url { url, reason })
                }
            }
        }
        .boxed()
    });
    Ok(Rendezvous { join, hosted })
}

/// How the way into the room is opened: whoever vouches for TURN servers may vouch for the room.
fn options(leg: Option<&LegPlan>) -> Result<WebSocketOptions, CliError> {
    let Some(leg) = leg else { return Ok(WebSocketOptions::default()) };
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| CliError::unreadable("--ca", path, &error))
    };
    let extra_ca_pem = leg.ca.as_ref().map(read).transpose()?;
    Ok(WebSocketOptions { extra_ca_pem, insecure: leg.insecure, ..WebSocketOptions::default() })
}

async fn host(world: &Arc<dyn World>, url: &Url, plan: &RoomPlan) -> Result<Option<Hosted>, CliError> {
    let address = address(url, &plan.url)?;
    let token = plan.token.as_ref().map(|secret| Token::new(secret.reveal()));
    let config = ServerConfig { token, ..ServerConfig::default() };
    let server = match Server::bind(Arc::clone(world), address, config).await {
        Ok(server) => server,
        // Somebody was faster; the room is there.
        Err(BindError::RoomRuns(_)) => return Ok(None),
        Err(error) => return Err(cannot_host(&error)),
    };
    let hub = server.hub().clone();
    let (shutdown, shut_down) = oneshot::channel();
    let serving = spawn(&**world, async move {
        server.run(shut_down.map(|_| ())).await;
    });
    Ok(Some(Hosted { hub, shutdown, serving }))
}

impl Hosted {
    /// Whether somebody still is in a room.
    pub(super) fn is_in_use(&self) -> bool {
        self.hub.rooms_in_use() > 0
    }

    /// Serves on until no room is in use or somebody interrupts, then ends the server. Ending it on demand is no failure
    /// of our own call.
    pub(super) async fn stay(self, interrupt: Interrupt) {
        select(interrupt, self.hub.empty().boxed()).await;
        // The server may have ended by itself.
        let _ = self.shutdown.send(());
        self.serving.join().await;
    }
}

fn address(url: &Url, shown: &RoomUrl) -> Result<SocketAddr, CliError> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or_default();
    let found = (host.as_str(), port).to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        CliError::untested(format!("cannot host a room at `{shown}`: {host} has no address"), None)
    })
}

pub(super) fn cannot_host(error: &BindError) -> CliError {
    let help = match error {
        BindError::RoomRuns(_) | BindError::PortTaken { .. } => {
            "start a room elsewhere with `callcheck serve --listen 127.0.0.1:2256` and name it with `--signal ws://127.0.0.1:2256`"
        }
        BindError::Refused { .. } => "choose an address of this machine and a port above 1023",
    };
    CliError::untested(error.to_string(), Some(help.to_owned()))
}
