//! One call: what comes from the room and from the leg is handled here, one thing at a time. The phases that it goes
//! through are in `phases`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{FutureExt, select_biased};

use super::follow_up::Patience;
use super::steps::Steps;
use super::{Deps, Played};
use crate::expect::{Verdict, judge};
use crate::facts::Facts;
use crate::fault::{Act, Due, Faults};
use crate::leg::{Leg, LegEvent, Setting};
use crate::network::{Network, Tamper, TamperedNetwork};
use crate::plan::Plan;
use crate::signaling::{Room, RoomEvent};
use crate::timeline::{Event, Header, Kind, PeerInfo, Recorder, SCHEMA_VERSION, Signal, TimelineWriter};

/// One call while it is played.
pub(super) struct Call<'a> {
    pub(super) plan: &'a Plan,
    pub(super) deps: &'a mut Deps,
    pub(super) room: &'a mut Room,
    pub(super) recorder: Recorder,
    pub(super) facts: Facts,
    /// What our side does wrong on purpose.
    pub(super) faults: Arc<Faults>,
    /// A fault that ends the call has been committed.
    pub(super) left: Option<Act>,
    /// Events on their way from the recorder to the facts.
    events: mpsc::UnboundedReceiver<Event>,
    writer: Option<Arc<Mutex<TimelineWriter>>>,
    number: u32,
    pub(super) leg: Option<Leg>,
    pub(super) call: Option<String>,
    pub(super) peer: Option<PeerInfo>,
    /// The other side has said something in this call.
    pub(super) answered: bool,
    pub(super) peer_done: bool,
    pub(super) peer_reported: bool,
    /// What is to be said about waiting any longer.
    pub(super) patience: Patience,
    /// How far the steps of the plan have come.
    pub(super) steps: Steps,
}

/// What a step has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something has happened and is in the facts.
    Event,
    /// The time given has come.
    Deadline,
}

/// Somebody interrupted the run.
#[derive(Debug)]
pub(super) struct Interrupted;

impl<'a> Call<'a> {
    pub(super) fn new(plan: &'a Plan, deps: &'a mut Deps, room: &'a mut Room, number: u32) -> Self {
        let role = plan.leg.role;
        let (start, epoch_us) = (deps.world.now(), wall_us(deps));
        let recorder = Recorder::new(role, start);
        let (fold, events) = mpsc::unbounded();
        recorder.observe(Box::new(move |event| {
            // The call that folds them may be over already.
            let _ = fold.unbounded_send(event.clone());
        }));
        if let Some(observe) = &mut deps.observe {
            recorder.observe(observe(number));
        }
        let facts = Facts::new(role).with_epoch(epoch_us);
        Self {
            plan,
            deps,
            room,
            recorder,
            facts,
            faults: Arc::new(Faults::new(&plan.leg.faults, &plan.steps)),
            left: None,
            events,
            writer: None,
            number,
            leg: None,
            call: None,
            peer: None,
            answered: false,
            peer_done: false,
            peer_reported: false,
            patience: Patience::default(),
            steps: Steps::default(),
        }
    }

    /// Plays the call to its end and judges it. Also says whether the other side took part.
    pub(super) async fn play(mut self) -> (Played, bool) {
        let opened = self.start_recording();
        let could_not_start = self.run_phases().await;
        self.fold();
        let record_error = opened.err().or_else(|| {
            let writer = self.writer.take()?;
            writer.lock().unwrap_or_else(PoisonError::into_inner).finish().err()
        });
        let verdicts = self.without_what_was_probed(self.judge(true));
        let steps = self.outcomes();
        (Played { facts: self.facts, verdicts, steps, record_error, could_not_start }, self.answered)
    }

    fn start_recording(&mut self) -> std::io::Result<()> {
        let Some(open) = &mut self.deps.record else { return Ok(()) };
        let storage = open(self.number)?;
        let header = Header {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            call: None,
            role: self.plan.leg.role,
            name: self.plan.leg.name.clone(),
            epoch_us: wall_us(self.deps),
            clock: self.deps.world.clock().as_str().to_owned(),
            seed: self.deps.world.seed(),
            // Invariant: a plan is plain data whose secrets serialise as `[redacted]`.
            plan: serde_json::to_value(self.plan).expect("a plan is plain data"),
            legs: None,
        };
        let writer = Arc::new(Mutex::new(TimelineWriter::new(storage, header)));
        self.writer = Some(Arc::clone(&writer));
        self.recorder.observe(Box::new(move |event| {
            writer.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }));
        Ok(())
    }

    /// Opens our side of the call.
    pub(super) async fn open_leg(&mut self, peer: &PeerInfo) -> Result<(), String> {
        let me = self.room.me().clone();
        let setting = Setting {
            world: Arc::clone(&self.deps.world),
            network: self.network(),
            recorder: self.recorder.clone(),
            addresses: self.deps.addresses.clone(),
            faults: Arc::clone(&self.faults),
            me: &me,
            peer,
        };
        let plan = self.faults.plan(&self.plan.leg);
        let leg = Leg::open(&plan, setting).await.map_err(|error| error.to_string())?;
        self.leg = Some(leg);
        Ok(())
    }

    /// The network as our side has it.
    fn network(&self) -> Arc<dyn Network> {
        let inner = Arc::clone(&self.deps.network);
        if !self.faults.tampers() {
            return inner;
        }
        let tamper: Arc<dyn Tamper> = self.faults.clone();
        Arc::new(TamperedNetwork::new(Arc::clone(&self.deps.world), inner, tamper))
    }

    /// Waits for the next thing, but no longer than until `deadline`, and handles it.
    pub(super) async fn step(&mut self, deadline: Option<Instant>) -> Result<Step, Interrupted> {
        let step = self.wait(deadline).await?;
        self.commit_faults().await;
        self.fold();
        Ok(step)
    }

    async fn wait(&mut self, deadline: Option<Instant>) -> Result<Step, Interrupted> {
        let world = Arc::clone(&self.deps.world);
        let due = self.faults.next_due();
        if due.is_some_and(|due| due <= world.now()) {
            return Ok(Step::Event);
        }
        let ends = |at: Instant| at.saturating_duration_since(world.now());
        if deadline.map(ends) == Some(Duration::ZERO) && self.deps.interrupt.peek().is_none() {
            return Ok(Step::Deadline);
        }
        // A fault that is due earlier is no deadline.
        let first = deadline.into_iter().chain(due).min();
        let (left, is_deadline) = (first.map(ends), first == deadline);
        let happened = {
            let timer = async {
                match left {
                    Some(left) => world.sleep(left).await,
                    None => futures::future::pending().await,
                }
            };
            let leg = async {
                match &mut self.leg {
                    Some(leg) => leg.next().await,
                    None => futures::future::pending().await,
                }
            };
            let mut interrupt = self.deps.interrupt.clone();
            select_biased! {
                () = interrupt => return Err(Interrupted),
                event = self.room.next().fuse() => Happened::Room(event),
                event = leg.fuse() => Happened::Leg(event),
                event = futures::StreamExt::select_next_some(&mut self.events) => Happened::Recorded(event),
                () = timer.fuse() => return Ok(if is_deadline { Step::Deadline } else { Step::Event }),
            }
        };
        match happened {
            Happened::Room(event) => self.room_event(event).await,
            Happened::Leg(LegEvent::Send(signal)) => self.send(signal),
            Happened::Leg(LegEvent::Due) => {
                if let Some(leg) = &mut self.leg {
                    leg.proceed().await;
                }
            }
            Happened::Leg(LegEvent::Progress) => {}
            Happened::Recorded(event) => self.facts.apply(&event),
        }
        Ok(Step::Event)
    }

    async fn room_event(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::PeerJoined(peer) => self.record(Kind::PeerJoined(peer)),
            RoomEvent::PeerLeft { name, reason } => self.record(Kind::PeerLeft { name, reason }),
            RoomEvent::CallStarted { call, peer } => {
                self.call = Some(call.clone());
                self.peer = Some(peer.clone());
                self.record(Kind::CallStarted { call, peer });
            }
            RoomEvent::Signal { from, call, seq, signal, .. } => self.signal(from, call, seq, signal).await,
            RoomEvent::ClockOffset { offset_us, error_us, .. } => {
                self.record(Kind::ClockOffset { offset_us, error_us });
                if let Some(leg) = &self.leg {
                    leg.set_clock(offset_us, error_us);
                }
            }
            RoomEvent::Error(error) => {
                let (code, message) = (error.code.to_string(), error.message);
                self.record(Kind::RoomError { code, message });
            }
            RoomEvent::Lost { reason } => self.record(Kind::RoomLost { reason }),
        }
    }

    async fn signal(&mut self, from: String, call: Option<String>, seq: Option<u64>, signal: Signal) {
        if call.is_some() && call != self.call {
            return self.record(Kind::Note(format!("a signal of another call came from {from}; ignored")));
        }
        self.answered = true;
        let received = self.faults.receive(self.deps.world.now(), signal.clone());
        if received.came {
            self.came(from, seq, signal);
        }
        for signal in received.taken {
            self.take(signal).await;
        }
    }

    /// A signal has come to us.
    fn came(&mut self, from: String, seq: Option<u64>, signal: Signal) {
        if let Signal::Report(report) = signal {
            let role = self.plan.leg.role.other();
            self.peer_reported = true;
            return self.record(Kind::PeerReport { role, epoch_us: report.epoch_us, events: report.events });
        }
        self.peer_done |= signal == Signal::Done;
        if let Signal::Step { done } = signal {
            self.steps.peer_came(done);
        }
        self.record(Kind::SignalReceived { from, seq, signal });
    }

    /// Our side takes a signal in.
    async fn take(&mut self, signal: Signal) {
        if let Some(leg) = &mut self.leg {
            leg.receive(signal).await;
        }
    }

    pub(super) fn send(&mut self, signal: Signal) {
        for signal in self.faults.send(self.deps.world.now(), signal) {
            self.transmit(signal);
        }
    }

    /// What a faulty side does by itself, as far as it is due; and what it has done is written down.
    async fn commit_faults(&mut self) {
        if self.faults.is_empty() {
            return;
        }
        for due in self.faults.due(self.deps.world.now()) {
            match due {
                Due::Send(signal) => self.transmit(signal),
                Due::Receive(signal) => {
                    let from = self.peer.as_ref().map_or_else(String::new, |peer| peer.name.clone());
                    self.came(from, None, signal.clone());
                    self.take(signal).await;
                }
                Due::Do(act) => self.act(act).await,
            }
        }
        for id in self.faults.take_news() {
            self.record(Kind::Fault { id: id.to_owned() });
        }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::LeaveRoom => self.room.depart(),
            Act::Vanish | Act::HangUp => {
                if act == Act::Vanish {
                    self.room.vanish();
                }
                self.left = Some(act);
            }
            // Those need nothing of us.
            Act::Repeat(_) | Act::RepeatCandidate | Act::Say(_) | Act::StopMedia => {}
            of_the_leg => {
                if let Some(leg) = &mut self.leg {
                    leg.misbehave(of_the_leg).await;
                }
            }
        }
    }

    fn transmit(&mut self, signal: Signal) {
        let to = self.peer.as_ref().map(|peer| peer.name.as_str());
        // Before it leaves: what the other side does because of it, such as closing DTLS, comes later.
        let at = self.deps.world.now();
        let seq = self.room.send(to, self.faults.on_the_way(signal.clone()));
        // A report repeats the timeline; it is not recorded once more.
        if !matches!(signal, Signal::Report(_)) {
            self.recorder.record(at, Kind::SignalSent { seq, signal });
        }
    }

    pub(super) fn record(&self, kind: Kind) {
        self.recorder.record(self.deps.world.now(), kind);
    }

    /// Lets the facts catch up with the timeline.
    pub(super) fn fold(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.facts.apply(&event);
        }
    }

    pub(super) fn judge(&self, ended: bool) -> Vec<Verdict> {
        judge(self.plan, &self.facts, ended, self.now_us())
    }

    /// The time on the timeline.
    pub(super) fn now_us(&self) -> u64 {
        let now = self.deps.world.now().saturating_duration_since(self.recorder.start());
        u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn epoch_us(&self) -> u64 {
        let since_start = self.deps.world.now().saturating_duration_since(self.recorder.start());
        wall_us(self.deps).saturating_sub(u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX))
    }
}

enum Happened {
    Room(RoomEvent),
    Leg(LegEvent),
    Recorded(Event),
}

fn wall_us(deps: &Deps) -> u64 {
    let since = deps.world.wall().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
