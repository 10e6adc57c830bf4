//! A signal that ends what is still going on, so that it can be put away in order.

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, Shared, select};
use std::time::Duration;

use crate::world::World;

/// Ready once [`Stop::pair`]'s other half has been dropped.
#[derive(Clone, Debug)]
pub struct Stop {
    when: Shared<oneshot::Receiver<()>>,
}

/// What ended a wait.
#[derive(Debug)]
pub enum Waited<T> {
    /// What was waited for.
    Done(T),
    /// The limit.
    TooLong,
    /// The stop.
    Stopped,
}

impl Stop {
    /// A stop, and what stops when it is dropped.
    #[must_use]
    pub fn pair() -> (oneshot::Sender<()>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self { when: receiver.shared() })
    }

    /// Waits for it.
    pub async fn over(&self) {
        // Cancelled means dropped, which is what ends the wait.
        let _ = self.when.clone().await;
    }

    /// Waits for `future`, but not after the stop. None if it was stopped.
    pub async fn unless<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match select(self.when.clone(), Box::pin(future)).await {
            Either::Left(_) => None,
            Either::Right((value, _)) => Some(value),
        }
    }

    /// Waits for `future`, but no longer than `limit` and not after the stop.
    pub async fn within<T>(
        &self,
        world: &dyn World,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Waited<T> {
        match self.unless(crate::world::timeout(world, limit, future)).await {
            None => Waited::Stopped,
            Some(Err(_)) => Waited::TooLong,
            Some(Ok(value)) => Waited::Done(value),
        }
    }
}
