//! Plans for tests.

use std::time::Duration;

use crate::jsep::Role;
use crate::plan::{Expectation, Plan, RoomUrl};

/// What a side does that states nothing: audio and video both ways.
pub(crate) fn plan(role: Role) -> Plan {
    let mut plan = Plan::good(role);
    (plan.room.url, plan.room.host) = (RoomUrl::new("ws://127.0.0.1:2255"), true);
    plan.leg.duration = Some(Duration::from_secs(5));
    plan
}

/// The same, with expectations stated.
pub(crate) fn expecting(role: Role, texts: &[&str]) -> Plan {
    let expectations = texts.iter().map(|text| Expectation::parse(text, role).unwrap()).collect();
    Plan { expectations, ..plan(role) }
}
