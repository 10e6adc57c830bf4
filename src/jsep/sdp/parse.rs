//! Reads a session description line by line (RFC 8866), tolerantly and in linear time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::attribute::{self, OpenSection, Wrong};
use super::complaint::shown;
use super::secrets::secret;
use super::{BundleGroup, Codec, Complaint, Fault, Fingerprint, MediaSection, MsidSemantic, SdpFacts, check};
use crate::jsep::Direction;

/// More complaints than this about one text help nobody.
const MAX_COMPLAINTS: usize = 50;

/// So many values at session level are inherited, and none longer than this: every section copies them, so that
/// more would cost time and memory that grow with the square of the text.
const MAX_INHERITED: usize = 16;
const MAX_INHERITED_LENGTH: usize = 300;

/// Longer lines are complained of.
const LONG_LINE: usize = 8192;

/// Static payload types (RFC 3551 §6) that browsers offer without `a=rtpmap`.
const STATIC_TYPES: &[(u8, &str, u32)] =
    &[(0, "PCMU", 8000), (3, "GSM", 8000), (8, "PCMA", 8000), (9, "G722", 8000), (13, "CN", 8000)];

/// Reads `text`; `complaints` are those that were found before.
pub(super) fn parse(text: &str, complaints: Vec<Complaint>) -> SdpFacts {
    let mut parser = Parser::default();
    for complaint in complaints {
        parser.complain(complaint.line, complaint.fault, complaint.text);
    }
    let mut first_end = None;
    let mut mixed = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let end = if line.ends_with("\r\n") { "CRLF" } else { "LF" };
        if line.ends_with('\n') && !mixed && *first_end.get_or_insert(end) != end {
            mixed = true;
            let text = format!("this line ends with {end}, those before it do not");
            parser.complain(index + 1, Fault::MixedLineEnds, text);
        }
        parser.line(index + 1, line.trim_end_matches('\n').trim_end_matches('\r'));
    }
    parser.finish()
}

/// A complaint for each line that is not UTF-8.
pub(super) fn not_utf8(bytes: &[u8]) -> Vec<Complaint> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let complaint = |(index, line)| {
        let error = std::str::from_utf8(line).err()?;
        let text = format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1);
        Some(Complaint::new(index + 1, Fault::NotUtf8, text))
    };
    lines.filter_map(complaint).collect()
}

#[derive(Default)]
struct Parser {
    facts: SdpFacts,
    session: Session,
    section: Option<OpenSection>,
    mids: BTreeSet<String>,
    seen: SeenLines,
    /// What is no line of its own may be the rest of a secret.
    after_secret: bool,
}

/// Which of the lines that every description has were there.
#[derive(Default)]
struct SeenLines {
    any: bool,
    origin: bool,
    name: bool,
    time: bool,
}

/// Attributes that every section inherits unless it has its own, each with its line.
#[derive(Default)]
struct Session {
    direction: Option<(Direction, usize)>,
    setup: Option<(String, usize)>,
    fingerprints: Vec<(Fingerprint, usize)>,
    ice_ufrag: Option<(String, usize)>,
    ice_pwd: Option<(String, usize)>,
    ice_options: Option<(Vec<String>, usize)>,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if let Some(open) = &mut self.section
            && !line.starts_with("m=")
        {
            open.section.lines = open.section.line()..=number;
        }
        if line.len() > LONG_LINE {
            self.complain(number, Fault::LongLine, format!("a line of {} bytes", line.len()));
        }
        let pair = line.split_once('=').filter(|(kind, _)| kind.chars().count() == 1);
        let secret_goes_on = self.after_secret && pair.is_none();
        let quoted = || if secret_goes_on { "the rest of a secret, perhaps".into() } else { shown(line) };
        if line.contains(|c: char| c.is_control() && c != '\t') {
            self.complain(number, Fault::ControlCharacter, format!("a control character in {}", quoted()));
        }
        self.after_secret = secret_goes_on || secret(line).is_some();
        let Some((kind, value)) = pair else {
            return self.complain(number, Fault::NotALine, format!("not `x=value`: {}", quoted()));
        };
        let lost = kind == "v" && line_ends_lost(value);
        if !self.seen.any && lost {
            let text = "the line ends were lost: `o=` stands in the line of `v=0`";
            self.complain(number, Fault::LineEndsLost, text);
            (self.seen.origin, self.seen.name, self.seen.time) = (true, true, true);
        } else if !self.seen.any && (kind != "v" || value.trim() != "0") {
            self.complain(number, Fault::Version, "a description begins with `v=0`");
        }
        self.seen.any = true;
        match kind {
            "o" => self.origin(number, value),
            "s" => self.seen.name = true,
            "t" => self.seen.time = true,
            "m" => self.open_section(number, value),
            "a" => self.attribute(number, value),
            // Nothing of what WebRTC decides by stands in the other lines.
            _ => {}
        }
    }

    fn origin(&mut self, number: usize, value: &str) {
        self.seen.origin = true;
        let mut words = value.split_ascii_whitespace().skip(1);
        self.facts.session_id = words.next().map(str::to_owned);
        self.facts.session_version = words.next().map(str::to_owned);
        if self.facts.session_version.is_none() {
            self.complain(number, Fault::Origin, "`o=` lacks its session id or version");
        }
    }

    fn open_section(&mut self, number: usize, value: &str) {
        self.close_section();
        let mut words = value.split_ascii_whitespace();
        let media = words.next().unwrap_or_default();
        let port = words.next();
        let protocol = words.next().unwrap_or_default();
        // A port that cannot be read is not a rejection.
        let number_of_port = port.and_then(|port| port.split('/').next()?.parse().ok());
        if protocol.is_empty() {
            let text = format!("`m=` needs media, port, protocol and formats: {}", shown(value));
            self.complain(number, Fault::MediaLine, text);
        } else if number_of_port.is_none() {
            self.complain(number, Fault::Port, format!("not a port: {}", shown(port.unwrap_or_default())));
        }
        let mut section = MediaSection::new(number, media, number_of_port.unwrap_or(9), protocol, Vec::new());
        let mut codec_of = BTreeMap::new();
        if section.kind.is_some() {
            let strange;
            (section.codecs, codec_of, strange) = codecs(words);
            if let Some(format) = strange {
                self.complain(number, Fault::PayloadType, format!("not a payload type: {}", shown(format)));
            }
        }
        self.section = Some(OpenSection::new(section, codec_of));
    }

    fn attribute(&mut self, number: usize, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        if let Ok(direction) = name.parse::<Direction>()
            && direction != Direction::Stopped
        {
            return self.direction(number, direction);
        }
        let result = match self.section.as_mut() {
            None => self.session_attribute(number, name, value),
            Some(open) => attribute::read(open, &mut self.mids, number, name, value),
        };
        if let Err((fault, text)) = result {
            self.complain(number, fault, text);
        }
    }

    fn direction(&mut self, number: usize, direction: Direction) {
        let earlier = match &mut self.section {
            None => self.session.direction.replace((direction, number)).map(|(_, line)| line),
            Some(open) => {
                open.section.direction = direction;
                open.section.direction_line.replace(number)
            }
        };
        if let Some(earlier) = earlier {
            let text = format!("a second direction; line {earlier} has one already");
            self.complain(number, Fault::SecondDirection, text);
        }
    }

    fn session_attribute(&mut self, line: usize, name: &str, value: &str) -> Result<(), Wrong> {
        let (facts, session) = (&mut self.facts, &mut self.session);
        match name {
            "group" => {
                let mut words = attribute::words(value).into_iter();
                if words.next().as_deref() == Some("BUNDLE") {
                    let mids: Vec<String> = words.collect();
                    if facts.bundle_groups.is_empty() {
                        facts.bundle.clone_from(&mids);
                    }
                    facts.bundle_groups.push(BundleGroup { line, mids });
                }
            }
            "ice-lite" => facts.ice_lite = true,
            "extmap-allow-mixed" => facts.extmap_allow_mixed = true,
            "extmap" => facts.extmaps.push(attribute::extmap(line, value)?),
            "msid-semantic" => {
                let mut words = attribute::words(value).into_iter();
                let semantic = words.next().unwrap_or_default();
                facts.msid_semantic = Some(MsidSemantic { line, semantic, streams: words.collect() });
            }
            "setup" => session.setup = Some((attribute::setup(value)?, line)),
            "fingerprint" => session.fingerprints.push((attribute::fingerprint(value)?, line)),
            "ice-ufrag" => session.ice_ufrag = Some((value.to_owned(), line)),
            "ice-pwd" => session.ice_pwd = Some((value.to_owned(), line)),
            "ice-options" => session.ice_options = Some((attribute::words(value), line)),
            _ => {}
        }
        match name {
            "ice-ufrag" => attribute::ufrag(value),
            "ice-pwd" => attribute::pwd(value),
            _ => Ok(()),
        }
    }

    fn close_section(&mut self) {
        let Some(open) = self.section.take() else { return };
        let mut section = open.close();
        self.session.give(&mut section);
        self.facts.sections.push(section);
    }

    fn finish(mut self) -> SdpFacts {
        self.close_section();
        if !self.seen.any {
            self.complain(1, Fault::Empty, "the description is empty");
        } else {
            for (seen, fault, text) in [
                (self.seen.origin, Fault::Origin, "there is no `o=` line"),
                (self.seen.name, Fault::SessionName, "there is no `s=` line"),
                (self.seen.time, Fault::Time, "there is no `t=` line"),
            ] {
                if !seen {
                    self.complain(1, fault, text);
                }
            }
        }
        let found = check::whole(&self.facts, &self.mids);
        self.facts.complaints.extend(found);
        self.facts.complaints.sort_by_key(|complaint| complaint.line);
        self.facts.complaints_omitted += self.facts.complaints.len().saturating_sub(MAX_COMPLAINTS);
        self.facts.complaints.truncate(MAX_COMPLAINTS);
        self.facts
    }

    fn complain(&mut self, line: usize, fault: Fault, text: impl Into<String>) {
        if self.facts.complaints.len() < MAX_COMPLAINTS {
            self.facts.complaints.push(Complaint::new(line, fault, text));
        } else {
            self.facts.complaints_omitted += 1;
        }
    }
}

/// Whether the line of `v=0` goes on with `o=`.
fn line_ends_lost(version: &str) -> bool {
    version.strip_prefix('0').is_some_and(|rest| {
        let rest =
            rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | 'r' | 'n' | ',' | ';'));
        rest.starts_with("o=")
    })
}

impl Session {
    /// What the section does not say itself.
    fn give(&self, section: &mut MediaSection) {
        if section.direction_line.is_none()
            && let Some((direction, line)) = self.direction
        {
            (section.direction, section.direction_line) = (direction, Some(line));
        }
        inherit(&mut section.setup, &mut section.at.setup, self.setup.as_ref());
        inherit(&mut section.ice_ufrag, &mut section.at.ice_ufrag, self.ice_ufrag.as_ref());
        inherit(&mut section.ice_pwd, &mut section.at.ice_pwd, self.ice_pwd.as_ref());
        if section.fingerprints.is_empty() {
            let short = |fingerprint: &&(Fingerprint, usize)| {
                fingerprint.0.algorithm.len() + fingerprint.0.value.len() <= MAX_INHERITED_LENGTH
            };
            let inherited = self.fingerprints.iter().filter(short).take(MAX_INHERITED).cloned();
            (section.fingerprints, section.at.fingerprints) = inherited.unzip();
        }
        if section.ice_options.is_empty()
            && let Some((options, line)) = &self.ice_options
        {
            let short = |option: &&String| option.len() <= MAX_INHERITED_LENGTH;
            section.ice_options = options.iter().take(MAX_INHERITED).filter(short).cloned().collect();
            section.at.ice_options = Some(*line);
        }
    }
}

fn inherit(value: &mut Option<String>, at: &mut Option<usize>, session: Option<&(String, usize)>) {
    if value.is_none()
        && let Some((inherited, line)) = session
        && inherited.len() <= MAX_INHERITED_LENGTH
    {
        (*value, *at) = (Some(inherited.clone()), Some(*line));
    }
}

/// Each payload type once, however often the line repeats it, where it stands, and the first word that is none.
fn codecs<'a>(formats: impl Iterator<Item = &'a str>) -> (Vec<Codec>, BTreeMap<u8, usize>, Option<&'a str>) {
    let (mut codecs, mut codec_of, mut strange) = (Vec::new(), BTreeMap::new(), None);
    for format in formats {
        let Some(codec) = codec(format) else {
            strange = strange.or(Some(format));
            continue;
        };
        if let Entry::Vacant(entry) = codec_of.entry(codec.payload_type) {
            entry.insert(codecs.len());
            codecs.push(codec);
        }
    }
    (codecs, codec_of, strange)
}

fn codec(format: &str) -> Option<Codec> {
    let payload_type = format.parse().ok().filter(|number| *number < 128)?;
    let known = STATIC_TYPES.iter().find(|(number, ..)| *number == payload_type);
    Some(Codec {
        payload_type,
        name: known.map(|(_, name, _)| (*name).to_owned()),
        clock_rate: known.map(|(.., rate)| *rate),
        channels: None,
        fmtp: None,
        rtcp_fb: Vec::new(),
        rtpmap_line: None,
        fmtp_line: None,
        rtcp_fb_lines: Vec::new(),
    })
}
