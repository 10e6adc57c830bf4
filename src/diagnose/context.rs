//! What was wanted of the call: without it nobody can say that something is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Thresholds;
use crate::jsep::{Direction, MediaKind, Role};
use crate::plan::{Expectation, IcePolicy, Op, Plan, Subject, Value};

/// What a call was meant to be, as far as anybody knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The limits of the rules.
    pub thresholds: Thresholds,
    /// The kinds that a side wants to receive. A side that is not named wants what its offers ask for.
    pub wants: BTreeMap<Role, BTreeSet<MediaKind>>,
    /// The kinds that a side means to send. Of a side that is not named nobody knows.
    pub sends: BTreeMap<Role, BTreeSet<MediaKind>>,
    /// A relayed path was demanded.
    pub relay: bool,
    /// There are descriptions and nothing else: no time passes, and what did not come is not known to be missing.
    pub descriptions_only: bool,
    /// A failure of ICE, DTLS or the like was asked for, so that it is no finding.
    pub failure_wanted: bool,
    /// These sides add tracks in the middle of the call because their plan says so.
    pub adds_later: BTreeSet<Role>,
    /// Somebody says that this side shows nothing, though tracks should be there.
    pub nothing_shown: Option<Role>,
}

impl Context {
    /// Of descriptions alone, from files.
    #[must_use]
    pub fn of_descriptions() -> Self {
        Self { descriptions_only: true, ..Self::default() }
    }

    /// Of a timeline whose plan is not known.
    #[must_use]
    pub fn of_timeline() -> Self {
        Self::default()
    }

    /// Of a call that we make.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        let all = || MediaKind::ALL.iter().copied();
        let adds = plan.steps.iter().filter(|step| step.adds_media());
        let adds_later = [Role::Caller, Role::Callee].into_iter();
        let adds_later = adds_later.filter(|role| adds.clone().any(|step| step.is_of(*role))).collect();
        let context = Self::of_parts(&Parts {
            own: plan.leg.role,
            sends: all().filter(|&kind| plan.leg.sends(kind)).collect(),
            wishes: all().filter(|&kind| plan.leg.wish(kind).receives()).collect(),
            relay: plan.leg.ice_policy == IcePolicy::Relay,
            follow_up: Some(plan.leg.follow_up),
            expectations: if plan.expects_symptoms { &[] } else { &plan.expectations },
        });
        Self { adds_later, ..context }
    }

    /// Of a timeline, by the plan in its header. What cannot be read is not known.
    #[must_use]
    pub fn of_recorded(plan: &serde_json::Value, own: Role) -> Self {
        let leg = &plan["leg"];
        let Some(send) = leg["send"].as_array() else { return Self::of_timeline() };
        let wish = |kind: MediaKind| -> Direction {
            let word = leg["habits"]["directions"][kind.as_str()].as_str();
            word.and_then(|word| word.parse().ok()).unwrap_or(Direction::Sendrecv)
        };
        let tracks = send.iter().filter_map(|track| track["kind"].as_str()?.parse().ok());
        let texts = plan["expectations"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|stated| stated["text"].as_str());
        let symptoms = plan["expects_symptoms"].as_bool() == Some(true);
        let texts = texts.filter(|_| !symptoms);
        let expectations: Vec<Expectation> =
            texts.filter_map(|text| Expectation::parse(text, own).ok()).collect();
        let adds = |step: &serde_json::Value| {
            let operation = &step["act"]["operate"];
            ["add-track", "add-transceiver"].iter().any(|name| operation.get(name).is_some())
        };
        let steps = plan["steps"].as_array().into_iter().flatten().filter(|step| adds(step));
        let adds_later = [Role::Caller, Role::Callee].into_iter();
        let adds_later = adds_later.filter(|role| {
            let is_of =
                |step: &serde_json::Value| step["who"].as_str().is_none_or(|who| who == role.as_str());
            steps.clone().any(is_of)
        });
        let adds_later = adds_later.collect();
        let context = Self::of_parts(&Parts {
            own,
            sends: tracks.filter(|kind| wish(*kind).sends()).collect(),
            wishes: MediaKind::ALL.iter().copied().filter(|kind| wish(*kind).receives()).collect(),
            relay: leg["ice_policy"].as_str() == Some("relay"),
            follow_up: leg["follow_up"].as_f64().map(|ms| Duration::from_secs_f64(ms.clamp(0.0, 1e9) / 1e3)),
            expectations: &expectations,
        });
        Self { adds_later, ..context }
    }

    fn of_parts(parts: &Parts<'_>) -> Self {
        let (own, other) = (parts.own, parts.own.other());
        let stated = |of, subject| stated(parts.expectations, of, subject);
        let own_sends = stated(own, Subject::Sends).unwrap_or_else(|| Some(parts.sends.clone()));
        let mut context = Self::default();
        context.thresholds.follow_up = parts.follow_up.unwrap_or(context.thresholds.follow_up);
        // What we mean to send should arrive, unless it was stated that it does not.
        let known = [
            (own, stated(own, Subject::Tracks).unwrap_or_else(|| Some(parts.wishes.clone()))),
            (other, stated(other, Subject::Tracks).unwrap_or_else(|| own_sends.clone())),
        ];
        for (role, kinds) in known {
            // A side of which nothing is demanded wants nothing that could be missing.
            context.wants.insert(role, kinds.unwrap_or_default());
        }
        for (role, kinds) in [(own, own_sends), (other, stated(other, Subject::Sends).flatten())] {
            if let Some(kinds) = kinds {
                context.sends.insert(role, kinds);
            }
        }
        let words = || parts.expectations.iter().filter_map(|stated| Some((stated, word(&stated.value)?)));
        context.relay = parts.relay
            || words().any(|(stated, word)| {
                let pair = matches!(stated.subject, Subject::Pair | Subject::PairLocal | Subject::PairRemote);
                pair && word == "relay" && stated.op == Op::Eq
            });
        context.failure_wanted = words().any(|(stated, word)| {
            let state = matches!(stated.subject, Subject::Ice | Subject::Dtls | Subject::Connection);
            state && matches!(word, "connected" | "completed") != (stated.op == Op::Eq)
        });
        context
    }

    /// Whether that side wants to receive that kind; null where nobody knows.
    pub(super) fn wanted(&self, side: Role, kind: MediaKind) -> Option<bool> {
        self.wants.get(&side).map(|kinds| kinds.contains(&kind))
    }
}

/// What a plan says of what is wanted.
struct Parts<'a> {
    own: Role,
    sends: BTreeSet<MediaKind>,
    wishes: BTreeSet<MediaKind>,
    relay: bool,
    follow_up: Option<Duration>,
    expectations: &'a [Expectation],
}

/// The kinds that were stated for a subject; `Some(None)` for `any`, which demands nothing.
fn stated(expectations: &[Expectation], of: Role, subject: Subject) -> Option<Option<BTreeSet<MediaKind>>> {
    let stated = expectations.iter().find(|stated| stated.of == Some(of) && stated.subject == subject)?;
    Some(match (&stated.value, stated.op) {
        (Value::Kinds(kinds), Op::Eq) => Some(kinds.clone()),
        _ => None,
    })
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Word(word) => Some(word),
        _ => None,
    }
}
