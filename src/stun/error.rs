//! What can go wrong between us and a server, apart from what it answers.

use std::time::Duration;

use super::CertificateProblem;

/// Why nothing more comes over a connection. A refusal by the server is no such error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing came in time.
    #[error("no answer ({sent} sent, waited {} ms{})", waited.as_millis(), ignored.as_deref().map(|why| format!("; {why}")).unwrap_or_default())]
    Silent {
        /// How often the request was sent.
        sent: u32,
        /// For how long.
        waited: Duration,
        /// What came and was not an answer.
        ignored: Option<String>,
    },
    /// TCP RST, or ICMP port unreachable.
    #[error("connection refused")]
    Refused,
    /// ICMP host or network unreachable, or prohibited.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The other side broke the connection.
    #[error("connection reset")]
    Reset,
    /// The other side ended the connection.
    #[error("the server closed the connection")]
    Closed,
    /// What came is not STUN.
    #[error("not a STUN server: {0}")]
    NotStun(String),
    /// TLS or DTLS failed for another reason than the certificate.
    #[error("{0}")]
    Handshake(String),
    /// The certificate is not trusted.
    #[error("{0}")]
    Certificate(CertificateProblem),
    /// The one who asked wants no answer any more.
    #[error("stopped")]
    Stopped,
    /// Anything else that the system says.
    #[error("{0}")]
    Io(String),
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::PermissionDenied => {
                Self::Unreachable(error.kind().to_string())
            }
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Self::Reset,
            ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::Io(kind.to_string()),
        }
    }
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
    fn text_from_the_network_obeys_us() {
        assert_eq!(escaped(b"Stale nonce\0\0"), "Stale nonce");
        assert_eq!(escaped(b"a\x1b[31m\0b\r\nc"), "a\\u{1b}[31m\\u{0}b\\r\\nc");
        assert_eq!(escaped("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(escaped(&[b'x'; 4000]).len(), SHOWN + 3);
        assert_eq!(escaped(&[0xff, b'a']), "\u{fffd}a");
    }
}
