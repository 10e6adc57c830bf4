//! What a plan demands: the expectations that were stated, and the defaults of all subjects that were not.

use std::collections::BTreeSet;

use crate::jsep::{MediaKind, Role};
use crate::plan::{Expectation, Op, Plan, Subject, Value};

/// One thing to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The side it speaks of; null for the whole call.
    pub of: Option<Role>,
    /// What it speaks of.
    pub subject: Subject,
    /// What must be true.
    pub check: Check,
    /// Who demands it.
    pub origin: Origin,
}

/// What must be true.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// As stated.
    Compare(Op, Value),
    /// Some mid's current direction sends, for each of these kinds. Where the other side holds the call at the end, it
    /// did until then.
    Sends(BTreeSet<MediaKind>),
    /// The same for a plan that holds the call to its end: it did before.
    SentBeforeHold(BTreeSet<MediaKind>),
    /// Remote candidates came, trickled or in a description.
    RemoteCandidates,
    /// Where the peer announces stamps, each remote track showed them.
    Stamps,
    /// Where the peer announces its hang-up, somebody hung up before leaving.
    CleanHangUp,
    /// Every transceiver is sendrecv/sendrecv.
    SendrecvEverywhere,
}

/// Who demands something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Every call does.
    Default,
    /// `--strict`.
    Strict,
    /// `--expect`.
    Stated,
}

/// Everything that the plan demands, in the order of the subject table. A stated subject replaces its default; one
/// that states `any` demands nothing.
#[must_use]
pub fn expectations(plan: &Plan) -> Vec<Demand> {
    let stated = |of: Option<Role>, subject: Subject| {
        plan.expectations.iter().any(|stated| stated.of == of && stated.subject == subject)
    };
    let mut demands: Vec<Demand> = defaults(plan)
        .into_iter()
        .chain(if plan.strict { strict(plan.leg.role) } else { Vec::new() })
        .filter(|demand| !stated(demand.of, demand.subject))
        .collect();
    demands.extend(plan.expectations.iter().filter(|stated| stated.value != Value::Any).map(from_stated));
    demands.sort_by_key(|demand| (position(demand.subject), demand.of));
    demands
}

fn from_stated(stated: &Expectation) -> Demand {
    Demand {
        of: stated.of,
        subject: stated.subject,
        check: Check::Compare(stated.op, stated.value.clone()),
        origin: Origin::Stated,
    }
}

fn defaults(plan: &Plan) -> Vec<Demand> {
    let side = Some(plan.leg.role);
    let leg = &plan.leg;
    let kinds = |wanted: &dyn Fn(MediaKind) -> bool| -> BTreeSet<MediaKind> {
        MediaKind::ALL.iter().copied().filter(|&kind| wanted(kind)).collect()
    };
    let sent = kinds(&|kind| leg.sends(kind));
    // A side that wishes not to receive a kind does not wait for it.
    let wanted = kinds(&|kind| leg.wish(kind).receives());
    let connected = || Check::Compare(Op::Eq, Value::Word("connected".into()));
    let mut checks = vec![
        (Subject::Tracks, Check::Compare(Op::Eq, Value::Kinds(wanted))),
        (Subject::Ice, connected()),
        (Subject::Dtls, connected()),
        (Subject::CandidatesReceived, Check::RemoteCandidates),
        (Subject::Stamped, Check::Stamps),
        (Subject::Hangup, Check::CleanHangUp),
    ];
    if !sent.is_empty() {
        let check = if leg.habits.ends_on_hold() { Check::SentBeforeHold(sent) } else { Check::Sends(sent) };
        checks.push((Subject::Sends, check));
    }
    checks
        .into_iter()
        .map(|(subject, check)| Demand { of: side, subject, check, origin: Origin::Default })
        .collect()
}

fn strict(own: Role) -> Vec<Demand> {
    let none = Check::Compare(Op::Eq, Value::Word("none".into()));
    vec![
        Demand {
            of: Some(own),
            subject: Subject::Transceivers,
            check: Check::SendrecvEverywhere,
            origin: Origin::Strict,
        },
        Demand { of: None, subject: Subject::Finding, check: none, origin: Origin::Strict },
    ]
}

fn position(subject: Subject) -> usize {
    crate::plan::SUBJECTS.iter().position(|row| row.subject == subject).unwrap_or(usize::MAX)
}
