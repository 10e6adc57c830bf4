//! Hides what a description keeps secret: passwords of ICE (RFC 8839 §5.4), keys of SDES (RFC 4568 §4) and of `k=` lines
//! (RFC 8866 §5.12); and what stands around one in a message: the credentials of a TURN server, tokens of a room.

/// What a secret follows, wherever in a line it stands: a line end may be lost, and a letter too many may stand before.
const BEFORE: &[&str] = &["ice-pwd", "a=crypto:", "inline:", "k=clear:", "k=base64:", "k=uri:"];

/// Keys whose values are nobody's business, in JSON or as `key=value`.
const KEYS: &[&str] =
    &["credential", "password", "passwd", "passphrase", "secret", "token", "username", "authorization"];

/// What may stand between a key and its value.
const AROUND: [char; 5] = ['\\', '"', '\'', '`', ' '];

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

/// Where the secret of a line begins; at its end where the next line holds it.
pub(super) fn secret(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let after = |word: &'static str| lower.match_indices(word).map(move |(at, _)| at + word.len());
    let marked = BEFORE.iter().flat_map(|word| after(word)).filter_map(|from| {
        let rest = &line[from..];
        // What stands in quotes is the attribute's name.
        (!rest.starts_with('`')).then(|| from + usize::from(rest.starts_with([':', '=', ' '])))
    });
    let keyed = KEYS.iter().flat_map(|word| after(word)).filter_map(|from| value(line, from));
    let bearer = after("bearer").filter(|from| line[*from..].starts_with(' ')).map(|from| from + 1);
    let ufrag = after("ice-ufrag").filter_map(|from| behind_ufrag(line, from));
    let key = lower.starts_with("k=").then_some("k=".len());
    marked.chain(keyed).chain(bearer).chain(ufrag).chain(key).min()
}

/// Where the value of a key begins that ends at `from`: `"key": "value"`, `key=value`.
fn value(line: &str, from: usize) -> Option<usize> {
    let rest = line[from..].strip_prefix(['s', 'S']).unwrap_or_else(|| &line[from..]);
    let rest = rest.trim_start_matches(AROUND).strip_prefix([':', '='])?;
    Some(line.len() - rest.trim_start_matches(AROUND).len())
}

/// Where something follows a user fragment on its line: somebody put the password there.
fn behind_ufrag(line: &str, from: usize) -> Option<usize> {
    let rest = line[from..].strip_prefix([':', '=', ' '])?.trim_start_matches(' ');
    let at = rest.find([':', ' ', '\t', ',', ';', '|'])?;
    let more = &rest[at + 1..];
    (!more.is_empty()).then(|| line.len() - more.len())
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
            ("a=ice-ufrag:RVfQ:hunter2", "a=ice-ufrag:RVfQ:*******"),
            ("a=ice-pwd\r\nhunter2\r\na=mid:0", "a=ice-pwd\r\n*******\r\na=mid:0"),
            ("no `a=ice-pwd`, a=ice-pwd:hunter2", "no `a=ice-pwd`, a=ice-pwd:*******"),
            ("k=clear:hunter2\r\na=mid:0", "k=*************\r\na=mid:0"),
            ("xk=clear:hunter2", "xk=clear:*******"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn secrets_around_a_description_are_hidden() {
        for (text, expected) in [
            (
                r#","iceServers":[{"credential":"hunter2"}]},"#,
                r#","iceServers":[{"credential":"************"#,
            ),
            (r#"{\"Credential\": \"hunter2\"}"#, r#"{\"Credential\": \"**********"#),
            ("x, \"password\": \"hunter2\"}x", "x, \"password\": \"**********"),
            ("wss://x/?access_token=hunter2&a=1", "wss://x/?access_token=***********"),
            ("Authorization: Basic hunter2", "Authorization: *************"),
            ("a Bearer hunter2", "a Bearer *******"),
            ("username = 'hunter2'", "username = '********"),
            ("\"password\":\n  \"hunter2\"", "\"password\":\n***********"),
            ("a mid is a token, not `x`", "a mid is a token, not `x`"),
            (r#"{"credentialType":"password"}"#, r#"{"credentialType":"password"}"#),
            (r#"{"usernameFragment":"RVfQ"}"#, r#"{"usernameFragment":"RVfQ"}"#),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
