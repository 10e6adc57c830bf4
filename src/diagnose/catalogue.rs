//! The catalogue of failure modes: the words for people, read from `catalogue.json`. Ids are stable: they stand in
//! scenario files and in the reports of others.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Severity;

/// One failure mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Such as `sdp-answer-without-track`.
    pub id: String,
    /// Where it breaks.
    pub layer: Layer,
    /// How bad it usually is; a rule may say otherwise. `info` is a note.
    pub severity: Severity,
    /// In a line.
    pub title: String,
    /// Why it happens, in general.
    pub cause: String,
    /// How to mend it, line by line; indented lines are JavaScript.
    pub remedy: Vec<String>,
    /// The clause of a standard; null where there is none.
    pub spec: Option<String>,
    /// A rule tells it, or names it as an alternative. The words of the others wait for their rule.
    #[serde(default = "yes")]
    pub detected: bool,
}

const fn yes() -> bool {
    true
}

/// The layers of a call, in the order in which they come up: the first broken one explains those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "named like the layers of the catalogue")]
pub enum Layer {
    Signaling,
    Sdp,
    Glare,
    Turn,
    Ice,
    Dtls,
    Rtp,
    Media,
    Data,
    App,
    Teardown,
}

impl Layer {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signaling => "signaling",
            Self::Sdp => "sdp",
            Self::Glare => "glare",
            Self::Turn => "turn",
            Self::Ice => "ice",
            Self::Dtls => "dtls",
            Self::Rtp => "rtp",
            Self::Media => "media",
            Self::Data => "data",
            Self::App => "app",
            Self::Teardown => "teardown",
        }
    }
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    // Invariant: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("catalogue.json")).expect("catalogue.json is valid; a test holds it so")
});

static BY_ID: LazyLock<BTreeMap<&'static str, &'static Entry>> =
    LazyLock::new(|| ENTRIES.iter().map(|entry| (entry.id.as_str(), entry)).collect());

/// Every failure mode, in the order of the layers.
#[must_use]
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The failure mode of that id.
#[must_use]
pub fn entry(id: &str) -> Option<&'static Entry> {
    BY_ID.get(id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_has_its_words() {
        assert_eq!(entries().len(), 193);
        assert_eq!(BY_ID.len(), 193, "ids are unique");
        assert!(entries().is_sorted_by_key(|entry| entry.layer));
        for entry in entries() {
            let id = &entry.id;
            assert!(
                id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(!entry.title.is_empty() && !entry.title.ends_with('.'), "{id}: the title is no sentence");
            assert!(entry.cause.ends_with(['.', ')']), "{id}: the cause is a sentence");
            assert!(!entry.remedy.is_empty(), "{id} lacks its remedy");
            let long = |line: &String| line.starts_with("  ") && line.len() > 76;
            assert!(!entry.remedy.iter().any(long), "{id}: a line of code does not fit a screen");
        }
    }

    #[test]
    fn a_plan_may_expect_each_of_them() {
        assert!(entries().iter().map(|entry| entry.id.as_str()).eq(crate::plan::FINDINGS.iter().copied()));
    }

    #[test]
    fn the_founding_case_has_both_fixes() {
        for id in ["sdp-addtransceiver-unassociated", "sdp-answer-without-track"] {
            let remedy = entry(id).unwrap().remedy.join("\n");
            for line in [
                "pc.addTrack(track, stream)",
                "t.direction = 'sendrecv'",
                "t.sender.setStreams(stream)",
                "await t.sender.replaceTrack(track)",
                "pc.onnegotiationneeded",
                "streams[0] ?? new MediaStream([track])",
            ] {
                assert!(remedy.contains(line), "{id} lacks {line}");
            }
        }
        assert!(entry("sdp-addtransceiver-unassociated").unwrap().cause.contains("never added"));
    }
}
