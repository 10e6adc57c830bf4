//! What the wire shows of DTLS. The engine announces neither the start of the handshake nor the peer's farewell, so the
//! records themselves are watched (RFC 6347 §4.1: the content type is in the clear even when the content is not).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use super::handshake::{Failure, Handshake};

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
    /// Read until the transport is connected.
    handshake: Mutex<Handshake>,
    connected: AtomicBool,
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
        let Some((kind, records)) = records(datagram) else { return };
        if kind == HANDSHAKE {
            self.count(&self.handshakes_sent, false);
        }
        self.read(true, records);
    }

    /// A datagram came in.
    pub(super) fn received(&self, datagram: &[u8]) {
        let Some((kind, records)) = records(datagram) else { return };
        match kind {
            HANDSHAKE => self.count(&self.handshakes_received, false),
            ALERT => self.count(&self.alerts_received, true),
            _ => {}
        }
        self.read(false, records);
    }

    /// The peer's description in force has these fingerprints.
    pub(super) fn expect(&self, fingerprints: &[String]) {
        self.handshake().expect(fingerprints);
    }

    /// The handshake is done: an alert that anybody could have sent does not count any more.
    pub(super) fn connected(&self) {
        self.connected.store(true, Ordering::Release);
    }

    /// Why the handshake has failed; once.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.handshake().take_failure()
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

    fn read(&self, sent: bool, records: &[u8]) {
        if !self.connected.load(Ordering::Acquire) && self.handshake().datagram(sent, records) {
            self.nudge();
        }
    }

    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake.lock().expect("no panic while the handshake is held")
    }

    /// The first of a kind is news, and so is every one that is `always`.
    fn count(&self, records: &AtomicU32, always: bool) {
        if records.fetch_add(1, Ordering::Relaxed) == 0 || always {
            self.nudge();
        }
    }
}

/// The DTLS records in a datagram, relayed or not, after the content type of the first.
fn records(datagram: &[u8]) -> Option<(u8, &[u8])> {
    let first = *datagram.first()?;
    let records = if CHANNEL_DATA.contains(&first) { datagram.get(4..)? } else { datagram };
    records.first().filter(|kind| RECORDS.contains(kind)).map(|kind| (*kind, records))
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
            assert_eq!(records(datagram).map(|(kind, _)| kind), expected, "{datagram:?}");
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
