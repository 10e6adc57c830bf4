//! One thing that should be true of a call: `subject op value`, as somebody stated it.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::subject::{Op, SUBJECTS, Subject};
use super::value;
use crate::diagnostic::{Diagnostic, nearest};
use crate::jsep::{Direction, MediaKind, Role};

/// `subject op value`, read and checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// The side it speaks of; null for a subject of the whole call.
    pub of: Option<Role>,
    /// What it speaks of.
    pub subject: Subject,
    /// How to compare.
    pub op: Op,
    /// What with.
    pub value: Value,
}

/// What an observation is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Exactly these kinds, maybe none.
    Kinds(BTreeSet<MediaKind>),
    /// No demand: whatever is observed is right.
    Any,
    /// A state, a candidate type and the like.
    Word(String),
    /// A count, a share of 1, milliseconds or bits per second; the subject's kind of value says which.
    Number(f64),
    /// A transceiver table.
    Transceivers(Vec<ExpectedTransceiver>),
    /// States in their order.
    Path(Vec<String>),
    /// Exactly these candidate types, maybe none.
    Types(BTreeSet<String>),
}

/// A row of an expected transceiver table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectedTransceiver {
    /// Null (`-`) until associated.
    pub mid: Option<String>,
    /// The kind.
    pub kind: MediaKind,
    /// The application's wish.
    pub direction: Direction,
    /// What was negotiated; null (`-`) before.
    pub current_direction: Option<Direction>,
}

/// A complaint about a part of an expectation, before it is known what the whole is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) title: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

impl Expectation {
    /// Reads `subject op value`. A subject without `caller.` or `callee.` is of `default_role`.
    ///
    /// # Errors
    /// A complaint with the caret under the part that is wrong, and how to mend it. Its source is `--expect`;
    /// a caller that reads from elsewhere sets another one.
    #[expect(clippy::result_large_err, reason = "read a few times per run, and a complaint ends it")]
    pub fn parse(text: &str, default_role: Role) -> Result<Self, Diagnostic> {
        parse(text, default_role).map_err(|fault| Diagnostic {
            source: "--expect".into(),
            text: text.to_owned(),
            span: fault.span,
            title: fault.title,
            label: fault.label,
            help: fault.help,
        })
    }
}

/// Whether a finding is demanded. Then the call is meant to be broken, and what else is expected is how that shows; it
/// says nothing of what is wanted.
#[must_use]
pub fn are_symptoms<'a>(expectations: impl IntoIterator<Item = &'a Expectation>) -> bool {
    expectations.into_iter().any(|stated| {
        let named = matches!(&stated.value, Value::Word(word) if word != "none");
        stated.subject == Subject::Finding && stated.op == Op::Eq && named
    })
}

/// The kinds that a side wants to receive: those of its `tracks`, or both if nothing was said of them.
#[must_use]
pub fn wanted(expectations: &[Expectation], role: Role) -> Vec<MediaKind> {
    if are_symptoms(expectations) {
        return MediaKind::ALL.to_vec();
    }
    let mut stated = expectations
        .iter()
        .filter(|stated| stated.of == Some(role) && stated.subject == Subject::Tracks && stated.op == Op::Eq);
    match stated.next().map(|stated| &stated.value) {
        Some(Value::Kinds(kinds)) => kinds.iter().copied().collect(),
        _ => MediaKind::ALL.to_vec(),
    }
}

fn parse(text: &str, default_role: Role) -> Result<Expectation, Fault> {
    let (op_span, op) = operator(text)?;
    let (of, subject) = subject(text, trimmed(text, 0..op_span.start), default_role)?;
    let info = subject.info();
    if !info.value.operators().contains(&op) {
        return Err(Fault {
            span: op_span,
            title: format!("`{}` cannot be compared with `{}`", info.name, op.as_str()),
            label: format!(
                "{} takes {}",
                info.name,
                list(info.value.operators().iter().map(|op| op.as_str()))
            ),
            help: Some(format!("such as `{}`", info.example)),
        });
    }
    let span = trimmed(text, op_span.end..text.len());
    if span.is_empty() {
        return Err(Fault {
            span: op_span,
            title: format!("`{}` is compared with nothing", info.name),
            label: "a value must follow".into(),
            help: Some(format!("such as `{}`", info.example)),
        });
    }
    let value = value::parse(text, span.clone(), info)?;
    if value == Value::Any && op == Op::Ne {
        return Err(Fault {
            span,
            title: format!("`{}!=any` can never hold", info.name),
            label: "`any` makes no demand".into(),
            help: Some(format!("such as `{}`", info.example)),
        });
    }
    Ok(Expectation { text: text.to_owned(), of, subject, op, value })
}

/// The first run of operator characters.
fn operator(text: &str) -> Result<(Range<usize>, Op), Fault> {
    let is_operator = |c: char| matches!(c, '=' | '!' | '<' | '>' | '~');
    let Some(start) = text.find(is_operator) else {
        let at = trimmed(text, 0..text.len());
        return Err(Fault {
            span: at,
            title: "an expectation needs an operator".into(),
            label: "what of it?".into(),
            help: Some("write `subject op value`, such as `tracks=audio` or `time.connected<500ms`".into()),
        });
    };
    let end = text[start..].find(|c| !is_operator(c)).map_or(text.len(), |length| start + length);
    let written = &text[start..end];
    let op = Op::parse(written).ok_or_else(|| Fault {
        span: start..end,
        title: format!("unknown operator `{written}`"),
        label: "no such operator".into(),
        help: Some("the operators are `=`, `!=`, `<`, `<=`, `>` and `>=`".into()),
    })?;
    Ok((start..end, op))
}

fn subject(text: &str, span: Range<usize>, default_role: Role) -> Result<(Option<Role>, Subject), Fault> {
    let written = &text[span.clone()];
    let (role, name) = match written.split_once('.') {
        Some((prefix, name)) if prefix.parse::<Role>().is_ok() => (prefix.parse().ok(), name),
        _ => (None, written),
    };
    let name_span = span.end - name.len()..span.end;
    let Some(subject) = Subject::named(name) else { return Err(unknown_subject(name, name_span)) };
    match role {
        Some(_) if subject.is_of_call() => Err(Fault {
            span: span.start..name_span.start,
            title: format!("`{name}` is of the whole call"),
            label: "no side here".into(),
            help: Some(format!("write `{name}` alone")),
        }),
        _ if subject.is_of_call() => Ok((None, subject)),
        role => Ok((Some(role.unwrap_or(default_role)), subject)),
    }
}

fn unknown_subject(name: &str, span: Range<usize>) -> Fault {
    if name.is_empty() {
        return Fault {
            span,
            title: "the subject is missing".into(),
            label: "what is expected?".into(),
            help: Some("write `subject op value`, such as `tracks=audio`".into()),
        };
    }
    let names = SUBJECTS.iter().map(|row| row.name);
    let help = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the subjects are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Fault {
        span,
        title: format!("unknown subject `{name}`"),
        label: "no such subject".into(),
        help: Some(help),
    }
}

/// `a`, `b` and `c` in backticks.
pub(super) fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The same range without the white space at its ends.
pub(super) fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Expectation {
        Expectation::parse(text, Role::Caller).unwrap_or_else(|fault| panic!("{}", fault.render(false)))
    }

    #[test]
    fn every_example_of_the_table_parses() {
        for row in SUBJECTS {
            let stated = parse(row.example);
            assert_eq!(stated.subject, row.subject, "{}", row.example);
            assert_eq!(stated.text, row.example);
            assert_eq!(Subject::named(row.name), Some(row.subject));
        }
    }

    #[test]
    fn a_subject_is_of_this_side_unless_it_says_otherwise() {
        for (text, of) in [
            ("tracks=audio", Some(Role::Caller)),
            ("callee.tracks=audio", Some(Role::Callee)),
            ("caller.latency.p95<1s", Some(Role::Caller)),
            ("finding=none", None),
        ] {
            assert_eq!(parse(text).of, of, "{text}");
        }
    }

    #[test]
    fn values_are_read_in_their_units() {
        let both: BTreeSet<_> = MediaKind::ALL.iter().copied().collect();
        for (text, value) in [
            ("tracks = video , audio", Value::Kinds(both)),
            ("tracks=none", Value::Kinds(BTreeSet::new())),
            ("tracks=any", Value::Any),
            ("ice=failed", Value::Word("failed".into())),
            ("loss<1%", Value::Number(0.01)),
            ("loss<0.01", Value::Number(0.01)),
            ("time.connected<500ms", Value::Number(500.0)),
            ("time.connected<1.5s", Value::Number(1500.0)),
            ("rtt<200us", Value::Number(0.2)),
            ("bitrate>=2Mbps", Value::Number(2e6)),
            ("frames>=50", Value::Number(50.0)),
            ("transceivers=none", Value::Transceivers(Vec::new())),
        ] {
            assert_eq!(parse(text).value, value, "{text}");
        }
        let Value::Transceivers(rows) =
            parse("transceivers=0 audio sendrecv/sendonly, - video inactive/-").value
        else {
            panic!("rows")
        };
        assert_eq!(rows[0].current_direction, Some(Direction::Sendonly));
        assert_eq!((rows[1].mid.as_ref(), rows[1].current_direction), (None, None));
    }

    /// One snapshot of every kind of complaint, as people read them.
    #[test]
    fn complaints_point_at_the_fault() {
        let texts = [
            "tracks",
            "",
            "=audio",
            "tracks==audio",
            "trakcs=audio",
            "callee.trakcs=audio",
            "color=blue",
            "caller.finding=none",
            "tracks<audio",
            "tracks=",
            "tracks=audio,vidoe",
            "tracks=audio,",
            "tracks!=any",
            "ice=conected",
            "pair=turn",
            "hangup=dirty",
            "finding=sdp-glare",
            "frames>=50ms",
            "frames>=1.5",
            "frames>=many",
            "loss<5ms",
            "loss<101%",
            "time.connected<5%",
            "time.connected<500",
            "time.connected<5 hours",
            "bitrate>=5",
            "transceivers=0 audio",
            "transceivers=0 audio sendrecv",
            "transceivers=0 audio sendrecv/sendrcv",
            "transceivers=0 audio sendrecv/-, 1 vdeo sendrecv/-",
        ];
        let complaints: Vec<String> = texts
            .iter()
            .map(|text| Expectation::parse(text, Role::Caller).expect_err(text).render(false))
            .collect();
        insta::assert_snapshot!(complaints.join("\n\n"));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,40}") {
            if let Err(fault) = Expectation::parse(&text, Role::Callee) {
                let _ = fault.render(false);
            }
        }

        #[test]
        fn no_value_panics(row in 0..SUBJECTS.len(), op in "[=!<>]{1,2}", value in "\\PC{0,20}") {
            let text = format!("{}{op}{value}", SUBJECTS[row].name);
            if let Err(fault) = Expectation::parse(&text, Role::Callee) {
                let _ = fault.render(false);
            }
        }
    }
}
