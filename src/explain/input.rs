//! What a file is, and the descriptions in it.

use std::io::Read;

use serde_json::Value;

use super::ExplainError;
use super::pasted::{is_line_start, pasted};
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
    if trimmed.starts_with(['{', '[', '"'])
        && let Some(content) = json(input, trimmed, said)?
    {
        return Ok(content);
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

/// A timeline, a dump, or descriptions as objects. None for a text that is none of these, unless it must be JSON.
fn json(input: &Input, text: &str, said: &mut Vec<String>) -> Result<Option<Content>, ExplainError> {
    let first_line = text.lines().next().unwrap_or_default();
    if first_line.contains("\"schema_version\"") && first_line.contains("\"epoch_us\"") {
        let timeline = Timeline::parse(text)
            .map_err(|error: ReadError| ExplainError::Timeline { name: input.name.clone(), error })?;
        if timeline.torn {
            said.push(format!("{}: the last line is cut off and was left out", input.name));
        }
        return Ok(Some(Content::Timeline(timeline)));
    }
    let (mut values, rest, error) = values(text);
    if let Some(dump) = values.first_mut().filter(|value| value.get("PeerConnections").is_some()) {
        return Ok(Some(Content::Internals(dump.take())));
    }
    if is_dump(text)
        && let Some(error) = error
    {
        return Err(ExplainError::Internals { name: input.name.clone(), error });
    }
    let mut descriptions = Vec::new();
    values.iter().for_each(|value| collect(value, &mut descriptions, 0));
    // What a console prints looks like JSON and is none.
    descriptions.extend(pasted(rest).into_iter().flatten());
    if !descriptions.is_empty() {
        return Ok(Some(Content::Descriptions(descriptions)));
    }
    match error {
        _ if !text.starts_with('{') => Ok(None),
        Some(error) => Err(foreign(input, &format!("damaged JSON ({error})"))),
        None => Err(foreign(input, "JSON without a description")),
    }
}

/// Whether the text before the first description is that of a dump.
fn is_dump(text: &str) -> bool {
    let head = text.find("v=0").map_or(text, |at| &text[..at]);
    head.starts_with('{') && head.contains("\"PeerConnections\"")
}

/// The JSON values that a text begins with, one after the other, as in a log of messages; and what follows them.
fn values(text: &str) -> (Vec<Value>, &str, Option<serde_json::Error>) {
    let (mut values, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
        if !rest.starts_with(['{', '[', '"']) {
            return (values, rest, None);
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => values.push(value),
            Some(Err(error)) => return (values, rest, Some(error)),
            None => return (values, rest, None),
        }
        rest = &rest[stream.byte_offset()..];
    }
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
        Value::String(text) if text.trim_start().starts_with(['{', '[', '"']) => {
            if let Ok(inner) = serde_json::from_str(text) {
                collect(&inner, found, depth + 1);
            }
        }
        Value::String(text) if text.starts_with("v=0") => found.extend(pasted(text).into_iter().flatten()),
        _ => {}
    }
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
            serde_json::to_string(&format!("{{\"type\":\"offer\",\"sdp\":\"{escaped}\"}}")).unwrap(),
            format!("12:00:01 {{\\\"sdp\\\":\\\"{}\\\",\\\"x\\\":1}}", escaped.replace('\\', "\\\\")),
            format!("sdp: \"{plain}\", more: \"x\"}}"),
            format!("here is my offer:\n{plain}"),
            plain.lines().map(|line| format!("    {line}\r\n")).collect(),
        ] {
            let list = descriptions(&text);
            assert_eq!(list.len(), 1, "{text}");
            assert_eq!(list[0].text.trim_end(), plain.trim_end(), "{text}");
        }
        assert_eq!(descriptions(&format!("{plain}\n{plain}")).len(), 2);
    }

    /// What follows the description in its message is none of it: servers, tokens, a comma, another line.
    #[test]
    fn the_wrapper_of_a_description_is_left_out() {
        let plain = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        let escaped = plain.replace("\r\n", "\\r\\n");
        let message = format!(
            r#"{{"type":"answer","sdp":"{escaped}","iceServers":[{{"username":"u","credential":"SECRET"}}]}}"#
        );
        for text in [
            format!("{message},\n"),
            format!("{message}x"),
            format!("{message}\n{{\"type\":\"x\",\"token\":\"Bearer SECRET\"}}"),
            format!("12:00:01 recv {message} from bob\n"),
            format!(
                "12:00:01 recv {{\"sdp\":\"{escaped}\",\"type\":\"answer\",\"token\":\"SECRET\"}} from bob\n"
            ),
            message.replace("}]}", "}]"),
        ] {
            let list = descriptions(&text);
            assert_eq!(list, [Description { sdp_type: Some(SdpType::Answer), text: plain.into() }], "{text}");
        }
        assert_eq!(descriptions(&format!("{message},\n{message}\n")).len(), 2);
        // A quote within the text ends nothing.
        let quoting = plain.replace("s=-", "s=\"x\"");
        for text in [quoting.clone(), format!("'{quoting}'"), serde_json::to_string(&quoting).unwrap()] {
            assert_eq!(descriptions(&text)[0].text, quoting);
        }
    }

    #[test]
    fn foreign_files_are_named() {
        for (text, word) in [
            ("", "empty"),
            (" \n", "empty"),
            ("<!DOCTYPE html><p>v=0</p>", "HTML"),
            ("{\"a\":1}", "JSON without a description"),
            ("{\"a\":", "damaged JSON"),
            (
                "{\"PeerConnections\":{\"1-1\":{\"updateLog\":[{\"value\":\"v=0\\r\\no=- 1 2",
                "webrtc-internals dump that is cut",
            ),
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
