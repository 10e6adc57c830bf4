//! Data channels: what becomes of ours and of the peer's. Nothing is sent over them.

use std::sync::Arc;

use webrtc::data_channel::{DataChannel, DataChannelEvent};

use super::EngineEvent;
use super::shared::Shared;
use crate::timeline::ChannelState;
use crate::world::spawn;

/// Whose channel it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    Us,
    Peer,
}

/// Follows a channel of ours, whose m-section both sides have taken.
pub(super) fn follow_ours(shared: &Arc<Shared>, channel: Arc<dyn DataChannel>) {
    shared.own(spawn(&*shared.world, follow(shared.clone(), channel, Opener::Us)));
}

/// Follows a channel that the peer has opened (RFC 8832 §6).
pub(super) fn follow_theirs(shared: &Arc<Shared>, channel: Arc<dyn DataChannel>) {
    shared.own(spawn(&*shared.world, follow(shared.clone(), channel, Opener::Peer)));
}

/// Until the channel is closed, or the engine.
async fn follow(shared: Arc<Shared>, channel: Arc<dyn DataChannel>, opener: Opener) {
    let label = channel.label().await.unwrap_or_default();
    let mut state = if opener == Opener::Peer { "open" } else { "connecting" };
    let tell = |state: &str, error: Option<&str>| {
        // None before DTLS has said who is the client (RFC 8832 §6).
        let id = u16::try_from(channel.id()).ok().filter(|_| state != "connecting");
        let (state, error) = (state.to_owned(), error.map(str::to_owned));
        shared.emit(EngineEvent::DataChannel(ChannelState { label: label.clone(), id, state, error }));
    };
    tell(state, None);
    while let Some(event) = channel.poll().await {
        let next = match event {
            DataChannelEvent::OnOpen => "open",
            DataChannelEvent::OnClosing => "closing",
            DataChannelEvent::OnClose => "closed",
            DataChannelEvent::OnError => {
                tell(state, Some("the engine reports an error without a reason"));
                continue;
            }
            _ => continue,
        };
        if next != state {
            state = next;
            tell(state, None);
        }
    }
}
