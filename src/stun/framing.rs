//! Where one message ends and the next begins on a stream (RFC 8489 §6.2.2, RFC 8656 §12.5).

use super::LinkError;
use crate::diagnostic::escaped;

/// Twice what a message can be; whoever sends more at once than we read is not waited for.
const MOST: usize = 2 * (65_535 + 20);

/// What has come over a stream and is not yet whole.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Whether a channel has been bound: before, nothing may look like ChannelData. An `H` does, and so `HTTP`.
    pub channels: bool,
}

impl Deframer {
    /// Takes what was read.
    ///
    /// # Errors
    /// More came than anybody may send.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        if self.buffer.len() + bytes.len() > MOST {
            return Err(LinkError::NotStun("it sends without an end".to_owned()));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole message, with the padding of ChannelData taken off.
    ///
    /// # Errors
    /// What comes is not STUN.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let Some((whole, useful)) = self.lengths()? else { return Ok(None) };
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let mut message: Vec<u8> = self.buffer.drain(..whole).collect();
        message.truncate(useful);
        Ok(Some(message))
    }

    /// How long the message at the front is, with and without its padding.
    fn lengths(&self) -> Result<Option<(usize, usize)>, LinkError> {
        let Some(&first) = self.buffer.first() else { return Ok(None) };
        let stun = first & 0xc0 == 0;
        let channel = self.channels && (0x40..=0x4f).contains(&first);
        if !stun && !channel {
            return Err(self.not_stun());
        }
        let &[_, _, high, low, ..] = self.buffer.as_slice() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if channel {
            return Ok(Some((4 + length.next_multiple_of(4), 4 + length)));
        }
        let cookie = &self.buffer[4..self.buffer.len().min(8)];
        if !length.is_multiple_of(4) || !COOKIE.starts_with(cookie) {
            return Err(self.not_stun());
        }
        Ok(Some((20 + length, 20 + length)))
    }

    fn not_stun(&self) -> LinkError {
        LinkError::NotStun(looks_like(&self.buffer))
    }
}

/// RFC 8489 §5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What a stranger seems to be, by what it says.
pub(super) fn looks_like(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = escaped(&line[..line.len().min(60)]);
    let name = match bytes {
        [b'H', b'T', b'T', b'P', ..] => "it speaks HTTP",
        [b'S', b'S', b'H', b'-', ..] => "it speaks SSH",
        [b'2', b'2', b'0', b' ' | b'-', ..] => "it speaks SMTP or FTP",
        [0x15, 0x03, ..] => return "it speaks TLS".to_owned(),
        _ => "it says",
    };
    format!("{name}: `{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binding(length: u16) -> Vec<u8> {
        let mut message = vec![1, 1];
        message.extend(length.to_be_bytes());
        message.extend(COOKIE);
        message.extend([7; 12]);
        message.extend(vec![0; usize::from(length)]);
        message
    }

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let mut deframer = Deframer { channels: true, ..Deframer::default() };
        let stream = [binding(8), vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0], binding(0)].concat();
        let mut messages = Vec::new();
        for byte in stream {
            deframer.push(&[byte]).unwrap();
            messages.extend(deframer.next_message().unwrap());
        }
        assert_eq!(messages, [binding(8), vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5], binding(0)]);
    }

    #[test]
    fn strangers_are_known_by_what_they_say() {
        for (bytes, says) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "HTTP: `HTTP/1.1 400 Bad Request`"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
            (b"220 mail\r\n", "SMTP"),
            (&[0x15, 3, 1, 0, 2, 2, 70], "TLS"),
            (&[1, 1, 0, 3, 0x21, 0x12, 0xa4, 0x42], "it says"),
            (&[1, 1, 0, 4, 0, 0, 0, 0], "it says"),
            (b"\x1b[2J", "it says: `\\u{1b}[2J`"),
        ] {
            let mut deframer = Deframer::default();
            deframer.push(bytes).unwrap();
            let error = deframer.next_message().unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains('\u{1b}'), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_framed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000), channels: bool) {
            let mut deframer = Deframer { channels, ..Deframer::default() };
            deframer.push(&bytes).unwrap();
            let mut total = 0;
            while let Ok(Some(message)) = deframer.next_message() {
                prop_assert!(message.len() >= 4);
                total += message.len();
            }
            prop_assert!(total <= bytes.len());
        }
    }
}
