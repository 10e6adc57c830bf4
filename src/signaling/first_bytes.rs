//! A stream that remembers the first bytes it read, so that an error can name what answered.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many are remembered.
const REMEMBERED: usize = 48;

/// A stream and the beginning of what came through it.
#[derive(Debug)]
pub(super) struct FirstBytes<S> {
    inner: S,
    first: Remembered,
}

/// The beginning of what came through a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered(Arc<Mutex<Vec<u8>>>);

impl<S> FirstBytes<S> {
    pub(super) fn new(inner: S) -> (Self, Remembered) {
        let first = Remembered::default();
        (Self { inner, first: first.clone() }, first)
    }
}

impl Remembered {
    pub(super) fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = REMEMBERED - first.len();
        first.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstBytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.first.add(&buffer.filled()[before..]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstBytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
