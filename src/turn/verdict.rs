//! What the steps come to: the verdict of each path and server, what they say of the network, and what is worth knowing.

use std::time::SystemTime;

use super::chain::{NO_STUN, UNANSWERED};
use super::data::ONE_ALONE;
use super::dial::NO_IPV6;
use super::finding::findings;
use super::model::{NatBehavior, Path, ServerReport, Status, Step, StepName, Verdict};
use super::nat::inferred;
use super::sane::is_misplaced;
use super::{Config, Target, finding};
use crate::plan::IceTransport;

/// What is said of a NAT of which no more is known.
const UNMEASURED: &str = "; of what kind was not measured";

/// Packets of media are no larger than this in browsers.
const WEBRTC: usize = 1200;

/// Judges what was found at a server.
pub(super) fn server(target: &Target, mut paths: Vec<Path>, now: SystemTime) -> ServerReport {
    discount(&mut paths);
    for path in &mut paths {
        path.verdict = judge(path, target.url.turn);
    }
    let followed: Vec<Verdict> = paths.iter().map(|path| where_it_leads(path, &paths)).collect();
    for (path, verdict) in paths.iter_mut().zip(followed) {
        path.verdict = verdict;
    }
    let required = paths.iter().filter(|path| path.required);
    ServerReport {
        url: target.name.clone(),
        verdict: Verdict::worst(required.map(|path| path.verdict)),
        nat: paths.iter().find_map(nat),
        nat_behavior: paths.iter().find_map(inferred),
        findings: findings(target, &paths, now),
        notes: notes(&paths),
        paths,
    }
}

/// What was measured of the network says more than what can be inferred.
pub(super) fn measured(report: &mut ServerReport, behavior: Option<NatBehavior>) {
    report.nat_behavior = behavior.or(report.nat_behavior);
    if let (Some(behavior), Some(nat)) = (report.nat_behavior, &mut report.nat) {
        let known = nat.strip_suffix(UNMEASURED).unwrap_or(nat.as_str());
        *nat = format!("{known}; {}", behavior.told());
    }
}

/// An address of a family that this machine has not counts for nothing, as long as another address of the URL was tried.
pub(super) fn discount(paths: &mut [Path]) {
    if paths.iter().any(|path| path.required && !lacks_family(path)) {
        paths.iter_mut().filter(|path| lacks_family(path)).for_each(|path| path.required = false);
    }
}

fn lacks_family(path: &Path) -> bool {
    let reason = path.step(StepName::Connect).and_then(|step| step.reason.as_deref());
    reason == Some(NO_IPV6)
}

/// Of a path alone: failed with its first failure, passed if data was seen to flow both ways between the relay and a peer
/// outside. An echo inside the server proves neither.
pub(super) fn judge(path: &Path, turn: bool) -> Verdict {
    if path.failed().is_some() || misplaced(path) {
        return Verdict::Failed;
    }
    let needed: &[StepName] = match turn {
        true => &[
            StepName::Allocate,
            StepName::Permission,
            StepName::Inbound,
            StepName::Outbound,
            StepName::StaleNonce,
        ],
        false => &[StepName::Binding],
    };
    if needed.iter().all(|name| path.is_ok(*name)) { Verdict::Passed } else { Verdict::Unknown }
}

/// Whether the relayed address is one that nobody outside can reach.
pub(super) fn misplaced(path: &Path) -> bool {
    matches!((path.relayed, path.address), (Some(relayed), Some(server)) if is_misplaced(relayed.ip(), server.ip()))
}

/// A server that sends us elsewhere is as good as the other one.
fn where_it_leads(path: &Path, paths: &[Path]) -> Verdict {
    let mut at = path;
    // No way is longer than all paths, so that a circle ends.
    for _ in paths {
        let Some(to) = at.redirected_to else { return at.verdict };
        let there = |other: &&Path| other.address == Some(to) && other.transport == at.transport;
        let Some(there) = paths.iter().find(there) else { return path.verdict };
        at = there;
    }
    path.verdict
}

/// What lies between us and the server, from one server alone.
fn nat(path: &Path) -> Option<String> {
    let (mapped, local) = (path.mapped?, path.local?);
    if let Some((mapped, seen)) = path.peer_seen
        && mapped != seen
    {
        return Some(format!(
            "symmetric NAT: one socket is seen as {mapped} by the server and as {seen} by the relay"
        ));
    }
    Some(match (mapped.ip() == local.ip() && mapped.port() == local.port(), path.peer_seen) {
        (true, _) => "none; the server sees the address that we have".to_owned(),
        (false, Some(_)) => format!("NAT as {}; the mapping does not depend on the port", mapped.ip()),
        (false, None) => format!("NAT as {}{UNMEASURED}", mapped.ip()),
    })
}

/// What is no fault of the required paths, and worth knowing all the same.
fn notes(paths: &[Path]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for path in paths.iter().filter(|path| path.required) {
        let release = path.step(StepName::Release).filter(|step| step.status == Status::Skipped);
        let reason = release.and_then(|step| step.reason.as_deref()).unwrap_or_default();
        if reason.starts_with(UNANSWERED) {
            notes.push(format!("{}: {reason}; it ends with its lifetime", path.name()));
        }
    }
    for path in paths.iter().filter(|path| path.required) {
        let told = |name: StepName, of: &str| {
            let step = path.step(name).filter(|step| step.status == Status::Skipped)?;
            step.reason.as_deref().filter(|reason| reason.contains(of))
        };
        if let Some(why) = told(StepName::Binding, NO_STUN) {
            notes.push(format!("{}: {why}; browsers find no address of theirs with it", path.name()));
        }
        if let Some(why) = told(StepName::Echo, ONE_ALONE) {
            notes.push(format!("{}: {why}, so that no echo was tested", path.name()));
        }
    }
    let small = |path: &&Path| {
        path.load.as_ref().is_some_and(|load| {
            let tried = load.loss_percent <= Config::LOSS_LIMIT;
            tried && load.largest_payload.is_none_or(|size| size < WEBRTC)
        })
    };
    if let Some(path) = paths.iter().find(small) {
        let size = path.load.as_ref().and_then(|load| load.largest_payload);
        let size = size.map_or_else(|| "none".to_owned(), |size| format!("{size} bytes"));
        notes.push(format!(
            "{}: the largest payload that came back is {size}, while browsers send up to {WEBRTC}",
            path.name()
        ));
    }
    // Paths that fail alike are told in one breath.
    let mut alike: Vec<(String, Vec<String>)> = Vec::new();
    for path in paths.iter().filter(|path| !path.required) {
        let Some(step) = path.failed() else { continue };
        let same = |other: &Step| (other.step, other.cause, other.code) == (step.step, step.cause, step.code);
        if paths.iter().any(|other| other.required && other.failed().is_some_and(same)) {
            continue;
        }
        let failed = format!("{} failed: {}", step.step.as_str(), step.reason.as_deref().unwrap_or("failed"));
        match alike.iter_mut().find(|(known, _)| *known == failed) {
            Some((_, names)) => names.push(path.name()),
            None => alike.push((failed, vec![path.name()])),
        }
    }
    notes.extend(alike.into_iter().map(|(failed, names)| format!("explored {}: {failed}", names.join(", "))));
    let srv = paths.iter().find_map(|path| path.step(StepName::Srv)).and_then(|step| step.reason.clone());
    notes.extend(srv.map(|srv| format!("SRV: {srv}")));
    for path in paths.iter().filter(|path| lacks_family(path)) {
        notes.push(format!("{} was not tested: {NO_IPV6}", path.name()));
    }
    let datagrams_only = paths.iter().filter(|path| path.required).all(|path| path.transport.is_datagram());
    let streams: Vec<&Path> = paths.iter().filter(|path| !path.transport.is_datagram()).collect();
    let answers = |path: &&Path| path.is_ok(StepName::Binding) || path.is_ok(StepName::Challenge);
    // A path that another URL names is not among them.
    let all_tried = over(paths, IceTransport::Tcp).next().is_some();
    if datagrams_only && all_tried && !streams.iter().any(answers) && paths.iter().any(|path| answers(&path))
    {
        notes.push(finding::NO_STREAM.to_owned());
    }
    if let Some(path) = paths.iter().find(|path| path.required && half_lost(path)) {
        notes.push(format!("{}: not everything that was sent arrived; the path loses packets", path.name()));
    }
    notes
}

fn half_lost(path: &Path) -> bool {
    let lost = |name| {
        let step = path.step(name);
        step.is_some_and(|step| {
            step.status == Status::Ok
                && step.reason.as_deref().is_some_and(|reason| reason.contains("datagrams arrived"))
        })
    };
    [StepName::Inbound, StepName::Outbound, StepName::Echo].into_iter().any(lost)
}

/// Paths of that transport.
pub(super) fn over(paths: &[Path], transport: IceTransport) -> impl Iterator<Item = &Path> {
    paths.iter().filter(move |path| path.transport == transport)
}
