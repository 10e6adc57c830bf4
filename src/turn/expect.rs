//! What is demanded of servers: `tls=ok`, `udp.allocate=ok`, `allocate=failed`, `time.allocate<200ms`, `cert.days>14`,
//! `load.loss<2%`, `finding=none`.

use std::time::Duration;

use super::model::{ExpectationRow, Path, ServerReport, Status, Step, StepName, Verdict};
use crate::diagnostic::{Diagnostic, nearest};
use crate::plan::{IceTransport, parse_duration};

/// One thing that is demanded.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnExpectation {
    text: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// All paths over a transport are as stated.
    Paths(IceTransport, Status),
    /// A step is as stated: over a transport, or on all required paths.
    Step(Option<IceTransport>, StepName, Status),
    /// A step of the required paths takes so long.
    Time(StepName, Order, Duration),
    /// The days that are left to every certificate that was shown on a required path.
    Days(Order, i64),
    /// So many percent of the packets at the rate of media are lost.
    Loss(Order, f64),
    /// A finding is there; None for none at all.
    Finding(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Less,
    More,
}

const SUBJECTS: [&str; 26] = [
    "udp",
    "tcp",
    "tls",
    "dtls",
    "cert.days",
    "load.loss",
    "finding",
    "time",
    "srv",
    "resolve",
    "connect",
    "handshake",
    "binding",
    "challenge",
    "allocate",
    "permission",
    "inbound",
    "channel",
    "outbound",
    "echo",
    "load",
    "hold",
    "stale-nonce",
    "allocate-v6",
    "release",
    "engine",
];

/// Reads an expectation.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse_turn_expectation(text: &str) -> Result<TurnExpectation, Box<Diagnostic>> {
    let Some(at) = text.find(['=', '<', '>']) else {
        return Err(wrong(text, 0..text.len(), "an expectation needs a subject and a value", FORMS));
    };
    let (subject, value) = (text[..at].trim(), text[at + 1..].trim());
    let operator = &text[at..=at];
    let value_at = text.len() - text[at + 1..].trim_start().len();
    let bad_value = |title: &str, help: &str| wrong(text, value_at.min(text.len())..text.len(), title, help);
    let ordered = || match operator {
        "<" => Ok(Order::Less),
        ">" => Ok(Order::More),
        _ => Err(wrong(text, at..at + 1, "this is measured", "write `<` or `>`")),
    };
    let stated = || match (operator, value) {
        ("=", "ok") => Ok(Status::Ok),
        ("=", "failed") => Ok(Status::Failed),
        ("=", "skipped") => Ok(Status::Skipped),
        ("=", _) => Err(bad_value("a path or a step is `ok`, `failed` or `skipped`", "such as `tls=ok`")),
        _ => Err(wrong(text, at..at + 1, "this is not measured", "write `=`")),
    };
    let what = match subject.split_once('.') {
        Some(("time", step)) => {
            let step = step_named(step).ok_or_else(|| unknown(text, subject))?;
            let time =
                parse_duration(value).map_err(|why| bad_value(&why, "such as `time.allocate<200ms`"))?;
            What::Time(step, ordered()?, time)
        }
        Some(("cert", "days")) => {
            let days =
                value.parse().map_err(|_| bad_value("not a number of days", "such as `cert.days>14`"))?;
            What::Days(ordered()?, days)
        }
        Some(("load", "loss")) => {
            let percent = value.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
            let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
            let help = "such as `load.loss<2%`";
            What::Loss(ordered()?, percent.ok_or_else(|| bad_value("not a percentage", help))?)
        }
        Some((transport, step)) => match (transport_named(transport), step_named(step)) {
            (Some(transport), Some(step)) => What::Step(Some(transport), step, stated()?),
            _ => return Err(unknown(text, subject)),
        },
        None if subject == "finding" => {
            let known = value == "none" || crate::plan::FINDINGS.contains(&value);
            if !known {
                let near = nearest(value, crate::plan::FINDINGS.iter().copied());
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`callcheck explain --list` prints all".to_owned(),
                };
                return Err(bad_value("there is no such finding", &help));
            }
            What::Finding((value != "none").then(|| value.to_owned()))
        }
        None => match (transport_named(subject), step_named(subject)) {
            (Some(transport), _) => What::Paths(transport, stated()?),
            (_, Some(step)) => What::Step(None, step, stated()?),
            _ => return Err(unknown(text, subject)),
        },
    };
    Ok(TurnExpectation { text: text.to_owned(), what })
}

const FORMS: &str =
    "such as `tls=ok`, `udp.allocate=ok`, `time.allocate<200ms`, `cert.days>14` or `finding=none`";

fn wrong(text: &str, span: std::ops::Range<usize>, title: &str, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        source: "--expect".to_owned(),
        text: text.to_owned(),
        span,
        title: title.to_owned(),
        label: String::new(),
        help: Some(help.to_owned()),
    })
}

fn unknown(text: &str, subject: &str) -> Box<Diagnostic> {
    let help = match nearest(subject, SUBJECTS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => FORMS.to_owned(),
    };
    wrong(text, 0..subject.len().min(text.len()), &format!("unknown subject `{subject}`"), &help)
}

fn transport_named(name: &str) -> Option<IceTransport> {
    IceTransport::ALL.into_iter().find(|transport| transport.as_str() == name)
}

fn step_named(name: &str) -> Option<StepName> {
    StepName::ALL.into_iter().find(|step| step.as_str() == name)
}

/// Holds what was found against what is demanded: first what nobody stated, that each required path is well, as far as
/// nothing stated takes its place; then what was stated.
///
/// What is stated takes the place of the default about the same thing, and of nothing else:
/// - `udp=failed` of each path over UDP;
/// - `udp.echo=ok` of what was not measured there: what failed still fails;
/// - `allocate=failed` of paths on which nothing else failed than what was expected to;
/// - `finding=ID` of the paths that show that finding.
#[must_use]
pub fn judge(stated: &[TurnExpectation], servers: &[ServerReport]) -> Vec<ExpectationRow> {
    let paths: Vec<&Path> = servers.iter().flat_map(|server| &server.paths).collect();
    let of = |server| move |path| default(stated, server, path);
    let defaults = servers.iter().flat_map(|server| server.paths.iter().filter_map(of(server)));
    defaults.chain(stated.iter().map(|stated| stated.judge(&paths, servers))).collect()
}

/// What nobody stated of a path; None if what was stated takes its place.
fn default(stated: &[TurnExpectation], server: &ServerReport, path: &Path) -> Option<ExpectationRow> {
    let leads_on = |to| server.paths.iter().any(|other| other.address == Some(to) && other.required);
    if !path.required || path.redirected_to.is_some_and(leads_on) {
        return None;
    }
    let about = |stated: &&TurnExpectation| stated.replaces(server, path);
    let stated: Vec<&TurnExpectation> = stated.iter().filter(about).collect();
    let whole = |stated: &&TurnExpectation| matches!(stated.what, What::Paths(..) | What::Finding(_));
    if stated.iter().any(whole) {
        return None;
    }
    let foreseen = |step: &&Step| {
        let same = |stated: &&TurnExpectation| matches!(stated.what, What::Step(_, name, Status::Failed) if name == step.step);
        stated.iter().any(same)
    };
    let unforeseen =
        path.steps.iter().filter(|step| step.status == Status::Failed).find(|step| !foreseen(step));
    let is_well = path.verdict == Verdict::Passed;
    let broken = unforeseen.is_some() || (path.failed().is_none() && path.verdict == Verdict::Failed);
    if !stated.is_empty() && !is_well && !broken {
        return None;
    }
    let observed = match unforeseen {
        Some(step) => failure(step),
        None => observed(path),
    };
    Some(ExpectationRow {
        expected: format!("{} ok", path.name()),
        default: true,
        status: path.verdict,
        observed,
        server: Some(server.url.clone()),
        path: Some(path.name()),
    })
}

fn failure(step: &Step) -> String {
    format!("{} failed: {}", step.step.as_str(), step.reason.as_deref().unwrap_or_default())
}

/// A path in a line: its first failure, else what was not measured.
pub(super) fn observed(path: &Path) -> String {
    if let Some(step) = path.failed() {
        return failure(step);
    }
    let open = path.steps.iter().find(|step| {
        let optional = matches!(step.step, StepName::Srv | StepName::AllocateV6 | StepName::Release);
        step.status == Status::Skipped && !optional && path.verdict != Verdict::Passed
    });
    match open {
        Some(step) => {
            format!("{} was not tested: {}", step.step.as_str(), step.reason.as_deref().unwrap_or_default())
        }
        None => path.verdict.as_str().to_owned(),
    }
}

impl TurnExpectation {
    /// The transport that it names.
    #[must_use]
    pub const fn transport(&self) -> Option<IceTransport> {
        match self.what {
            What::Paths(transport, _) | What::Step(Some(transport), ..) => Some(transport),
            _ => None,
        }
    }

    /// Whether it says how much loss is too much, so that we need not.
    #[must_use]
    pub const fn is_of_loss(&self) -> bool {
        matches!(self.what, What::Loss(..))
    }

    /// Whether it speaks of what that path comes to.
    fn replaces(&self, server: &ServerReport, path: &Path) -> bool {
        match &self.what {
            What::Paths(transport, _) | What::Step(Some(transport), ..) => *transport == path.transport,
            What::Step(None, _, status) => *status != Status::Ok,
            What::Finding(Some(id)) => {
                server.findings.iter().any(|found| found.id == id && found.paths.contains(&path.name()))
            }
            What::Finding(None) | What::Time(..) | What::Days(..) | What::Loss(..) => false,
        }
    }

    fn judge(&self, paths: &[&Path], servers: &[ServerReport]) -> ExpectationRow {
        let required: Vec<&Path> = paths.iter().copied().filter(|path| path.required).collect();
        let over = |wanted: IceTransport| paths.iter().copied().filter(move |path| path.transport == wanted);
        let (status, observed) = match &self.what {
            What::Paths(transport, status) => whole(over(*transport), *status),
            What::Step(Some(transport), step, status) => single(over(*transport), *step, *status),
            What::Step(None, step, status) => single(required.into_iter(), *step, *status),
            What::Time(step, order, limit) => {
                let taken =
                    required.iter().filter_map(|path| path.step(*step)?.ms.map(|ms| (ms, path.name())));
                let worst = taken.max_by(|a, b| a.0.total_cmp(&b.0));
                match worst {
                    None => (Verdict::Unknown, format!("{} was not taken", step.as_str())),
                    Some((ms, name)) => {
                        (order.holds(ms, limit.as_secs_f64() * 1e3), format!("{ms:.1} ms over {name}"))
                    }
                }
            }
            What::Days(order, days) => {
                let left = required.iter().filter_map(|path| path.certificate.as_ref()?.days_left);
                match left.min() {
                    None => (Verdict::Unknown, "no certificate was shown".to_owned()),
                    #[expect(clippy::cast_precision_loss, reason = "days are few")]
                    Some(left) => (order.holds(left as f64, *days as f64), format!("{left} days")),
                }
            }
            What::Loss(order, limit) => {
                let lost =
                    required.iter().filter_map(|path| Some((path.load.as_ref()?.loss_percent, path.name())));
                match lost.max_by(|a, b| a.0.total_cmp(&b.0)) {
                    None => (
                        Verdict::Unknown,
                        "nothing was sent at the rate of media: give --duration".to_owned(),
                    ),
                    Some((lost, name)) => (order.holds(lost, *limit), format!("{lost:.1} % over {name}")),
                }
            }
            What::Finding(wanted) => found(wanted.as_deref(), servers),
        };
        let (server, path) = (None, None);
        ExpectationRow { expected: self.text.clone(), default: false, status, observed, server, path }
    }
}

impl Order {
    fn holds(self, measured: f64, limit: f64) -> Verdict {
        let holds = match self {
            Self::Less => measured < limit,
            Self::More => measured > limit,
        };
        if holds { Verdict::Passed } else { Verdict::Failed }
    }
}

/// Every path is as stated. What is unknown neither holds nor fails.
fn whole<'a>(paths: impl Iterator<Item = &'a Path>, status: Status) -> (Verdict, String) {
    let rows = paths.map(|path| {
        let is = match path.verdict {
            Verdict::Passed => Some(Status::Ok),
            Verdict::Failed => Some(Status::Failed),
            Verdict::Unknown => None,
        };
        let holds = match (is, status) {
            (None, Status::Skipped) => Verdict::Passed,
            (None, _) => Verdict::Unknown,
            (Some(is), _) if is == status => Verdict::Passed,
            _ => Verdict::Failed,
        };
        (holds, format!("{}: {}", path.name(), observed(path)))
    });
    worst(rows, "no such path was tried")
}

fn single<'a>(paths: impl Iterator<Item = &'a Path>, name: StepName, status: Status) -> (Verdict, String) {
    let rows = paths.map(|path| {
        let Some(step) = path.step(name) else {
            return (Verdict::Unknown, format!("{}: the step was not taken", path.name()));
        };
        let holds = match (step.status, status) {
            (is, stated) if is == stated => Verdict::Passed,
            (Status::Skipped, _) => Verdict::Unknown,
            _ => Verdict::Failed,
        };
        let reason = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        (holds, format!("{}: {} {}{reason}", path.name(), name.as_str(), step.status.as_str()))
    });
    worst(rows, "no such path was tried")
}

fn worst(rows: impl Iterator<Item = (Verdict, String)>, none: &str) -> (Verdict, String) {
    rows.max_by_key(|(verdict, _)| *verdict).unwrap_or_else(|| (Verdict::Unknown, none.to_owned()))
}

fn found(wanted: Option<&str>, servers: &[ServerReport]) -> (Verdict, String) {
    let ids: Vec<&str> =
        servers.iter().flat_map(|server| &server.findings).map(|finding| finding.id).collect();
    let told = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    let unknown = servers.iter().any(|server| server.verdict == Verdict::Unknown);
    let verdict = match wanted {
        Some(id) if ids.contains(&id) => Verdict::Passed,
        None if ids.is_empty() && !unknown => Verdict::Passed,
        None if ids.is_empty() => Verdict::Unknown,
        _ => Verdict::Failed,
    };
    (verdict, told)
}
