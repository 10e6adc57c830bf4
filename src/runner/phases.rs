//! The phases of a call: meet, negotiate, verify the media, let it run, say goodbye. Each waits for what must happen,
//! with a deadline; what ends a call early is in `ending`.

use std::time::{Duration, Instant};

use super::call::{Call, Interrupted, Step};
use super::ending::Ending;
use super::key_events::key_events;
use crate::expect::awaited;
use crate::jsep::{IceState, Role, SignalingState};
use crate::plan::Subject;
use crate::timeline::{Kind, PeerInfo, Report, Signal};

/// How long media runs for a callee that would follow the caller, when the caller can no longer be heard.
const DEFAULT_DURATION: Duration = Duration::from_secs(5);
/// How long the other side is given to tell what it saw, and then to hang up.
const GOODBYE: Duration = Duration::from_secs(2);

impl Call<'_> {
    /// Runs the call to its end; everything is closed when this returns. Why it could not start, if it could not.
    pub(super) async fn run_phases(&mut self) -> Option<String> {
        self.note_presence();
        let ending = match self.talk().await {
            Err(Ending::DtlsClosed) => self.farewell().await,
            Ok(ending) | Err(ending) => ending,
        };
        let could_not_start = match &ending {
            Ending::CouldNotStart(why) => Some(why.clone()),
            _ => None,
        };
        self.close(&ending).await;
        could_not_start
    }

    async fn talk(&mut self) -> Result<Ending, Ending> {
        let peer = self.meet().await?;
        self.open_leg(&peer).await.map_err(Ending::CouldNotStart)?;
        self.negotiate().await?;
        self.take_steps().await?;
        self.verify().await?;
        self.let_run().await?;
        self.let_settle().await?;
        self.agree_to_end().await?;
        Ok(Ending::Agreed)
    }

    /// The media path is quicker than the room: a hang-up may still be on its way when DTLS is closed already.
    async fn farewell(&mut self) -> Ending {
        let deadline = self.after(GOODBYE);
        while self.peer_ends_in_order() && !self.is_out_of_earshot() {
            match self.step(Some(deadline)).await {
                Ok(Step::Event) if self.facts.hang_up.is_some() => return Ending::HungUp,
                Ok(Step::Event) => {}
                Ok(Step::Deadline) => break,
                Err(Interrupted) => return Ending::Interrupted,
            }
        }
        Ending::DtlsClosed
    }

    fn note_presence(&mut self) {
        let url = (!self.plan.room.url.is_empty()).then(|| self.plan.room.url.to_string());
        let (room, me) = (self.plan.room.name.clone(), self.room.me().clone());
        self.record(Kind::Joined { room, url, me });
        for peer in self.room.peers().to_vec() {
            self.record(Kind::PeerJoined(peer));
        }
        self.fold();
    }

    /// Until the room has paired us with the other side.
    async fn meet(&mut self) -> Result<PeerInfo, Ending> {
        let deadline = self.after(self.plan.leg.wait);
        loop {
            if let Some(peer) = &self.peer {
                return Ok(peer.clone());
            }
            if self.facts.room_lost.is_some() {
                return Err(Ending::RoomLost);
            }
            if self.step(Some(deadline)).await? == Step::Deadline {
                return Err(Ending::NobodyCame);
            }
        }
    }

    /// Until both descriptions are set.
    async fn negotiate(&mut self) -> Result<(), Ending> {
        let deadline = self.after(self.plan.leg.answer_timeout);
        if let Some(leg) = &mut self.leg {
            leg.start().await;
        }
        self.fold();
        while !self.is_negotiated() {
            self.ended_early()?;
            if self.facts.vanished().is_some() {
                return Err(Ending::Vanished);
            }
            if self.facts.room_lost.is_some() {
                return Err(Ending::RoomLost);
            }
            let doubtful = self.refused_at().and_then(|since| self.doubtful_from(since));
            let until = doubtful.map_or(deadline, |at| at.min(deadline));
            if self.step(Some(until)).await? == Step::Deadline {
                if until == deadline {
                    return Err(Ending::NotAnswered);
                }
                self.end_if_hopeless()?;
            }
        }
        Ok(())
    }

    /// Until nothing that is expected may still come true by waiting.
    async fn verify(&mut self) -> Result<(), Ending> {
        let mut deadline = self.after(self.plan.leg.timeout);
        let mut waiting_for_a_track_since = None;
        loop {
            self.ended_early()?;
            let missing = self.missing();
            if missing.is_empty() {
                return Ok(());
            }
            if self.is_holding() {
                // On hold nothing can come, and the time of the hold does not count.
                if !self.has_more_to_do() {
                    return Ok(());
                }
                self.step(None).await?;
                deadline = self.after(self.plan.leg.timeout);
                continue;
            }
            // Only another negotiation can bring what is missing of these.
            let not_negotiated =
                missing.iter().all(|subject| matches!(subject, Subject::Tracks | Subject::Sends));
            let nothing_else_comes = self.all_negotiated_media_came();
            let until = if not_negotiated && nothing_else_comes {
                let since = *waiting_for_a_track_since.get_or_insert_with(|| self.now());
                self.follows_until(since).min(deadline)
            } else {
                waiting_for_a_track_since = None;
                let doubtful = self.rejected_whole_since().and_then(|since| self.doubtful_from(since));
                doubtful.map_or(deadline, |at| at.min(deadline))
            };
            if self.step(Some(until)).await? != Step::Deadline {
                continue;
            }
            if not_negotiated && nothing_else_comes && self.probe().await {
                waiting_for_a_track_since = None;
                continue;
            }
            if until == deadline || (not_negotiated && nothing_else_comes) {
                return Ok(());
            }
            self.end_if_hopeless()?;
        }
    }

    /// The media runs for the planned duration, or for as long as the side that we follow wants.
    async fn let_run(&mut self) -> Result<(), Ending> {
        let begun = self.now();
        let cannot_follow = begun + DEFAULT_DURATION;
        loop {
            self.ended_early()?;
            let deadline = match self.plan.leg.duration {
                // What the plan does later belongs to the call, however long it takes.
                _ if self.has_more_to_do() => None,
                Some(duration) => Some(begun + duration),
                None if self.peer_done => return Ok(()),
                None if self.is_out_of_earshot() => Some(cannot_follow.max(begun)),
                None => None,
            };
            if self.step(deadline).await? == Step::Deadline {
                return Ok(());
            }
        }
    }

    /// Until the last negotiation is complete, ICE is connected by it, and what was resumed has come again, where something is under way.
    async fn let_settle(&mut self) -> Result<(), Ending> {
        let deadline = self.after(self.plan.leg.timeout);
        while self.is_settling() {
            self.ended_early()?;
            if self.is_out_of_earshot() {
                break;
            }
            if self.step(Some(deadline)).await? == Step::Deadline {
                let within = humantime::format_duration(self.plan.leg.timeout);
                self.record(Kind::Note(format!(
                    "what was negotiated last did not take effect within {within}"
                )));
                break;
            }
        }
        Ok(())
    }

    fn is_settling(&self) -> bool {
        let own = self.facts.own();
        let stable = own.states.signaling.last().is_none_or(|last| last.state == SignalingState::Stable);
        // An ICE restart is under way.
        let checking = own.timing.ice.is_some()
            && own.states.ice.last().is_some_and(|last| last.state == IceState::Checking);
        let unsettled = !stable || checking;
        let Some((_, rows)) = &own.transceivers else { return unsettled };
        let mut receiving = rows.iter().filter(|row| row.current_direction.is_some_and(|now| now.receives()));
        let silent = receiving.any(|row| {
            let facts = row.mid.as_ref().and_then(|mid| own.mids.get(mid));
            facts.is_some_and(crate::facts::MidFacts::awaits_media_again)
        });
        unsettled || silent
    }

    fn is_holding(&self) -> bool {
        self.leg.as_ref().is_some_and(crate::leg::Leg::is_holding)
    }

    fn has_more_to_do(&self) -> bool {
        self.leg.as_ref().is_some_and(crate::leg::Leg::has_more_to_do)
    }

    /// Says that we are done, waits until the other side is, and exchanges what both have seen.
    async fn agree_to_end(&mut self) -> Result<(), Ending> {
        let both_are_done = self.both_are_done().await?;
        // The figures of the whole call, also where nobody can be told of them.
        self.sample().await;
        if !both_are_done {
            return Ok(());
        }
        self.tell_what_we_saw();
        let deadline = self.after(GOODBYE);
        while !self.peer_reported && !self.is_out_of_earshot() {
            if self.step(Some(deadline)).await? == Step::Deadline {
                break;
            }
        }
        Ok(())
    }

    /// Says that we are done and waits until the other side is. Not if it cannot say so.
    async fn both_are_done(&mut self) -> Result<bool, Ending> {
        if self.is_out_of_earshot() {
            return Ok(false);
        }
        self.send(Signal::Done);
        self.fold();
        if !self.peer_ends_in_order() {
            return Ok(false);
        }
        while !self.peer_done {
            self.ended_early()?;
            if self.is_out_of_earshot() {
                return Ok(false);
            }
            self.step(None).await?;
        }
        Ok(true)
    }

    /// Writes down how things stand, for our verdict and for the other side's.
    pub(super) async fn sample(&mut self) {
        if let Some(leg) = &self.leg {
            leg.sample().await;
        }
        self.fold();
    }

    fn tell_what_we_saw(&mut self) {
        let (events, left_out) = self.recorder.read(key_events);
        if left_out > 0 {
            self.record(Kind::Note(format!(
                "{left_out} descriptions and candidates in the middle of the call are too much to tell the other side"
            )));
        }
        let report = Report { epoch_us: self.epoch_us(), events };
        self.send(Signal::Report(report));
    }

    /// Hangs up and closes everything. Waits no longer than a goodbye takes.
    async fn close(&mut self, ending: &Ending) {
        if matches!(ending, Ending::Interrupted) {
            self.record(Kind::Interrupted);
        }
        if !matches!(ending, Ending::Agreed) {
            self.sample().await;
        }
        self.hang_up(ending).await;
        self.record(Kind::Ended { reason: self.describe(ending) });
        if let Some(leg) = self.leg.take() {
            leg.close().await;
        }
        self.record(Kind::Closed);
    }

    async fn hang_up(&mut self, ending: &Ending) {
        let silent = self.left == Some(crate::fault::Act::Vanish);
        let told = matches!(ending, Ending::Agreed);
        if !silent && !told && self.facts.hang_up.is_some() && self.leg.is_some() && !self.is_out_of_earshot()
        {
            // Whoever hung up wants to know what we saw.
            if self.peer_ends_in_order() {
                self.tell_what_we_saw();
            }
            return;
        }
        if self.facts.hang_up.is_some() || self.leg.is_none() || self.is_out_of_earshot() || silent {
            return;
        }
        // After an orderly end the caller hangs up and the callee hears it; otherwise whoever ends the call.
        if matches!(ending, Ending::Agreed) && self.plan.leg.role == Role::Callee && self.peer_ends_in_order()
        {
            let deadline = self.after(GOODBYE);
            while self.facts.hang_up.is_none() && !self.is_out_of_earshot() {
                if !matches!(self.step(Some(deadline)).await, Ok(Step::Event)) {
                    break;
                }
            }
        }
        if self.facts.hang_up.is_none() && !self.is_out_of_earshot() {
            if !matches!(ending, Ending::Agreed) && self.peer_ends_in_order() {
                self.tell_what_we_saw();
            }
            let reason = self.describe(ending);
            self.send(Signal::HangUp { reason });
            self.fold();
            if !matches!(ending, Ending::Agreed | Ending::Interrupted | Ending::OnPurpose) {
                self.hear_what_they_saw().await;
            }
        }
    }

    /// The other side tells what it saw when it hears that the call is over, if it is one that does.
    async fn hear_what_they_saw(&mut self) {
        let deadline = self.after(GOODBYE);
        while self.peer_ends_in_order() && !self.peer_reported && !self.is_out_of_earshot() {
            match self.step(Some(deadline)).await {
                Ok(Step::Event) => {}
                Ok(Step::Deadline) | Err(Interrupted) => return,
            }
        }
    }

    /// What is expected, does not hold yet, and may come true by waiting.
    fn missing(&self) -> Vec<Subject> {
        awaited(&self.judge(false)).collect()
    }

    /// Every m-section that receives has shown its media, and no negotiation is under way.
    pub(super) fn all_negotiated_media_came(&self) -> bool {
        let own = self.facts.own();
        let stable = own.states.signaling.last().is_none_or(|last| last.state == SignalingState::Stable);
        let Some((_, rows)) = &own.transceivers else { return false };
        let mut receiving = rows.iter().filter(|row| row.current_direction.is_some_and(|now| now.receives()));
        let came = |mid: &Option<String>| {
            mid.as_ref().and_then(|mid| own.mids.get(mid)).is_some_and(|facts| facts.proof.is_some())
        };
        stable && receiving.all(|row| came(&row.mid))
    }

    fn is_negotiated(&self) -> bool {
        self.leg.as_ref().is_some_and(crate::leg::Leg::is_negotiated)
    }

    /// The other side cannot be reached through the room any more.
    pub(super) fn is_out_of_earshot(&self) -> bool {
        self.facts.room_lost.is_some() || self.facts.other().presence.left.is_some() || self.peer.is_none()
    }

    fn peer_ends_in_order(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.capabilities.end_of_call)
    }

    pub(super) fn now(&self) -> Instant {
        self.deps.world.now()
    }

    pub(super) fn after(&self, duration: Duration) -> Instant {
        self.now() + duration
    }
}

impl From<Interrupted> for Ending {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}
