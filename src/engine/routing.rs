//! Where media goes once a description was applied: which sections are in use, which gates are open, whose packets are
//! whose.

use super::Engine;
use super::intake::{Route, Wire};
use super::negotiation::Local;
use super::sections::Section;
use super::translate::{ComposedSection, Format, Remote, RemoteSection, shared_formats};
use super::unbound::Beside;
use crate::jsep::Direction;

/// What the descriptions say of one m-section.
struct Said<'a> {
    /// Ours in force, and our offer that is not answered yet.
    ours: Option<(Direction, &'a [Format])>,
    offered: Option<(Direction, &'a [Format])>,
    theirs: Option<&'a RemoteSection>,
}

impl Engine {
    /// Takes back the sections of m-sections that no description has any more.
    pub(super) fn release_sections(&mut self) {
        let negotiation = &self.negotiation;
        let lives = |mid: &str| {
            let current = negotiation.current.as_ref().map(|(local, _)| local);
            let rejected = |remote: &Remote| remote.section(mid).is_some_and(|section| section.rejected);
            let current = current
                .filter(|local| local.lives(mid) && !negotiation.current_remote().is_some_and(rejected));
            current.is_some() || negotiation.pending_local.as_ref().is_some_and(|local| local.lives(mid))
        };
        self.sections.release(lives, &self.shared);
    }

    /// Brings gates, payload types and routes up to date with the descriptions.
    pub(super) async fn refresh(&self) {
        let mut routes = Vec::new();
        for section in self.sections.iter() {
            let Some(mid) = section.wire_mid.as_deref() else { continue };
            let said = self.said(mid);
            self.open_gates(section, mid, &said).await;
            routes.push(self.route(section, mid, &said));
        }
        let negotiation = &self.negotiation;
        let settled = negotiation.pending_local.is_none() && negotiation.pending_remote.is_none();
        let wire = Wire {
            mid_extension: negotiation.agreed.mid_extension(),
            beside: negotiation.current_remote().map(Beside::of).unwrap_or_default(),
            stable: settled && negotiation.current.is_some(),
        };
        self.shared.demux.set_routes(self.shared.world.now(), routes, wire);
    }

    fn said(&self, mid: &str) -> Said<'_> {
        let current = self.negotiation.current.as_ref();
        let theirs = current.and_then(|(_, remote): &(_, Remote)| remote.section(mid));
        Said {
            ours: current.and_then(|(local, _)| said(local, mid)),
            offered: self.negotiation.pending_local.as_ref().and_then(|local| said(local, mid)),
            theirs: theirs.filter(|theirs| !theirs.rejected),
        }
    }

    async fn open_gates(&self, section: &Section, mid: &str, said: &Said<'_>) {
        let (send, receive) = (self.shared.gates.send(mid), self.shared.gates.receive(mid));
        let payload_type = section.payload_type().await;
        send.set_payload_type(payload_type.unwrap_or_default());
        let wire = said.theirs.and_then(|theirs| shared_formats(theirs).into_iter().next());
        if let Some(format) = &wire {
            self.shared.tap.set_payload_type(section.ssrc, format.payload_type);
        }
        let we_send = said.ours.is_some_and(|(direction, _)| direction.sends());
        let they_receive = said.theirs.is_some_and(|theirs| theirs.direction.receives());
        send.negotiate(we_send && they_receive && payload_type.is_some() && wire.is_some());
        // The peer may send before its answer is here (RFC 3264 §5.1).
        let receives =
            |said: Option<(Direction, &[Format])>| said.is_some_and(|(direction, _)| direction.receives());
        receive.negotiate(receives(said.ours) || receives(said.offered));
    }

    fn route(&self, section: &Section, mid: &str, said: &Said<'_>) -> Route {
        let theirs = said.theirs.filter(|theirs| theirs.direction.sends());
        // Where the peer says that it sends nothing, nothing that nobody declared can belong.
        let silent = said.theirs.is_some() && theirs.is_none();
        let said = said.ours.into_iter().chain(said.offered).filter(|_| !silent);
        let ours = said.flat_map(|(_, formats)| formats).map(|format| format.payload_type);
        let payload_types: Vec<u8> = ours.collect();
        // A peer that answers with other numbers than were offered may mean to send them.
        let theirs_too = theirs.map(shared_formats).unwrap_or_default();
        let known = payload_types.iter().copied().chain(theirs_too.iter().map(|format| format.payload_type));
        Route {
            mid: mid.into(),
            kind: section.kind,
            gate: self.shared.gates.receive(mid),
            ssrcs: theirs.map(|theirs| theirs.ssrcs.clone()).unwrap_or_default(),
            known_types: known.collect(),
            payload_types,
        }
    }
}

fn said<'a>(local: &'a Local, mid: &str) -> Option<(Direction, &'a [Format])> {
    let at = local.ours.sections.iter().position(|section| section.mid == mid)?;
    let ComposedSection::Media { formats, .. } = local.sections.get(at)? else { return None };
    Some((local.ours.sections[at].direction, formats))
}
