//! TURN servers that refuse, and how that is told.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::pair::{Pair, loopback};
use crate::engine::{EngineConfig, EngineEvent, IceServer};
use crate::jsep::{Direction, GatheringState};
use crate::timeline::ServerError;
use crate::world::{Live, Task, World, spawn};

const ALLOCATE: u16 = 3;
const CREATE_PERMISSION: u16 = 8;
const SUCCESS: u16 = 0x0100;
const ERROR: u16 = 0x0110;
const USERNAME: u16 = 6;

/// What a server of ours does.
#[derive(Clone, Copy, Debug)]
enum Script {
    /// It refuses the first Allocate, before it has asked for credentials.
    First(u16),
    /// It refuses the Allocate that is signed.
    Signed(u16),
    /// It relays, and refuses every permission.
    Permission(u16),
    /// It says nothing.
    Mute,
}

fn answer(request: &[u8], class: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut all = Vec::new();
    for (kind, value) in attributes {
        all.extend(kind.to_be_bytes());
        all.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        all.extend(*value);
        all.resize(all.len().next_multiple_of(4), 0);
    }
    let method = u16::from_be_bytes([request[0], request[1]]) | class;
    let length = u16::try_from(all.len()).unwrap();
    [&method.to_be_bytes()[..], &length.to_be_bytes(), &request[4..20], &all].concat()
}

fn refusal(request: &[u8], code: u16) -> Vec<u8> {
    let value = [0, 0, u8::try_from(code / 100).unwrap(), u8::try_from(code % 100).unwrap(), b'n', b'o'];
    answer(request, ERROR, &[(9, &value)])
}

impl Script {
    /// Serves as long as the task lives.
    async fn start(self, world: &dyn World) -> (SocketAddr, Task) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = async move {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = self.answer(&buffer[..length]) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        };
        (address, spawn(world, serving))
    }

    fn answer(self, request: &[u8]) -> Option<Vec<u8>> {
        let method = u16::from_be_bytes([request[0], request[1]]);
        let is_signed = request[20..].starts_with(&USERNAME.to_be_bytes())
            || request[20..].windows(4).any(|window| window == [0, 6, 0, 1]);
        let challenge = || answer(request, ERROR, &[(9, &[0, 0, 4, 1]), (0x14, b"test"), (0x15, b"nonce")]);
        // 192.0.2.1:32853 (RFC 5769 §2.2).
        let relayed = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let relays =
            || answer(request, SUCCESS, &[(0x16, &relayed), (0x0d, &[0, 0, 2, 88]), (0x20, &relayed)]);
        match (self, method) {
            (Self::Mute, _) => None,
            (Self::First(code), ALLOCATE) => Some(refusal(request, code)),
            (_, ALLOCATE) if !is_signed => Some(challenge()),
            (Self::Signed(code), ALLOCATE) => Some(refusal(request, code)),
            (_, ALLOCATE) => Some(relays()),
            (Self::Permission(code), CREATE_PERMISSION) => Some(refusal(request, code)),
            _ => Some(answer(request, SUCCESS, &[(0x0d, &[0; 4])])),
        }
    }
}

/// The first error that is told of such a server, after how long gathering was complete, and what was skipped.
async fn told(script: Script) -> (ServerError, Duration, usize) {
    let world = Live::new(1);
    let (address, _serving) = script.start(&world).await;
    let server = IceServer {
        urls: vec![format!("turn:{address}")],
        username: Some("u".into()),
        credential: Some("secret".into()),
    };
    let config =
        EngineConfig { ice_servers: vec![server], relay_only: true, ..EngineConfig::new("a", loopback()) };
    let mut call = Pair::with(config, EngineConfig::new("b", loopback())).await;
    let began = world.now();
    call.negotiate(Direction::Sendrecv).await;
    let complete = EngineEvent::GatheringState(GatheringState::Complete);
    let error = |event: &EngineEvent| matches!(event, EngineEvent::ServerError(_));
    call.until("gathering", |pair| pair.a.saw(|event| *event == complete)).await;
    let took = world.now() - began;
    call.until("an error", |pair| pair.a.saw(error)).await;
    let events = || call.a.events.iter().map(|(_, event)| event);
    let skipped = events().filter(|event| matches!(event, EngineEvent::ServerSkipped { .. })).count();
    let first = events().find_map(|event| match event {
        EngineEvent::ServerError(error) => Some(error.clone()),
        _ => None,
    });
    (first.unwrap(), took, skipped)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_told_and_gathering_ends_at_once() {
    let first = [300, 400, 401, 403, 420, 486, 500].map(Script::First);
    let signed = [400, 401, 403, 420, 437, 438, 440, 441, 442, 486, 500, 508].map(Script::Signed);
    for script in first.into_iter().chain(signed).chain([Script::Permission(403)]) {
        let (error, took, skipped) = told(script).await;
        let (code, authenticated) = match script {
            Script::First(code) => (code, false),
            Script::Signed(code) | Script::Permission(code) => (code, true),
            Script::Mute => unreachable!(),
        };
        assert_eq!((error.code, error.authenticated), (code, authenticated), "{script:?}");
        assert!(took < Duration::from_secs(3) && skipped == 0, "{script:?} {took:?} {skipped}");
        assert_eq!(error.peer.is_some(), matches!(script, Script::Permission(_)), "{script:?} {error:?}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_told_with_the_cause_and_gathering_ends() {
    let (error, took, skipped) = told(Script::Mute).await;
    assert_eq!((error.code, error.text.as_str(), skipped), (701, "no answer over UDP within 4 s", 0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
