//! `[network]`: what goes wrong on the way on purpose.

use super::keys::NETWORK;
use super::read::Reader;
use super::tree::{Entry, Node, Table, Value, get};
use crate::jsep::Role;
use crate::plan::{Impairment, NetworkPlan};

pub(super) fn network(reader: &Reader<'_>, table: &Table) -> NetworkPlan {
    reader.only(table, NETWORK, "[network]");
    let both = settings(reader, table);
    let of = |role: Role| {
        let own = get(table, role.as_str()).and_then(|node| reader.table(node, role.as_str()));
        if let Some(own) = own {
            let shared: Vec<_> =
                NETWORK.iter().filter(|key| !["caller", "callee"].contains(&key.name)).copied().collect();
            reader.only(own, &shared, &format!("[network.{role}]"));
        }
        let own = own.map(|own| settings(reader, own)).unwrap_or_default();
        let all = both.iter().cloned().chain(own).collect::<Vec<_>>().join(",");
        // Each setting was read by itself already.
        Impairment::parse(&all, "[network]").unwrap_or_default()
    };
    NetworkPlan { caller: of(Role::Caller), callee: of(Role::Callee) }
}

/// Each setting as the command line has it.
fn settings(reader: &Reader<'_>, table: &Table) -> Vec<String> {
    let mut settings = Vec::new();
    for Entry { key, node, .. } in table.iter().filter(|entry| is_setting(&entry.key)) {
        for item in reader.items(node) {
            let Some(text) = setting(reader, key, item) else { continue };
            match Impairment::parse(&text, "[network]") {
                Ok(_) => settings.push(text),
                Err(fault) => reader.complain(&item.place, fault.title, fault.label, fault.help),
            }
        }
    }
    settings
}

fn is_setting(key: &str) -> bool {
    !["caller", "callee"].contains(&key) && NETWORK.iter().any(|known| known.name == key)
}

fn setting(reader: &Reader<'_>, key: &str, node: &Node) -> Option<String> {
    Some(match (&node.value, key) {
        (Value::Flag(true), _) => key.to_owned(),
        (Value::Flag(false), _) => return None,
        (Value::Whole(number), _) => format!("{key}={number}"),
        (Value::Number(number), _) => format!("{key}={number}"),
        (_, "block") => format!("block@{}", reader.text(node, key)?),
        _ => format!("{key}={}", reader.text(node, key)?),
    })
}
