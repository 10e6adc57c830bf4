//! Reads the value of an expectation, by the kind of value that its subject has.

use std::collections::BTreeSet;
use std::ops::Range;

use super::expectation::{ExpectedTransceiver, Fault, Value, list, trimmed};
use super::subject::{SubjectInfo, ValueKind};
use crate::diagnostic::nearest;
use crate::jsep::{Direction, MediaKind};

/// Unit and how many milliseconds it has.
pub(super) const DURATION_UNITS: &[(&str, f64)] =
    &[("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("min", 6e4)];

/// Unit and how many bits per second it has.
pub(super) const BITRATE_UNITS: &[(&str, f64)] = &[("bps", 1.0), ("kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9)];

/// More words than this are not listed in a complaint.
const MAX_LISTED: usize = 20;

/// Reads the value at `span` of `text`.
pub(super) fn parse(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    match info.value {
        ValueKind::Kinds => kinds(text, span, info),
        ValueKind::Word => word(text, span, info),
        ValueKind::Transceivers => transceivers(text, span, info),
        ValueKind::Path => path(text, span, info),
        ValueKind::Types => types(text, span, info),
        ValueKind::Count => count(text, span, info),
        ValueKind::Share => share(text, span, info),
        ValueKind::Duration => measure(text, span, info, DURATION_UNITS, "a duration"),
        ValueKind::Bitrate => measure(text, span, info, BITRATE_UNITS, "a bit rate"),
    }
}

fn kinds(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    match &text[span.clone()] {
        "any" => return Ok(Value::Any),
        "none" => return Ok(Value::Kinds(BTreeSet::new())),
        _ => {}
    }
    let mut kinds = BTreeSet::new();
    for item in split(text, span, ',') {
        let written = &text[item.clone()];
        let Ok(kind) = written.parse::<MediaKind>() else {
            return Err(not_one_of(written, item, &["audio", "video", "none", "any"], info));
        };
        kinds.insert(kind);
    }
    Ok(Value::Kinds(kinds))
}

fn word(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    let (written, words) = (&text[span.clone()], info.subject.words());
    if !words.contains(&written) {
        return Err(not_one_of(written, span, &words, info));
    }
    Ok(if written == "any" { Value::Any } else { Value::Word(written.to_owned()) })
}

fn path(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    let words = info.subject.words();
    let state = |item: Range<usize>| match &text[item.clone()] {
        written if words.contains(&written) => Ok(written.to_owned()),
        written => Err(not_one_of(written, item, &words, info)),
    };
    split(text, span, ',').map(state).collect::<Result<_, _>>().map(Value::Path)
}

/// Words in any order.
fn types(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    if &text[span.clone()] == "none" {
        return Ok(Value::Types(BTreeSet::new()));
    }
    let mut words = info.subject.words();
    words.push("none");
    let word = |item: Range<usize>| match &text[item.clone()] {
        written if written != "none" && words.contains(&written) => Ok(written.to_owned()),
        written => Err(not_one_of(written, item, &words, info)),
    };
    split(text, span, ',').map(word).collect::<Result<_, _>>().map(Value::Types)
}

fn transceivers(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    if &text[span.clone()] == "none" {
        return Ok(Value::Transceivers(Vec::new()));
    }
    split(text, span, ',')
        .map(|row| transceiver(text, row, info))
        .collect::<Result<_, _>>()
        .map(Value::Transceivers)
}

fn transceiver(text: &str, row: Range<usize>, info: &SubjectInfo) -> Result<ExpectedTransceiver, Fault> {
    let words = split_words(text, row.clone());
    let [mid, kind, directions] = words.as_slice() else {
        return Err(fault(row, "a row is `mid kind direction/current`", "not three words", info));
    };
    let written = &text[kind.clone()];
    let kind = written.parse().map_err(|_| not_one_of(written, kind.clone(), &["audio", "video"], info))?;
    let Some(slash) = text[directions.clone()].find('/').map(|at| directions.start + at) else {
        return Err(fault(
            directions.clone(),
            "both directions are needed",
            "write `direction/current`",
            info,
        ));
    };
    let mid = &text[mid.clone()];
    Ok(ExpectedTransceiver {
        mid: (mid != "-").then(|| mid.to_owned()),
        kind,
        direction: direction(text, directions.start..slash, info)?,
        current_direction: match &text[slash + 1..directions.end] {
            "-" => None,
            _ => Some(direction(text, slash + 1..directions.end, info)?),
        },
    })
}

fn direction(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Direction, Fault> {
    let written = &text[span.clone()];
    let words: Vec<&str> = Direction::ALL.iter().map(|direction| direction.as_str()).collect();
    written.parse().map_err(|_| not_one_of(written, span, &words, info))
}

fn count(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    let (number, unit) = number(text, span.clone(), info)?;
    if !unit.is_empty() {
        let written = &text[unit.clone()];
        return Err(fault(
            unit,
            format!("`{}` is a count", info.name),
            format!("`{written}` does not belong here"),
            info,
        ));
    }
    if number.fract() != 0.0 {
        return Err(fault(span, format!("`{}` is a count", info.name), "not a whole number", info));
    }
    Ok(Value::Number(number))
}

fn share(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<Value, Fault> {
    let (number, unit) = number(text, span.clone(), info)?;
    let share = match &text[unit.clone()] {
        "%" => number / 100.0,
        "" => number,
        written => {
            let label = format!("`{written}` is not a share");
            return Err(fault(unit, format!("`{}` is a share, such as `1%`", info.name), label, info));
        }
    };
    if share > 1.0 {
        return Err(fault(span, "a share is at most 100%", "more than everything", info));
    }
    Ok(Value::Number(share))
}

fn measure(
    text: &str,
    span: Range<usize>,
    info: &SubjectInfo,
    units: &[(&str, f64)],
    what: &str,
) -> Result<Value, Fault> {
    let (number, unit) = number(text, span.clone(), info)?;
    let written = &text[unit.clone()];
    if let Some((_, factor)) = units.iter().find(|(name, _)| *name == written) {
        return Ok(Value::Number(number * factor));
    }
    let names = list(units.iter().map(|(name, _)| *name));
    let title = format!("`{}` is {what}", info.name);
    Err(match written {
        "" => fault(span, title, format!("the unit is missing: {names}"), info),
        "%" => fault(unit, title, "not a share", info),
        _ => fault(unit, title, format!("the units are {names}"), info),
    })
}

/// The number at the beginning and where its unit stands.
fn number(text: &str, span: Range<usize>, info: &SubjectInfo) -> Result<(f64, Range<usize>), Fault> {
    let written = &text[span.clone()];
    let length = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let number = written[..length].parse().ok().filter(|number: &f64| number.is_finite());
    let Some(number) = number else {
        return Err(fault(span, format!("`{}` needs a number", info.name), "not a number", info));
    };
    Ok((number, trimmed(text, span.start + length..span.end)))
}

fn fault(
    span: Range<usize>,
    title: impl Into<String>,
    label: impl Into<String>,
    info: &SubjectInfo,
) -> Fault {
    Fault {
        span,
        title: title.into(),
        label: label.into(),
        help: Some(format!("such as `{}`", info.example)),
    }
}

fn not_one_of(written: &str, span: Range<usize>, words: &[&str], info: &SubjectInfo) -> Fault {
    // The catalogue is too long for a label.
    let label = if words.len() > MAX_LISTED {
        "no finding has this name".to_owned()
    } else {
        format!("not one of {}", list(words.iter().copied()))
    };
    let help = nearest(written, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Fault {
        span,
        title: format!("`{}` cannot be `{written}`", info.name),
        label,
        help: Some(help.unwrap_or_else(|| format!("such as `{}`", info.example))),
    }
}

pub(super) fn split(
    text: &str,
    span: Range<usize>,
    separator: char,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = span.start;
    text[span].split(separator).map(move |part| {
        let item = start..start + part.len();
        start = item.end + separator.len_utf8();
        trimmed(text, item)
    })
}

fn split_words(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    split(text, span, ' ').filter(|word| !word.is_empty()).collect()
}
