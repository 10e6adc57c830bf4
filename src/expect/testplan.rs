//! Plans for tests.

use std::time::Duration;

use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, Habits, IcePolicy, LegPlan, Plan, RoomPlan, SendPlan, SourcePlan};

/// What a side does that states nothing: audio and video both ways.
pub(crate) fn plan(role: Role) -> Plan {
    let send = [(MediaKind::Audio, SourcePlan::Tone), (MediaKind::Video, SourcePlan::Bars)];
    Plan {
        room: RoomPlan { name: "demo".into(), url: "ws://127.0.0.1:2255".into(), host: true, token: None },
        leg: LegPlan {
            role,
            name: role.to_string(),
            send: send.into_iter().map(|(kind, source)| SendPlan { kind, source }).collect(),
            receive: MediaKind::ALL.to_vec(),
            habits: Habits::good(role),
            ice_servers: Vec::new(),
            ice_policy: IcePolicy::All,
            trickle: true,
            bind: Vec::new(),
            wait: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            duration: Some(Duration::from_secs(5)),
        },
        expectations: Vec::new(),
        strict: false,
        retries: 0,
        flaky_ok: false,
    }
}

/// The same, with expectations stated.
pub(crate) fn expecting(role: Role, texts: &[&str]) -> Plan {
    let expectations = texts.iter().map(|text| Expectation::parse(text, role).unwrap()).collect();
    Plan { expectations, ..plan(role) }
}
