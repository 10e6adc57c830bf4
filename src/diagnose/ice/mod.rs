//! Rules about ICE: `candidates` of what was signalled, `unconnected` of why no path was found, `lifetime` of what
//! happens to a path that there was.

mod candidates;
mod lifetime;
mod unconnected;

use std::net::IpAddr;

use super::finding::Found;
use super::view::View;
use crate::jsep::IceState;
use crate::plan::IpScope;
use crate::timeline::IceCandidate;

pub(super) fn look(view: &View<'_>, found: &mut Found) {
    lifetime::credentials(view, found);
    candidates::invalid(view, found);
    if view.context.descriptions_only || view.rounds.complete.is_empty() {
        return;
    }
    candidates::look(view, found);
    if !view.ice_was_up() {
        unconnected::look(view, found);
    }
    lifetime::look(view, found);
}

/// Where an address can be reached from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Loopback,
    Private,
    Public,
}

pub(super) fn is_private(scope: Scope) -> bool {
    scope == Scope::Private
}

/// The address without its port; none for names such as `x.local`.
fn ip(address: &str) -> Option<IpAddr> {
    let (host, _) = address.rsplit_once(':')?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

pub(super) fn scope(address: &str) -> Option<Scope> {
    Some(match IpScope::of(ip(address)?) {
        Some(IpScope::Loopback) => Scope::Loopback,
        Some(IpScope::Private | IpScope::LinkLocal | IpScope::Shared) => Scope::Private,
        Some(IpScope::Unspecified | IpScope::Multicast) | None => Scope::Public,
    })
}

/// The network that a host address is probably in.
fn network(address: &str) -> Option<String> {
    Some(match ip(address)? {
        IpAddr::V4(v4) => format!("{:?}", &v4.octets()[..3]),
        IpAddr::V6(v6) => format!("{:?}", &v6.segments()[..4]),
    })
}

/// All candidates of both sides that our own side knows.
struct Known {
    /// Ours, gathered or sent or in our descriptions.
    local: Vec<IceCandidate>,
    /// Theirs, trickled or in their descriptions.
    remote: Vec<IceCandidate>,
}

impl Known {
    fn of(view: &View<'_>) -> Self {
        use crate::jsep::Side;
        let history = &view.own().history;
        let in_sdp = |side: Side| {
            let candidates = history.of(side).flat_map(|known| known.sdp.candidates());
            candidates.map(|candidate| IceCandidate::parse(&candidate.candidate)).collect::<Vec<_>>()
        };
        let trickled = |sent: bool| {
            history.candidates(sent).filter_map(|trickled| trickled.candidate.clone()).collect::<Vec<_>>()
        };
        let mut local = in_sdp(Side::Local);
        local.extend(trickled(true));
        local.extend(history.gathered.iter().map(|(_, candidate)| candidate.clone()));
        let mut remote = in_sdp(Side::Remote);
        remote.extend(trickled(false));
        Self { local, remote }
    }
}

/// ICE has failed, or has had its time: less of it where the call is over.
fn gave_up(view: &View<'_>) -> bool {
    let failed = view.own().states.ice.iter().any(|reached| reached.state == IceState::Failed);
    let patience = if view.ended { view.limits().first_candidate } else { view.limits().ice };
    failed || view.negotiated_us().is_some_and(|at_us| view.waited(at_us, patience))
}
