//! What waits to be written to a connection: never more than a given number of bytes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures::channel::mpsc;
use futures::{Stream, StreamExt};

/// Something to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message.
    Text(String),
    /// A question for a sign of life.
    Ping,
    /// The end, and why.
    Close(String),
}

/// The end that is filled.
#[derive(Debug)]
pub(super) struct Outbox {
    frames: mpsc::UnboundedSender<Frame>,
    queued: Arc<AtomicUsize>,
    most: usize,
}

/// The end that is written to the connection.
#[derive(Debug)]
pub(super) struct Queue {
    frames: mpsc::UnboundedReceiver<Frame>,
    queued: Arc<AtomicUsize>,
}

/// A queue for `most` bytes. A single message always fits, however long.
pub(super) fn new(most: usize) -> (Outbox, Queue) {
    let (send, frames) = mpsc::unbounded();
    let queued = Arc::new(AtomicUsize::new(0));
    (Outbox { frames: send, queued: queued.clone(), most }, Queue { frames, queued })
}

impl Outbox {
    /// Queues a frame; false, and nothing happens, if too much waits already.
    pub(super) fn push(&self, frame: Frame) -> bool {
        if self.queued.load(Ordering::Relaxed) > self.most {
            return false;
        }
        self.queued.fetch_add(frame.bytes(), Ordering::Relaxed);
        // The other end is gone if the connection is; then it will be closed here soon.
        let _ = self.frames.unbounded_send(frame);
        true
    }

    /// Queues the end, however much waits.
    pub(super) fn close(&self, reason: &str) {
        let _ = self.frames.unbounded_send(Frame::Close(reason.to_owned()));
    }
}

impl Stream for Queue {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        let next = self.frames.poll_next_unpin(context);
        if let Poll::Ready(Some(frame)) = &next {
            self.queued.fetch_sub(frame.bytes().min(self.queued.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
        next
    }
}

impl Frame {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Ping => 1,
            // Not counted when it is queued.
            Self::Close(_) => 0,
        }
    }
}
