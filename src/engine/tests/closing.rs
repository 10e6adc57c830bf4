//! Nothing outlives a call.

use std::sync::Arc;
use std::time::Duration;

use super::pair::{Pair, loopback};
use crate::engine::{Engine, EngineConfig, EngineError, EngineEvent, RtpOut};
use crate::jsep::{Direction, DtlsState};
use crate::network::MachineNetwork;
use crate::world::{Live, World};

/// Other tests open descriptors, too, so this one counts only its own sockets: those bound to its address.
const OWN_ADDRESS: [u8; 4] = [127, 0, 77, 1];

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_sees_the_transport_close() {
    let mut call = Pair::new().await;
    call.negotiate(Direction::Sendrecv).await;
    call.open_gates();
    call.connect().await;
    let Pair { world, a, b, .. } = call;
    let (writer, mut b) = (a.engine.writer("0").unwrap(), b);
    let began = world.now();
    a.engine.close().await;
    assert!(world.now() - began < Duration::from_millis(500), "{:?}", world.now() - began);
    let packet = RtpOut { sequence: 0, timestamp: 0, marker: false, payload: (&b"x"[..]).into() };
    assert_eq!(writer.write(packet).await, Err(EngineError::Closed));
    let closed = EngineEvent::DtlsState(DtlsState::Closed);
    b.until(&*world, "the close", |event| *event == closed).await;
}

/// Connected or not, closed or dropped: every socket and every task goes away.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_engines_leave_nothing_behind() {
    let world: Arc<dyn World> = Arc::new(Live::new(1));
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    for round in 0..50 {
        let config = |label| EngineConfig::new(label, vec![OWN_ADDRESS.into()]);
        if round % 10 == 0 {
            let mut call = Pair::with(config("a"), config("b")).await;
            call.negotiate(Direction::Sendrecv).await;
            call.connect().await;
            if round % 20 == 0 {
                call.a.engine.close().await;
            }
        } else {
            let network = Arc::new(MachineNetwork);
            let (closed, _) = Engine::new(world.clone(), network.clone(), config("a")).await.unwrap();
            let (dropped, _) = Engine::new(world.clone(), network, config("b")).await.unwrap();
            closed.close().await;
            drop(dropped);
        }
    }
    for _ in 0..100 {
        if own_sockets() == 0 && tasks.num_alive_tasks() <= before {
            return;
        }
        world.sleep(Duration::from_millis(20)).await;
    }
    panic!("{} sockets, {} tasks, {before} before", own_sockets(), tasks.num_alive_tasks());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_an_address_is_an_error() {
    let world: Arc<dyn World> = Arc::new(Live::new(1));
    for bind in [vec![], vec!["192.0.2.1".parse().unwrap()]] {
        let made = Engine::new(world.clone(), Arc::new(MachineNetwork), EngineConfig::new("a", bind)).await;
        assert!(matches!(made, Err(EngineError::NoAddress(_))), "{made:?}");
    }
    let mut relay_only = EngineConfig::new("a", loopback());
    relay_only.relay_only = true;
    let made = Engine::new(world.clone(), Arc::new(MachineNetwork), relay_only).await;
    assert_eq!(made.err(), Some(EngineError::NoRelay("none is given".into())));
    assert!(Engine::new(world, Arc::new(MachineNetwork), EngineConfig::new("a", loopback())).await.is_ok());
}

/// The UDP sockets bound to [`OWN_ADDRESS`], as the kernel lists them (proc(5), /proc/net/udp).
fn own_sockets() -> usize {
    let address = format!("{:08X}:", u32::from_le_bytes(OWN_ADDRESS));
    let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
    table
        .lines()
        .filter(|line| line.split_whitespace().nth(1).is_some_and(|local| local.starts_with(&address)))
        .count()
}
