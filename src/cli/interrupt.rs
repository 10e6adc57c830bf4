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
    // At once: the task may run long after somebody has pressed Ctrl-C.
    let mut signals = Signals::listen();
    spawn(&**world, async move {
        signals.next().await;
        // Nobody may be waiting any more; then the second one counts.
        let _ = tell.send(());
        signals.next().await;
        crate::suite::end_programs();
        std::process::exit(i32::from(Exit::Interrupted.code()));
    })
    .detach();
    let interrupted: BoxFuture<()> = Box::pin(async move {
        // The listener never ends without telling.
        let _ = told.await;
    });
    interrupted.shared()
}

/// The signals that end a run.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// From now on none ends the process by itself.
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                // Where the system does not tell of it, it ends the process itself.
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            biased;
            () = of(&mut self.interrupt) => {}
            () = of(&mut self.terminate) => {}
        }
    }
}

/// The signals that end a run.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        // Where the system does not tell of interrupts, it ends the process itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
