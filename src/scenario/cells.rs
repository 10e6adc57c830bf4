//! Variables and `[matrix]`: one file, many scenarios.

use super::read::{Reader, Variables};
use super::tree::{Node, Table, Value, get};

/// More combinations than this are a mistake.
pub(super) const MOST_CELLS: usize = 1000;

/// The variables of a file: its own, and over them those that were set from outside.
pub(super) fn variables(reader: &Reader<'_>, table: &Table, given: &Variables) -> Variables {
    let mut variables = Variables::new();
    if let Some(vars) = get(table, "vars").and_then(|node| reader.table(node, "vars")) {
        for entry in vars {
            if let Some(text) = plain(reader, &entry.node, &entry.key) {
                variables.insert(entry.key.clone(), text);
            }
        }
    }
    variables.extend(given.clone());
    variables
}

/// Every combination of the matrix, in the order of the file; one without names where there is none.
pub(super) fn cells(reader: &Reader<'_>, table: &Table) -> Vec<Vec<(String, String)>> {
    let Some(node) = get(table, "matrix") else { return vec![Vec::new()] };
    let Some(matrix) = reader.table(node, "matrix") else { return Vec::new() };
    let mut lists: Vec<(String, Vec<String>)> = Vec::new();
    for entry in matrix {
        let Value::List(items) = &entry.node.value else {
            let help = format!("write {} = [\"one\", \"another\"]", entry.key);
            reader.complain(
                &entry.node.place,
                "each name of a matrix has a list of values",
                "no list",
                Some(help),
            );
            continue;
        };
        if items.is_empty() {
            reader.complain(&entry.node.place, "an empty list makes no scenario", "nothing in it", None);
        }
        let values = items.iter().filter_map(|item| plain(reader, item, &entry.key)).collect();
        lists.push((entry.key.clone(), values));
    }
    let count = lists.iter().try_fold(1_usize, |count, (_, values)| count.checked_mul(values.len()));
    if count.is_none_or(|count| count > MOST_CELLS) {
        let count = count.map_or_else(|| "too many to count".to_owned(), |count| count.to_string());
        let title = format!("the matrix makes {count} scenarios, and {MOST_CELLS} are allowed");
        let help = "make several files of it, or leave values out";
        reader.complain(&node.place, title, "too many", Some(help.into()));
        return Vec::new();
    }
    let mut cells = vec![Vec::new()];
    for (name, values) in lists {
        let with = |cell: &Vec<(String, String)>| -> Vec<Vec<(String, String)>> {
            let one = |value: &String| cell.iter().cloned().chain([(name.clone(), value.clone())]).collect();
            values.iter().map(one).collect()
        };
        cells = cells.iter().flat_map(with).collect();
    }
    cells
}

fn plain(reader: &Reader<'_>, node: &Node, key: &str) -> Option<String> {
    match &node.value {
        Value::Whole(number) => Some(number.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Flag(flag) => Some(flag.to_string()),
        _ => reader.text(node, key),
    }
}
