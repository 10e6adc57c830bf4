//! Mistakes on purpose: what proves the diagnosis, and what shows how an app copes with a faulty peer. A fault is named
//! after the failure mode that it causes; what it does is a list of mistakes at a few hooks: what an application does
//! (`habits`), a description of ours before it is set (`describe`), signals both ways, sources, RTP and RTCP on their way
//! out, and datagrams both ways. Everything else is that of a good peer.
//!
//! The faults of each layer stand in a file of its name; `mistake` says what a mistake can be, `text` edits SDP, and
//! `hooks` commits them.

mod data;
mod datagrams;
mod dtls;
mod glare;
mod hooks;
mod ice;
mod media;
mod mistake;
mod packets;
mod probes;
mod rtp;
mod sdp;
mod signaling;
mod signals;
mod sources;
mod switches;
mod teardown;
mod text;

use std::time::Duration;

use crate::diagnostic::nearest;
use crate::jsep::Role;
use crate::plan::{FaultPlan, parse_duration};

pub use hooks::Faults;
pub use packets::{RtcpFields, RtpFields};
pub use signals::{Act, Due, Received, Said};

use mistake::Mistake;

/// Something that a peer can do wrong on purpose.
#[derive(Debug)]
pub struct Fault {
    /// Its name in the catalogue of failure modes.
    pub id: &'static str,
    /// The side that can do it; none is either.
    pub by: Option<Role>,
    /// What the time after `=` is, and what it is by default; none where there is none to state.
    pub time: Option<(&'static str, Duration)>,
    /// What our side does.
    pub does: &'static str,
    mistakes: fn(Duration) -> Vec<Mistake>,
}

impl Fault {
    /// It can begin and end in the middle of a call: it is no habit of the application, and no source of media.
    #[must_use]
    pub fn can_be_switched(&self) -> bool {
        let from_the_start = |mistake: &Mistake| matches!(mistake, Mistake::Habit(_) | Mistake::Source(..));
        !(self.mistakes)(Duration::from_secs(1)).iter().any(from_the_start)
    }
}

/// Names are unique.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Fault {}

/// Every fault, in the order of the layers.
pub fn faults() -> impl Iterator<Item = &'static Fault> {
    [
        signaling::FAULTS,
        sdp::FAULTS,
        glare::FAULTS,
        ice::FAULTS,
        dtls::FAULTS,
        rtp::FAULTS,
        media::FAULTS,
        data::FAULTS,
        teardown::FAULTS,
    ]
    .into_iter()
    .flatten()
}

/// The fault of that name, or what a tester does under it.
#[must_use]
pub fn fault(id: &str) -> Option<&'static Fault> {
    faults().chain(probes::FAULTS).find(|fault| fault.id == id)
}

/// Why a text states no fault that a side can commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misstated {
    /// There is none of that name; the one that was probably meant.
    Unknown {
        /// As written.
        id: String,
        /// As it may have been meant.
        near: Option<&'static str>,
    },
    /// It is the other side's.
    OtherSide {
        /// Which.
        fault: &'static Fault,
        /// Whose.
        by: Role,
    },
    /// It takes no time.
    NoTime(&'static Fault),
    /// The time is none.
    Time {
        /// Which.
        fault: &'static Fault,
        /// What the time means.
        means: &'static str,
        /// What it is by default.
        default: Duration,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads `ID` or `ID=TIME` as a fault of that side.
///
/// # Errors
/// [`Misstated`].
pub fn stated(role: Role, text: &str) -> Result<FaultPlan, Misstated> {
    let (id, time) = match text.split_once('=') {
        Some((id, time)) => (id.trim(), Some(time.trim())),
        None => (text.trim(), None),
    };
    let near = || nearest(id, faults().map(|fault| fault.id));
    let known = fault(id).ok_or_else(|| Misstated::Unknown { id: id.to_owned(), near: near() })?;
    if let Some(by) = known.by.filter(|by| *by != role) {
        return Err(Misstated::OtherSide { fault: known, by });
    }
    let time = match (time, known.time) {
        (None, _) => None,
        (Some(_), None) => return Err(Misstated::NoTime(known)),
        (Some(time), Some((means, default))) => {
            let wrong = |why| Misstated::Time { fault: known, means, default, why };
            Some(parse_duration(time).map_err(wrong)?)
        }
    };
    Ok(FaultPlan { id: known.id, time })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FINDINGS;

    #[test]
    fn every_fault_is_named_after_a_failure_mode_and_once() {
        let ids: Vec<&str> = faults().map(|fault| fault.id).collect();
        let unknown: Vec<&&str> = ids.iter().filter(|id| !FINDINGS.contains(id)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let once: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(once.len(), ids.len());
        for fault in faults() {
            assert!(!(fault.mistakes)(Duration::from_secs(1)).is_empty(), "{} does nothing", fault.id);
        }
    }
}
