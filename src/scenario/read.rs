//! Reads single values, fills variables in, and collects what is wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::complaint::Complaint;
use super::keys::Key;
use super::tree::{Entry, Node, Place, Table, Value};
use crate::diagnostic::{nearest, one_of};
use crate::plan::{Secret, SendPlan, parse_duration};

/// Values of variables.
pub(super) type Variables = BTreeMap<String, String>;
/// Values of variables that nobody may see.
pub(super) type Secrets = BTreeMap<String, Secret>;

/// Reads values of one cell of one scenario.
pub(super) struct Reader<'a> {
    variables: &'a Variables,
    secrets: &'a Secrets,
    complaints: RefCell<Vec<Complaint>>,
    files: RefCell<Vec<(SendPlan, Place)>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a Variables, secrets: &'a Secrets) -> Self {
        Self { variables, secrets, complaints: RefCell::default(), files: RefCell::default() }
    }

    /// What was wrong, in the order of the file.
    pub(super) fn complaints(self) -> Vec<Complaint> {
        let mut all = self.complaints.into_inner();
        all.sort_by_key(|complaint| (complaint.place.file, complaint.place.span.start));
        all
    }

    /// A file with media is named there.
    pub(super) fn plays(&self, track: SendPlan, place: &Place) {
        self.files.borrow_mut().push((track, place.clone()));
    }

    /// The files with media that were named so far.
    pub(super) fn files(&self) -> Vec<(SendPlan, Place)> {
        self.files.borrow().clone()
    }

    pub(super) fn complain(
        &self,
        place: &Place,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let (title, label) = (title.into(), label.into());
        self.complaints.borrow_mut().push(Complaint { place: place.clone(), title, label, help });
    }

    /// Complains about every key that is none of these.
    pub(super) fn only(&self, table: &Table, keys: &[Key], of: &str) {
        for Entry { key, place, .. } in table {
            if keys.iter().any(|known| known.name == key) {
                continue;
            }
            let names: Vec<&str> = keys.iter().map(|known| known.name).collect();
            self.unknown(place, &format!("{of} has no key `{key}`"), key, &names);
        }
    }

    /// A word that is none of `names`.
    pub(super) fn unknown(&self, place: &Place, title: &str, word: &str, names: &[&str]) {
        self.complain(place, title, "unknown", Some(one_of(word, names)));
    }

    fn wrong(&self, node: &Node, key: &str, wants: &str) {
        let title = format!("`{key}` is {wants}");
        self.complain(&node.place, title, format!("this is {}", node.value.name()), None);
    }

    /// A text with its variables filled in. Numbers and flags count as texts where a variable may stand for them.
    pub(super) fn text(&self, node: &Node, key: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) => self.filled(node, text),
            _ => {
                self.wrong(node, key, "a text, in quotation marks");
                None
            }
        }
    }

    /// The same where nobody will see it, so that a secret may stand there.
    pub(super) fn secret(&self, node: &Node, key: &str) -> Option<Secret> {
        let Value::Text(text) = &node.value else {
            self.wrong(node, key, "a text, in quotation marks");
            return None;
        };
        let secret = |name: &str| self.secrets.get(name).map(|secret| secret.reveal().to_owned());
        self.filled_with(node, text, &secret).map(Secret::new)
    }

    fn filled(&self, node: &Node, text: &str) -> Option<String> {
        self.filled_with(node, text, &|_| None)
    }

    fn filled_with(
        &self,
        node: &Node,
        text: &str,
        secret: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(begin) = rest.find("${") {
            out.push_str(&rest[..begin]);
            let after = &rest[begin + 2..];
            let Some(end) = after.find('}') else {
                self.complain(
                    &node.place,
                    "a variable is not closed",
                    "no `}` follows",
                    Some("write `${name}`".into()),
                );
                return None;
            };
            let name = after[..end].trim();
            let Some(value) = secret(name).or_else(|| self.variables.get(name).cloned()) else {
                if self.secrets.contains_key(name) {
                    let help = "a secret may stand in `credential` alone; pass `--var` for what may be seen";
                    let title = format!("`{name}` is a secret, and would be shown");
                    self.complain(&node.place, title, "not here", Some(help.into()));
                    return None;
                }
                let names: Vec<&str> = self.variables.keys().map(String::as_str).collect();
                let help = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `${{{near}}}`?"),
                    None => format!("set it under [vars], or with `--var {name}=...`"),
                };
                self.complain(&node.place, format!("there is no variable `{name}`"), "not set", Some(help));
                return None;
            };
            out.push_str(&value);
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        Some(out)
    }

    pub(super) fn flag(&self, node: &Node, key: &str) -> Option<bool> {
        match &node.value {
            Value::Flag(flag) => return Some(*flag),
            Value::Text(text) if text.contains("${") => match self.filled(node, text)?.as_str() {
                "true" | "yes" => return Some(true),
                "false" | "no" => return Some(false),
                _ => {}
            },
            _ => {}
        }
        self.wrong(node, key, "true or false, without quotation marks");
        None
    }

    pub(super) fn count(&self, node: &Node, key: &str, most: u64) -> Option<u64> {
        let whole = match &node.value {
            Value::Whole(whole) => u64::try_from(*whole).ok(),
            Value::Text(text) if text.contains("${") => self.filled(node, text)?.parse().ok(),
            _ => {
                self.wrong(node, key, "a whole number");
                return None;
            }
        };
        let whole = whole.filter(|whole| *whole <= most);
        if whole.is_none() {
            self.complain(
                &node.place,
                format!("`{key}` is a whole number from 0 to {most}"),
                "this is not",
                None,
            );
        }
        whole
    }

    /// A time with its unit.
    pub(super) fn time(&self, node: &Node, key: &str) -> Option<Duration> {
        let text = match &node.value {
            Value::Whole(number) => {
                let help = format!("write `\"{number}s\"` or `\"{number}ms\"`");
                self.complain(&node.place, format!("`{key}` is a time"), "a time needs a unit", Some(help));
                return None;
            }
            _ => self.text(node, key)?,
        };
        parse_duration(&text)
            .map_err(|why| {
                self.complain(&node.place, format!("`{key}` is a time, and this is none"), why, None)
            })
            .ok()
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unknown(&node.place, &format!("`{key}` cannot be `{text}`"), &text, &names);
        }
        found
    }

    pub(super) fn table<'n>(&self, node: &'n Node, key: &str) -> Option<&'n Table> {
        match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong(node, key, &format!("a table, written as [{key}]"));
                None
            }
        }
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn items<'n>(&self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }
}
