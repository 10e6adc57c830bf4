//! What is found: a failure mode with the facts of this call filled in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalogue::{self, Layer};
use crate::jsep::{MediaKind, Role};

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The wire, or the peer's own timeline, proves it.
    Certain,
    /// The best explanation; the alternatives are named.
    Probable,
    /// Everything that can be seen is right, so that only this is left.
    Inferred,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The call, or one direction of it, does not work.
    Blocker,
    /// Something does not work, or will not work elsewhere.
    Major,
    /// Worth mending.
    Minor,
    /// Worth knowing: a note, and no finding.
    Info,
}

/// A failure mode that was found in this call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name in the catalogue.
    pub id: &'static str,
    /// Where it breaks.
    pub layer: Layer,
    /// How sure it is.
    pub confidence: Confidence,
    /// How bad it is here.
    pub severity: Severity,
    /// Whose it is; null for both or for what lies between them.
    pub peer: Option<Role>,
    /// In a line.
    pub title: &'static str,
    /// What was observed in this call, in sentences.
    pub observed: String,
    /// Why it happens, in general.
    pub cause: &'static str,
    /// How to mend it, line by line.
    pub remedy: &'static [String],
    /// The clause of a standard.
    pub spec: Option<&'static str>,
    /// Ids of what else it could be.
    pub alternatives: Vec<&'static str>,
    /// What would settle between it and its alternatives.
    pub settle: Option<String>,
    /// The ids of the events that show it.
    pub evidence: Vec<String>,
    /// Lines of descriptions that show it, for people.
    pub shown: Vec<String>,
}

/// What a rule would have said if it knew more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its name in the catalogue.
    pub id: &'static str,
    /// What would settle it.
    pub settle: String,
}

/// Everything that was found, in the order of the layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing and no fault.
    pub notes: Vec<Finding>,
    /// What could not be decided.
    pub open: Vec<Open>,
}

impl Confidence {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Probable => "probable",
            Self::Inferred => "inferred",
        }
    }
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocker => "blocker",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Findings {
    /// The ids of what is wrong, in order.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.findings.iter().map(|finding| finding.id)
    }

    /// The first finding that is certain and keeps the call from being right unless somebody negotiates again. Whether
    /// that may still happen is not for a finding to say.
    #[must_use]
    pub fn certain_blocker(&self) -> Option<&Finding> {
        let decisive = |finding: &&Finding| {
            finding.confidence == Confidence::Certain
                && finding.severity == Severity::Blocker
                && finding.layer <= Layer::Glare
        };
        self.findings.iter().find(decisive)
    }

    /// Whether offering once more would tell a late track from the rest.
    #[must_use]
    pub fn wants_reoffer(&self) -> bool {
        self.findings.iter().any(|finding| {
            finding.id == "sdp-answer-without-track"
                && finding.alternatives.contains(&"sdp-track-added-after-answer")
        })
    }

    /// Something is major or worse.
    #[must_use]
    pub fn is_serious(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity <= Severity::Major)
    }
}

/// How much of what comes after it a finding explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Explains {
    /// Nothing but itself.
    #[default]
    Itself,
    /// No media of that kind from that side.
    Media(Role, MediaKind),
    /// Everything: without it the call cannot be.
    Everything,
}

/// A finding in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) finding: Finding,
    pub(super) explains: Explains,
}

impl Draft {
    pub(super) fn certain(id: &'static str, observed: impl Into<String>) -> Self {
        Self::new(id, Confidence::Certain, observed.into())
    }

    pub(super) fn probable(id: &'static str, observed: impl Into<String>) -> Self {
        Self::new(id, Confidence::Probable, observed.into())
    }

    pub(super) fn inferred(id: &'static str, observed: impl Into<String>) -> Self {
        Self::new(id, Confidence::Inferred, observed.into())
    }

    fn new(id: &'static str, confidence: Confidence, observed: String) -> Self {
        // Invariant: every id that a rule names is in the catalogue; a test reads the rules.
        let entry = catalogue::entry(id).expect("every rule has its entry; a test holds it so");
        let finding = Finding {
            id,
            layer: entry.layer,
            confidence,
            severity: entry.severity,
            peer: None,
            title: &entry.title,
            observed,
            cause: &entry.cause,
            remedy: &entry.remedy,
            spec: entry.spec.as_deref(),
            alternatives: Vec::new(),
            settle: None,
            evidence: Vec::new(),
            shown: Vec::new(),
        };
        Self { finding, explains: Explains::Itself }
    }

    pub(super) fn of(mut self, peer: Role) -> Self {
        self.finding.peer = Some(peer);
        self
    }

    pub(super) fn citing<T: AsRef<str>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        for id in ids {
            if !self.finding.evidence.iter().any(|known| known == id.as_ref()) {
                self.finding.evidence.push(id.as_ref().to_owned());
            }
        }
        self
    }

    pub(super) fn showing(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.finding.shown.extend(lines);
        self
    }

    pub(super) fn or(mut self, alternatives: &[&'static str]) -> Self {
        self.finding.alternatives.extend(alternatives);
        self
    }

    pub(super) fn settled_by(mut self, settle: impl Into<String>) -> Self {
        self.finding.settle = Some(settle.into());
        self
    }

    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    pub(super) fn explaining(mut self, explains: Explains) -> Self {
        self.explains = explains;
        self
    }
}

/// What the rules have found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) drafts: Vec<Draft>,
    pub(super) open: Vec<Open>,
}

impl Found {
    pub(super) fn add(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    pub(super) fn open(&mut self, id: &'static str, settle: impl Into<String>) {
        self.open.push(Open { id, settle: settle.into() });
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.drafts.iter().any(|draft| draft.finding.id == id)
    }
}
