//! What the wire shows of DTLS. The engine announces neither the start of the handshake nor the peer's farewell, so the
//! records themselves are watched (RFC 6347 §4.1: the content type is in the clear even when the content is not).

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// RFC 7983 §7: which first bytes belong to DTLS.
const RECORDS: std::ops::RangeInclusive<u8> = 20..=63;
/// RFC 8656 §12: the first bytes of TURN ChannelData, whose header is four bytes long.
const CHANNEL_DATA: std::ops::RangeInclusive<u8> = 64..=79;

/// Counts DTLS records that pass the sockets of one engine, and wakes whoever follows the transport.
#[derive(Debug, Default)]
pub(super) struct DtlsTrace {
    handshakes_sent: AtomicU32,
    handshakes_received: AtomicU32,
    alerts_received: AtomicU32,
    /// Rises when there is something to look at.
    news: AtomicU32,
    follower: AtomicWaker,
}

/// The counts of a [`DtlsTrace`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DtlsCounts {
    pub(super) handshakes_sent: u32,
    pub(super) handshakes_received: u32,
    pub(super) alerts_received: u32,
}

impl DtlsTrace {
    /// A datagram left.
    pub(super) fn sent(&self, datagram: &[u8]) {
        if record_type(datagram) == Some(HANDSHAKE) {
            self.count(&self.handshakes_sent, false);
        }
    }

    /// A datagram came in.
    pub(super) fn received(&self, datagram: &[u8]) {
        match record_type(datagram) {
            Some(HANDSHAKE) => self.count(&self.handshakes_received, false),
            Some(ALERT) => self.count(&self.alerts_received, true),
            _ => {}
        }
    }

    pub(super) fn counts(&self) -> DtlsCounts {
        DtlsCounts {
            handshakes_sent: self.handshakes_sent.load(Ordering::Relaxed),
            handshakes_received: self.handshakes_received.load(Ordering::Relaxed),
            alerts_received: self.alerts_received.load(Ordering::Relaxed),
        }
    }

    /// Wakes the follower: there is something to look at.
    pub(super) fn nudge(&self) {
        self.news.fetch_add(1, Ordering::Release);
        self.follower.wake();
    }

    /// What [`Self::poll_news`] compares with.
    pub(super) fn news(&self) -> u32 {
        self.news.load(Ordering::Acquire)
    }

    /// Ready when there is news since `seen`.
    pub(super) fn poll_news(&self, cx: &mut Context<'_>, seen: u32) -> Poll<u32> {
        self.follower.register(cx.waker());
        let news = self.news();
        if news == seen { Poll::Pending } else { Poll::Ready(news) }
    }

    /// The first of a kind is news, and so is every one that is `always`.
    fn count(&self, records: &AtomicU32, always: bool) {
        if records.fetch_add(1, Ordering::Relaxed) == 0 || always {
            self.nudge();
        }
    }
}

/// The content type of the first DTLS record in a datagram, relayed or not.
fn record_type(datagram: &[u8]) -> Option<u8> {
    let first = *datagram.first()?;
    let record = if CHANNEL_DATA.contains(&first) { datagram.get(4..)? } else { datagram };
    record.first().copied().filter(|kind| RECORDS.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_from_the_rest() {
        let cases: [(&[u8], Option<u8>); 7] = [
            (&[22, 254, 253], Some(22)),
            (&[21, 254, 253], Some(21)),
            (&[0x40, 1, 0, 9, 22, 254], Some(22)),
            (&[0x40, 1, 0, 9, 0x80, 96], None),
            (&[0, 1, 0, 0], None),
            (&[0x80, 96], None),
            (&[], None),
        ];
        for (datagram, expected) in cases {
            assert_eq!(record_type(datagram), expected, "{datagram:?}");
        }
    }

    #[test]
    fn the_first_handshake_record_and_every_alert_are_news() {
        let trace = DtlsTrace::default();
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        assert!(trace.poll_news(cx, 0).is_pending());
        trace.sent(&[22]);
        assert_eq!(trace.poll_news(cx, 0), Poll::Ready(1));
        trace.sent(&[22]);
        trace.received(&[0x80]);
        assert!(trace.poll_news(cx, 1).is_pending());
        trace.received(&[21]);
        trace.received(&[21]);
        assert_eq!(trace.poll_news(cx, 1), Poll::Ready(3));
        assert_eq!(
            trace.counts(),
            DtlsCounts { handshakes_sent: 2, handshakes_received: 0, alerts_received: 2 }
        );
    }
}
