use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng;

use super::message::{Attribute, Method, Reply, Signer, attribute, long_term_key, request};

fn rng() -> crate::world::Rng {
    crate::world::Rng::seed_from_u64(7)
}

fn signer() -> Signer {
    let key = long_term_key("user", b"realm", "pass").unwrap();
    Signer { username: "user".into(), realm: b"realm".to_vec(), nonce: b"nonce".to_vec(), key }
}

#[test]
fn a_request_is_read_back_and_is_signed() {
    let peer: SocketAddr = "192.0.2.1:5000".parse().unwrap();
    let attributes = [attribute::peer(peer), attribute::lifetime(600)];
    let written = request(&mut rng(), Method::Refresh, &attributes, Some(&signer())).unwrap();
    let read = Reply::read(&written.bytes).unwrap();
    assert_eq!(read.address(attribute::PEER), Some(peer));
    assert_eq!(read.lifetime(), Some(Duration::from_secs(600)));
    assert_eq!(read.is_signed_with(&signer().key), Some(true));
    assert_eq!(read.is_signed_with(b"another key"), Some(false));
    assert!(!read.answers(Method::Refresh, &written.id), "a reflected request is no answer");
}

#[test]
fn the_key_is_that_of_the_rfc() {
    // RFC 8489 §9.2.2 and RFC 5769 §2.4.
    let key = long_term_key("\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}", b"example.org", "TheMatrIX")
        .unwrap();
    assert_eq!(key.len(), 16);
    let key = long_term_key("user", b"realm", "pass").unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "8493fbc53ba582fb4c044c456bdc40eb");
}

fn with(kind: u16, value: &[u8]) -> Option<Reply> {
    let written =
        request(&mut rng(), Method::Binding, &[Attribute::Raw(kind, value.to_vec())], None).unwrap();
    Reply::read(&written.bytes)
}

#[test]
fn short_values_are_no_values() {
    let reply = with(attribute::MAPPED, &[0, 1, 0, 0, 1]).unwrap();
    assert_eq!(reply.address(attribute::MAPPED), None);
    assert_eq!(with(attribute::LIFETIME, &[1, 2]).unwrap().lifetime(), None);
    assert_eq!(with(attribute::ALTERNATE_SERVER, &[0, 1]).unwrap().alternate(), None);
    let reply = with(attribute::ALTERNATE_SERVER, &[0, 1, 0x0d, 0x96, 192, 0, 2, 1]).unwrap();
    assert_eq!(reply.alternate(), Some("192.0.2.1:3478".parse().unwrap()));
}

#[test]
fn attributes_that_must_be_understood_are_named() {
    assert_eq!(with(0x7fff, &[0; 4]).unwrap().unknown(), [0x7fff]);
    assert!(with(0xff00, &[0; 4]).unwrap().unknown().is_empty());
}

#[test]
fn lengths_that_lie_are_refused() {
    let written = request(&mut rng(), Method::Binding, &[attribute::lifetime(1)], None).unwrap();
    for cut in 0..written.bytes.len() {
        assert!(Reply::read(&written.bytes[..cut]).is_none(), "{cut} bytes");
    }
    let longer = [&written.bytes[..], &[0; 4]].concat();
    assert!(Reply::read(&longer).is_none());
    for at in [3, 23] {
        let mut lying = written.bytes.clone();
        lying[at] = 0xfc;
        assert!(Reply::read(&lying).is_none(), "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if bytes.len() >= 20 {
            let length = u16::try_from(bytes.len() - 20).unwrap();
            bytes[..2].copy_from_slice(&[1, 0x11]);
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        if let Some(reply) = Reply::read(&bytes) {
            let _ = (reply.error(), reply.data(), reply.alternate(), reply.unknown());
            let _ = reply.is_signed_with(b"key");
            let _ = (reply.address(attribute::MAPPED), reply.lifetime(), reply.text(attribute::REALM));
        }
    }
}
