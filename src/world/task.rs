//! A handle on something spawned, the same in every world.

use std::future::Future;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{AbortHandle, abortable};

/// A spawned future. Dropping the handle stops the future, so that nothing outlives its owner by accident.
#[derive(Debug)]
pub struct Task {
    abort: AbortHandle,
    ended: oneshot::Receiver<()>,
    detached: bool,
}

impl Task {
    pub(super) fn new(
        future: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (tell, ended) = oneshot::channel();
        let (body, abort) = abortable(future);
        let body = body.map(move |_| {
            // Nobody has to be listening.
            let _ = tell.send(());
        });
        (Self { abort, ended, detached: false }, body)
    }

    /// Stops the future at its next await.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Waits until the future has ended, by itself or by [`Task::abort`].
    pub async fn join(mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Lets the future go on without a handle.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.detached {
            self.abort.abort();
        }
    }
}
