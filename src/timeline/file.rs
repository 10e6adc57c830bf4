//! Timelines as JSON lines: a header, then one event a line, each written the moment it happens.

use std::fs::File;
use std::io::{self, Seek, Write};

use super::{Event, Header, Kind, SCHEMA_VERSION};

/// Where a timeline is kept while it grows.
pub trait Storage: Write + Send {
    /// Forgets everything written so far.
    ///
    /// # Errors
    /// When the storage cannot go back, as a pipe cannot.
    fn restart(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn restart(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.rewind()
    }
}

impl Storage for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// Writes one timeline. After the first error it stays silent and keeps the error.
pub struct TimelineWriter {
    storage: Box<dyn Storage>,
    header: Header,
    /// The lines since the header while the call has no id yet; the header must then be written again.
    early: Option<Vec<u8>>,
    error: Option<io::Error>,
}

impl TimelineWriter {
    /// Writes the header at once, so that even a run that is killed while it waits leaves a readable file.
    #[must_use]
    pub fn new(storage: Box<dyn Storage>, header: Header) -> Self {
        let mut writer = Self { storage, header, early: Some(Vec::new()), error: None };
        let line = line(&writer.header);
        writer.write(&line);
        writer
    }

    /// Appends an event. The call's id is put into the header as soon as the room has given it.
    pub fn push(&mut self, event: &Event) {
        let line = line(event);
        let Some(early) = &mut self.early else { return self.write(&line) };
        early.extend_from_slice(&line);
        if let Kind::CallStarted { call, .. } = &event.kind {
            self.header.call = Some(call.clone());
            self.rewrite();
        } else {
            self.write(&line);
        }
    }

    /// What stopped the writing, if anything did.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.storage.flush(),
        }
    }

    fn rewrite(&mut self) {
        let early = self.early.take().unwrap_or_default();
        let mut text = line(&self.header);
        text.extend_from_slice(&early);
        match self.storage.restart() {
            Ok(()) => self.write(&text),
            // Not a file: the header keeps its null, and readers find the id in the event.
            Err(_) => self.write(last_line(&early)),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.error.is_none()
            && let Err(error) = self.storage.write_all(bytes).and_then(|()| self.storage.flush())
        {
            self.error = Some(error);
        }
    }
}

/// A timeline that was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Line 1.
    pub header: Header,
    /// The events, in the order of the file.
    pub events: Vec<Event>,
    /// The last line was cut off, as a killed run leaves it.
    pub torn: bool,
}

/// A file is not a timeline.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is not even a header.
    #[error("line 1: not the header of a timeline: {0}")]
    Header(serde_json::Error),
    /// A newer writer changed the meaning of what this version knows.
    #[error("line 1: schema version {0} is newer than {SCHEMA_VERSION}; use a newer callcheck")]
    Version(u32),
    /// A line in the middle is damaged.
    #[error("line {line}: not an event: {error}")]
    Event {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

impl Timeline {
    /// Reads a timeline. A torn last line is left out, kinds that this version does not know are kept.
    ///
    /// # Errors
    /// [`ReadError`], with the line.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line)).peekable();
        let (_, first) = lines.next().unwrap_or((1, ""));
        let header: Header = serde_json::from_str(first).map_err(ReadError::Header)?;
        if header.schema_version > SCHEMA_VERSION {
            return Err(ReadError::Version(header.schema_version));
        }
        let mut timeline = Self { header, events: Vec::new(), torn: false };
        while let Some((line, text)) = lines.next() {
            match serde_json::from_str(text) {
                Ok(event) => timeline.events.push(event),
                Err(_) if lines.peek().is_none() => timeline.torn = true,
                Err(error) => return Err(ReadError::Event { line, error }),
            }
        }
        Ok(timeline)
    }
}

/// The JSON schema of a line: the header first, then events.
#[must_use]
pub fn schema() -> String {
    #[derive(schemars::JsonSchema)]
    #[serde(untagged)]
    #[schemars(title = "a line of a callcheck timeline")]
    #[expect(dead_code, reason = "only its schema is wanted")]
    enum Line {
        Header(Header),
        Event(Event),
    }
    // Invariant: a schema is plain JSON.
    let mut text =
        serde_json::to_string_pretty(&schemars::schema_for!(Line)).expect("a schema is plain JSON");
    text.push('\n');
    text
}

fn line(value: &impl serde::Serialize) -> Vec<u8> {
    // Invariant: headers and events hold strings, numbers and string-keyed maps only, which always serialise.
    let mut line = serde_json::to_vec(value).expect("events are plain data");
    line.push(b'\n');
    line
}

fn last_line(lines: &[u8]) -> &[u8] {
    let end = lines.len().saturating_sub(1);
    let start = lines[..end].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    &lines[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsep::Role;
    use crate::timeline::{Capabilities, PeerInfo};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>, bool);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Storage for Shared {
        fn restart(&mut self) -> io::Result<()> {
            if self.1 {
                return Err(io::ErrorKind::NotSeekable.into());
            }
            self.0.lock().unwrap().clear();
            Ok(())
        }
    }

    fn header() -> Header {
        Header {
            schema_version: SCHEMA_VERSION,
            tool_version: "0.0.0".into(),
            call: None,
            role: Role::Caller,
            name: "alice".into(),
            epoch_us: 1,
            clock: "real".into(),
            seed: 7,
            plan: serde_json::Value::Null,
            legs: None,
        }
    }

    fn event(number: u64, kind: Kind) -> Event {
        Event { id: format!("caller:{number}"), at_us: number, kind }
    }

    fn started(number: u64) -> Event {
        let peer = PeerInfo {
            name: "bob".into(),
            role: Some(Role::Callee),
            number: 2,
            capabilities: Capabilities::default(),
        };
        event(number, Kind::CallStarted { call: "c1".into(), peer })
    }

    fn written(storage: &Shared) -> String {
        String::from_utf8(storage.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_header_learns_the_call_id() {
        let storage = Shared::default();
        let mut writer = TimelineWriter::new(Box::new(storage.clone()), header());
        let events = [event(1, Kind::Note("early".into())), started(2), event(3, Kind::Closed)];
        for (count, event) in events.iter().enumerate() {
            writer.push(event);
            let timeline = Timeline::parse(&written(&storage)).unwrap();
            assert_eq!(timeline.events, events[..=count], "readable after every event");
        }
        writer.finish().unwrap();
        assert_eq!(Timeline::parse(&written(&storage)).unwrap().header.call.as_deref(), Some("c1"));
    }

    #[test]
    fn a_pipe_keeps_its_first_header() {
        let storage = Shared(Arc::default(), true);
        let mut writer = TimelineWriter::new(Box::new(storage.clone()), header());
        let events = [event(1, Kind::Note("early".into())), started(2), event(3, Kind::Closed)];
        events.iter().for_each(|event| writer.push(event));
        let timeline = Timeline::parse(&written(&storage)).unwrap();
        assert_eq!((timeline.header.call, timeline.events), (None, events.to_vec()));
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_unknown_kinds_are_kept() {
        let mut text = String::from_utf8(line(&header())).unwrap();
        text += r#"{"id":"caller:1","at_us":5,"kind":{"teleported":{"to":"mars"}},"new_field":1}"#;
        text += "\n{\"id\":\"caller:2\",\"at_";
        let timeline = Timeline::parse(&text).unwrap();
        assert!(timeline.torn);
        let unknown = serde_json::json!({"teleported": {"to": "mars"}});
        assert_eq!(
            timeline.events,
            [Event { id: "caller:1".into(), at_us: 5, kind: Kind::Unknown(unknown.clone()) }]
        );
        assert_eq!(serde_json::to_value(&timeline.events[0].kind).unwrap(), unknown);
    }

    #[test]
    fn damage_in_the_middle_is_named_with_its_line() {
        let header_line = String::from_utf8(line(&header())).unwrap();
        let text =
            format!("{header_line}nonsense\n{{\"id\":\"caller:2\",\"at_us\":1,\"kind\":\"closed\"}}\n");
        assert!(Timeline::parse(&text).unwrap_err().to_string().starts_with("line 2: not an event"));
        assert!(Timeline::parse("<html>").unwrap_err().to_string().starts_with("line 1: not the header"));
        assert!(Timeline::parse("").is_err());
        let newer = header_line.replace("\"schema_version\":1", "\"schema_version\":99");
        assert!(matches!(Timeline::parse(&newer), Err(ReadError::Version(99))));
    }

    #[test]
    fn a_full_disk_is_told_once_at_the_end() {
        let Ok(full) = File::options().write(true).open("/dev/full") else { return };
        let mut writer = TimelineWriter::new(Box::new(full), header());
        writer.push(&event(1, Kind::Closed));
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
