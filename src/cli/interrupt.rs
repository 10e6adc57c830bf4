//! Ctrl-C, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends at once.

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
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// From now on none ends the process by itself.
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            // Whoever runs us under nohup wants us to outlive the terminal.
            hang_up: heeds_hang_up().then(|| signal(SignalKind::hangup()).ok()).flatten(),
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
            () = of(&mut self.hang_up) => {}
        }
    }
}

/// Whether SIGHUP is not ignored (proc_pid_status(5), SigIgn; SIGHUP is the lowest bit). Where the system does not tell, it
/// is left as it is.
#[cfg(unix)]
fn heeds_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 0)
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
