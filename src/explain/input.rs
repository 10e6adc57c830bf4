//! What a file is, and the descriptions in it.

use std::io::Read;

use serde_json::Value;

use super::ExplainError;
use crate::jsep::{Role, SdpType};
use crate::timeline::{ReadError, Timeline};

/// No dump is larger than this once it is decompressed.
const MAX_DUMP: u64 = 256 << 20;

/// A file, with what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name, for people; `-` for standard input.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Who made the description, where that was said.
    pub author: Option<Role>,
    /// It never reached the other side.
    pub undelivered: bool,
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    Timeline(Timeline),
    Descriptions(Vec<Description>),
    Internals(Value),
}

/// A description as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) sdp_type: Option<SdpType>,
    pub(super) text: String,
}

impl Input {
    /// A file of which nothing more is known.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), author: None, undelivered: false }
    }

    /// Splits an argument of the command line: `callee:offer.sdp:undelivered` is the author, the path and whether the
    /// description was lost. What is not of that shape is a path.
    #[must_use]
    pub fn argument(argument: &str) -> (Option<Role>, &str, bool) {
        let (author, rest) = match argument.split_once(':') {
            Some((word, rest)) if !rest.is_empty() => match word.parse::<Role>() {
                Ok(role) => (Some(role), rest),
                Err(_) => (None, argument),
            },
            _ => (None, argument),
        };
        match rest.strip_suffix(":undelivered") {
            Some(path) if !path.is_empty() => (author, path, true),
            _ => (author, rest, false),
        }
    }
}

/// Reads a file. What had to be mended on the way is said.
pub(super) fn read(input: &Input, said: &mut Vec<String>) -> Result<Content, ExplainError> {
    let name = || input.name.clone();
    let bytes = if input.bytes.starts_with(&[0x1f, 0x8b]) { unpacked(input)? } else { input.bytes.clone() };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return Err(ExplainError::Empty { name: name() });
    }
    if trimmed.starts_with('<') {
        return Err(foreign(input, "HTML or XML"));
    }
    if trimmed.starts_with('{') {
        return json(input, trimmed, said);
    }
    if let Some(descriptions) = pasted(trimmed) {
        if !is_line_start(trimmed) {
            said.push(format!("{}: the text before `v=0` was left out", input.name));
        }
        return Ok(Content::Descriptions(descriptions));
    }
    if bytes.iter().filter(|byte| **byte == 0).count() > 0 {
        return Err(foreign(input, "binary"));
    }
    Err(foreign(input, "no SDP (there is no `v=0`)"))
}

fn is_line_start(text: &str) -> bool {
    text.starts_with("v=") || text.starts_with("m=")
}

fn foreign(input: &Input, what: &str) -> ExplainError {
    ExplainError::Foreign { name: input.name.clone(), what: what.to_owned() }
}

fn unpacked(input: &Input) -> Result<Vec<u8>, ExplainError> {
    let mut bytes = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(input.bytes.as_slice()).take(MAX_DUMP + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| ExplainError::Compressed { name: input.name.clone(), error })?;
    if bytes.len() as u64 > MAX_DUMP {
        return Err(ExplainError::TooLarge { name: input.name.clone(), limit: MAX_DUMP >> 20 });
    }
    Ok(bytes)
}

/// A timeline, a dump, or a description as an object.
fn json(input: &Input, text: &str, said: &mut Vec<String>) -> Result<Content, ExplainError> {
    let first_line = text.lines().next().unwrap_or_default();
    if first_line.contains("\"schema_version\"") && first_line.contains("\"epoch_us\"") {
        let timeline = Timeline::parse(text)
            .map_err(|error: ReadError| ExplainError::Timeline { name: input.name.clone(), error })?;
        if timeline.torn {
            said.push(format!("{}: the last line is cut off and was left out", input.name));
        }
        return Ok(Content::Timeline(timeline));
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        // What a console prints looks like JSON and is none.
        Err(error) => {
            let Some(descriptions) = pasted(text) else {
                return Err(foreign(input, &format!("damaged JSON ({error})")));
            };
            return Ok(Content::Descriptions(descriptions));
        }
    };
    if value.get("PeerConnections").is_some() {
        return Ok(Content::Internals(value));
    }
    let mut descriptions = Vec::new();
    collect(&value, &mut descriptions, 0);
    if descriptions.is_empty() {
        return Err(foreign(input, "JSON without a description"));
    }
    Ok(Content::Descriptions(descriptions))
}

/// Every `{type, sdp}` in a value, in order; also where `sdp` is such an object again.
fn collect(value: &Value, found: &mut Vec<Description>, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Object(members) => {
            if let Some(Value::String(sdp)) = members.get("sdp")
                && let Some(mut list) = pasted(sdp)
            {
                let sdp_type = members.get("type").and_then(Value::as_str).and_then(|word| word.parse().ok());
                if let [only] = list.as_mut_slice() {
                    only.sdp_type = sdp_type.or(only.sdp_type);
                }
                return found.append(&mut list);
            }
            members.values().for_each(|member| collect(member, found, depth + 1));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found, depth + 1)),
        // JSON in JSON, as it comes of stringifying twice.
        Value::String(text) if text.trim_start().starts_with('{') => {
            if let Ok(inner) = serde_json::from_str(text) {
                collect(&inner, found, depth + 1);
            }
        }
        _ => {}
    }
}

/// The descriptions in a text: as it is, or as people paste it, with escaped line ends, quotes around it, indented.
fn pasted(text: &str) -> Option<Vec<Description>> {
    let escaped = text.contains("\\r\\n") || text.contains("\\n") || text.contains('\u{21b5}');
    let few_lines = text.lines().count() < 4;
    let opened;
    let text = if escaped && few_lines {
        opened = text
            .replace("\\r\\n", "\r\n")
            .replace("\\n", "\r\n")
            .replace("\\/", "/")
            .replace("\\\"", "\"")
            .replace('\u{21b5}', "\r\n");
        opened.as_str()
    } else {
        text
    };
    let mut descriptions: Vec<String> = Vec::new();
    let mut ended = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t', '"', '\'', '>']);
        let starts = bare.trim_end() == "v=0" || (bare.starts_with("v=") && descriptions.is_empty());
        let inside = line.find("v=0\r\n").or_else(|| line.find("v=0\n"));
        if starts {
            descriptions.push(bare.to_owned());
            ended = false;
        } else if let Some(at) = inside.filter(|_| !is_line_start(bare)) {
            // `sdp: "v=0` and the like.
            descriptions.push(line[at..].to_owned());
            ended = false;
        } else if let Some(last) = descriptions.last_mut().filter(|_| !ended) {
            // A quote ends what was quoted; nothing of SDP begins with one.
            let (kept, rest) = line.split_once('"').map_or((bare, ""), |(kept, rest)| (kept, rest));
            let quoted = !rest.is_empty() && rest.trim().len() <= 4 || line.trim() == "\"";
            last.push_str(if quoted { kept.trim_start() } else { bare });
            ended = quoted;
        } else if descriptions.is_empty() && bare.starts_with("m=") {
            descriptions.push(bare.to_owned());
        }
    }
    let typed = |text: String| Description { sdp_type: None, text };
    (!descriptions.is_empty()).then(|| descriptions.into_iter().map(typed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptions(text: &str) -> Vec<Description> {
        match read(&Input::new("x", text), &mut Vec::new()) {
            Ok(Content::Descriptions(list)) => list,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arguments_have_authors_and_losses() {
        let caller = Some(Role::Caller);
        for (argument, expected) in [
            ("offer.sdp", (None, "offer.sdp", false)),
            ("caller:offer.sdp", (caller, "offer.sdp", false)),
            ("callee:a:b.sdp:undelivered", (Some(Role::Callee), "a:b.sdp", true)),
            ("offer.sdp:undelivered", (None, "offer.sdp", true)),
            ("-", (None, "-", false)),
            ("c:/x.sdp", (None, "c:/x.sdp", false)),
        ] {
            assert_eq!(Input::argument(argument), expected, "{argument}");
        }
    }

    #[test]
    fn every_way_of_pasting_gives_the_same_text() {
        let plain = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        let escaped = plain.replace("\r\n", "\\r\\n");
        for text in [
            plain.to_owned(),
            format!("\u{feff}{plain}"),
            format!("{{\"type\":\"offer\",\"sdp\":\"{escaped}\"}}"),
            format!("{{\"message\":{{\"description\":{{\"sdp\":\"{escaped}\",\"type\":\"offer\"}}}}}}"),
            format!("\"{escaped}\""),
            escaped.clone(),
            format!("RTCSessionDescription {{type: \"offer\", sdp: \"{escaped}\"}}"),
            format!("here is my offer:\n{plain}"),
            plain.lines().map(|line| format!("    {line}\r\n")).collect(),
        ] {
            let list = descriptions(&text);
            assert_eq!(list.len(), 1, "{text}");
            assert_eq!(list[0].text.trim_end(), plain.trim_end(), "{text}");
        }
        assert_eq!(descriptions(&format!("{plain}\n{plain}")).len(), 2);
    }

    #[test]
    fn foreign_files_are_named() {
        for (text, word) in [
            ("", "empty"),
            (" \n", "empty"),
            ("<!DOCTYPE html><p>v=0</p>", "HTML"),
            ("{\"a\":1}", "JSON without a description"),
            ("{\"a\":", "damaged JSON"),
            ("hello", "no SDP"),
            ("\0\0\0", "binary"),
        ] {
            let error = read(&Input::new("x.sdp", text), &mut Vec::new()).unwrap_err().to_string();
            assert!(error.starts_with("x.sdp") && error.contains(word), "{error}");
        }
        let damaged = read(&Input::new("x.gz", [0x1f, 0x8b, 1, 2]), &mut Vec::new()).unwrap_err();
        assert!(damaged.to_string().contains("decompressed"), "{damaged}");
    }
}
