//! Reads a session description line by line (RFC 8866), tolerantly and in linear time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::sdp::{Codec, Complaint, Fingerprint, MediaSection, Msid, SdpCandidate, SdpFacts};
use super::{Direction, MediaKind};

/// More complaints than this about one text help nobody.
const MAX_COMPLAINTS: usize = 50;

/// Fingerprints and ICE options at session level beyond this are not inherited: every section copies them.
const MAX_INHERITED: usize = 16;

/// How much of a bad value a complaint shows.
const MAX_SHOWN: usize = 40;

/// Static payload types (RFC 3551 §6) that browsers offer without `a=rtpmap`.
const STATIC_TYPES: &[(u8, &str, u32)] =
    &[(0, "PCMU", 8000), (3, "GSM", 8000), (8, "PCMA", 8000), (9, "G722", 8000), (13, "CN", 8000)];

pub(super) fn parse(text: &str) -> SdpFacts {
    let mut parser = Parser::default();
    for (index, line) in text.lines().enumerate() {
        parser.line(index + 1, line.trim_end_matches('\r'));
    }
    parser.finish()
}

#[derive(Default)]
struct Parser {
    facts: SdpFacts,
    session: Session,
    section: Option<OpenSection>,
    mids: BTreeSet<String>,
    seen_version: bool,
}

/// Attributes that every section inherits unless it has its own.
#[derive(Default)]
struct Session {
    direction: Option<(Direction, usize)>,
    setup: Option<String>,
    fingerprints: Vec<Fingerprint>,
    ice_ufrag: Option<String>,
    ice_pwd: Option<String>,
    ice_options: Vec<String>,
}

/// The section whose lines are being read.
struct OpenSection {
    section: MediaSection,
    codec_of: BTreeMap<u8, usize>,
    ssrcs: BTreeSet<u32>,
    /// `a=rtcp-fb:*` counts for every codec of the section.
    feedback_for_all: Vec<String>,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if let Some(open) = &mut self.section {
            open.section.lines = *open.section.lines.start()..=number;
        }
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.chars().count() == 1) else {
            return self.complain(number, format!("not `x=value`: {}", shown(line)));
        };
        if !self.seen_version && kind != "v" {
            self.complain(number, "a description begins with `v=0`".into());
        }
        self.seen_version = true;
        match kind {
            "o" => self.origin(number, value),
            "m" => self.open_section(number, value),
            "a" => self.attribute(number, value),
            // Nothing of what WebRTC decides by stands in the other lines.
            _ => {}
        }
    }

    fn origin(&mut self, number: usize, value: &str) {
        let mut words = value.split_ascii_whitespace().skip(1);
        self.facts.session_id = words.next().map(str::to_owned);
        self.facts.session_version = words.next().map(str::to_owned);
        if self.facts.session_version.is_none() {
            self.complain(number, "`o=` lacks its session id or version".into());
        }
    }

    fn open_section(&mut self, number: usize, value: &str) {
        self.close_section();
        let mut words = value.split_ascii_whitespace();
        let media = words.next().unwrap_or_default().to_owned();
        let port = words.next().and_then(|port| port.split('/').next()?.parse().ok());
        let protocol = words.next().unwrap_or_default().to_owned();
        if port.is_none() || protocol.is_empty() {
            self.complain(number, format!("`m=` needs media, port, protocol and formats: {}", shown(value)));
        }
        let kind: Option<MediaKind> = media.parse().ok();
        let (codecs, codec_of) = if kind.is_some() { codecs(words) } else { Default::default() };
        let section = MediaSection {
            lines: number..=number,
            kind,
            media,
            // A port that cannot be read is not a rejection.
            port: port.unwrap_or(9),
            protocol,
            mid: None,
            direction: Direction::Sendrecv,
            direction_line: None,
            msids: Vec::new(),
            codecs,
            setup: None,
            fingerprints: Vec::new(),
            ice_ufrag: None,
            ice_pwd: None,
            ice_options: Vec::new(),
            candidates: Vec::new(),
            end_of_candidates: false,
            bundle_only: false,
            ssrcs: Vec::new(),
        };
        self.section =
            Some(OpenSection { section, codec_of, ssrcs: BTreeSet::new(), feedback_for_all: Vec::new() });
    }

    fn attribute(&mut self, number: usize, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        if let Ok(direction) = name.parse::<Direction>()
            && direction != Direction::Stopped
        {
            return self.direction(number, direction);
        }
        let result = match self.section.as_mut() {
            None => session_attribute(&mut self.facts, &mut self.session, name, value),
            Some(open) => section_attribute(open, &mut self.mids, number, name, value),
        };
        if let Err(complaint) = result {
            self.complain(number, complaint);
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
            self.complain(number, format!("a second direction; line {earlier} has one already"));
        }
    }

    fn close_section(&mut self) {
        let Some(open) = self.section.take() else { return };
        let (mut section, session) = (open.section, &self.session);
        if section.direction_line.is_none()
            && let Some((direction, line)) = session.direction
        {
            (section.direction, section.direction_line) = (direction, Some(line));
        }
        section.setup = section.setup.or_else(|| session.setup.clone());
        section.ice_ufrag = section.ice_ufrag.or_else(|| session.ice_ufrag.clone());
        section.ice_pwd = section.ice_pwd.or_else(|| session.ice_pwd.clone());
        if section.fingerprints.is_empty() {
            section.fingerprints = session.fingerprints.iter().take(MAX_INHERITED).cloned().collect();
        }
        if section.ice_options.is_empty() {
            section.ice_options = session.ice_options.iter().take(MAX_INHERITED).cloned().collect();
        }
        for codec in &mut section.codecs {
            codec.rtcp_fb.extend(open.feedback_for_all.iter().cloned());
        }
        self.facts.sections.push(section);
    }

    fn finish(mut self) -> SdpFacts {
        self.close_section();
        if !self.seen_version {
            self.complain(1, "the description is empty".into());
        }
        let strangers: Vec<String> =
            self.facts.bundle.iter().filter(|mid| !self.mids.contains(*mid)).cloned().collect();
        for mid in strangers {
            self.complain(1, format!("the BUNDLE group names mid {}, which no m-section has", shown(&mid)));
        }
        self.facts
    }

    fn complain(&mut self, line: usize, text: String) {
        if self.facts.complaints.len() < MAX_COMPLAINTS {
            self.facts.complaints.push(Complaint { line, text });
        }
    }
}

fn session_attribute(
    facts: &mut SdpFacts,
    session: &mut Session,
    name: &str,
    value: &str,
) -> Result<(), String> {
    match name {
        "group" => {
            if let Some(mids) = value.strip_prefix("BUNDLE") {
                facts.bundle = mids.split_ascii_whitespace().map(str::to_owned).collect();
            }
        }
        "ice-lite" => facts.ice_lite = true,
        "setup" => session.setup = Some(setup(value)?),
        "fingerprint" => session.fingerprints.push(fingerprint(value)?),
        "ice-ufrag" => session.ice_ufrag = Some(value.to_owned()),
        "ice-pwd" => session.ice_pwd = Some(value.to_owned()),
        "ice-options" => session.ice_options = words(value),
        _ => {}
    }
    Ok(())
}

fn section_attribute(
    open: &mut OpenSection,
    mids: &mut BTreeSet<String>,
    line: usize,
    name: &str,
    value: &str,
) -> Result<(), String> {
    let section = &mut open.section;
    match name {
        "mid" => {
            section.mid = Some(value.to_owned());
            if !mids.insert(value.to_owned()) {
                return Err(format!("mid {} is used twice", shown(value)));
            }
        }
        "msid" => section.msids.push(msid(line, value)?),
        "rtpmap" | "fmtp" | "rtcp-fb" => codec_attribute(open, name, value)?,
        "setup" => section.setup = Some(setup(value)?),
        "fingerprint" => section.fingerprints.push(fingerprint(value)?),
        "ice-ufrag" => section.ice_ufrag = Some(value.to_owned()),
        "ice-pwd" => section.ice_pwd = Some(value.to_owned()),
        "ice-options" => section.ice_options = words(value),
        "candidate" => section.candidates.push(candidate(line, value)?),
        "end-of-candidates" => section.end_of_candidates = true,
        "bundle-only" => section.bundle_only = true,
        "ssrc" => {
            let id = value.split_ascii_whitespace().next().unwrap_or_default();
            let ssrc = id.parse().map_err(|_| format!("not an SSRC: {}", shown(id)))?;
            if open.ssrcs.insert(ssrc) {
                section.ssrcs.push(ssrc);
            }
        }
        _ => {}
    }
    Ok(())
}

/// `rtpmap`, `fmtp` and `rtcp-fb` all begin with a payload type.
fn codec_attribute(open: &mut OpenSection, name: &str, value: &str) -> Result<(), String> {
    let (format, rest) = value.split_once(' ').unwrap_or((value, ""));
    if name == "rtcp-fb" && format == "*" {
        open.feedback_for_all.push(rest.to_owned());
        return Ok(());
    }
    if open.section.kind.is_none() {
        return Ok(());
    }
    let payload_type: u8 = format.parse().map_err(|_| format!("not a payload type: {}", shown(format)))?;
    let Some(&at) = open.codec_of.get(&payload_type) else {
        return Err(format!("payload type {payload_type} is not in the `m=` line"));
    };
    let codec = &mut open.section.codecs[at];
    match name {
        "fmtp" => codec.fmtp = Some(rest.to_owned()),
        "rtcp-fb" => codec.rtcp_fb.push(rest.to_owned()),
        _ => {
            let mut parts = rest.trim().split('/');
            codec.name = parts.next().filter(|name| !name.is_empty()).map(str::to_owned);
            codec.clock_rate = parts.next().and_then(|rate| rate.parse().ok());
            codec.channels = parts.next().and_then(|channels| channels.parse().ok());
            if codec.name.is_none() || codec.clock_rate.is_none() {
                return Err(format!("`rtpmap` needs a name and a clock rate: {}", shown(rest)));
            }
        }
    }
    Ok(())
}

/// Each payload type once, however often the line repeats it, and where it stands.
fn codecs<'a>(formats: impl Iterator<Item = &'a str>) -> (Vec<Codec>, BTreeMap<u8, usize>) {
    let (mut codecs, mut codec_of) = (Vec::new(), BTreeMap::new());
    for codec in formats.filter_map(codec) {
        if let Entry::Vacant(entry) = codec_of.entry(codec.payload_type) {
            entry.insert(codecs.len());
            codecs.push(codec);
        }
    }
    (codecs, codec_of)
}

fn codec(format: &str) -> Option<Codec> {
    let payload_type = format.parse().ok()?;
    let known = STATIC_TYPES.iter().find(|(number, ..)| *number == payload_type);
    Some(Codec {
        payload_type,
        name: known.map(|(_, name, _)| (*name).to_owned()),
        clock_rate: known.map(|(.., rate)| *rate),
        channels: None,
        fmtp: None,
        rtcp_fb: Vec::new(),
    })
}

fn msid(line: usize, value: &str) -> Result<Msid, String> {
    let mut words = value.split_ascii_whitespace();
    let stream = words.next().ok_or("`msid` needs the id of a stream or `-`")?;
    Ok(Msid {
        line,
        stream: (stream != "-").then(|| stream.to_owned()),
        track: words.next().map(str::to_owned),
    })
}

fn setup(value: &str) -> Result<String, String> {
    match value {
        "actpass" | "active" | "passive" | "holdconn" => Ok(value.to_owned()),
        _ => Err(format!("`setup` is actpass, active or passive, not {}", shown(value))),
    }
}

fn fingerprint(value: &str) -> Result<Fingerprint, String> {
    let (algorithm, digest) =
        value.trim().split_once(' ').ok_or("`fingerprint` needs an algorithm and a value")?;
    Ok(Fingerprint { algorithm: algorithm.to_ascii_lowercase(), value: digest.trim().to_ascii_uppercase() })
}

fn candidate(line: usize, value: &str) -> Result<SdpCandidate, String> {
    let mut rest = value.split_ascii_whitespace().skip(6);
    let candidate_type = match (rest.next(), rest.next()) {
        (Some("typ"), Some(word)) => Some(word.to_owned()),
        _ => return Err(format!("a candidate has six fields and `typ`: {}", shown(value))),
    };
    Ok(SdpCandidate { line, candidate: format!("candidate:{value}"), candidate_type })
}

fn words(value: &str) -> Vec<String> {
    value.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Quoted, and short enough for a line of a report.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("`{}{dots}`", short.escape_debug())
}
