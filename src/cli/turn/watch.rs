//! `--watch`: the servers again and again, a line for each change, and what Prometheus reads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::targets::Targets;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::say::say;
use crate::runner::Interrupt;
use crate::stun::Stop;
use crate::turn::{self, Config, TurnExpectation, TurnReport};
use crate::world::{World, spawn, timeout};

/// A scrape takes no longer; who keeps a connection open for longer is cut.
const SCRAPE: Duration = Duration::from_secs(10);

/// How long the next attempt waits where the system gives no connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What is probed, how and how often.
pub(super) struct Watch<'a> {
    pub(super) world: Arc<dyn World>,
    pub(super) config: &'a Config,
    pub(super) targets: &'a mut Targets,
    pub(super) stated: &'a [TurnExpectation],
    pub(super) pause: Duration,
    pub(super) quiet: bool,
}

/// The text that is served.
type Shown = Arc<Mutex<String>>;

impl Watch<'_> {
    /// Goes on until it is interrupted.
    ///
    /// # Errors
    /// The port for metrics cannot be had; exit code 3.
    pub(super) async fn run(
        self,
        metrics: Option<SocketAddr>,
        interrupted: Interrupt,
    ) -> Result<Exit, CliError> {
        let shown = Shown::default();
        if let Some(address) = metrics {
            serve(&self.world, address, &shown).await?;
        }
        let mut last: Option<TurnReport> = None;
        for round in 1_u64.. {
            // A credential that we make lives no longer than a round may take.
            self.targets.renew(self.world.wall())?;
            let (cancel, stop) = Stop::pair();
            let probed = Box::pin(turn::probe(&self.world, self.config, &self.targets.list, &stop));
            let servers = match select(interrupted.clone(), probed).await {
                Either::Right((servers, _)) => servers,
                Either::Left(((), probed)) => {
                    drop(cancel);
                    probed.await;
                    break;
                }
            };
            let report = turn::report(self.stated, servers);
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = turn::metrics(&report, round);
            self.tell(last.as_ref(), &report);
            last = Some(report);
            if let Either::Left(_) = select(interrupted.clone(), self.world.sleep(self.pause)).await {
                break;
            }
        }
        Ok(Exit::Interrupted)
    }

    fn tell(&self, last: Option<&TurnReport>, report: &TurnReport) {
        let Some(last) = last else {
            let first =
                if self.quiet { turn::summary(report, true) } else { turn::screen(report, false, true) };
            say(first.trim_end());
            return;
        };
        let time = humantime::format_rfc3339_seconds(self.world.wall());
        turn::changes(last, report).iter().for_each(|line| say(&format!("{time} {line}")));
    }
}

async fn serve(world: &Arc<dyn World>, address: SocketAddr, shown: &Shown) -> Result<(), CliError> {
    let bound = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        let why = crate::diagnostic::reason(&error);
        let help = "give --metrics another address, such as `127.0.0.1:0`";
        CliError::untested(format!("cannot listen on {address} for --metrics: {why}"), Some(help.to_owned()))
    })?;
    say(&format!("metrics at http://{address}/metrics"));
    let (world, shown) = (Arc::clone(world), Arc::clone(shown));
    spawn(&*Arc::clone(&world), async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    spawn(&*world, scrape(Arc::clone(&world), stream, Arc::clone(&shown))).detach()
                }
                Err(_) => world.sleep(PAUSE).await,
            }
        }
    })
    .detach();
    Ok(())
}

async fn scrape(world: Arc<dyn World>, stream: TcpStream, shown: Shown) {
    let service = service_fn(|request| {
        let text = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move { Ok::<_, Infallible>(answer(&request, text)) }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    // Whoever goes away in the middle did not want it.
    drop(timeout(&*world, SCRAPE, connection).await);
}

fn answer<B>(request: &Request<B>, text: String) -> Response<Full<Bytes>> {
    let found = request.uri().path() == "/metrics";
    let (status, text) = match found {
        true => (StatusCode::OK, text),
        false => (StatusCode::NOT_FOUND, "the metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
