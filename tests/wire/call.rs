//! Two connections of this process over loopback that do what a script says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use callcheck::jsep::{Association, MediaKind, Role};
use callcheck::leg::script::{Outcome, ScriptSetting, SideOutcome, play};
use callcheck::media::{Identity, Source, open};
use callcheck::network::MachineNetwork;
use callcheck::plan::{SendPlan, SourcePlan, Step};
use callcheck::timeline::Kind;
use callcheck::world::{Live, World};
use futures::StreamExt;

/// How many calls are made at a time.
const AT_A_TIME: usize = 4;

/// Plays one script.
pub(crate) async fn script(steps: &[Step], trickling: &[Role]) -> Outcome {
    let world: Arc<dyn World> = Arc::new(Live::new(1));
    let mut streams = 0;
    let setting = ScriptSetting {
        world,
        networks: [Arc::new(MachineNetwork), Arc::new(MachineNetwork)],
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        association: Association::Jsep,
        trickling: trickling.to_vec(),
        sources: Box::new(move |role, kind| {
            streams += 1;
            source(role, kind, streams)
        }),
    };
    play(steps, setting).await.expect("two connections can be made")
}

fn source(role: Role, kind: MediaKind, stream: u8) -> Box<dyn Source> {
    let source = match kind {
        MediaKind::Audio => SourcePlan::Tone,
        MediaKind::Video => SourcePlan::Bars,
    };
    let peer = if role == Role::Caller { 1 } else { 2 };
    open(&SendPlan { kind, source }, Identity { peer, stream }).expect("synthetic media")
}

/// Does `call` with each item, a few at a time; the results in the order of the items.
pub(crate) fn each<T, R, F: Future<Output = R>>(items: &[T], call: impl Fn(&T) -> F) -> Vec<R> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let calls: Vec<F> = items.iter().map(call).collect();
    runtime.block_on(futures::stream::iter(calls).buffered(AT_A_TIME).collect())
}

/// What our own stack did wrong in this call.
pub(crate) fn faults(outcome: &Outcome) -> Vec<String> {
    let sides = [(Role::Caller, &outcome.caller), (Role::Callee, &outcome.callee)];
    let fault = |role: Role, kind: &Kind| match kind {
        Kind::TesterDefect { what, expected, observed } => {
            Some(format!("{role}: {what}: by the model {expected}, in fact {observed}"))
        }
        Kind::EngineLimit { limit, detail } => Some(format!("{role}: engine limit {limit}: {detail}")),
        Kind::DescriptionRejected { side, sdp_type, error, .. } => {
            Some(format!("{role}: {side} {sdp_type} rejected: {error}"))
        }
        _ => None,
    };
    sides
        .iter()
        .flat_map(|(role, side)| side.events.iter().filter_map(|event| fault(*role, &event.kind)))
        .collect()
}

/// The packets that one side has received so far.
pub(crate) fn packets_received(side: &SideOutcome) -> u64 {
    let last = side.events.iter().rev().find_map(|event| match &event.kind {
        Kind::Media { inbound, .. } => Some(inbound.iter().map(|media| media.packets).sum()),
        _ => None,
    });
    last.unwrap_or_default()
}
