//! What people see while a call runs: one moving line on a terminal, a line for each change elsewhere, or every event.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::say::{View, say};
use crate::jsep::{DtlsState, GatheringState, IceState, MediaKind, Role, masked};
use crate::plan::Plan;
use crate::runner::Observe;
use crate::timeline::{Event, InboundMedia, Kind, OutboundMedia, Signal};

/// The view of a run. Clones share everything.
#[derive(Clone)]
pub(super) struct Live(Arc<Mutex<Screen>>);

struct Screen {
    view: View,
    role: Role,
    /// The command that starts the other side.
    other_command: String,
    hosting: bool,
    bar: Option<ProgressBar>,
    /// When the first offer was made or came, in microseconds.
    offered_us: Option<u64>,
    connected: Option<String>,
    last_media: Option<(u64, u64, u64)>,
}

impl Live {
    pub(super) fn new(view: View, plan: &Plan, hosting: bool) -> Self {
        let or_the_app = if plan.room.dialect.is_some() { ", or the app" } else { "" };
        let bar = (view == View::Moving && std::io::stderr().is_terminal()).then(spinner);
        Self(Arc::new(Mutex::new(Screen {
            view,
            role: plan.leg.role,
            other_command: plan.room.other_command(plan.leg.role) + or_the_app,
            hosting,
            bar,
            offered_us: None,
            connected: None,
            last_media: None,
        })))
    }

    /// Who watches each call; nobody if nothing is to be shown.
    pub(super) fn observe(&self) -> Option<Observe> {
        if self.lock().view == View::Nothing {
            return None;
        }
        let live = self.clone();
        Some(Box::new(move |number| {
            live.lock().begin(number);
            let live = live.clone();
            Box::new(move |event| live.lock().event(event))
        }))
    }

    /// Clears the moving line.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Screen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen {
    fn begin(&mut self, number: u32) {
        (self.offered_us, self.connected, self.last_media) = (None, None, None);
        if number > 0 {
            self.say(&format!("try {}", number + 1));
        }
    }

    fn event(&mut self, event: &Event) {
        if self.view == View::Events {
            return self.trace(event);
        }
        if let Kind::Media { outbound, inbound } = &event.kind {
            return self.media(event.at_us, outbound, inbound);
        }
        if is_offer(&event.kind) {
            self.offered_us.get_or_insert(event.at_us);
        }
        if let Some(line) = self.change(event) {
            // A room that is not ours may hold any name.
            self.say(&crate::report::printable(&line));
        }
    }

    /// The words for a change that people wait for.
    fn change(&mut self, event: &Event) -> Option<String> {
        let since_offer =
            self.offered_us.map_or(0.0, |offered| event.at_us.saturating_sub(offered) as f64 / 1e3);
        let other = self.role.other();
        Some(match &event.kind {
            Kind::Joined { room, url, .. } => {
                let place = if self.hosting { "hosting" } else { "joined" };
                let at = url.as_deref().map(|url| format!(" at {url}")).unwrap_or_default();
                format!("{place} room {room}{at}; waiting for the {other}: {}", self.other_command)
            }
            Kind::CallStarted { peer, .. } => format!("the {other} is here: {}", peer.name),
            Kind::GatheringState(GatheringState::Gathering) => "gathering candidates".to_owned(),
            Kind::IceState(state @ (IceState::Connected | IceState::Disconnected | IceState::Failed)) => {
                format!("ICE {state} after {since_offer:.1} ms")
            }
            Kind::DtlsState(DtlsState::Connected) => {
                self.connected = Some(format!("connected in {since_offer:.1} ms"));
                format!("connected in {since_offer:.1} ms")
            }
            Kind::MediaProven { mid, kind, .. } => format!("{kind} on mid {mid} is the {other}'s"),
            Kind::MediaWrong { mid, kind, wrong } => format!("{kind} on mid {mid}: {wrong}"),
            Kind::SignalReceived { signal: Signal::HangUp { reason }, .. } => {
                format!("the {other} hangs up: {reason}")
            }
            Kind::PeerLeft { name, reason } => format!("{name} left the room: {reason}"),
            Kind::RoomLost { reason } => format!("the room is lost: {reason}"),
            Kind::DescriptionRejected { side, sdp_type, error, .. } => {
                format!("the {side} {sdp_type} was rejected: {}", masked(error))
            }
            Kind::EngineLimit { limit, .. } => format!("a known fault of callcheck's engine: {limit}"),
            Kind::Interrupted => "interrupted; hanging up".to_owned(),
            _ => return None,
        })
    }

    /// Bitrates, frames and losses; on the moving line only, because they change every second.
    fn media(&mut self, at_us: u64, outbound: &[OutboundMedia], inbound: &[InboundMedia]) {
        let Some(bar) = &self.bar else { return };
        let sent: u64 = outbound.iter().map(|media| media.bytes).sum();
        let received: u64 = inbound.iter().map(|media| media.bytes).sum();
        let rates = self.last_media.map(|(at, out, came)| {
            let per_ms = |bytes: u64| bytes as f64 * 8e3 / (at_us.saturating_sub(at)).max(1) as f64;
            (per_ms(sent.saturating_sub(out)), per_ms(received.saturating_sub(came)))
        });
        self.last_media = Some((at_us, sent, received));
        let Some((up, down)) = rates else { return };
        let frames: u64 = of_kind(inbound, MediaKind::Video).map(|media| media.frames).sum();
        let lost: u64 = inbound.iter().map(|media| media.packets_lost).sum();
        let connected = self.connected.clone().unwrap_or_default();
        bar.set_message(format!(
            "{connected}; up {up:.0} kbit/s, down {down:.0} kbit/s, {frames} video frames, {lost} packets lost"
        ));
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(line.to_owned()),
            None => say(line),
        }
    }

    /// `-v`: the time, and the event in short.
    fn trace(&self, event: &Event) {
        let at = event.at_us as f64 / 1e6;
        let dim = anstyle::Style::new().dimmed();
        say(&format!("{dim}{at:10.6}{dim:#} {}", brief(&event.kind)));
    }
}

fn of_kind(inbound: &[InboundMedia], kind: MediaKind) -> impl Iterator<Item = &InboundMedia> {
    inbound.iter().filter(move |media| media.kind == Some(kind))
}

fn is_offer(kind: &Kind) -> bool {
    match kind {
        Kind::Operation { name, .. } => name == "createOffer",
        Kind::SignalReceived { signal, .. } => {
            matches!(signal, Signal::Description { sdp_type: crate::jsep::SdpType::Offer, .. })
        }
        _ => false,
    }
}

/// An event on one line; long texts such as descriptions are cut.
pub(super) fn brief(kind: &Kind) -> String {
    const LONGEST: usize = 160;
    // Invariant: events are plain data.
    let text = masked(&serde_json::to_string(kind).expect("events are plain data"));
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
