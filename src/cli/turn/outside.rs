//! `--outside ROOM`: the way to another machine that plays the peer outside, and the command that plays it there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, Either, pending, select};
use futures::{FutureExt, StreamExt};
use rand::RngExt;
use url::Url;

use super::args::TurnArgs;
use crate::cli::args::SignalingArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::plan::room_plan;
use crate::cli::say::say;
use crate::plan::{RoomPlan, parse_duration};
use crate::runner::Interrupt;
use crate::signaling::{
    Capabilities, JoinRequest, Room, RoomEvent, Signal, Token, WebSocketOptions, join_websocket,
};
use crate::turn::{OutsideMessage, Vantage, play_outside};
use crate::world::{Task, World, spawn, timeout};

/// The name in the room of who plays the outside.
const OUTSIDE: &str = "outside";

/// With which names in the room those begin who ask.
const PROBER: &str = "prober-";

/// A second machine, and the room where it is met.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Second machine")]
pub(super) struct OutsideArgs {
    /// Let the peer in ROOM play the outside
    ///
    /// Data is tested with a socket of that machine instead of one of ours. Without a URL this is that machine:
    /// `callcheck turn --outside ROOM --signal URL`.
    #[arg(long, env = "CALLCHECK_OUTSIDE", hide_env = true, value_name = "ROOM", requires = "signal")]
    pub(super) outside: Option<String>,
    /// The room server where both machines meet
    #[arg(long, env = "CALLCHECK_SIGNAL", hide_env = true, value_name = "URL")]
    signal: Option<String>,
    /// What the room asks of those who join
    #[arg(
        long,
        hide_short_help = true,
        env = "CALLCHECK_TOKEN",
        hide_env = true,
        hide_env_values = true,
        value_name = "TEXT"
    )]
    token: Option<String>,
    /// Read the token from a file
    #[arg(long, hide_short_help = true, env = "CALLCHECK_TOKEN_FILE", hide_env = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// For the other machine to join
    #[arg(long, env = "CALLCHECK_WAIT", hide_env = true, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    wait: Duration,
}

/// The other machine, and what keeps the way to it open.
pub(super) struct Found {
    pub(super) vantage: Arc<Vantage>,
    leave: oneshot::Sender<()>,
    carrying: Task,
}

impl Found {
    /// Leaves the room.
    pub(super) async fn leave(self) {
        // It may have ended by itself.
        let _ = self.leave.send(());
        self.carrying.join().await;
    }
}

/// Joins the room and waits for whoever plays the outside there. Where nobody does in time, what it was for is skipped
/// later, with that reason. None if nobody is asked for.
///
/// # Errors
/// The room cannot be joined; exit code 3.
pub(super) async fn find(world: &Arc<dyn World>, args: &TurnArgs) -> Result<Option<Found>, CliError> {
    let Some(plan) = plan(&args.outside)? else { return Ok(None) };
    let name = format!("{PROBER}{:08x}", world.rng("name of the prober").random::<u32>());
    let mut room = enter(world, args, &plan, name).await?;
    let absent =
        format!("nobody plays the outside in room {} (waited {})", plan.name, shown(args.outside.wait));
    let (vantage, said) = Vantage::new(&**world, absent);
    if !room.peers().iter().any(|peer| peer.name == OUTSIDE) {
        let command = format!("callcheck turn --outside {} --signal {}", plan.name, plan.url);
        say(&format!("joined room {}; waiting for the outside: {command}", plan.name));
    }
    let present = timeout(&**world, args.outside.wait, comes(&mut room)).await;
    match present {
        Ok(true) => vantage.found(),
        Ok(false) => vantage.lost("the room was lost".to_owned()),
        Err(_) => {}
    }
    let (leave, left) = oneshot::channel();
    let carrying = spawn(&**world, carry(room, Arc::clone(&vantage), said, left));
    Ok(Some(Found { vantage, leave, carrying }))
}

/// Whether somebody plays the outside, once that is known.
async fn comes(room: &mut Room) -> bool {
    if room.peers().iter().any(|peer| peer.name == OUTSIDE) {
        return true;
    }
    loop {
        match room.next().await {
            RoomEvent::PeerJoined(peer) if peer.name == OUTSIDE => return true,
            RoomEvent::Lost { .. } => return false,
            _ => {}
        }
    }
}

/// What happens next to whoever carries messages.
enum Next<T> {
    Leave,
    Say(T),
    Heard(RoomEvent),
}

/// Carries what both machines say until we leave.
async fn carry(
    mut room: Room,
    vantage: Arc<Vantage>,
    mut said: mpsc::UnboundedReceiver<OutsideMessage>,
    mut left: oneshot::Receiver<()>,
) {
    loop {
        let next = {
            let either = select(said.next(), Box::pin(room.next()));
            match select(&mut left, either).await {
                Either::Left(_) => Next::Leave,
                Either::Right((Either::Left((said, _)), _)) => said.map_or(Next::Leave, Next::Say),
                Either::Right((Either::Right((event, _)), _)) => Next::Heard(event),
            }
        };
        let event = match next {
            Next::Leave => break,
            Next::Say(message) => {
                tell(&room, OUTSIDE, &message);
                continue;
            }
            Next::Heard(event) => event,
        };
        match event {
            RoomEvent::PeerJoined(peer) if peer.name == OUTSIDE => vantage.found(),
            RoomEvent::PeerLeft { name, .. } if name == OUTSIDE => {
                vantage.lost("the machine that played the outside has left the room".to_owned());
            }
            RoomEvent::Lost { reason } => {
                let reason = crate::diagnostic::escaped(reason.as_bytes());
                vantage.lost(format!("the room was lost: {reason}"));
                break;
            }
            event => {
                if let Some((_, message)) = heard(event).filter(|(from, _)| from == OUTSIDE) {
                    vantage.hear(message);
                }
            }
        }
    }
    room.leave().await;
}

/// Plays the outside for whoever asks in the room, until the last of them is gone.
///
/// # Errors
/// The room cannot be joined, or nobody comes; exit code 3.
pub(super) async fn play(
    world: &Arc<dyn World>,
    args: &TurnArgs,
    interrupted: Interrupt,
) -> Result<Exit, CliError> {
    let Some(plan) = plan(&args.outside)? else { return Ok(Exit::Usage) };
    let mut room = enter(world, args, &plan, OUTSIDE.to_owned()).await?;
    say(&format!("playing the outside in room {}; for: callcheck turn URL --outside {0}", plan.name));
    let (asks, asked) = mpsc::unbounded();
    let (answers, mut answered) = mpsc::unbounded();
    let _playing = spawn(&**world, play_outside(Arc::clone(world), asked, answers));
    let mut probers: Vec<String> =
        room.peers().iter().map(|peer| peer.name.clone()).filter(is_prober).collect();
    let nobody = world.sleep(args.outside.wait).shared();
    let exit = loop {
        // While somebody is there, nobody else has to come.
        let late: BoxFuture<'_, ()> =
            if probers.is_empty() { nobody.clone().boxed() } else { pending().boxed() };
        let next = {
            let either = select(answered.next(), Box::pin(room.next()));
            match select(select(interrupted.clone(), late), either).await {
                Either::Left((Either::Left(_), _)) => break Ok(Exit::Interrupted),
                Either::Left((Either::Right(_), _)) => break Err(alone(&plan, args.outside.wait)),
                Either::Right((Either::Left((answer, _)), _)) => answer.map_or(Next::Leave, Next::Say),
                Either::Right((Either::Right((event, _)), _)) => Next::Heard(event),
            }
        };
        let event = match next {
            // Whoever plays ends with us alone.
            Next::Leave => break Ok(Exit::Untested),
            Next::Say((to, message)) => {
                tell(&room, &to, &message);
                continue;
            }
            Next::Heard(event) => event,
        };
        match event {
            RoomEvent::PeerJoined(peer) if is_prober(&peer.name) => {
                say(&format!("{} is here", crate::diagnostic::escaped(peer.name.as_bytes())));
                probers.push(peer.name);
            }
            RoomEvent::PeerLeft { name, .. } => {
                let before = probers.len();
                probers.retain(|prober| *prober != name);
                if probers.is_empty() && before > 0 {
                    say("all who asked have left");
                    break Ok(Exit::Passed);
                }
            }
            RoomEvent::Lost { reason } => {
                let reason = crate::diagnostic::escaped(reason.as_bytes());
                return Err(CliError::untested(format!("the room was lost: {reason}"), None));
            }
            event => {
                if let Some(ask) = heard(event).filter(|(from, _)| probers.contains(from)) {
                    // It plays for as long as we do.
                    drop(asks.unbounded_send(ask));
                }
            }
        }
    };
    room.leave().await;
    exit
}

fn alone(plan: &RoomPlan, waited: Duration) -> CliError {
    let title = format!("nobody asked for the outside in room {} within {}", plan.name, shown(waited));
    let help = format!(
        "start `callcheck turn URL --outside {} --signal {}` on the other machine",
        plan.name, plan.url
    );
    CliError::untested(title, Some(help))
}

fn shown(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

#[expect(clippy::ptr_arg, reason = "as filter gives it")]
fn is_prober(name: &String) -> bool {
    name.starts_with(PROBER)
}

fn tell(room: &Room, to: &str, message: &OutsideMessage) {
    // Invariant: a message is plain data.
    if let Ok(data) = serde_json::to_value(message) {
        room.send(Some(to), Signal::Ext(data));
    }
}

/// What somebody says of the outside; whatever else is said in the room does not concern us.
fn heard(event: RoomEvent) -> Option<(String, OutsideMessage)> {
    let RoomEvent::Signal { from, signal: Signal::Ext(data), .. } = event else { return None };
    serde_json::from_value(data).ok().map(|message| (from, message))
}

fn plan(args: &OutsideArgs) -> Result<Option<RoomPlan>, CliError> {
    let Some(room) = &args.outside else { return Ok(None) };
    let OutsideArgs { signal, token, token_file, .. } = args.clone();
    // There always is a `--signal`: a room on this machine would not be found by another.
    let place = SignalingArgs { signal, name: None, token, token_file, default_room_url: String::new() };
    room_plan(room, &place).map(Some)
}

async fn enter(
    world: &Arc<dyn World>,
    args: &TurnArgs,
    plan: &RoomPlan,
    name: String,
) -> Result<Room, CliError> {
    let url = Url::parse(plan.url.reveal()).map_err(|error| {
        CliError::usage(format!("`{}` is not a URL: {error}", plan.url), "write `ws://HOST:PORT`")
    })?;
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| CliError::unreadable("--ca", path, &error))
    };
    let extra_ca_pem = args.ca.as_ref().map(read).transpose()?;
    let options = WebSocketOptions { extra_ca_pem, insecure: args.insecure, ..WebSocketOptions::default() };
    // Without a role nobody is paired with us.
    let request = JoinRequest {
        room: plan.name.clone(),
        role: None,
        name,
        capabilities: Capabilities::default(),
        token: plan.token.as_ref().map(|secret| Token::new(secret.reveal())),
    };
    let joined = join_websocket(Arc::clone(world), &url, request, options).await;
    joined.map_err(|error| CliError::untested(error.to_string(), None))
}
