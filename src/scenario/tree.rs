//! TOML as a tree in which every key and value knows where it stands, so that a complaint has a caret and defaults of
//! another file can be merged.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::complaint::Complaint;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// Bytes of one of the files that a scenario is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// An index of the files.
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// What TOML knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
    /// Dates and times, which no scenario has.
    Other(&'static str),
}

/// In the order of the file.
pub(super) type Table = Vec<Entry>;

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Value {
    /// In words, with an article.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

/// Reads a file.
pub(super) fn parse(text: &str, file: usize) -> Result<Table, Complaint> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Complaint {
            place: Place { file, span: span.start.min(text.len())..span.end.min(text.len()) },
            title: "this is not TOML".into(),
            label: error.message().trim().to_owned(),
            help: Some("https://toml.io/en/v1.0.0 has the whole language on a page".into()),
        }
    })?;
    let start = table.span();
    match node(DeValue::Table(table.into_inner()), start, file).value {
        Value::Table(table) => Ok(table),
        // Invariant: a table was given.
        _ => Ok(Table::new()),
    }
}

fn node(value: DeValue<'_>, span: Range<usize>, file: usize) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(whole) => {
            let read = i64::from_str_radix(&whole.as_str().replace('_', ""), whole.radix());
            read.map_or(Value::Other("a number that is too large"), Value::Whole)
        }
        DeValue::Float(number) => {
            number.as_str().replace('_', "").parse().map_or(Value::Number(f64::NAN), Value::Number)
        }
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(list) => {
            let items = list.into_iter().map(|item| {
                let span = item.span();
                node(item.into_inner(), span, file)
            });
            Value::List(items.collect())
        }
        DeValue::Table(table) => {
            let entries = table.into_iter().map(|(key, value)| {
                let (key_span, span) = (key.span(), value.span());
                Entry {
                    key: key.into_inner().into_owned(),
                    place: Place { file, span: key_span },
                    node: node(value.into_inner(), span, file),
                }
            });
            Value::Table(entries.collect())
        }
    };
    Node { value, place: Place { file, span } }
}

/// What `over` states, and what only `under` does. Tables are merged key by key; lists are not.
pub(super) fn merge(mut over: Table, under: Table) -> Table {
    for entry in under {
        match over.iter_mut().find(|known| known.key == entry.key) {
            None => over.push(entry),
            Some(known) => {
                if let (Value::Table(_), Value::Table(below)) = (&known.node.value, entry.node.value)
                    && let Value::Table(above) = std::mem::replace(&mut known.node.value, Value::Flag(false))
                {
                    known.node.value = Value::Table(merge(above, below));
                }
            }
        }
    }
    over
}

/// Writes over every value of that key, so that a complaint that shows its line does not show it. No byte moves.
pub(super) fn hide(table: &Table, key: &str, text: &mut String) {
    for entry in table {
        hide_in(&entry.node, entry.key == key, key, text);
    }
}

fn hide_in(node: &Node, hidden: bool, key: &str, text: &mut String) {
    match &node.value {
        Value::Table(table) => hide(table, key, text),
        Value::List(items) => items.iter().for_each(|item| hide_in(item, hidden, key, text)),
        Value::Text(value) if value.starts_with("${") => {}
        _ if hidden => {
            let span = node.place.span.clone();
            text.replace_range(span.clone(), &"*".repeat(span.len()));
        }
        _ => {}
    }
}

/// The value of a key.
pub(super) fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Node> {
    table.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::hide_lines;

    #[test]
    fn a_credential_is_hidden_whether_or_not_its_file_is_toml() {
        for line in
            ["credential = \"hush", "{ urls = \"a\" credential='hush' }", "  \"credential\"\t= hush # x"]
        {
            let mut text = format!("a = 1\n{line}\nb = 2");
            let before = text.len();
            hide_lines("credential", &mut text);
            assert!(!text.contains("hush") && text.ends_with("\nb = 2") && text.len() == before, "{text}");
        }
        let mut text = "credential = 123454321\nother = 5".to_owned();
        let table = parse(&text, 0).unwrap();
        hide(&table, "credential", &mut text);
        assert!(!text.contains("1234") && text.contains("other = 5"), "{text}");
    }

    #[test]
    fn keys_and_values_know_where_they_stand() {
        let text = "title = \"x\"\n[caller]\ntrickle = false\n";
        let table = parse(text, 0).unwrap();
        let caller = get(&table, "caller").unwrap();
        let Value::Table(caller) = &caller.value else { panic!("{caller:?}") };
        assert_eq!(&text[caller[0].place.span.clone()], "trickle");
        assert_eq!(&text[caller[0].node.place.span.clone()], "false");
        let complaint = parse("title = \n", 0).unwrap_err();
        assert_eq!(complaint.place.span.start, 8);
    }

    #[test]
    fn what_is_stated_wins_over_defaults() {
        let over = parse("duration = \"1s\"\n[caller]\ntrickle = false", 0).unwrap();
        let under = parse("duration = \"9s\"\nseed = 3\n[caller]\ntrickle = true\ndata = true", 1).unwrap();
        let merged = merge(over, under);
        let keys: Vec<&str> = merged.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["duration", "caller", "seed"]);
        assert_eq!(get(&merged, "duration").unwrap().value, Value::Text("1s".into()));
        let Value::Table(caller) = &get(&merged, "caller").unwrap().value else { panic!() };
        assert_eq!(get(caller, "trickle").unwrap().value, Value::Flag(false));
        assert_eq!(get(caller, "data").unwrap().place.file, 1);
    }
}
