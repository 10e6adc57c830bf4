//! The descriptions in a text that is no JSON, however people paste them.

use super::input::Description;
use crate::jsep::SdpType;

/// So often JSON was put into JSON, and no more.
const MOST_LAYERS: usize = 4;

/// A text of fewer lines than this that names line ends has lost them.
const FEW_LINES: usize = 4;

pub(super) fn is_line_start(text: &str) -> bool {
    text.starts_with("v=") || text.starts_with("m=")
}

/// The descriptions in a text: as it is, or as people paste it, with escaped line ends, quotes around it, indented. What
/// stands around the quotes is the message, or the log, in which it came.
pub(super) fn pasted(text: &str) -> Option<Vec<Description>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(quoted) = Quoted::first(rest) {
        // The wrapper belongs to this description from its own brace on.
        let opening = quoted.before.rfind('{').map_or("", |at| &quoted.before[at..]);
        let closing = quoted.after.find(['{', '}']).map_or("", |at| &quoted.after[..at]);
        let sdp_type = named_type(opening).or_else(|| named_type(closing));
        found.extend(of_text(quoted.before));
        found.extend(of_text(quoted.inner).into_iter().map(|known| Description { sdp_type, ..known }));
        rest = quoted.after;
    }
    // After a quoted one, only what begins like another one is one.
    if found.is_empty() || rest.contains("v=0") {
        found.extend(of_text(rest));
    }
    (!found.is_empty()).then_some(found)
}

/// A description in quotes.
struct Quoted<'a> {
    before: &'a str,
    inner: &'a str,
    after: &'a str,
}

impl<'a> Quoted<'a> {
    fn first(text: &'a str) -> Option<Self> {
        text.match_indices("v=0").find_map(|(at, _)| {
            let quote = text[..at].chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`'))?;
            let before = &text[..at - quote.len_utf8()];
            let layers = backslashes(before);
            let inner = &text[at..];
            let end = closing(inner, quote, layers);
            let (inner, after) = inner.split_at(end.unwrap_or(inner.len()));
            let after = after.trim_start_matches('\\');
            Some(Self { before, inner, after: after.strip_prefix(quote).unwrap_or(after) })
        })
    }
}

fn backslashes(text: &str) -> usize {
    text.len() - text.trim_end_matches('\\').len()
}

/// Where the text ends that such a quote began, without the backslashes of the quote itself.
fn closing(inner: &str, quote: char, layers: usize) -> Option<usize> {
    let first_break = inner.find('\n').unwrap_or(inner.len());
    let last_line = last_sdp_line(inner);
    let end = |(at, _): (usize, &str)| {
        let escaped = backslashes(&inner[..at]);
        // Where line ends are as they should be, SDP that follows the quote shows that it is part of a line.
        let goes_on = at > first_break && at < last_line;
        (escaped == layers && !goes_on).then(|| at - escaped)
    };
    inner.match_indices(quote).find_map(end)
}

/// Where the last line of SDP begins, up to the next description.
fn last_sdp_line(text: &str) -> usize {
    let own = text.match_indices("v=0").nth(1).map_or(text, |(at, _)| &text[..at]);
    let (mut at, mut last) = (0, 0);
    for line in own.split_inclusive('\n') {
        if is_sdp_line(line) {
            last = at;
        }
        at += line.len();
    }
    last
}

/// `a=...`, however indented.
fn is_sdp_line(line: &str) -> bool {
    let mut chars = line.trim_start().chars();
    chars.next().is_some_and(|kind| kind.is_ascii_lowercase()) && chars.next() == Some('=')
}

/// `type: "offer"`, `\"type\":\"offer\"`.
fn named_type(wrapper: &str) -> Option<SdpType> {
    let quotes = |c: char| matches!(c, '"' | '\'' | '`' | '\\') || c.is_whitespace();
    wrapper.match_indices("type").find_map(|(at, word)| {
        let value = wrapper[at + word.len()..].trim_start_matches(quotes).strip_prefix([':', '='])?;
        let value = value.trim_start_matches(quotes);
        let end = value.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(value.len());
        value[..end].parse().ok()
    })
}

/// The text as it was before it was made a string of JSON, or of a program.
fn unescaped(text: &str) -> String {
    let mut text = text.replace('\u{21b5}', "\r\n");
    for _ in 0..MOST_LAYERS {
        if !text.contains("\\n") || text.lines().count() >= FEW_LINES {
            break;
        }
        text = without_layer(&text);
    }
    text
}

fn without_layer(text: &str) -> String {
    let mut open = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            open.push(c);
            continue;
        }
        match chars.next() {
            Some('r') => open.push('\r'),
            Some('n') if open.ends_with('\r') => open.push('\n'),
            Some('n') => open.push_str("\r\n"),
            Some('t') => open.push('\t'),
            Some(other @ ('\\' | '"' | '\'' | '`' | '/')) => open.push(other),
            // No escape that is known: as it stands.
            Some(other) => open.extend(['\\', other]),
            None => open.push('\\'),
        }
    }
    open
}

/// Descriptions that begin at `v=0`, line by line.
fn of_text(text: &str) -> Vec<Description> {
    let escaped = text.contains("\\n") || text.contains('\u{21b5}');
    let opened;
    let text = if escaped && text.lines().count() < FEW_LINES {
        opened = unescaped(text);
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
            // `sdp: v=0` and the like.
            descriptions.push(line[at..].to_owned());
            ended = false;
        } else if let Some(last) = descriptions.last_mut().filter(|_| !ended) {
            // A quote ends what was quoted, unless a second one makes it part of the line.
            let (kept, rest) = line.split_once('"').map_or((bare, ""), |(kept, rest)| (kept, rest));
            let ends = !rest.is_empty() && rest.trim().len() <= 4 && !rest.contains('"');
            let quoted = ends || line.trim() == "\"";
            last.push_str(if quoted { kept.trim_start() } else { bare });
            ended = quoted;
        } else if descriptions.is_empty() && bare.starts_with("m=") {
            descriptions.push(bare.to_owned());
        }
    }
    descriptions.into_iter().map(|text| Description { sdp_type: None, text }).collect()
}
