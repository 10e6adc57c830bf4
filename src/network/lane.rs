//! One direction of an impaired network: what happens to each datagram, and how often it did. Knows no clock and no
//! socket; the time comes with the datagram.

use std::time::Duration;

use rand::RngExt;

use crate::plan::{Conditions, Impairment};
use crate::timeline::{Carries, ImpairedPackets, Way};
use crate::world::{Rng, World};

/// IPv4 and UDP; counted against rate and MTU, as on a real link.
const HEADERS: usize = 28;

const KINDS: [Carries; 5] = [Carries::Stun, Carries::Dtls, Carries::Rtp, Carries::Rtcp, Carries::Other];

/// What becomes of the datagrams of one direction.
#[derive(Debug)]
pub(super) struct Lane {
    way: Way,
    impairment: Impairment,
    conditions: Conditions,
    /// Until when they hold.
    hold_until: Duration,
    kinds: [Kind; 5],
    in_burst: bool,
    /// The link is busy with what came before until then.
    busy_until: Duration,
    /// When the last datagram that was not held back arrives; none of those overtakes it.
    last_due: Duration,
}

/// A generator and the counts of what carries the same: what happens to media does not depend on how many checks go by.
#[derive(Debug)]
struct Kind {
    rng: Rng,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    packets: u64,
    lost: u64,
    blocked: u64,
    oversized: u64,
    overflowed: u64,
    duplicated: u64,
    reordered: u64,
    delayed: u64,
    delay: Duration,
}

/// A datagram gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// When it arrives.
    pub(super) due: Duration,
    /// It arrives twice.
    pub(super) twice: bool,
}

/// What chance says about one datagram. All of it is drawn for each, whatever is in force, so that switching one thing on
/// changes nothing about another.
struct Chance {
    loss: f64,
    jitter: f64,
    reorder: f64,
    duplicate: f64,
}

impl Lane {
    /// `label` tells lanes of one world apart.
    pub(super) fn new(world: &dyn World, label: &str, way: Way, impairment: Impairment) -> Self {
        let kind = |carries: Carries| Kind {
            rng: world.rng(&format!("network {label} {way:?} {carries:?}")),
            counts: Counts::default(),
        };
        Self {
            way,
            conditions: impairment.at(Duration::ZERO),
            hold_until: impairment.until(Duration::ZERO),
            impairment,
            kinds: KINDS.map(kind),
            in_burst: false,
            busy_until: Duration::ZERO,
            last_due: Duration::ZERO,
        }
    }

    /// What becomes of a datagram at `now`, counted from the beginning; none if it is gone.
    pub(super) fn pass(&mut self, now: Duration, datagram: &[u8]) -> Option<Passage> {
        if now >= self.hold_until {
            self.conditions = self.impairment.at(now);
            self.hold_until = self.impairment.until(now);
        }
        let carries = carries(datagram);
        let chance = self.kind(carries).draw();
        self.kind(carries).counts.packets += 1;
        let (length, conditions) = (datagram.len() + HEADERS, self.conditions);
        if conditions.block {
            self.kind(carries).counts.blocked += 1;
            return None;
        }
        if conditions.mtu.is_some_and(|mtu| length > mtu) {
            self.kind(carries).counts.oversized += 1;
            return None;
        }
        let by_chance = carries != Carries::Dtls || conditions.dtls;
        if by_chance && self.is_lost(chance.loss) {
            self.kind(carries).counts.lost += 1;
            return None;
        }
        let Some(free) = self.through_the_link(now, length) else {
            self.kind(carries).counts.overflowed += 1;
            return None;
        };
        let straight =
            (free + conditions.delay + conditions.jitter.mul_f64(chance.jitter)).max(self.last_due);
        let reordered = by_chance && chance.reorder < conditions.reorder;
        let due = if reordered { straight + conditions.reorder_by } else { straight };
        if !reordered {
            self.last_due = due;
        }
        let twice = by_chance && chance.duplicate < conditions.duplicate;
        let counts = &mut self.kind(carries).counts;
        counts.reordered += u64::from(reordered);
        counts.duplicated += u64::from(twice);
        counts.delayed += u64::from(due > now);
        counts.delay += due - now;
        Some(Passage { due, twice })
    }

    /// What was done so far; only of what came by.
    pub(super) fn counts(&self) -> impl Iterator<Item = ImpairedPackets> {
        let way = self.way;
        let some = KINDS.into_iter().zip(&self.kinds).filter(|(_, kind)| kind.counts.packets > 0);
        some.map(move |(carries, kind)| kind.counts.report(way, carries))
    }

    fn kind(&mut self, carries: Carries) -> &mut Kind {
        // Invariant: the kinds are made from the same list.
        let index = KINDS.iter().position(|kind| *kind == carries).expect("every kind is listed");
        &mut self.kinds[index]
    }

    /// Without memory, or in bursts (Gilbert): a burst begins and ends by chance, such that the share is lost in the
    /// long run and bursts have the mean length that was asked for.
    fn is_lost(&mut self, chance: f64) -> bool {
        let Conditions { loss, burst, .. } = self.conditions;
        // Losses without memory come in such bursts by themselves.
        let without_memory = loss >= 1.0 || burst <= 1.0 / (1.0 - loss);
        if without_memory || loss == 0.0 {
            self.in_burst = false;
            return chance < loss;
        }
        let ends = 1.0 / burst;
        let begins = loss * ends / (1.0 - loss);
        self.in_burst = if self.in_burst { chance >= ends } else { chance < begins };
        self.in_burst
    }

    /// When the link has carried it; none if it would wait too long.
    fn through_the_link(&mut self, now: Duration, length: usize) -> Option<Duration> {
        let Some(rate) = self.conditions.rate else { return Some(now) };
        let begins = self.busy_until.max(now);
        if begins - now > self.conditions.queue {
            return None;
        }
        self.busy_until = begins + Duration::from_secs_f64(length as f64 * 8.0 / rate);
        Some(self.busy_until)
    }
}

impl Kind {
    fn draw(&mut self) -> Chance {
        let mut draw = || self.rng.random::<f64>();
        Chance { loss: draw(), jitter: draw(), reorder: draw(), duplicate: draw() }
    }
}

impl Counts {
    fn report(&self, direction: Way, carries: Carries) -> ImpairedPackets {
        let mean = |delay: Duration| delay.as_secs_f64() * 1e3 / self.delayed as f64;
        ImpairedPackets {
            direction,
            carries,
            packets: self.packets,
            lost: self.lost,
            blocked: self.blocked,
            oversized: self.oversized,
            overflowed: self.overflowed,
            duplicated: self.duplicated,
            reordered: self.reordered,
            delayed: self.delayed,
            mean_delay_ms: (self.delayed > 0).then(|| mean(self.delay)),
        }
    }
}

/// By the first bytes, also inside TURN ChannelData (RFC 7983 §7, RFC 5761 §4, RFC 8656 §12).
fn carries(datagram: &[u8]) -> Carries {
    match datagram {
        [0..=3, ..] => Carries::Stun,
        [20..=63, ..] => Carries::Dtls,
        [64..=79, _, _, _, inside @ ..] if !matches!(inside.first(), Some(64..=79)) => carries(inside),
        [128..=191, 192..=223, ..] => Carries::Rtcp,
        [128..=191, ..] => Carries::Rtp,
        _ => Carries::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Simulated;

    const RTP: &[u8] = &[0x80, 96, 0, 1];
    const DTLS: &[u8] = &[22, 254, 253];

    fn lane(text: &str) -> Lane {
        let impairment = Impairment::parse(text, "--network").unwrap();
        Lane::new(&Simulated::new(7), "caller", Way::Sent, impairment)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// One RTP packet every 20 ms: what became of each.
    fn stream(lane: &mut Lane, packets: u64) -> Vec<Option<Passage>> {
        (0..packets).map(|index| lane.pass(ms(index * 20), RTP)).collect()
    }

    fn rtp(lane: &Lane) -> ImpairedPackets {
        lane.counts().find(|counts| counts.carries == Carries::Rtp).unwrap()
    }

    #[test]
    fn what_is_carried_is_told_by_the_first_bytes() {
        let cases: [(&[u8], Carries); 9] = [
            (&[0, 1, 0, 0], Carries::Stun),
            (&[22, 254], Carries::Dtls),
            (&[0x80, 111], Carries::Rtp),
            (&[0x90, 0x80 | 96], Carries::Rtp),
            (&[0x80, 200], Carries::Rtcp),
            (&[0x40, 0, 0, 9, 0x80, 96], Carries::Rtp),
            (&[0x40, 0, 0, 9], Carries::Other),
            (&[250], Carries::Other),
            (&[], Carries::Other),
        ];
        for (datagram, expected) in cases {
            assert_eq!(carries(datagram), expected, "{datagram:?}");
        }
    }

    #[test]
    fn the_share_is_lost_with_and_without_bursts() {
        for (text, longest_gap) in [("loss=5%", 1.2), ("loss=5%,burst=6", 7.0)] {
            let mut lane = lane(text);
            let passed = stream(&mut lane, 100_000);
            let lost = passed.iter().filter(|passage| passage.is_none()).count();
            let begins = passed.windows(2).filter(|pair| pair[0].is_some() && pair[1].is_none()).count();
            let mean = lost as f64 / begins as f64;
            assert!((4_500..5_500).contains(&lost), "{text}: {lost}");
            assert!(mean < longest_gap && mean > longest_gap - 2.0, "{text}: bursts of {mean:.2}");
            assert_eq!(rtp(&lane).lost, lost as u64);
        }
    }

    #[test]
    fn delay_and_jitter_keep_the_order() {
        let mut lane = lane("delay=30ms,jitter=50ms");
        let due: Vec<Duration> = stream(&mut lane, 1000).into_iter().map(|one| one.unwrap().due).collect();
        assert!(due.is_sorted());
        let extra: Vec<Duration> =
            due.iter().enumerate().map(|(at, due)| *due - ms(at as u64 * 20)).collect();
        assert!(extra.iter().all(|extra| (ms(30)..=ms(80)).contains(extra)));
        assert!(extra.iter().max().unwrap() > &ms(75) && extra.iter().min().unwrap() < &ms(40));
        assert_eq!(rtp(&lane).delayed, 1000);
    }

    #[test]
    fn what_is_reordered_is_overtaken() {
        let mut lane = lane("reorder=10%,duplicate=5%");
        let passed: Vec<Passage> = stream(&mut lane, 10_000).into_iter().flatten().collect();
        let overtaken = passed.windows(2).filter(|pair| pair[0].due > pair[1].due).count() as f64;
        let twice = passed.iter().filter(|passage| passage.twice).count() as u64;
        let counts = rtp(&lane);
        assert!((900..1100).contains(&counts.reordered), "{counts:?}");
        // Of two in a row that are held back, the first is overtaken by the second's successor only.
        assert!((overtaken / counts.reordered as f64 - 0.9).abs() < 0.05, "{overtaken}");
        assert_eq!(counts.duplicated, twice);
        assert!((400..600).contains(&twice));
    }

    #[test]
    fn a_rate_delays_what_fits_the_queue_and_loses_the_rest() {
        // 1000 bits each, ten a second get through.
        let packet = vec![0x80; 125 - HEADERS];
        let mut lane = lane("rate=10kbps,queue=250ms");
        let due: Vec<Option<Duration>> =
            (0..5).map(|_| lane.pass(ms(0), &packet).map(|passage| passage.due)).collect();
        assert_eq!(due, [Some(ms(100)), Some(ms(200)), Some(ms(300)), None, None]);
        assert_eq!(lane.pass(ms(1000), &packet).unwrap().due, ms(1100));
        assert_eq!(rtp(&lane).overflowed, 2);
    }

    #[test]
    fn blocks_and_mtu_spare_nobody_and_chance_spares_dtls() {
        let mut lane = lane("loss=100%,block@1s..2s,mtu=100,dtls@3s..4s");
        let mut passes = |at, datagram: &[u8]| lane.pass(ms(at), datagram).is_some();
        assert!(passes(0, DTLS) && !passes(0, RTP));
        assert!(!passes(1000, DTLS) && passes(2000, DTLS));
        assert!(!passes(2500, &[22; 73]) && passes(2500, &[22; 72]));
        assert!(!passes(3000, DTLS) && passes(4000, DTLS));
        let dtls = lane.counts().find(|counts| counts.carries == Carries::Dtls).unwrap();
        assert_eq!((dtls.packets, dtls.blocked, dtls.oversized, dtls.lost), (7, 1, 1, 1));
        assert_eq!(dtls.mean_delay_ms, None);
    }

    #[test]
    fn what_happens_to_media_does_not_depend_on_the_rest() {
        let (mut quiet, mut busy) = (lane("loss=20%"), lane("loss=20%,duplicate=50%,delay=1ms"));
        for index in 0..1000 {
            let lost = quiet.pass(ms(index), RTP).is_none();
            busy.pass(ms(index), &[0, 1]);
            assert_eq!(busy.pass(ms(index), RTP).is_none(), lost);
        }
    }
}
