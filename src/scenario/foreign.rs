//! `played-by`: a side that somebody else plays, a browser or a program.

use std::path::Path;

use super::keys::LEG;
use super::read::Reader;
use super::tree::{Node, Table, Value, get};
use crate::jsep::Role;

/// Somebody else plays a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which.
    pub role: Role,
    /// Who.
    pub by: Player,
}

/// Who plays a side in place of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Player {
    /// A headless Chromium on the page of our room server, with these settings in its URL.
    Chromium(Vec<(&'static str, String)>),
    /// A program and its arguments. It speaks the room protocol, a message on each line.
    Command(Vec<String>),
}

/// What the page can be told.
const OF_THE_PAGE: &[&str] = &["attach", "attach-at", "streams", "renegotiate", "polite"];

/// Who plays a side, as its table says; none is ours.
pub(super) fn foreign(reader: &Reader<'_>, table: &Table, role: Role, folder: &Path) -> Option<Foreign> {
    let node = get(table, "played-by")?;
    let (by, obeys): (Player, &[&str]) = match &node.value {
        Value::List(items) => (Player::Command(command(reader, node, items, folder)?), &[]),
        _ => match reader.text(node, "played-by")?.as_str() {
            "ours" => return None,
            "chromium" => (Player::Chromium(settings(reader, table)), OF_THE_PAGE),
            other => {
                let help = "write \"ours\", \"chromium\", or a program as a list: [\"./peer\", \"--fast\"]";
                let title = format!("nobody is called `{other}`");
                reader.complain(&node.place, title, "unknown", Some(help.into()));
                return None;
            }
        },
    };
    for entry in table.iter().filter(|entry| entry.key != "played-by" && !obeys.contains(&&*entry.key)) {
        if LEG.iter().any(|key| key.name == entry.key) {
            let title = format!("`{}` cannot be told to who plays the {role}", entry.key);
            let help = match obeys {
                [] => "a program gets its settings from its arguments".to_owned(),
                keys => format!("the page knows {}", keys.join(", ")),
            };
            reader.complain(&entry.place, title, "nobody would do it", Some(help));
        }
    }
    Some(Foreign { role, by })
}

fn command(reader: &Reader<'_>, node: &Node, items: &[Node], folder: &Path) -> Option<Vec<String>> {
    let words: Vec<String> = items.iter().filter_map(|item| reader.text(item, "played-by")).collect();
    let Some(program) = words.first().filter(|_| words.len() == items.len()) else {
        let help = "name the program and its arguments: [\"./peer\", \"--fast\"]";
        reader.complain(&node.place, "a program has a name", "none here", Some(help.into()));
        return None;
    };
    // What has a path is beside the scenario; what has none is looked for where programs are.
    let found = match program.contains('/') {
        true => folder.join(program).to_string_lossy().into_owned(),
        false => program.clone(),
    };
    Some(std::iter::once(found).chain(words.into_iter().skip(1)).collect())
}

fn settings(reader: &Reader<'_>, table: &Table) -> Vec<(&'static str, String)> {
    let setting = |key: &&'static str| {
        let node = get(table, key)?;
        let value = match &node.value {
            Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            _ => reader.text(node, key)?,
        };
        Some((*key, value))
    };
    OF_THE_PAGE.iter().filter_map(setting).collect()
}
