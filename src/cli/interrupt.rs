//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::sync::Arc;

use futures::FutureExt;
use futures::channel::oneshot;

use super::exit::Exit;
use crate::runner::Interrupt;
use crate::world::{BoxFuture, World, spawn};

/// Ready at the first interrupt. Listens from now on.
pub(super) fn interrupt(world: &Arc<dyn World>) -> Interrupt {
    let (tell, told) = oneshot::channel();
    spawn(&**world, async move {
        signal().await;
        // Nobody may be waiting any more; then the second one counts.
        let _ = tell.send(());
        signal().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    })
    .detach();
    let interrupted: BoxFuture<()> = Box::pin(async move {
        // The listener never ends without telling.
        let _ = told.await;
    });
    interrupted.shared()
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return ignore(interrupted.await);
    };
    tokio::select! {
        biased;
        result = interrupted => ignore(result),
        _ = terminated.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    ignore(tokio::signal::ctrl_c().await);
}

/// Where the system does not tell of interrupts, it ends the process itself.
fn ignore(_: std::io::Result<()>) {}
