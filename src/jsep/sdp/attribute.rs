//! Reads the attributes of an m-section, each with its line.

use std::collections::{BTreeMap, BTreeSet};

use super::complaint::shown;
use super::{
    Codec, ExtMap, Fault, Fingerprint, MediaSection, Msid, Rid, SdpCandidate, Simulcast, SimulcastStream,
    Source, SsrcGroup,
};
use crate::jsep::Direction;

/// `a=rtcp-fb:*` beyond this is not copied to every codec.
const MAX_FEEDBACK_FOR_ALL: usize = 64;

pub(super) type Wrong = (Fault, String);

/// The section whose lines are being read.
pub(super) struct OpenSection {
    pub(super) section: MediaSection,
    codec_of: BTreeMap<u8, usize>,
    source_of: BTreeMap<u32, usize>,
    /// `a=rtcp-fb:*` counts for every codec of the section.
    feedback_for_all: Vec<(String, usize)>,
}

impl OpenSection {
    pub(super) fn new(section: MediaSection, codec_of: BTreeMap<u8, usize>) -> Self {
        Self { section, codec_of, source_of: BTreeMap::new(), feedback_for_all: Vec::new() }
    }

    pub(super) fn close(self) -> MediaSection {
        let mut section = self.section;
        for codec in &mut section.codecs {
            for (feedback, line) in &self.feedback_for_all {
                codec.rtcp_fb.push(feedback.clone());
                codec.rtcp_fb_lines.push(*line);
            }
        }
        section
    }
}

/// One attribute of the section.
pub(super) fn read(
    open: &mut OpenSection,
    mids: &mut BTreeSet<String>,
    line: usize,
    name: &str,
    value: &str,
) -> Result<(), Wrong> {
    let section = &mut open.section;
    match name {
        "mid" => return mid(section, mids, line, value),
        "msid" => {
            let (msid, wrong) = msid(line, value)?;
            section.msids.push(msid);
            return wrong.map_or(Ok(()), Err);
        }
        "rtpmap" | "fmtp" | "rtcp-fb" => return codec(open, line, name, value),
        "setup" => (section.setup, section.at.setup) = (Some(setup(value)?), Some(line)),
        "fingerprint" => {
            section.fingerprints.push(fingerprint(value)?);
            section.at.fingerprints.push(line);
        }
        "ice-ufrag" => {
            (section.ice_ufrag, section.at.ice_ufrag) = (Some(value.to_owned()), Some(line));
            return ufrag(value);
        }
        "ice-pwd" => {
            (section.ice_pwd, section.at.ice_pwd) = (Some(value.to_owned()), Some(line));
            return pwd(value);
        }
        "ice-options" => (section.ice_options, section.at.ice_options) = (words(value), Some(line)),
        "candidate" => section.candidates.push(candidate(line, value)?),
        "end-of-candidates" => {
            (section.end_of_candidates, section.at.end_of_candidates) = (true, Some(line));
        }
        "bundle-only" => (section.bundle_only, section.at.bundle_only) = (true, Some(line)),
        "ssrc" => return source(open, line, value),
        "ssrc-group" => section.ssrc_groups.push(ssrc_group(line, value)?),
        "extmap" => section.extmaps.push(extmap(line, value)?),
        "extmap-allow-mixed" => section.extmap_allow_mixed = true,
        "rid" => section.rids.push(rid(line, value)?),
        "simulcast" => section.simulcast = Some(simulcast(line, value)?),
        "rtcp-mux" => (section.rtcp_mux, section.at.rtcp_mux) = (true, Some(line)),
        "rtcp-mux-only" => section.rtcp_mux_only = true,
        "rtcp-rsize" => section.rtcp_rsize = true,
        "sctp-port" => {
            (section.sctp_port, section.at.sctp_port) = (Some(number(name, value)?), Some(line));
        }
        "max-message-size" => {
            let size = number(name, value)?;
            (section.max_message_size, section.at.max_message_size) = (Some(size), Some(line));
        }
        _ => {}
    }
    Ok(())
}

fn mid(
    section: &mut MediaSection,
    mids: &mut BTreeSet<String>,
    line: usize,
    value: &str,
) -> Result<(), Wrong> {
    let earlier = section.at.mid.replace(line);
    section.mid = Some(value.to_owned());
    if let Some(earlier) = earlier {
        mids.insert(value.to_owned());
        return Err((Fault::Mid, format!("a second mid; line {earlier} has one already")));
    }
    if !mids.insert(value.to_owned()) {
        return Err((Fault::DuplicateMid, format!("mid {} is used twice", shown(value))));
    }
    if value.is_empty() || !value.bytes().all(is_token) {
        return Err((Fault::Mid, format!("a mid is a token, not {}", shown(value))));
    }
    Ok(())
}

/// `rtpmap`, `fmtp` and `rtcp-fb` all begin with a payload type.
fn codec(open: &mut OpenSection, line: usize, name: &str, value: &str) -> Result<(), Wrong> {
    let (format, rest) = value.split_once(' ').unwrap_or((value, ""));
    if name == "rtcp-fb" && format == "*" {
        if open.feedback_for_all.len() < MAX_FEEDBACK_FOR_ALL {
            open.feedback_for_all.push((rest.chars().take(256).collect(), line));
        }
        return Ok(());
    }
    if open.section.kind.is_none() {
        return Ok(());
    }
    let payload_type: u8 =
        format.parse().map_err(|_| (Fault::PayloadType, format!("not a payload type: {}", shown(format))))?;
    let Some(&at) = open.codec_of.get(&payload_type) else {
        let text = format!("payload type {payload_type} is not in the `m=` line");
        return Err((Fault::UnlistedPayloadType, text));
    };
    let codec = &mut open.section.codecs[at];
    match name {
        "fmtp" => (codec.fmtp, codec.fmtp_line) = (Some(rest.to_owned()), Some(line)),
        "rtcp-fb" => {
            codec.rtcp_fb.push(rest.to_owned());
            codec.rtcp_fb_lines.push(line);
        }
        _ => rtpmap(codec, line, rest)?,
    }
    Ok(())
}

fn rtpmap(codec: &mut Codec, line: usize, value: &str) -> Result<(), Wrong> {
    let mut parts = value.trim().split('/');
    codec.rtpmap_line = Some(line);
    codec.name = parts.next().filter(|name| !name.is_empty()).map(str::to_owned);
    codec.clock_rate = parts.next().and_then(|rate| rate.parse().ok());
    codec.channels = parts.next().and_then(|channels| channels.parse().ok());
    if codec.name.is_none() || codec.clock_rate.is_none() {
        return Err((Fault::Rtpmap, format!("`rtpmap` needs a name and a clock rate: {}", shown(value))));
    }
    Ok(())
}

/// What can be read of it, and what is wrong with that.
fn msid(line: usize, value: &str) -> Result<(Msid, Option<Wrong>), Wrong> {
    let mut words = value.split_ascii_whitespace();
    let stream =
        words.next().ok_or_else(|| (Fault::Msid, "`msid` needs the id of a stream or `-`".into()))?;
    let track = words.next();
    let is_id = |id: &str| id.len() <= 64 && id.bytes().all(is_token);
    let wrong = if words.next().is_some() {
        Some(format!("`msid` has a stream and a track, no more: {}", shown(value)))
    } else {
        let bad = [Some(stream), track].into_iter().flatten().find(|id| !is_id(id));
        bad.map(|id| format!("an id of `msid` is 1 to 64 token characters, not {}", shown(id)))
    };
    let stream = (stream != "-").then(|| stream.to_owned());
    let msid = Msid { line, stream, track: track.map(str::to_owned) };
    Ok((msid, wrong.map(|text| (Fault::Msid, text))))
}

fn source(open: &mut OpenSection, line: usize, value: &str) -> Result<(), Wrong> {
    let (id, rest) = value.split_once(' ').unwrap_or((value, ""));
    let ssrc = ssrc(id)?;
    let section = &mut open.section;
    let at = *open.source_of.entry(ssrc).or_insert(section.sources.len());
    if at == section.sources.len() {
        section.ssrcs.push(ssrc);
        section.sources.push(Source { line, ssrc, cname: None, msid: None });
    }
    match rest.split_once(':') {
        Some(("cname", cname)) => section.sources[at].cname = Some(cname.to_owned()),
        Some(("msid", value)) => {
            let (msid, wrong) = msid(line, value)?;
            section.sources[at].msid = Some(msid);
            return wrong.map_or(Ok(()), Err);
        }
        _ => {}
    }
    Ok(())
}

fn ssrc_group(line: usize, value: &str) -> Result<SsrcGroup, Wrong> {
    let mut words = value.split_ascii_whitespace();
    let semantics = words.next().unwrap_or_default().to_owned();
    let ssrcs = words.map(ssrc).collect::<Result<Vec<u32>, Wrong>>()?;
    if ssrcs.is_empty() {
        return Err((Fault::Ssrc, format!("`ssrc-group` needs semantics and sources: {}", shown(value))));
    }
    Ok(SsrcGroup { line, semantics, ssrcs })
}

fn ssrc(word: &str) -> Result<u32, Wrong> {
    word.trim().parse().map_err(|_| (Fault::Ssrc, format!("not an SSRC: {}", shown(word))))
}

pub(super) fn extmap(line: usize, value: &str) -> Result<ExtMap, Wrong> {
    let wrong = || (Fault::Extmap, format!("not `id uri`: {}", shown(value)));
    let mut words = value.split_ascii_whitespace();
    let id = words.next().ok_or_else(wrong)?;
    let uri = words.next().ok_or_else(wrong)?.to_owned();
    let (id, direction) = id.split_once('/').map_or((id, None), |(id, direction)| (id, Some(direction)));
    let id = id.parse().map_err(|_| wrong())?;
    let direction = match direction {
        None => None,
        Some(word) => Some(word.parse().ok().filter(|word| *word != Direction::Stopped).ok_or_else(wrong)?),
    };
    if !matches!(id, 1..=255 | 4096..=4351) {
        return Err((Fault::Extmap, format!("not an id of a header extension: {id}")));
    }
    Ok(ExtMap { line, id, direction, uri })
}

fn rid(line: usize, value: &str) -> Result<Rid, Wrong> {
    let wrong = || (Fault::Rid, format!("not `id send` or `id recv`: {}", shown(value)));
    let mut words = value.splitn(3, ' ');
    let id = words.next().filter(|id| !id.is_empty()).ok_or_else(wrong)?.to_owned();
    let direction = match words.next() {
        Some("send") => Direction::Sendonly,
        Some("recv") => Direction::Recvonly,
        _ => return Err(wrong()),
    };
    let mut rid = Rid { line, id, direction, formats: Vec::new(), restrictions: Vec::new() };
    for restriction in
        words.next().unwrap_or_default().split(';').map(str::trim).filter(|text| !text.is_empty())
    {
        let (name, value) = restriction.split_once('=').unwrap_or((restriction, ""));
        if name == "pt" {
            let formats = value.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>();
            rid.formats = formats.map_err(|_| wrong())?;
        } else {
            rid.restrictions.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(rid)
}

fn simulcast(line: usize, value: &str) -> Result<Simulcast, Wrong> {
    let wrong = || (Fault::Simulcast, format!("not `send` or `recv` with rids: {}", shown(value)));
    let mut simulcast = Simulcast { line, ..Simulcast::default() };
    let mut words = value.split_ascii_whitespace();
    while let Some(direction) = words.next() {
        let streams = words.next().ok_or_else(wrong)?.split(';');
        let streams = streams.map(|stream| stream.split(',').map(simulcast_stream).collect()).collect();
        match direction {
            "send" => simulcast.send = streams,
            "recv" => simulcast.recv = streams,
            _ => return Err(wrong()),
        }
    }
    if simulcast.send.is_empty() && simulcast.recv.is_empty() { Err(wrong()) } else { Ok(simulcast) }
}

fn simulcast_stream(text: &str) -> SimulcastStream {
    let rid = text.strip_prefix('~');
    SimulcastStream { rid: rid.unwrap_or(text).to_owned(), paused: rid.is_some() }
}

pub(super) fn setup(value: &str) -> Result<String, Wrong> {
    match value {
        "actpass" | "active" | "passive" | "holdconn" => Ok(value.to_owned()),
        _ => Err((Fault::Setup, format!("`setup` is actpass, active or passive, not {}", shown(value)))),
    }
}

pub(super) fn fingerprint(value: &str) -> Result<Fingerprint, Wrong> {
    let (algorithm, digest) = value
        .trim()
        .split_once(' ')
        .ok_or_else(|| (Fault::Fingerprint, "`fingerprint` needs an algorithm and a value".into()))?;
    Ok(Fingerprint { algorithm: algorithm.to_ascii_lowercase(), value: digest.trim().to_ascii_uppercase() })
}

pub(super) fn ufrag(value: &str) -> Result<(), Wrong> {
    credential("ice-ufrag", value, 4)
}

pub(super) fn pwd(value: &str) -> Result<(), Wrong> {
    credential("ice-pwd", value, 22)
}

fn credential(name: &str, value: &str, shortest: usize) -> Result<(), Wrong> {
    let is_ice_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if (shortest..=256).contains(&value.len()) && value.bytes().all(is_ice_char) {
        return Ok(());
    }
    // A password is a secret, and a bad one may be a good one with a slip.
    let text = format!("`{name}` of {} bytes; {shortest} to 256 ICE characters are needed", value.len());
    Err((Fault::IceCredentials, text))
}

fn candidate(line: usize, value: &str) -> Result<SdpCandidate, Wrong> {
    let mut rest = value.split_ascii_whitespace().skip(6);
    let candidate_type = match (rest.next(), rest.next()) {
        (Some("typ"), Some(word)) => Some(word.to_owned()),
        _ => {
            let text = format!("a candidate has six fields and `typ`: {}", shown(value));
            return Err((Fault::Candidate, text));
        }
    };
    Ok(SdpCandidate { line, candidate: format!("candidate:{value}"), candidate_type })
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Wrong> {
    value.trim().parse().map_err(|_| (Fault::Sctp, format!("not a number of `{name}`: {}", shown(value))))
}

pub(super) fn words(value: &str) -> Vec<String> {
    value.split_ascii_whitespace().map(str::to_owned).collect()
}

/// RFC 8866 §9, `token-char`.
fn is_token(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2A | 0x2B | 0x2D | 0x2E | 0x30..=0x39 | 0x41..=0x5A | 0x5E..=0x7E)
}
