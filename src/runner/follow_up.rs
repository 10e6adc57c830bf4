//! How long it is worth waiting: for another offer that brings a track, or corrects what was refused; and the offer that
//! we make ourselves to learn more.

use std::time::{Duration, Instant};

use super::call::Call;
use super::ending::Ending;
use crate::diagnose::{Context, diagnose, follow_up_until};
use crate::expect::{Status, Verdict};
use crate::jsep::{Direction, SdpType, SignalingState};
use crate::plan::Subject;
use crate::timeline::Kind;

/// What a call remembers of its waiting.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// What had failed when we offered once more only to learn why.
    before_the_probe: Option<Vec<Verdict>>,
    /// When we looked last whether going on is pointless.
    doubted_at: Option<Instant>,
}

impl Call<'_> {
    /// Until when another offer may bring the track that is missing. `since` is when everything else had come.
    pub(super) fn follows_until(&self, since: Instant) -> Instant {
        let until = follow_up_until(&Context::of_plan(self.plan), &self.facts);
        until.map_or(since + self.plan.leg.follow_up, |at_us| self.instant(at_us))
    }

    /// Since when a description of the other side stands refused with nothing after it.
    pub(super) fn refused_at(&self) -> Option<Instant> {
        let descriptions = &self.facts.own().history.descriptions;
        let last = descriptions.last()?;
        let (moment, _) = last.rejected.as_ref()?;
        Some(self.instant(moment.at_us))
    }

    /// Since when every m-section is rejected, so that there is nothing to connect.
    pub(super) fn rejected_whole_since(&self) -> Option<Instant> {
        let own = self.facts.own();
        let stable = own.states.signaling.last().is_some_and(|last| last.state == SignalingState::Stable);
        let (_, rows) = own.transceivers.as_ref()?;
        let live = |direction: Option<Direction>| {
            !matches!(direction, None | Some(Direction::Inactive | Direction::Stopped))
        };
        let nothing = own.timing.ice.is_none() && !rows.iter().any(|row| live(row.current_direction));
        let answer = own.history.descriptions.iter().rfind(|known| known.sdp_type == SdpType::Answer)?;
        let whole = answer.sdp.sections.iter().all(crate::jsep::MediaSection::is_rejected);
        (stable && nothing && whole).then(|| self.instant(answer.first().at_us))
    }

    /// When it is to be asked whether going on is pointless, as nothing has followed what came `since`; none if that was
    /// asked already.
    pub(super) fn doubtful_from(&self, since: Instant) -> Option<Instant> {
        let at = since + self.plan.leg.follow_up;
        self.patience.doubted_at.is_none_or(|asked| asked < at).then_some(at)
    }

    /// Going on is pointless if the cause is certain: nothing but another description could help, and none has come.
    pub(super) fn end_if_hopeless(&mut self) -> Result<(), Ending> {
        self.patience.doubted_at = Some(self.now());
        let found = diagnose(&Context::of_plan(self.plan), &self.facts, false);
        found.certain_blocker().map_or(Ok(()), |finding| Err(Ending::Hopeless(finding.id)))
    }

    /// Offers once more, if that was asked for, was not done yet, and would tell why a track is missing.
    pub(super) async fn probe(&mut self) -> bool {
        let asked = self.plan.leg.probe_reoffer && self.patience.before_the_probe.is_none();
        if !asked {
            return false;
        }
        // How long it has been is known by what was written down last.
        self.sample().await;
        if !diagnose(&Context::of_plan(self.plan), &self.facts, false).wants_reoffer() {
            return false;
        }
        let failed = |verdict: &Verdict| verdict.status == Status::Failed && of_tracks(verdict.subject);
        self.patience.before_the_probe = Some(self.judge(true).into_iter().filter(failed).collect());
        self.record(Kind::Reoffered);
        if let Some(leg) = &mut self.leg {
            leg.offer_once_more().await;
        }
        self.fold();
        true
    }

    /// A track that came because a tester asked for it is none that an application would have got.
    pub(super) fn without_what_was_probed(&self, verdicts: Vec<Verdict>) -> Vec<Verdict> {
        let Some(before) = &self.patience.before_the_probe else { return verdicts };
        let as_before = |verdict: Verdict| {
            let same = |known: &&Verdict| (known.of, known.subject) == (verdict.of, verdict.subject);
            match before.iter().find(same) {
                Some(known) if verdict.status == Status::Passed => {
                    let observed = format!("{}; it came when callcheck offered once more", known.observed);
                    Verdict { observed, ..known.clone() }
                }
                _ => verdict,
            }
        };
        verdicts.into_iter().map(as_before).collect()
    }

    fn instant(&self, at_us: u64) -> Instant {
        self.recorder.start() + Duration::from_micros(at_us)
    }
}

fn of_tracks(subject: Subject) -> bool {
    matches!(subject, Subject::Tracks | Subject::Sends)
}
