//! Timelines of one call, folded on one clock.

use std::collections::BTreeSet;

use super::ExplainError;
use crate::diagnose::Context;
use crate::facts::Facts;
use crate::jsep::Role;
use crate::timeline::{Event, Kind, Timeline};

/// What timelines come to.
pub(super) struct Merged {
    pub(super) facts: Facts,
    pub(super) context: Context,
}

/// Folds one timeline, or both sides' timelines of the same call.
pub(super) fn timelines(
    list: Vec<(String, Timeline)>,
    said: &mut Vec<String>,
) -> Result<Merged, ExplainError> {
    let mut list: Vec<(String, Timeline)> = list.into_iter().flat_map(split).collect();
    list.sort_by_key(|(_, timeline)| timeline.header.role);
    let not_one = |first: &str, second: &str, why: &str| ExplainError::NotOneCall {
        first: first.to_owned(),
        second: second.to_owned(),
        why: why.to_owned(),
    };
    for pair in list.windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        if one.header.role == two.header.role {
            return Err(not_one(first, second, &format!("are both of the {}", one.header.role)));
        }
        if call_of(one).is_some() && call_of(two).is_some() && call_of(one) != call_of(two) {
            return Err(not_one(first, second, "are of different calls"));
        }
    }
    let mut list = list.into_iter();
    let Some((_, own)) = list.next() else { return Err(ExplainError::Nothing) };
    let other = list.next().map(|(_, timeline)| timeline);
    if let Some(other) = &other {
        said.push(clocks(&own, other));
    }
    Ok(fold(own, other))
}

/// The call's id: the header's, or the one that the room gave later.
fn call_of(timeline: &Timeline) -> Option<&str> {
    let later = || {
        timeline.events.iter().find_map(|event| match &event.kind {
            Kind::CallStarted { call, .. } => Some(call.as_str()),
            _ => None,
        })
    };
    timeline.header.call.as_deref().or_else(later)
}

/// A run that plays both sides writes one file; the ids of its events say whose they are.
fn split((name, timeline): (String, Timeline)) -> Vec<(String, Timeline)> {
    let roles: BTreeSet<Role> = timeline.events.iter().filter_map(|event| role_of(&event.id)).collect();
    if roles.len() < 2 {
        return vec![(name, timeline)];
    }
    let of = |role: Role| {
        let events = timeline.events.iter().filter(|event| role_of(&event.id) == Some(role)).cloned();
        let mut header = timeline.header.clone();
        header.role = role;
        if let Some(leg) = header.legs.take().into_iter().flatten().find(|leg| leg.role == role) {
            (header.name, header.plan) = (leg.name, leg.plan);
        }
        let timeline = Timeline { header, events: events.collect(), torn: timeline.torn };
        (format!("{name} ({role})"), timeline)
    };
    roles.into_iter().map(of).collect()
}

fn role_of(id: &str) -> Option<Role> {
    id.split_once(':')?.0.parse().ok()
}

fn clocks(own: &Timeline, other: &Timeline) -> String {
    let offset = own.events.iter().rev().find_map(|event| match event.kind {
        Kind::ClockOffset { offset_us, error_us } => Some((offset_us, error_us)),
        _ => None,
    });
    match offset {
        Some((offset, error)) => format!(
            "both timelines are on the {}'s clock; the {}'s is {:.1} ms ahead (±{:.1} ms)",
            own.header.role,
            other.header.role,
            offset as f64 / 1e3,
            error as f64 / 1e3
        ),
        None => {
            "how far the two clocks are apart is not known; only the order within each side counts".into()
        }
    }
}

fn fold(own: Timeline, other: Option<Timeline>) -> Merged {
    let context = Context::of_recorded(&own.header.plan, own.header.role);
    let mut facts = Facts::new(own.header.role).with_epoch(own.header.epoch_us);
    // The whole timeline of the other side says more than its report.
    let reported = |event: &&Event| other.is_none() || !matches!(event.kind, Kind::PeerReport { .. });
    own.events.iter().filter(reported).for_each(|event| facts.apply(event));
    if let Some(other) = other {
        let kind = Kind::PeerReport {
            role: other.header.role,
            epoch_us: other.header.epoch_us,
            events: other.events,
        };
        let at_us = facts.last_us;
        facts.apply(&Event { id: "merged".into(), at_us, kind });
    }
    Merged { facts, context }
}

/// Facts of timelines that were made from something else.
pub(super) fn of_parts(own: Timeline, other: Option<Timeline>) -> Merged {
    fold(own, other)
}
