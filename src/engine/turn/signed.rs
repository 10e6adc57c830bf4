//! Messages written anew: with another nonce, with another attribute, or under another transaction id. Whoever does that
//! signs them again (RFC 8489 §14.5).

use rtc::crypto::default_provider;
use rtc::stun::attributes::{AttrType, RawAttribute};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{Message, MessageType, Setter, TransactionId};

use crate::engine::stun::USERNAME;
use crate::stun::attribute::{LIFETIME, MAPPED, NONCE, PEER, REALM, RELAYED};

/// 0.0.0.0:0, obscured. coturn names it as a relayed address beside the true one where IPv4 was refused before.
const NOWHERE: [u8; 8] = [0, 1, 0x21, 0x12, 0x21, 0x12, 0xa4, 0x42];

const INTEGRITY: u16 = 0x0008;
const FINGERPRINT_TYPE: u16 = 0x8028;
/// RFC 8489 §14.2: the family of an obscured address of IPv6, and how long such an address is.
const IPV6: (u8, usize) = (2, 20);

/// REFRESH as a request (RFC 8656 §17).
const REFRESH: u16 = 0x0004;

/// An attribute: its type and its value.
pub(super) type Value = (u16, Vec<u8>);

/// The message under that transaction id and with those attributes in the place of its own, signed with the password.
/// What was not signed stays so. None if it is no message, or tells no name to sign with.
pub(super) fn rewritten(
    message: &[u8],
    transaction: [u8; 12],
    values: &[Value],
    key: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let old = decoded(message)?;
    let known = |kind: u16| values.iter().any(|(other, _)| *other == kind);
    let signed = old.attributes.0.iter().any(|attribute| attribute.typ.0 == INTEGRITY);
    let kept = old.attributes.0.iter().filter_map(|attribute| {
        let kind = attribute.typ.0;
        let nowhere = kind == RELAYED && attribute.value == NOWHERE;
        let dropped = matches!(kind, INTEGRITY | FINGERPRINT_TYPE) || nowhere || known(kind);
        (!dropped).then(|| (kind, moved(kind, attribute.value.clone(), old.transaction_id.0, transaction)))
    });
    let all: Vec<Value> = kept.chain(values.iter().cloned()).collect();
    built(old.typ, transaction, &all, key.filter(|_| signed))
}

/// The key that this request was signed with (RFC 8489 §9.2.2).
pub(super) fn key_of(request: &[u8], password: &str) -> Option<Vec<u8>> {
    let request = decoded(request)?;
    let text = |kind: u16| String::from_utf8(request.get(AttrType(kind)).ok()?).ok();
    let (name, realm, password) = (text(USERNAME)?, text(REALM)?, password.to_owned());
    let provider = default_provider().ok()?;
    MessageIntegrity::long_term_integrity_key(name, realm, password, provider.crypto()).ok()
}

/// What releases an allocation (RFC 8656 §7.4), in the name and realm of this request.
pub(super) fn release(request: &[u8], transaction: [u8; 12], nonce: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let request = decoded(request)?;
    let same = |kind: u16| Some((kind, request.get(AttrType(kind)).ok()?));
    let all = [(LIFETIME, vec![0; 4]), same(USERNAME)?, same(REALM)?, (NONCE, nonce.to_vec())];
    let mut kind = MessageType::default();
    kind.read_value(REFRESH);
    built(kind, transaction, &all, Some(key))
}

fn decoded(message: &[u8]) -> Option<Message> {
    let mut decoded = Message::new();
    decoded.raw = message.to_vec();
    decoded.decode().ok()?;
    Some(decoded)
}

fn built(kind: MessageType, transaction: [u8; 12], values: &[Value], key: Option<&[u8]>) -> Option<Vec<u8>> {
    let provider = default_provider().ok()?;
    let mut all: Vec<Box<dyn Setter + '_>> = vec![Box::new(kind), Box::new(TransactionId(transaction))];
    for (kind, value) in values {
        let length = u16::try_from(value.len()).ok()?;
        all.push(Box::new(RawAttribute { typ: AttrType(*kind), length, value: value.clone() }));
    }
    if let Some(key) = key {
        all.push(Box::new(MessageIntegrity::new_raw_integrity_with_provider(
            key.to_vec(),
            provider.crypto(),
        )));
    }
    all.push(Box::new(FINGERPRINT));
    let mut message = Message::new();
    message.build(&all).ok()?;
    Some(message.raw)
}

/// Addresses of IPv6 are obscured with the transaction id, too (RFC 8489 §14.2).
fn moved(kind: u16, mut value: Vec<u8>, from: [u8; 12], to: [u8; 12]) -> Vec<u8> {
    let obscured = matches!(kind, PEER | RELAYED | MAPPED);
    if obscured && value.len() == IPV6.1 && value[1] == IPV6.0 {
        for (byte, (old, new)) in value[8..].iter_mut().zip(from.iter().zip(to)) {
            *byte ^= old ^ new;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::Reply;

    fn message(kind: u16, values: &[Value], key: Option<&[u8]>) -> Vec<u8> {
        let mut of = MessageType::default();
        of.read_value(kind);
        built(of, [7; 12], values, key).unwrap()
    }

    fn is_signed(message: &[u8], key: &[u8]) -> bool {
        let provider = default_provider().unwrap();
        MessageIntegrity::check(&mut decoded(message).unwrap(), key, provider.crypto()).is_ok()
    }

    fn named() -> Vec<Value> {
        vec![(USERNAME, b"me".to_vec()), (REALM, b"test".to_vec()), (NONCE, b"old".to_vec())]
    }

    #[test]
    fn a_request_with_a_new_nonce_is_signed_anew() {
        let old = message(0x0008, &named(), Some(b"whatever"));
        let key = key_of(&old, "secret").unwrap();
        // RFC 8489 §9.2.2: MD5 of "me:test:secret".
        assert_eq!(key.len(), 16);
        let new = rewritten(&old, [9; 12], &[(NONCE, b"new".to_vec())], Some(&key)).unwrap();
        let read = decoded(&new).unwrap();
        assert_eq!((read.transaction_id.0, read.typ.value()), ([9; 12], 0x0008));
        assert_eq!(read.get(AttrType(NONCE)).unwrap(), b"new");
        assert_eq!(read.get(AttrType(USERNAME)).unwrap(), b"me");
        assert!(is_signed(&new, &key) && !is_signed(&new, b"another"));
        FINGERPRINT.check(&read).unwrap();
        // What nobody signed is not signed by us.
        let plain = rewritten(&message(0x0003, &[], None), [9; 12], &[], Some(&key)).unwrap();
        assert!(decoded(&plain).unwrap().get(AttrType(INTEGRITY)).is_err());
    }

    #[test]
    fn an_address_of_ipv6_survives_another_transaction() {
        use rtc::stun::xoraddr::XorMappedAddress;
        for ip in ["2001:db8::1", "192.0.2.1"] {
            let mut of = MessageType::default();
            of.read_value(0x0103);
            let mut answer = Message::new();
            let setters: [Box<dyn Setter>; 2] = [Box::new(of), Box::new(TransactionId([3; 12]))];
            answer.build(&setters).unwrap();
            let nowhere = XorMappedAddress { ip: "0.0.0.0".parse().unwrap(), port: 0 };
            nowhere.add_to_as(&mut answer, AttrType(RELAYED)).unwrap();
            let address = XorMappedAddress { ip: ip.parse().unwrap(), port: 4711 };
            address.add_to_as(&mut answer, AttrType(RELAYED)).unwrap();
            let moved = rewritten(&answer.raw, [8; 12], &[], None).unwrap();
            let read = Reply::read(&moved).unwrap().address(RELAYED).unwrap();
            assert_eq!((read.ip().to_string().as_str(), read.port()), (ip, 4711));
        }
    }

    #[test]
    fn a_release_bears_the_name_of_its_allocation() {
        let release = release(&message(0x0003, &named(), None), [5; 12], b"fresh", b"key").unwrap();
        let read = decoded(&release).unwrap();
        assert_eq!((read.typ.value(), read.get(AttrType(LIFETIME)).unwrap()), (REFRESH, vec![0; 4]));
        assert_eq!(read.get(AttrType(NONCE)).unwrap(), b"fresh");
        assert!(is_signed(&release, b"key"));
        assert_eq!(super::release(&[0; 20], [5; 12], b"", b"key"), None);
    }
}
