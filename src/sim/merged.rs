//! One timeline of what both sides recorded, on one clock.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::runner::Record;
use crate::timeline::{Event, Header, HeaderLeg, Storage, Timeline, TimelineWriter};

/// The timeline of one side, in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// As a run wants it: whatever call is made is recorded here.
    #[must_use]
    pub fn record(&self) -> Record {
        let recording = self.clone();
        Box::new(move |_| {
            let storage: Box<dyn Storage> = Box::new(recording.clone());
            Ok(storage)
        })
    }

    /// What was recorded; none if nothing was.
    #[must_use]
    pub fn timeline(&self) -> Option<Timeline> {
        Timeline::parse(&String::from_utf8_lossy(&self.text())).ok()
    }

    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Recording {
    fn restart(&mut self) -> io::Result<()> {
        self.text().clear();
        Ok(())
    }
}

/// Both timelines as one, in order of time; what happened at the same microsecond is the caller's first. None if nothing
/// was recorded.
pub(super) fn merge(recordings: &[Option<Recording>; 2]) -> Option<Timeline> {
    let [Some(caller), Some(callee)] = recordings else { return None };
    let [caller, callee] = [caller, callee].map(|recording| {
        // Invariant: what the writer wrote, the reader reads.
        Timeline::parse(&String::from_utf8_lossy(&recording.text()))
            .expect("a timeline that was written can be read")
    });
    Some(merged(caller, callee))
}

fn merged(caller: Timeline, callee: Timeline) -> Timeline {
    let epoch_us = caller.header.epoch_us.min(callee.header.epoch_us);
    let legs = [&caller.header, &callee.header].map(|header| HeaderLeg {
        role: header.role,
        name: header.name.clone(),
        plan: header.plan.clone(),
    });
    let header = Header { epoch_us, legs: Some(legs.to_vec()), ..caller.header.clone() };
    let shifted = |timeline: Timeline| {
        let shift = timeline.header.epoch_us - epoch_us;
        timeline.events.into_iter().map(move |event| Event { at_us: event.at_us + shift, ..event })
    };
    let mut events: Vec<Event> = shifted(caller).chain(shifted(callee)).collect();
    events.sort_by_key(|event| event.at_us);
    Timeline { header, events, torn: false }
}

/// Writes a timeline as JSON lines.
///
/// # Errors
/// What stopped the writing.
pub fn write_merged(timeline: &Timeline, storage: Box<dyn Storage>) -> io::Result<()> {
    let mut writer = TimelineWriter::new(storage, timeline.header.clone());
    timeline.events.iter().for_each(|event| writer.push(event));
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::Role;
    use crate::timeline::{Kind, SCHEMA_VERSION};

    fn timeline(role: Role, epoch_us: u64, at: &[u64]) -> Timeline {
        let event = |(index, at_us): (usize, &u64)| Event {
            id: format!("{role}:{}", index + 1),
            at_us: *at_us,
            kind: Kind::NegotiationNeeded,
        };
        let header = Header {
            schema_version: SCHEMA_VERSION,
            tool_version: String::new(),
            call: None,
            role,
            name: role.to_string(),
            epoch_us,
            clock: "virtual".into(),
            seed: 1,
            plan: serde_json::Value::Null,
            legs: None,
        };
        Timeline { header, events: at.iter().enumerate().map(event).collect(), torn: false }
    }

    #[test]
    fn both_sides_are_on_one_clock_and_the_header_names_both() {
        let merged =
            merged(timeline(Role::Caller, 1_000, &[5, 20, 30]), timeline(Role::Callee, 1_010, &[0, 10]));
        let order: Vec<(&str, u64)> =
            merged.events.iter().map(|event| (event.id.as_str(), event.at_us)).collect();
        assert_eq!(
            order,
            [("caller:1", 5), ("callee:1", 10), ("caller:2", 20), ("callee:2", 20), ("caller:3", 30)]
        );
        let legs = merged.header.legs.unwrap();
        assert_eq!(legs.iter().map(|leg| leg.role).collect::<Vec<_>>(), [Role::Caller, Role::Callee]);
        assert_eq!(merged.header.epoch_us, 1_000);
    }
}
