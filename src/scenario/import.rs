//! Makes scenarios of recorded browser cases: scripts for two peers and how two browsers ended. Where the browsers
//! disagree, only what they have in common is demanded.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// A scenario that was made of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Such as `004-tx-direction-recvonly-init.toml`.
    pub file: String,
    /// The scenario.
    pub text: String,
}

/// The cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// They are no JSON, or not of the shape.
    #[error("this is no file of cases: {0}")]
    Shape(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    number: u32,
    id: String,
    #[serde(default)]
    source: String,
    note: Option<String>,
    steps: Vec<Value>,
    expected: serde_json::Map<String, Value>,
}

/// Every case of the file, in its order.
///
/// # Errors
/// [`ImportError`].
pub fn import(text: &str) -> Result<Vec<Imported>, ImportError> {
    let file: File = serde_json::from_str(text)?;
    Ok(file.cases.iter().map(imported).collect())
}

/// A case that does what no scenario can do becomes one that is skipped, and says why.
fn imported(case: &Case) -> Imported {
    let text = text_of(case).unwrap_or_else(|what| {
        let title = case.id.replace('-', " ");
        format!("title = {}\ntags = [\"wpt\"]\nskip = {}\n", quoted(&title), quoted(&what))
    });
    Imported { file: format!("{:03}-{}.toml", case.number, case.id), text }
}

fn text_of(case: &Case) -> Result<String, String> {
    let endings: Vec<&Value> =
        case.expected.values().filter(|ending| ending.get("caller").is_some_and(Value::is_object)).collect();
    let mut text = String::new();
    let mut comment = |line: &str| {
        let _ = writeln!(text, "# {line}");
    };
    comment(&format!(
        "Case {}, after {}.",
        case.number,
        if case.source.is_empty() { "no named source" } else { &case.source }
    ));
    if let Some(note) = &case.note {
        note.lines().for_each(&mut comment);
    }
    let browsers: Vec<&str> = case.expected.keys().map(String::as_str).collect();
    comment(&format!(
        "Expected is what {} did{}.",
        browsers.join(" and "),
        if agree(&endings) { "" } else { ", as far as they agree" }
    ));
    let _ = writeln!(text, "title = {}", quoted(&case.id.replace('-', " ")));
    let _ = writeln!(text, "tags = [\"wpt\"]");
    let mut checkpoints = 0;
    for (index, step) in case.steps.iter().enumerate() {
        let rejected = common(&endings, |ending| {
            let none = Vec::new();
            let all = ending["rejected"].as_array().unwrap_or(&none);
            let of_step = all.iter().find(|one| one["step"].as_u64() == Some(index as u64));
            Some(of_step.map_or(Value::Null, |one| one["error"].clone()))
        });
        text.push_str(&step_text(step)?);
        match rejected {
            Some(Value::String(error)) => {
                let _ = writeln!(text, "rejected = {}", quoted(&error));
            }
            Some(_) => {}
            // The browsers disagree, so that nothing is demanded.
            None => text.push_str("rejected = \"any\"\n"),
        }
        if step["op"] == "checkpoint" {
            for side in ["caller", "callee"] {
                let rows =
                    common(&endings, |ending| Some(ending["checkpoints"].get(checkpoints)?[side].clone()));
                if let Some(rows) = rows {
                    let _ = writeln!(text, "{side} = {}", quoted(&table(&rows)));
                }
            }
            checkpoints += 1;
        }
    }
    for side in ["caller", "callee"] {
        let claims = claims(&endings, side);
        if !claims.is_empty() {
            let _ = write!(text, "\n[expect.{side}]\n{claims}");
        }
    }
    Ok(text)
}

fn agree(endings: &[&Value]) -> bool {
    endings.windows(2).all(|pair| pair[0] == pair[1])
}

/// What all browsers have there; none where they differ, or where one has nothing.
fn common(endings: &[&Value], of: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let mut all = endings.iter().map(|ending| of(ending));
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn step_text(step: &Value) -> Result<String, String> {
    let op = step["op"].as_str().ok_or("a step without an operation")?;
    let name = kebab(op);
    if !super::keys::OPERATIONS.contains(&name.as_str()) {
        return Err(format!("`{op}` is no operation that a scenario knows"));
    }
    let mut text = "\n[[step]]\n".to_owned();
    if let Some(who) = step["who"].as_str() {
        let _ = writeln!(text, "who = {}", quoted(who));
    }
    let _ = writeln!(text, "op = {}", quoted(&name));
    for (key, ours) in [("kind", "kind"), ("direction", "direction"), ("side", "side")] {
        if let Some(word) = step[key].as_str() {
            let _ = writeln!(text, "{ours} = {}", quoted(word));
        }
    }
    if op == "replaceTrack" {
        let _ = writeln!(text, "track = {}", quoted(step["track"].as_str().unwrap_or("none")));
    }
    if step["withTrack"] == true {
        let _ = writeln!(text, "with-track = true");
    }
    if let Some(direction) = step["init"]["direction"].as_str() {
        let _ = writeln!(text, "direction = {}", quoted(direction));
    }
    for streams in [&step["streams"], &step["init"]["streams"]] {
        if let Some(list) = streams.as_array().filter(|list| !list.is_empty()) {
            let _ = writeln!(text, "streams = {}", texts(list));
        }
    }
    if let Some(list) = step["removeLinesStartingWith"].as_array() {
        let _ = writeln!(text, "remove-lines = {}", texts(list));
    }
    for key in ["transceiver", "sender"] {
        if let Some(index) = step[key].as_u64() {
            let _ = writeln!(text, "{key} = {index}");
        }
    }
    if let Some(ms) = step["ms"].as_u64() {
        // A scenario waits for some time, however short.
        let _ = writeln!(text, "time = \"{}ms\"", ms.max(1));
    }
    Ok(text)
}

fn claims(endings: &[&Value], side: &str) -> String {
    let of = |key: &str| common(endings, |ending| ending[side].get(key).cloned());
    let mut text = String::new();
    let mut claim = |name: &str, value: String| {
        let _ = writeln!(text, "{name} = {value}");
    };
    if let Some(Value::String(state)) = of("signalingState") {
        claim("signaling", quoted(&state));
    }
    if let Some(rows) = of("transceivers") {
        claim("transceivers", quoted(&table(&rows)));
    }
    if let Some(Value::Array(fired)) = of("ontrack") {
        let row = |row: &Value| {
            let index = row["transceiver"].as_u64().map(|index| format!(" {index}")).unwrap_or_default();
            format!("{} {} {}{index}", word(&row["kind"]), word(&row["mid"]), row["streams"])
        };
        claim("ontrack", list(fired.iter().map(row)));
    }
    if let Some(Value::Number(count)) = of("negotiationneeded") {
        claim("negotiationneeded", count.to_string());
    }
    for (key, name) in [("iceConnectionStates", "ice"), ("connectionStates", "connection")] {
        if let Some(Value::Array(states)) = of(key) {
            claim(name, list(states.iter().map(|state| word(state).to_owned())));
        }
    }
    if let Some(Value::Array(lines)) = of("localMlines") {
        let section = |line: &Value| {
            format!("{}{}", word(&line["kind"]), if line["port0"] == true { " rejected" } else { "" })
        };
        claim("sections", list(lines.iter().map(section)));
    } else if let Some(Value::Array(kinds)) = of("localMlineKinds") {
        claim("kinds", list(kinds.iter().map(|kind| word(kind).to_owned())));
    }
    text
}

/// The rows of getTransceivers() in a line.
fn table(rows: &Value) -> String {
    let row = |row: &Value| {
        let track = if row["senderTrack"] == true { "track" } else { "no-track" };
        let current = row["currentDirection"].as_str().unwrap_or("-");
        let mid = row["mid"].as_str().unwrap_or("-");
        format!("{mid} {} {}/{current} {track}", word(&row["kind"]), word(&row["direction"]))
    };
    rows.as_array().map_or_else(String::new, |rows| rows.iter().map(row).collect::<Vec<_>>().join(", "))
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn texts(list: &[Value]) -> String {
    self::list(list.iter().map(|item| word(item).to_owned()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| quoted(&item)).collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML: JSON's escapes are a part of its own.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
