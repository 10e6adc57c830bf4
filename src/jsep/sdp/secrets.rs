//! Hides what a description keeps secret: passwords of ICE (RFC 8839 §5.4) and keys of SDES (RFC 4568 §4).

/// What a secret follows, wherever in a line it stands: a line end may be lost, and a letter too many may stand before.
const BEFORE: &[&str] = &["ice-pwd", "a=crypto:", "inline:"];

/// The text with its secrets as `*`, of the same length in bytes. The rest of a line is hidden from the word before the
/// secret on, and so is what follows it and is no line of its own: a break may stand in the middle of a password.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut after_secret = false;
    let mask = |line: &str| {
        let end = line.trim_end_matches(['\r', '\n']).len();
        let (said, line_end) = line.split_at(end);
        let from = if after_secret && !is_line(said) { Some(0) } else { secret(said) };
        after_secret = from.is_some() || (after_secret && said.is_empty());
        let from = from.unwrap_or(end);
        format!("{}{}{line_end}", &said[..from], "*".repeat(end - from))
    };
    text.split_inclusive(['\r', '\n']).map(mask).collect()
}

/// Where the secret of a line begins.
pub(super) fn secret(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let ends = BEFORE.iter().filter_map(|word| Some(lower.find(word)? + word.len()));
    let from = ends.min()?;
    // What stands in quotes is the attribute's name.
    let rest = &line[from..];
    let separator = usize::from(rest.starts_with([':', '=', ' ']));
    (!rest.starts_with('`') && !rest.is_empty()).then_some(from + separator)
}

/// `x=value`.
fn is_line(text: &str) -> bool {
    text.split_once('=').is_some_and(|(kind, _)| kind.chars().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for (text, expected) in [
            ("a=ice-pwd:hunter2\r\na=mid:0", "a=ice-pwd:*******\r\na=mid:0"),
            ("a=ice-ufrag:RVfQa=ice-pwd:hunter2", "a=ice-ufrag:RVfQa=ice-pwd:*******"),
            ("aa=ICE-PWD=hunter2", "aa=ICE-PWD=*******"),
            ("a=ice-pwd:hun\nter2\na=mid:0", "a=ice-pwd:***\n****\na=mid:0"),
            ("a=ice-pwd:hun\r\nter2\r\n+x", "a=ice-pwd:***\r\n****\r\n**"),
            ("a=ice-pwd:hunter2\ra=mid:0", "a=ice-pwd:*******\ra=mid:0"),
            ("x inline:key|1:4", "x inline:*******"),
            ("a=crypto:1 AES", "a=crypto:*****"),
            ("a=ice-pwd:ä", "a=ice-pwd:**"),
            ("the section has no `a=ice-pwd`", "the section has no `a=ice-pwd`"),
            ("a=ice-ufrag:RVfQ\r\n", "a=ice-ufrag:RVfQ\r\n"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
