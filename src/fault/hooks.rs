//! Commits the mistakes of one side, hook by hook.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::mistake::{Again, Fate, Mistake};
use super::packets::{RtcpFields, RtpFields};
use super::signals::{Act, Counts, Deed, Due, Of, Received};
use super::sources::{Faulty, SourceMistake};
use super::switches::Switches;
use super::text::Text;
use super::{Fault, fault};
use crate::jsep::{MediaKind, SdpType};
use crate::media::{self, Bars, Identity, MediaError, Source, Tone};
use crate::network::Tamper;
use crate::plan::{CallAct, CallStep, FaultPlan, LegPlan, SendPlan};
use crate::timeline::Signal;

/// The faults of one side in one call.
#[derive(Debug, Default)]
pub struct Faults {
    /// Each with the fault that it belongs to.
    mistakes: Vec<(&'static str, Mistake)>,
    /// Datagrams may be meddled with later.
    may_tamper: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Zero of the times: the first answer, whoever made it.
    answered_at: Option<Instant>,
    described: Counts,
    sent: Counts,
    received: Counts,
    /// What is done at times is in the queue.
    scheduled: bool,
    /// What is to come, with the fault that it belongs to.
    queue: Vec<(Instant, &'static str, Due)>,
    /// Our last offer and our last answer.
    last: [Option<Signal>; 2],
    /// Our first candidate.
    first_candidate: Option<Signal>,
    /// The faults that have been committed, and those among them that nobody was told of.
    committed: BTreeSet<&'static str>,
    news: Vec<&'static str>,
    /// The faults that are switched on and off by steps of the plan.
    switches: Switches,
    /// Nothing leaves any more.
    vanished: bool,
    stopped: bool,
}

impl Faults {
    /// Those of a plan, and those that its steps switch on, which are off until then; an id that names no fault is left
    /// out.
    #[must_use]
    pub fn new(plans: &[FaultPlan], steps: &[CallStep]) -> Self {
        let mut later: Vec<FaultPlan> = Vec::new();
        for step in steps {
            if let CallAct::FaultOn(fault) = &step.act
                && !plans.iter().chain(&later).any(|known| known.id == fault.id)
            {
                later.push(fault.clone());
            }
        }
        let off: Vec<&'static str> = later.iter().map(|fault| fault.id).collect();
        let known = plans.iter().chain(&later).filter_map(|plan| Some((plan, fault(plan.id)?)));
        let mistakes = known.flat_map(|(plan, fault)| {
            let time = plan.time.or_else(|| fault.time.map(|(_, time)| time)).unwrap_or_default();
            mistakes_of(fault, time)
        });
        let may_tamper = steps.iter().any(|step| matches!(step.act, CallAct::Vanish));
        let state = State { switches: Switches::off(&off), ..State::default() };
        Self { mistakes: mistakes.collect(), may_tamper, state: Mutex::new(state) }
    }

    /// From now on the fault is committed, or no longer. Its times count from now.
    pub fn switch(&self, now: Instant, id: &'static str, on: bool) {
        let mut state = self.state();
        let counts = [state.described, state.sent, state.received];
        if !state.switches.switch(now, id, on, counts) {
            return;
        }
        // What it holds back goes on at once, and what it would have done is not done.
        state.queue.retain(|(_, of, due)| *of != id || !matches!(due, Due::Do(_)));
        let held = state.queue.iter_mut().filter(|(_, of, _)| *of == id);
        held.for_each(|(at, ..)| *at = now);
        let stops = |(of, mistake): &(&'static str, Mistake)| {
            *of == id && matches!(mistake, Mistake::At(_, Act::StopMedia, _))
        };
        state.stopped &= on || !self.mistakes.iter().any(stops);
        if on {
            let of_this = self.mistakes.iter().filter(|(of, _)| *of == id);
            of_this.for_each(|(_, mistake)| state.plan_ahead(now, id, mistake));
        }
    }

    /// Nothing of this side leaves any more.
    pub fn vanish(&self) {
        self.state().vanished = true;
    }

    /// The mistakes of the faults that are on.
    fn live(&self) -> impl Iterator<Item = &(&'static str, Mistake)> {
        let switches = self.state().switches.clone();
        self.mistakes.iter().filter(move |(id, _)| switches.is_on(id))
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Datagrams are meddled with.
    #[must_use]
    pub fn tampers(&self) -> bool {
        let vanishes = |mistake: &Mistake| {
            matches!(mistake, Mistake::Datagrams(_) | Mistake::At(_, Act::Vanish, _))
                || matches!(mistake, Mistake::Send(_, Deed::Then(_, Act::Vanish)))
                || matches!(mistake, Mistake::Receive(_, Deed::Then(_, Act::Vanish)))
        };
        self.may_tamper || self.mistakes.iter().any(|(_, mistake)| vanishes(mistake))
    }

    /// The faults that have been committed since the last call.
    pub fn take_news(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state().news)
    }

    /// The plan as a faulty application has it.
    #[must_use]
    pub fn plan(&self, plan: &LegPlan) -> LegPlan {
        let mut plan = plan.clone();
        for (id, mistake) in &self.mistakes {
            if let Mistake::Habit(change) = mistake {
                change(&mut plan);
                self.state().commit(id);
            }
        }
        plan
    }

    /// A description that we have made, before it is set.
    #[must_use]
    pub fn describe(&self, sdp_type: SdpType, sdp: String) -> String {
        let numbers = self.state().described.next(sdp_type);
        let mut text = None;
        for (id, mistake) in self.live() {
            if let Mistake::Describe(which, edit) = mistake
                && self
                    .state()
                    .switches
                    .numbers(id, 0, sdp_type, numbers)
                    .any(|(of_type, of_all)| which.matches(sdp_type, of_type, of_all))
            {
                let text = text.get_or_insert_with(|| Text::of(&sdp));
                let before = text.clone();
                edit(text);
                if *text != before {
                    self.state().commit(id);
                }
            }
        }
        text.map_or(sdp, |text| text.sdp())
    }

    /// A signal of ours: what leaves of it at once.
    #[must_use]
    pub fn send(&self, now: Instant, signal: Signal) -> Vec<Signal> {
        let live: Vec<_> = self.live().collect();
        let mut state = self.state();
        let numbers = state.counted(now, &signal, true);
        if let Signal::Description { sdp_type, .. } = &signal {
            state.last[usize::from(*sdp_type != SdpType::Offer)] = Some(signal.clone());
        }
        if matches!(signal, Signal::Candidate { .. }) {
            state.first_candidate.get_or_insert_with(|| signal.clone());
        }
        let deeds = live.into_iter().filter_map(|(id, mistake)| match mistake {
            Mistake::Send(of, deed) => Some((*id, of, deed)),
            _ => None,
        });
        let mut out = vec![signal];
        for (id, of, deed) in deeds {
            out = state.done(now, out, (id, of, deed), numbers, true);
        }
        out
    }

    /// A signal of ours that has been sent, as it arrives.
    #[must_use]
    pub fn on_the_way(&self, mut signal: Signal) -> Signal {
        for (id, mistake) in self.live() {
            if let Mistake::OnTheWay(change) = mistake {
                let before = signal.clone();
                change(&mut signal);
                if before != signal {
                    self.state().commit(id);
                }
            }
        }
        signal
    }

    /// A signal of the other side: what is taken in of it at once.
    #[must_use]
    pub fn receive(&self, now: Instant, signal: Signal) -> Received {
        let live: Vec<_> = self.live().collect();
        let mut state = self.state();
        let numbers = state.counted(now, &signal, false);
        let deeds = live.into_iter().filter_map(|(id, mistake)| match mistake {
            Mistake::Receive(of, deed) => Some((*id, of, deed)),
            _ => None,
        });
        let mut came = true;
        let mut taken = vec![signal];
        for (id, of, deed) in deeds {
            let before = taken.len();
            taken = state.done(now, taken, (id, of, deed), numbers, false);
            came &= taken.len() >= before || !matches!(deed, Deed::Lose | Deed::Delay(_));
        }
        self.schedule(&mut state);
        Received { came, taken }
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let mut state = self.state();
        self.schedule(&mut state);
        state.queue.iter().map(|(at, ..)| *at).min()
    }

    /// What is due now, in order.
    #[must_use]
    pub fn due(&self, now: Instant) -> Vec<Due> {
        let mut state = self.state();
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.queue).into_iter().partition(|(at, ..)| *at <= now);
        state.queue = later;
        due.sort_by_key(|(at, ..)| *at);
        let mut done = Vec::new();
        for (_, id, due) in due {
            state.commit(id);
            match due {
                Due::Do(Act::Repeat(sdp_type)) => {
                    done.extend(state.last[usize::from(sdp_type != SdpType::Offer)].clone().map(Due::Send));
                }
                Due::Do(Act::RepeatCandidate) => done.extend(state.first_candidate.clone().map(Due::Send)),
                Due::Do(Act::Say(said)) => done.push(Due::Send(said.signal())),
                Due::Do(Act::StopMedia) => state.stopped = true,
                Due::Do(act) => {
                    state.vanished |= act == Act::Vanish;
                    done.push(Due::Do(act));
                }
                other => done.push(other),
            }
        }
        done
    }

    /// Opens what is played in place of what was planned. `own` is whose stamps it should carry, `peer` the other side.
    ///
    /// # Errors
    /// As [`media::open`].
    pub fn open(&self, planned: &SendPlan, own: Identity, peer: u16) -> Result<Box<dyn Source>, MediaError> {
        let of_this = self.mistakes.iter().filter_map(|(id, mistake)| match mistake {
            Mistake::Source(of, mistake) if of.is_none_or(|kind| kind == planned.kind) => {
                Some((*id, *mistake))
            }
            _ => None,
        });
        let mistakes: Vec<(&'static str, SourceMistake)> = of_this.collect();
        let is = |wanted: fn(&SourceMistake) -> bool| mistakes.iter().any(|(_, mistake)| wanted(mistake));
        let identity = match is(|mistake| matches!(mistake, SourceMistake::Echo)) {
            true => Identity { peer, ..own },
            false => own,
        };
        let dark =
            planned.kind == MediaKind::Video && is(|mistake| matches!(mistake, SourceMistake::Nothing));
        let source: Box<dyn Source> = if dark {
            Box::new(Bars::dark(identity))
        } else if planned.kind == MediaKind::Audio && is(|mistake| matches!(mistake, SourceMistake::Quiet)) {
            Box::new(Tone::quiet(identity)?)
        } else {
            media::open(planned, identity)?
        };
        Ok(mistakes.into_iter().fold(source, |inner, (id, mistake)| {
            self.state().commit(id);
            Box::new(Faulty { inner, mistake, made: 0, kept: None })
        }))
    }

    /// An RTP packet of ours. Whether it leaves.
    #[must_use]
    pub fn rtp(&self, now: Instant, fields: &mut RtpFields) -> bool {
        if self.state().answered_at.is_none() {
            return true;
        }
        if self.state().stopped {
            return false;
        }
        let mut leaves = true;
        for (id, mistake) in self.live() {
            if let Mistake::Rtp(kind, mistake) = mistake
                && kind.is_none_or(|kind| kind == fields.kind)
            {
                let before = *fields;
                let passes = mistake.commit(self.since(id, now), fields);
                if !passes || before != *fields {
                    self.state().commit(id);
                }
                leaves &= passes;
            }
        }
        leaves
    }

    /// An RTCP packet of either way. Whether it gets through.
    #[must_use]
    pub fn rtcp(&self, fields: RtcpFields) -> bool {
        let lost = self.live().find_map(|(id, mistake)| match mistake {
            Mistake::Rtcp(mistake) if (mistake.lost)(fields) => Some(*id),
            _ => None,
        });
        lost.inspect(|id| self.state().commit(id)).is_none()
    }

    /// What is done at times is queued as soon as their zero is known.
    fn schedule(&self, state: &mut State) {
        let Some(zero) = state.answered_at else { return };
        if std::mem::replace(&mut state.scheduled, true) {
            return;
        }
        for (id, mistake) in &self.mistakes {
            if !state.switches.is_switched(id) {
                state.plan_ahead(zero, id, mistake);
            }
        }
    }

    /// The time since the first answer, or since the fault was switched on; zero before.
    fn since(&self, id: &str, now: Instant) -> Duration {
        let state = self.state();
        let zero = state.switches.since(id).or(state.answered_at);
        zero.map(|zero| now.saturating_duration_since(zero)).unwrap_or_default()
    }

    fn datagram(&self, now: Instant, ours: bool, datagram: &mut Vec<u8>) -> bool {
        if self.state().vanished {
            return false;
        }
        for (id, mistake) in self.live() {
            if let Mistake::Datagrams(datagrams) = mistake
                && datagrams.ours == ours
                && datagrams.during.contains(&self.since(id, now))
                && (datagrams.are)(datagram)
            {
                self.state().commit(id);
                match datagrams.fate {
                    Fate::Lost => return false,
                    Fate::Edited(edit) => edit(datagram),
                }
            }
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tamper for Faults {
    fn sent(&self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        self.datagram(now, true, datagram)
    }

    fn received(&self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        self.datagram(now, false, datagram)
    }
}

impl State {
    fn commit(&mut self, id: &'static str) {
        if self.committed.insert(id) {
            self.news.push(id);
        }
    }

    /// What a mistake does at times is queued, once the zero of its times is known.
    fn plan_ahead(&mut self, zero: Instant, id: &'static str, mistake: &Mistake) {
        if let Mistake::At(after, act, Again { times, every }) = mistake {
            for time in 0..=*times {
                self.queue.push((zero + *after + *every * time, id, Due::Do(*act)));
            }
        }
    }

    /// The numbers of a description.
    fn counted(&mut self, now: Instant, signal: &Signal, ours: bool) -> (usize, usize) {
        let Signal::Description { sdp_type, .. } = signal else { return (0, 0) };
        if *sdp_type != SdpType::Offer {
            self.answered_at.get_or_insert(now);
        }
        if ours { self.sent.next(*sdp_type) } else { self.received.next(*sdp_type) }
    }

    /// What is left of signals at once after one deed.
    fn done(
        &mut self,
        now: Instant,
        signals: Vec<Signal>,
        (id, of, deed): (&'static str, &Of, &Deed),
        numbers: (usize, usize),
        ours: bool,
    ) -> Vec<Signal> {
        let mut left = Vec::new();
        for mut signal in signals {
            let direction = if ours { 1 } else { 2 };
            let is_meant = match &signal {
                Signal::Description { sdp_type, .. } => self
                    .switches
                    .numbers(id, direction, *sdp_type, numbers)
                    .any(|numbers| of.matches(&signal, numbers)),
                Signal::Candidate { .. } if matches!(of, Of::EarlyCandidates) => {
                    let passed = if ours { &self.sent } else { &self.received };
                    passed.is_none_yet()
                }
                _ => of.matches(&signal, numbers),
            };
            if !is_meant {
                left.push(signal);
                continue;
            }
            self.commit(id);
            let later = |signal| if ours { Due::Send(signal) } else { Due::Receive(signal) };
            let back = |signal| if ours { Due::Receive(signal) } else { Due::Send(signal) };
            match deed {
                Deed::Lose | Deed::Ignore => {}
                Deed::Delay(by) => self.queue.push((now + *by, id, later(signal))),
                Deed::Twice(by) => {
                    self.queue.push((now + *by, id, later(signal.clone())));
                    left.push(signal);
                }
                Deed::Edit(edit) => {
                    edit(&mut signal);
                    left.push(signal);
                }
                Deed::Return => {
                    self.queue.push((now, id, back(signal.clone())));
                    left.push(signal);
                }
                Deed::Then(by, act) => {
                    self.queue.push((now + *by, id, Due::Do(*act)));
                    left.push(signal);
                }
            }
        }
        left
    }
}

fn mistakes_of(fault: &'static Fault, time: Duration) -> impl Iterator<Item = (&'static str, Mistake)> {
    (fault.mistakes)(time).into_iter().map(|mistake| (fault.id, mistake))
}
