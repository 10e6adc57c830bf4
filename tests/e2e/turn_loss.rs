//! `callcheck turn` through a network that loses what a test says, in front of real coturn: nothing of it is the server's fault.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::coturn::Coturn;
use crate::turn::{failed, findings, step, turn};

/// Passes datagrams on to `server` and back, but for those to the server of which `loses` is true. Gives its port.
fn network(server: u16, loses: impl Fn(&[u8]) -> bool + Send + 'static) -> u16 {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = near.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut ways: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
        let mut buffer = [0; 2000];
        while let Ok((length, from)) = near.recv_from(&mut buffer) {
            let far = ways.entry(from).or_insert_with(|| way_back(&near, from, server));
            if !loses(&buffer[..length]) {
                let _ = far.send(&buffer[..length]);
            }
        }
    });
    port
}

fn way_back(near: &Arc<UdpSocket>, to: SocketAddr, server: u16) -> Arc<UdpSocket> {
    let far = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    far.connect(("127.0.0.1", server)).unwrap();
    let (near, from) = (Arc::clone(near), Arc::clone(&far));
    std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok(length) = from.recv(&mut buffer) {
            let _ = near.send_to(&buffer[..length], to);
        }
    });
    far
}

/// The value of an attribute of STUN.
fn attribute(packet: &[u8], kind: u16) -> Option<&[u8]> {
    let mut rest = packet.get(20..)?;
    while let Some((head, after)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) == kind {
            return after.get(..length);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn is_release(packet: &[u8]) -> bool {
    packet.starts_with(&[0, 4]) && attribute(packet, 0x000d) == Some(&[0; 4])
}

fn is_allocate_of_a_user(packet: &[u8]) -> bool {
    packet.starts_with(&[0, 3]) && attribute(packet, 0x0006).is_some()
}

#[test]
fn a_lost_release_is_sent_again_and_one_that_nobody_answers_is_a_note() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let seen = Mutex::new(Vec::<Vec<u8>>::new());
    let first = move |packet: &[u8]| {
        let mut seen = seen.lock().unwrap();
        let is_first = is_release(packet) && !seen.iter().any(|id| id == &packet[8..20]);
        if is_first {
            seen.push(packet[8..20].to_vec());
        }
        is_first
    };
    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", network(server.port, first))]);
    ended.exits(0);
    assert_eq!(step(&report, "release")["status"], "ok", "{:#}", step(&report, "release"));

    let (ended, report) = turn(&[&format!("turn:127.0.0.1:{}", network(server.port, is_release))]);
    ended.exits(0).says(&["release of the allocation was not answered"]);
    assert_eq!(step(&report, "release")["status"], "skipped");
    assert!(findings(&report).is_empty());
}

#[test]
fn loss_at_the_rate_of_media_is_a_finding_unless_it_is_expected() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    // Two of three large packets over a channel.
    let count = Mutex::new(0_u32);
    let loses = move |packet: &[u8]| {
        let large = packet[0] == 0x40 && packet.len() > 1000;
        let mut count = count.lock().unwrap();
        *count += u32::from(large);
        large && !count.is_multiple_of(3)
    };
    let url = format!("turn:127.0.0.1:{}", network(server.port, loses));
    let (ended, report) = turn(&[&url, "--duration", "1s"]);
    ended.exits(1);
    assert_eq!((failed(&report).0, failed(&report).1), ("load".into(), "lost".into()));
    assert_eq!(findings(&report), ["media-loss"]);
    let (ended, report) = turn(&[&url, "--duration", "1s", "--expect", "load.loss<90%"]);
    ended.exits(0);
    let loss = report["servers"][0]["paths"][0]["load"]["loss_percent"].as_f64().unwrap();
    assert!((30.0..60.0).contains(&loss), "two of three large packets, and no small one: {loss}");
    turn(&[&url, "--duration", "1s", "--expect", "load.loss<5%"]).0.exits(1);
}

#[test]
fn the_largest_payload_that_passes_is_measured() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    // ChannelData of more than 1300 bytes of payload is lost, as where a tunnel is narrow and says nothing.
    let narrow = |packet: &[u8]| packet[0] == 0x40 && packet.len() > 1304;
    let url = format!("turn:127.0.0.1:{}", network(server.port, narrow));
    let (ended, report) = turn(&[&url, "--duration", "500ms"]);
    ended.exits(0).says(&["largest payload 1300 bytes"]);
    assert_eq!(report["servers"][0]["paths"][0]["load"]["largest_payload"], 1300);
    let narrower = |packet: &[u8]| packet[0] == 0x40 && packet.len() > 1104;
    let url = format!("turn:127.0.0.1:{}", network(server.port, narrower));
    turn(&[&url, "--duration", "500ms"]).0.exits(0).says(&["browsers send up to 1200"]);
}

#[test]
fn whoever_waits_for_its_turn_is_not_blamed_for_it() {
    let Some(server) = Coturn::with_user(&[]) else { return };
    let url = format!("turn:127.0.0.1:{}", network(server.port, is_allocate_of_a_user));
    let start = Instant::now();
    let (ended, report) = turn(&[&*url; 7]);
    ended.exits(1);
    assert!(start.elapsed() < Duration::from_secs(15), "took {:?}", start.elapsed());
    let servers = report["servers"].as_array().unwrap();
    let allocate = servers.iter().map(|server| {
        let steps = server["paths"][0]["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["step"] == "allocate").unwrap();
        (step["status"].as_str().unwrap(), step["reason"].as_str().unwrap())
    });
    let (failed, others): (Vec<_>, Vec<_>) = allocate.partition(|(status, _)| *status == "failed");
    assert!(failed.len() >= 3, "each has all its time once it has its turn: {failed:?} {others:?}");
    assert!(failed.iter().all(|(_, reason)| reason.starts_with("no answer (")), "{failed:?}");
    assert!(!others.is_empty() && others.iter().all(|(_, why)| why.starts_with("cut short")), "{others:?}");
}
