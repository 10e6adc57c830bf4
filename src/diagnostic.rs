//! One shape for every complaint that has a place: a wrong `--expect`, a wrong file, a wrong scenario; and the words that
//! complaints share.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A complaint about a place in some text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where the text comes from: `--expect` or a file name.
    pub source: String,
    /// The whole text.
    pub text: String,
    /// The bytes that are wrong.
    pub span: Range<usize>,
    /// What is wrong, as a sentence fragment.
    pub title: String,
    /// What to say under the caret; may be empty.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// How bad a complaint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is wrong.
    Error,
    /// It may be wrong.
    Warning,
}

impl Diagnostic {
    /// As people read it: title, place, the line with a caret, help. Without a trailing newline.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.render_as(Severity::Error, color)
    }

    /// The same with a word for how bad it is.
    #[must_use]
    pub fn render_as(&self, severity: Severity, color: bool) -> String {
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let snippet = Snippet::source(&self.text)
            .path(&self.source)
            .annotation(AnnotationKind::Primary.span(self.span.clone()).label(&self.label));
        let mut group = level.primary_title(&self.title).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

/// The word that was most likely meant: the one that is reached with the fewest slips of a finger, if those are few for
/// its length. That names begin alike, as ids of one layer do, makes them no nearer.
#[must_use]
pub fn nearest<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = words.into_iter().map(|known| (strsim::damerau_levenshtein(written, known), known));
    let few = slips.filter(|(slips, known)| *slips <= 1 + known.len() / 4);
    // Of two that are as near, the one with more letters in common.
    let alike = |known: &str| strsim::jaro_winkler(written, known);
    few.min_by(|a, b| a.0.cmp(&b.0).then(alike(b.1).total_cmp(&alike(a.1)))).map(|(_, known)| known)
}

/// What helps where a word is none of those that there are.
#[must_use]
pub fn one_of(written: &str, words: &[&str]) -> String {
    match nearest(written, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", words.join(", ")),
    }
}

/// What the operating system says of a file, without its error number, as a fragment of a sentence.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Writes over whatever follows `key =` on its line, in a text whose values cannot be told apart because it is no TOML. No
/// byte moves.
pub fn hide_lines(key: &str, text: &mut String) {
    let lines: Vec<String> = text.split('\n').map(|line| without_value(key, line)).collect();
    *text = lines.join("\n");
}

fn without_value(key: &str, line: &str) -> String {
    let mut from = 0;
    while let Some(found) = line[from..].find(key) {
        let after = from + found + key.len();
        let rest = line[after..].trim_start_matches(['"', '\'', ' ', '\t']);
        if rest.starts_with('=') {
            let value = line.len() - rest.len() + 1;
            return format!("{}{}", &line[..value], "*".repeat(line.len() - value));
        }
        from = after;
    }
    line.to_owned()
}

/// So much of a text that came from the network is shown.
const SHOWN: usize = 120;

/// Text from the network, for people: without the padding of NULs that coturn leaves, bounded, and with control characters
/// written out.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\0', ' ', '\r', '\n']);
    let mut shown: String = text.chars().take(SHOWN).flat_map(visible).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

fn visible(letter: char) -> Vec<char> {
    // What turns the direction of writing or hides itself is no control character by its category.
    let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if letter.is_control() || hidden { letter.escape_default().collect() } else { vec![letter] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near_enough_or_none() {
        assert_eq!(nearest("bar", ["tone", "bars"]), Some("bars"));
        assert_eq!(nearest("tonne", ["tone", "bars"]), Some("tone"));
        assert_eq!(nearest("webcam", ["tone", "bars"]), None);
        assert_eq!(nearest("trakcs", ["tracks", "sends"]), Some("tracks"));
        assert_eq!(nearest("cale", ["caller", "callee", "case"]), Some("case"));
        assert_eq!(nearest("sdp-glare", ["sdp-plan-b", "glare-both-offers"]), None);
    }

    #[test]
    fn a_caret_stands_under_the_fault() {
        let diagnostic = Diagnostic {
            source: "--expect".into(),
            text: "trakcs=audio".into(),
            span: 0..6,
            title: "unknown subject `trakcs`".into(),
            label: "no such subject".into(),
            help: Some("did you mean `tracks`?".into()),
        };
        insta::assert_snapshot!(diagnostic.render(false));
    }

    #[test]
    fn text_from_the_network_obeys_us() {
        assert_eq!(escaped(b"Stale nonce\0\0"), "Stale nonce");
        assert_eq!(escaped(b"a\x1b[31m\0b\r\nc"), "a\\u{1b}[31m\\u{0}b\\r\\nc");
        assert_eq!(escaped("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(escaped(&[b'x'; 4000]).len(), SHOWN + 3);
        assert_eq!(escaped(&[0xff, b'a']), "\u{fffd}a");
    }
}
