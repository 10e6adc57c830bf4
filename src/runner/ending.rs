//! How a call can end, and when it ends early.

use humantime::format_duration;

use super::call::Call;
use crate::jsep::{ConnectionState, DtlsState, IceState};

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
        let ending = if facts.hang_up.as_ref().is_some_and(|hang_up| hang_up.by != facts.own) {
            Ending::HungUp
        } else if facts.dtls_closed_by_peer.is_some() {
            Ending::DtlsClosed
        } else if !facts.engine_limits.is_empty() {
            Ending::EngineLimit
        } else if dtls == Some(DtlsState::Failed) {
            Ending::ConnectionFailed
        } else if ice == Some(IceState::Failed) && self.may_come_back() {
            return Ok(());
        } else if ice == Some(IceState::Failed) {
            Ending::IceFailed
        } else if connection == Some(ConnectionState::Failed) {
            Ending::ConnectionFailed
        } else if self.is_out_of_earshot() && ice == Some(IceState::Disconnected) {
            Ending::Vanished
        } else {
            return Ok(());
        };
        Err(ending)
    }

    /// ICE has failed, and a restart is planned, or a negotiation since then may be one.
    fn may_come_back(&self) -> bool {
        let own = self.facts.own();
        let failed_us = own.states.ice.last().map_or(0, |reached| reached.at_us);
        let negotiated_us = own.descriptions.last().map_or(0, |described| described.at_us);
        let patience = u64::try_from(self.plan.leg.timeout.as_micros()).unwrap_or(u64::MAX);
        let in_time = self.now_us() < negotiated_us.saturating_add(patience);
        self.has_more_to_do() || (negotiated_us > failed_us && in_time)
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
            Ending::Vanished => format!("the {other} vanished"),
            Ending::HungUp => {
                let reason = self.facts.hang_up.as_ref().map_or("", |hang_up| hang_up.reason.as_str());
                format!("the {other} hung up: {reason}")
            }
            Ending::DtlsClosed => format!("the {other} closed the DTLS transport"),
            Ending::IceFailed => "ICE failed".to_owned(),
            Ending::ConnectionFailed => "the connection failed".to_owned(),
            Ending::EngineLimit => "a known fault of callcheck's own WebRTC engine showed".to_owned(),
            Ending::Interrupted => "interrupted".to_owned(),
        }
    }
}
