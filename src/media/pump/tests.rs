use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::media::source::{Bars, Identity, Tone};
use crate::world::BoxFuture;

const IDENTITY: Identity = Identity { peer: 7, stream: 1 };

/// A world whose time passes only when the test says so.
#[derive(Debug)]
struct Stepped {
    origin: Instant,
    elapsed: Arc<Mutex<Duration>>,
    sleeps: Arc<Mutex<Vec<Duration>>>,
}

impl World for Stepped {
    fn now(&self) -> Instant {
        self.origin + *self.elapsed.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1000) + *self.elapsed.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let until = *self.elapsed.lock().unwrap() + duration;
        self.sleeps.lock().unwrap().push(until);
        let elapsed = Arc::clone(&self.elapsed);
        Box::pin(poll_fn(
            move |_| {
                if *elapsed.lock().unwrap() >= until { Poll::Ready(()) } else { Poll::Pending }
            },
        ))
    }

    fn spawn_detached(&self, _: BoxFuture<()>) {
        unreachable!("the pump starts no tasks");
    }

    fn seed(&self) -> u64 {
        1
    }
}

/// What the pump wrote, and what the test lets it do.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<WireState>>);

#[derive(Default)]
struct WireState {
    open: bool,
    key_requests: u64,
    written: Vec<(Duration, Outgoing)>,
    elapsed: Arc<Mutex<Duration>>,
}

impl PacketSink for Wire {
    fn may_send(&self) -> bool {
        self.0.lock().unwrap().open
    }

    async fn ready(&mut self) {
        poll_fn(|_| if self.may_send() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn write(&mut self, packet: Outgoing) {
        let mut wire = self.0.lock().unwrap();
        let at = *wire.elapsed.lock().unwrap();
        wire.written.push((at, packet));
    }

    fn take_key_requests(&mut self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap().key_requests)
    }
}

struct Bench {
    world: Arc<Stepped>,
    wire: Wire,
    counters: Arc<PumpCounters>,
    pump: BoxFuture<()>,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "any instant will do as the origin")]
    fn new(source: Box<dyn Source>) -> Self {
        let elapsed = Arc::new(Mutex::new(Duration::ZERO));
        let world = Arc::new(Stepped {
            origin: Instant::now(),
            elapsed: Arc::clone(&elapsed),
            sleeps: Arc::default(),
        });
        let wire = Wire(Arc::new(Mutex::new(WireState { elapsed, ..WireState::default() })));
        let counters = Arc::new(PumpCounters::default());
        let pump =
            Box::pin(pump(Arc::clone(&world) as Arc<dyn World>, source, wire.clone(), Arc::clone(&counters)));
        Self { world, wire, counters, pump }
    }

    fn open(&self, open: bool) {
        self.wire.0.lock().unwrap().open = open;
    }

    /// Lets `time` pass; every sleep ends `oversleep` late.
    fn run(&mut self, time: Duration, oversleep: Duration) {
        let end = *self.world.elapsed.lock().unwrap() + time;
        loop {
            assert!(pin!(&mut self.pump).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let now = *self.world.elapsed.lock().unwrap();
            let mut sleeps = self.world.sleeps.lock().unwrap();
            sleeps.retain(|&due| due > now);
            let next = sleeps.iter().min().map(|&due| due + oversleep);
            drop(sleeps);
            match next.filter(|&due| due <= end) {
                Some(due) => self.set(due),
                None => break,
            }
        }
        self.set(end);
    }

    fn set(&self, elapsed: Duration) {
        *self.world.elapsed.lock().unwrap() = elapsed;
    }

    fn written(&self) -> Vec<(Duration, Outgoing)> {
        std::mem::take(&mut self.wire.0.lock().unwrap().written)
    }

    fn counts(&self) -> OutboundMedia {
        self.counters.snapshot("0", MediaKind::Video)
    }
}

fn bars() -> Box<dyn Source> {
    Box::new(Bars::new(IDENTITY))
}

#[test]
fn late_sleeps_never_add_up() {
    let mut bench = Bench::new(bars());
    bench.open(true);
    let oversleep = Duration::from_millis(3);
    bench.run(Duration::from_secs(60), oversleep);
    let written: Vec<_> = bench.written().into_iter().filter(|(_, packet)| packet.marker).collect();
    // One more frame at 0, none at the very end, which the last sleep oversleeps.
    assert_eq!(written.len(), 1_800);
    for (i, (at, packet)) in written.iter().enumerate().skip(1) {
        let due = Duration::from_nanos(i as u64 * 1_000_000_000 / 30);
        assert!(*at >= due && *at <= due + oversleep * 2, "frame {i} left at {at:?}");
        assert_eq!(packet.timestamp.wrapping_sub(written[0].1.timestamp), i as u32 * 3000);
    }
    assert_eq!((bench.counts().late, bench.counts().frames), (0, 1_800));
}

#[test]
fn sequence_numbers_have_no_gap_and_the_marker_ends_each_frame() {
    let mut bench = Bench::new(bars());
    bench.open(true);
    bench.run(Duration::from_secs(3), Duration::ZERO);
    let written = bench.written();
    let first = &written[0].1;
    assert!(first.sequence < 0x8000);
    for (i, (_, packet)) in written.iter().enumerate() {
        assert_eq!(packet.sequence, first.sequence.wrapping_add(i as u16));
        let ends = written.get(i + 1).is_none_or(|(_, next)| next.timestamp != packet.timestamp);
        assert_eq!(packet.marker, ends);
    }
    let counts = bench.counts();
    assert_eq!((counts.packets, counts.key_frames), (written.len() as u64, 1));
    assert_eq!(counts.bytes, written.iter().map(|(_, packet)| packet.payload.len() as u64).sum::<u64>());
}

#[test]
fn nothing_leaves_before_it_may_and_a_key_frame_comes_first_again() {
    let mut bench = Bench::new(bars());
    bench.run(Duration::from_secs(5), Duration::ZERO);
    assert!(bench.written().is_empty());
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    let first = bench.written();
    bench.open(false);
    bench.run(Duration::from_millis(2500), Duration::ZERO);
    assert!(bench.written().is_empty());
    assert_eq!(bench.counts().key_frames, 1);
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    let second = bench.written();
    assert_eq!((bench.counts().key_frames, bench.counts().late), (2, 0));
    // A payload descriptor of three bytes, then the frame tag: bit 0 is clear in key frames.
    assert_eq!(second[0].1.payload[3] & 1, 0);
    // The clock of RTP has gone on, in time with the clock on the wall.
    let ticks = second[0].1.timestamp.wrapping_sub(first[0].1.timestamp);
    let elapsed = second[0].0 - first[0].0;
    assert!(
        (f64::from(ticks) / 90_000.0 - elapsed.as_secs_f64()).abs() < 1e-3,
        "{ticks} ticks in {elapsed:?}"
    );
    let last = first.last().unwrap();
    assert_eq!(second[0].1.sequence, last.1.sequence.wrapping_add(1), "no frame was consumed");
}

#[test]
fn a_machine_that_was_too_slow_skips_and_counts() {
    let mut bench = Bench::new(bars());
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    let before = bench.written();
    bench.set(Duration::from_millis(2001));
    bench.run(Duration::from_secs(1), Duration::ZERO);
    let after = bench.written();
    // Frames 30 to 60 were due; frame 61 is the first that is not late.
    assert_eq!(
        bench.counts().late,
        31 - u64::from(before.iter().any(|(at, _)| *at == Duration::from_secs(1)))
    );
    assert_eq!(after[0].1.sequence, before.last().unwrap().1.sequence.wrapping_add(1));
    let ticks = after[0].1.timestamp.wrapping_sub(before[0].1.timestamp);
    assert_eq!((ticks, after[0].0.as_millis()), (61 * 3000, 2033));
}

#[test]
fn a_request_is_answered_by_the_next_frame() {
    let mut bench = Bench::new(bars());
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    bench.wire.0.lock().unwrap().key_requests = 3;
    bench.run(Duration::from_millis(34), Duration::ZERO);
    assert_eq!((bench.counts().key_frames, bench.counts().key_requests), (2, 3));
}

#[test]
fn audio_is_marked_after_a_pause_only() {
    let mut bench = Bench::new(Box::new(Tone::new(IDENTITY).unwrap()));
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    bench.open(false);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    bench.open(true);
    bench.run(Duration::from_secs(1), Duration::ZERO);
    let marked: Vec<_> =
        bench.written().iter().filter(|(_, packet)| packet.marker).map(|(at, _)| at.as_secs()).collect();
    assert_eq!(marked, [0, 2]);
}

/// A source of one frame of many packets.
struct Large(Bars);

impl Source for Large {
    fn kind(&self) -> MediaKind {
        MediaKind::Video
    }
    fn identity(&self) -> Identity {
        IDENTITY
    }
    fn next_due(&self) -> Duration {
        self.0.next_due()
    }
    fn next(&mut self, wall_us: u64) -> Frame {
        let frame = self.0.next(wall_us);
        Frame { payloads: vec![Bytes::from_static(&[0x10, 0]); 20], ..frame }
    }
    fn request_key_frame(&mut self) {}
    fn skip_to(&mut self, media_time: Duration) -> u64 {
        self.0.skip_to(media_time)
    }
    fn description(&self) -> String {
        String::new()
    }
}

#[test]
fn a_large_frame_leaves_in_bursts() {
    let mut bench = Bench::new(Box::new(Large(Bars::new(IDENTITY))));
    bench.open(true);
    bench.run(Duration::from_millis(30), Duration::ZERO);
    let at: Vec<_> = bench.written().iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(at, [[0; 8].as_slice(), &[2; 8], &[4; 4]].concat());
}
