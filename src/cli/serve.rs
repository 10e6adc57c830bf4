//! `callcheck serve`: the room server until it is interrupted.

use std::sync::Arc;

use super::args::{Noise, ServeArgs};
use super::error::CliError;
use super::exit::Exit;
use super::interrupt::interrupt;
use super::rendezvous::cannot_host;
use super::say::say;
use super::{call, plan};
use crate::server::{Limits, Server, ServerConfig};
use crate::signaling::Token;
use crate::world::{Live, World};

pub(super) fn run(args: &ServeArgs, noise: &Noise) -> anyhow::Result<Exit> {
    let config = config(args)?;
    let quiet = noise.quiet;
    call::runtime()?.block_on(async {
        let world: Arc<dyn World> = Arc::new(Live::new(Live::random_seed()));
        let interrupt = interrupt(&world);
        let server = Server::bind(world, args.listen, config).await.map_err(|error| cannot_host(&error))?;
        if !quiet {
            let url = format!("ws://{}", server.local_addr());
            say(&format!("room server at {url}; join with `callcheck call ROOM --signal {url}`"));
        }
        server.run(interrupt).await;
        Ok(Exit::Passed)
    })
}

pub(super) fn config(args: &ServeArgs) -> Result<ServerConfig, CliError> {
    let limits = &args.limits;
    if limits.max_peers < 2 || limits.max_peers > Limits::MAX_PEERS {
        let text = format!("--max-peers {} is not possible", limits.max_peers);
        return Err(CliError::usage(text, format!("a room has from 2 to {} peers", Limits::MAX_PEERS)));
    }
    if limits.max_rooms == 0 || limits.max_rate == 0 || limits.max_message < 1024 {
        let help = "allow at least 1 room, 1 message a second and messages of 1024 bytes";
        return Err(CliError::usage("these limits leave no room for a call", help));
    }
    let token = plan::token(args.token.as_deref(), args.token_file.as_deref())?;
    let limits = Limits {
        rooms: limits.max_rooms,
        peers_per_room: limits.max_peers,
        message_bytes: limits.max_message,
        messages_per_second: limits.max_rate,
        ..Limits::default()
    };
    Ok(ServerConfig {
        limits,
        token: token.map(|secret| Token::new(secret.reveal())),
        allowed_origins: args.allow_origin.clone(),
    })
}
