//! `[expect]`: what must come out, of each side or of the call.

use super::read::Reader;
use super::tree::{Entry, Node, Place, Table, Value};
use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, Subject};

/// An expectation and where it is stated.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    /// Of a side; none is of the call as both sides see it.
    pub(super) of: Option<Role>,
    pub(super) expectation: Expectation,
    pub(super) place: Place,
}

/// Reads `[expect]`; what it says of both sides is said of each.
pub(super) fn expectations(reader: &Reader<'_>, table: &Table) -> Vec<Placed> {
    let mut all = Vec::new();
    for entry in table.iter().filter(|entry| entry.key != "defaults") {
        match (entry.key.parse::<Role>(), &entry.node.value) {
            (Ok(role), Value::Table(own)) => {
                own.iter().for_each(|entry| all.extend(read(reader, entry, &[role])));
            }
            (Ok(role), _) => {
                let _ = reader.table(&entry.node, &format!("expect.{role}"));
            }
            (Err(_), Value::Table(own)) if entry.key == "both" => {
                own.iter().for_each(|entry| all.extend(read(reader, entry, &BOTH)));
            }
            (Err(_), _) => all.extend(read(reader, entry, &BOTH)),
        }
    }
    all
}

const BOTH: [Role; 2] = [Role::Caller, Role::Callee];

fn read(reader: &Reader<'_>, entry: &Entry, roles: &[Role]) -> Vec<Placed> {
    let mut all = Vec::new();
    for item in reader.items(&entry.node) {
        let Some(text) = value(reader, &entry.key, item) else { continue };
        for role in roles {
            match Expectation::parse(&text, *role) {
                // What is found of the call is asked once.
                Ok(expectation) if expectation.of.is_none() && roles.len() == 2 => {
                    if *role == Role::Caller {
                        all.push(Placed { of: None, expectation, place: item.place.clone() });
                    }
                }
                Ok(expectation) => {
                    all.push(Placed { of: Some(*role), expectation, place: item.place.clone() })
                }
                Err(fault) => {
                    // The caret stands under the key or under the value, whichever is wrong.
                    let in_key = fault.span.start < entry.key.len();
                    let place = if in_key { &entry.place } else { &item.place };
                    reader.complain(place, fault.title, fault.label, fault.help);
                    break;
                }
            }
        }
    }
    all
}

/// `subject op value` as the command line has it.
fn value(reader: &Reader<'_>, key: &str, node: &Node) -> Option<String> {
    const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "<", ">", "="];
    Some(match &node.value {
        Value::Whole(number) => format!("{key}={number}"),
        Value::Number(number) => format!("{key}={number}"),
        _ => {
            let text = reader.text(node, key)?;
            let stated = OPERATORS.iter().any(|op| text.starts_with(op));
            format!("{key}{}{text}", if stated { "" } else { "=" })
        }
    })
}

/// The kinds that a side wants to receive: those of its `tracks`, or both if nothing is said of them.
pub(super) fn wanted(all: &[Placed], role: Role) -> Vec<MediaKind> {
    let stated: Vec<Expectation> = all
        .iter()
        .filter(|placed| placed.of == Some(role) && placed.expectation.subject == Subject::Tracks)
        .map(|placed| placed.expectation.clone())
        .collect();
    crate::plan::wanted(&stated, role)
}
