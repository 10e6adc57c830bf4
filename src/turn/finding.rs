//! Why a server is not as it should be: one finding for each cause, with the paths that show it. The words for the general
//! case stand in the catalogue; those for this case in `advice`.

use std::time::SystemTime;

use super::advice::{Advice, NO_CALL, advice, private_relay};
use super::model::{Finding, Path};
use super::verdict::misplaced;
use super::{Suspicion, Target, suspicion};
use crate::diagnose::{Severity, entry};

/// A note, where nothing but datagrams reaches a server.
pub(super) const NO_STREAM: &str =
    "behind firewalls that block UDP nobody can be relayed: nothing answers over TCP or TLS";

/// What is known beside the path itself.
pub(super) struct Situation<'a> {
    pub(super) target: &'a Target,
    pub(super) paths: &'a [Path],
    /// What is wrong with the credentials, as far as it can be seen.
    pub(super) suspicion: Option<Suspicion>,
}

/// The findings of the required paths, in the order of the paths. What is only explored is no finding.
pub(super) fn findings(target: &Target, paths: &[Path], now: SystemTime) -> Vec<Finding> {
    let suspicion = target.credentials.as_ref().and_then(|credentials| suspicion(credentials, now));
    let situation = Situation { target, paths, suspicion };
    let mut found: Vec<Finding> = Vec::new();
    for path in paths.iter().filter(|path| path.required) {
        let advice = match path.failed() {
            // It explains why nothing comes in.
            _ if misplaced(path) => Some(private_relay(path)),
            Some(step) => Some(advice(path, step, &situation)),
            None => None,
        };
        if let Some(advice) = advice {
            add(&mut found, path, advice);
        }
        if let Some(advice) = super::advice::audit(path) {
            add(&mut found, path, advice);
        }
    }
    found
}

fn add(found: &mut Vec<Finding>, path: &Path, advice: Advice) {
    let Advice { id, observed, cause, remedy, calls } = advice;
    if let Some(same) = found.iter_mut().find(|finding| finding.id == id && finding.cause == cause) {
        same.paths.push(path.name());
        return;
    }
    // Invariant: a test holds every id of ours against the catalogue.
    let (severity, title) =
        entry(id).map_or((Severity::Major, id), |entry| (entry.severity, entry.title.as_str()));
    // Whatever the server's fault is in general: here no call is relayed.
    let severity = if calls == NO_CALL { Severity::Blocker } else { severity };
    let (severity, title) = (severity.as_str().to_owned(), title.to_owned());
    found.push(Finding { id, severity, title, paths: vec![path.name()], observed, cause, remedy, calls });
}
