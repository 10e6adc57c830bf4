//! How a call can end, and when it ends early.

use std::time::Duration;

use humantime::format_duration;

use super::call::Call;
use crate::jsep::{ConnectionState, DtlsState, IceState};

/// An application that restarts ICE when it has failed does so within this time.
const RESTART_WITHIN: Duration = Duration::from_secs(5);

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Both sides are done.
    Agreed,
    /// Nobody joined in time.
    NobodyCame,
    /// The room was lost before both descriptions were set.
    RoomLost,
    /// No connection could be made on this machine.
    CouldNotStart(String),
    /// The negotiation was not completed in time.
    NotAnswered,
    /// Nothing can come of the call any more, for the reason of that name.
    Hopeless(&'static str),
    /// The other side is gone without a word.
    Vanished,
    /// The other side has hung up.
    HungUp,
    /// The other side has closed the DTLS transport.
    DtlsClosed,
    /// No candidate pair works, or none does any more.
    IceFailed,
    /// DTLS has failed, or the connection as a whole.
    ConnectionFailed,
    /// A known fault of the engine makes going on pointless.
    EngineLimit,
    /// Our side leaves, on purpose.
    OnPurpose,
    /// Somebody interrupted the run.
    Interrupted,
}

impl Call<'_> {
    /// What ends a call before its time. Losing the room after both descriptions does not: media flows without it.
    pub(super) fn ended_early(&self) -> Result<(), Ending> {
        let facts = &self.facts;
        let own = facts.own();
        let ice = own.states.ice.last().map(|reached| reached.state);
        let dtls = own.states.dtls.last().map(|reached| reached.state);
        let connection = own.states.connection.last().map(|reached| reached.state);
        let ending = if self.left.is_some() {
            Ending::OnPurpose
        } else if facts.hang_up.as_ref().is_some_and(|hang_up| hang_up.by != facts.own) {
            Ending::HungUp
        } else if facts.dtls_closed_by_peer.is_some() {
            Ending::DtlsClosed
        } else if !facts.engine_limits.is_empty() {
            Ending::EngineLimit
        } else if (ice == Some(IceState::Failed) || connection == Some(ConnectionState::Failed))
            && dtls != Some(DtlsState::Failed)
            && self.may_come_back()
        {
            return Ok(());
        } else if ice == Some(IceState::Failed) {
            Ending::IceFailed
        } else if dtls == Some(DtlsState::Failed) || connection == Some(ConnectionState::Failed) {
            Ending::ConnectionFailed
        } else if self.is_out_of_earshot() && ice == Some(IceState::Disconnected) {
            Ending::Vanished
        } else {
            return Ok(());
        };
        Err(ending)
    }

    /// ICE has failed after it was connected, and a restart is planned here, may be offered by the other side, or is
    /// under way.
    fn may_come_back(&self) -> bool {
        let own = self.facts.own();
        if own.timing.ice.is_none() || self.is_out_of_earshot() {
            return false;
        }
        let ice_us = own.states.ice.last().map_or(0, |reached| reached.at_us);
        let failed_us = own.states.connection.last().map_or(0, |reached| reached.at_us).max(ice_us);
        let negotiated_us = own.descriptions.last().map_or(0, |described| described.at_us);
        let within = |since: u64, patience: Duration| {
            self.now_us() < since.saturating_add(u64::try_from(patience.as_micros()).unwrap_or(u64::MAX))
        };
        self.leg.as_ref().is_some_and(crate::leg::Leg::means_to_restart)
            || within(failed_us, RESTART_WITHIN)
            || (negotiated_us > failed_us && within(negotiated_us, self.plan.leg.timeout))
    }

    /// The ending in words for people.
    pub(super) fn describe(&self, ending: &Ending) -> String {
        let other = self.plan.leg.role.other();
        match ending {
            Ending::Agreed if self.peer_done => "both sides are done".to_owned(),
            Ending::Agreed => format!("the {} is done", self.plan.leg.role),
            Ending::NobodyCame => format!("no {other} came within {}", format_duration(self.plan.leg.wait)),
            Ending::RoomLost => "the room was lost before the call was negotiated".to_owned(),
            Ending::CouldNotStart(why) => why.clone(),
            Ending::NotAnswered => {
                let within = format_duration(self.plan.leg.answer_timeout);
                format!("the call was not negotiated within {within}")
            }
            Ending::Hopeless(id) => format!("nothing can come of this call any more ({id})"),
            Ending::Vanished => format!("the {other} vanished"),
            Ending::HungUp => {
                let reason = self.facts.hang_up.as_ref().map_or("", |hang_up| hang_up.reason.as_str());
                format!("the {other} hung up: {reason}")
            }
            Ending::DtlsClosed => format!("the {other} closed the DTLS transport"),
            Ending::IceFailed => "ICE failed".to_owned(),
            Ending::ConnectionFailed => "the connection failed".to_owned(),
            Ending::EngineLimit => "a known fault of callcheck's own WebRTC engine showed".to_owned(),
            Ending::OnPurpose => format!("the {} leaves, on purpose", self.plan.leg.role),
            Ending::Interrupted => "interrupted".to_owned(),
        }
    }
}
