//! `[[step]]` beside `[caller]`, `[callee]` or `[both]`: what two applications do in the middle of their call, in one
//! order.

use std::time::Duration;

use super::keys::{STEP, STEP_OPS};
use super::leg::mistake;
use super::read::Reader;
use super::steps::Arguments;
use super::tree::{Node, Place, Table, Value as Written, get};
use crate::fault::fault;
use crate::jsep::Role;
use crate::plan::{CallAct, CallStep, Expectation, FaultPlan, OWN_STREAM, Operation, Value};

/// What an expectation in the middle of a call waits where nothing is said.
const WITHIN: Duration = Duration::from_secs(5);

/// Reads the steps, and where each stands.
pub(super) fn call_steps(reader: &Reader<'_>, steps: &Node) -> (Vec<CallStep>, Vec<Place>) {
    let read = |(index, node): (usize, &Node)| {
        let table = reader.table(node, "step")?;
        reader.only(table, STEP, "[[step]]");
        let place = get(table, "rejected").or_else(|| get(table, "expect")).or_else(|| get(table, "op"));
        let place = place.unwrap_or(node).place.clone();
        step(reader, node, table).map(|steps| {
            let numbered = move |step| CallStep { number: index + 1, ..step };
            steps.into_iter().map(move |step| (numbered(step), place.clone()))
        })
    };
    reader.items(steps).iter().enumerate().filter_map(read).flatten().unzip()
}

fn step(reader: &Reader<'_>, node: &Node, table: &Table) -> Option<Vec<CallStep>> {
    let words = [("caller", Some(Role::Caller)), ("callee", Some(Role::Callee)), ("both", None)];
    let who_node = get(table, "who");
    let who = match who_node {
        Some(node) => reader.word(node, "who", &words)?,
        None => None,
    };
    let step = |who, act| {
        let flag = |key: &str| get(table, key).and_then(|node| reader.flag(node, key));
        let rejected = get(table, "rejected").and_then(|node| reader.text(node, "rejected"));
        CallStep { number: 0, who, act, settles: flag("settle").unwrap_or(true), rejected }
    };
    let Some(op) = get(table, "op") else {
        only_of(reader, table, "expect", "a step that expects something");
        if get(table, "expect").is_some() {
            return Some(vec![step(None, expect(reader, table, who)?)]);
        }
        let help = "such as op = \"hold\", or expect = \"tracks=audio,video\"";
        reader.complain(&node.place, "a step needs `op` or `expect`", "none here", Some(help.into()));
        return None;
    };
    let names: Vec<(&str, &str)> = STEP_OPS.iter().map(|name| (*name, *name)).collect();
    let name = reader.word(op, "op", &names)?;
    only_of(reader, table, name, &format!("`{name}`"));
    let of_both = matches!(name, "wait" | "wait-ice-connected" | "checkpoint" | "expect");
    if who_node.is_none() && !of_both {
        let help = "write who = \"caller\", \"callee\" or \"both\"";
        let title = format!("`{name}` is done by somebody");
        reader.complain(&op.place, title, "nobody does it", Some(help.into()));
        return None;
    }
    let arguments = Arguments { reader, node, table, name };
    let act = match name {
        "hold" => CallAct::Hold,
        "resume" => CallAct::Resume,
        "hang-up" => CallAct::HangUp,
        "vanish" => CallAct::Vanish,
        "wait" => CallAct::Wait(arguments.time()?),
        "expect" => {
            arguments.needed("expect")?;
            return Some(vec![step(None, expect(reader, table, who)?)]);
        }
        "fault-on" => CallAct::FaultOn(switched(reader, arguments.needed("fault")?, op, who)?),
        "fault-off" => CallAct::FaultOff(switched(reader, arguments.needed("fault")?, op, who)?.id),
        "checkpoint" => {
            let mut steps = vec![step(None, CallAct::Checkpoint)];
            let claims: Vec<Expectation> = [Role::Caller, Role::Callee]
                .into_iter()
                .filter_map(|role| claim(reader, get(table, role.as_str())?, role))
                .collect();
            if !claims.is_empty() {
                steps.push(step(None, CallAct::Expect { all: claims, within: Duration::ZERO }));
            }
            return Some(steps);
        }
        _ => CallAct::Operate(in_own_stream(table, arguments.operation()?)),
    };
    if let CallAct::Operate(
        Operation::SetLocalOffer
        | Operation::Deliver
        | Operation::CreateAnswer
        | Operation::ApplyKeptAnswer
        | Operation::Answer
        | Operation::EditNextSdp { .. },
    ) = act
    {
        let title = format!("an application does not do `{name}` by itself");
        let help = "two bare connections do, without [caller], [callee] and [both]; here `offer` and `negotiate` do it all";
        reader.complain(&op.place, title, "a part of a negotiation", Some(help.into()));
        return None;
    }
    Some(vec![step(who, act)])
}

/// Complains about every key that the step would not heed.
fn only_of(reader: &Reader<'_>, table: &Table, name: &str, of: &str) {
    let own: &[&str] = match name {
        "add-track" => &["kind", "streams", "rejected", "settle"],
        "add-transceiver" => &["kind", "with-track", "direction", "streams", "rejected", "settle"],
        "set-direction" => &["transceiver", "direction", "rejected", "settle"],
        "replace-track" => &["transceiver", "track", "rejected", "settle"],
        "set-streams" => &["transceiver", "streams", "rejected", "settle"],
        "remove-track" => &["sender", "rejected", "settle"],
        "stop" => &["transceiver", "rejected", "settle"],
        "rollback" => &["side", "rejected", "settle"],
        "create-data-channel" | "restart-ice" | "close" => &["rejected", "settle"],
        "offer" | "negotiate" | "hold" | "resume" => &["settle"],
        "wait" => &["time"],
        "checkpoint" => &["caller", "callee"],
        "fault-on" | "fault-off" => &["fault"],
        "expect" => &["expect", "within"],
        // The others have no more to say, or are refused anyway.
        _ => &[],
    };
    for entry in table {
        let known = STEP.iter().any(|key| key.name == entry.key);
        if known && !["who", "op"].contains(&&*entry.key) && !own.contains(&&*entry.key) {
            let help = match entry.key.as_str() {
                "expect" | "within" => "make it a step of its own, without `op`".to_owned(),
                "rejected" => "only an operation of the W3C can be refused".to_owned(),
                _ if own.is_empty() => "leave it out".to_owned(),
                _ => format!("it takes {}", own.join(", ")),
            };
            let title = format!("{of} does not heed `{}`", entry.key);
            reader.complain(&entry.place, title, "this would do nothing", Some(help));
        }
    }
}

/// A new track is in the stream of the others, where nothing is said of it.
fn in_own_stream(table: &Table, mut operation: Operation) -> Operation {
    if let (
        None,
        Operation::AddTrack { streams, .. } | Operation::AddTransceiver { streams, with_track: true, .. },
    ) = (get(table, "streams"), &mut operation)
    {
        streams.push(OWN_STREAM.to_owned());
    }
    operation
}

/// What is expected of the sides that are named, or of both.
fn expect(reader: &Reader<'_>, table: &Table, who: Option<Role>) -> Option<CallAct> {
    let node = get(table, "expect")?;
    let within = match get(table, "within") {
        None => WITHIN,
        // It is asked once.
        Some(Node { value: Written::Text(text), .. }) if matches!(text.as_str(), "0s" | "0ms") => {
            Duration::ZERO
        }
        Some(node) => reader.time(node, "within")?,
    };
    let roles = who.map_or_else(|| vec![Role::Caller, Role::Callee], |who| vec![who]);
    let mut all: Vec<Expectation> = Vec::new();
    for item in reader.items(node) {
        let text = reader.text(item, "expect")?;
        for role in &roles {
            let expectation = stated(reader, item, &text, *role)?;
            if !all.contains(&expectation) {
                all.push(expectation);
            }
        }
    }
    Some(CallAct::Expect { all, within })
}

fn stated(reader: &Reader<'_>, node: &Node, text: &str, role: Role) -> Option<Expectation> {
    match Expectation::parse(text, role) {
        Ok(expectation) if expectation.of.is_none() => {
            let title = format!("`{}` is of the whole call", expectation.subject.info().name);
            let help = "write it under [expect], which is judged when the call is over";
            reader.complain(&node.place, title, "not known yet", Some(help.into()));
            None
        }
        Ok(expectation) if expectation.value == Value::Any => {
            reader.complain(&node.place, "`any` expects nothing", "nothing to wait for", None);
            None
        }
        Ok(expectation) => Some(expectation),
        Err(fault) => {
            reader.complain(&node.place, fault.title, fault.label, fault.help);
            None
        }
    }
}

/// A table of transceivers at a checkpoint.
fn claim(reader: &Reader<'_>, node: &Node, role: Role) -> Option<Expectation> {
    let text = reader.text(node, role.as_str())?;
    stated(reader, node, &format!("{role}.transceivers={text}"), role)
}

/// A fault that can be switched on and off while a call runs.
fn switched(reader: &Reader<'_>, node: &Node, op: &Node, who: Option<Role>) -> Option<FaultPlan> {
    let Some(role) = who else {
        let help = "write who = \"caller\" or who = \"callee\"";
        reader.complain(&op.place, "a fault is that of one side", "whose?", Some(help.into()));
        return None;
    };
    let stated = mistake(reader, node, role)?;
    if fault(stated.id).is_some_and(crate::fault::Fault::can_be_switched) {
        return Some(stated);
    }
    let title = format!("`{}` cannot be switched in the middle of a call", stated.id);
    let help =
        format!("it is how the side is from the start: write `faults = [\"{}\"]` under [{role}]", stated.id);
    reader.complain(&node.place, title, "from the start or not at all", Some(help));
    None
}
