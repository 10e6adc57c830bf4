//! Messages: written from attributes, and read so that nothing in them can mislead us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rand::RngExt;
use rtc_crypto::default_provider;
use rtc_stun::attributes::{ATTR_ERROR_CODE, AttrType, RawAttribute};
use rtc_stun::error_code::ErrorCodeAttribute;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE};
use rtc_stun::message::{Getter, Message, MessageType, Method as WireMethod, Setter, TransactionId};
use rtc_stun::message::{
    METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_DATA,
    METHOD_REFRESH, METHOD_SEND,
};
use rtc_stun::xoraddr::XorMappedAddress;

use crate::diagnostic::escaped;
use crate::world::Rng;

/// What is asked for (RFC 8489 §18.1, RFC 8656 §17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the methods")]
pub enum Method {
    Binding,
    Allocate,
    Refresh,
    Send,
    Data,
    CreatePermission,
    ChannelBind,
}

impl Method {
    const fn on_the_wire(self) -> WireMethod {
        match self {
            Self::Binding => METHOD_BINDING,
            Self::Allocate => METHOD_ALLOCATE,
            Self::Refresh => METHOD_REFRESH,
            Self::Send => METHOD_SEND,
            Self::Data => METHOD_DATA,
            Self::CreatePermission => METHOD_CREATE_PERMISSION,
            Self::ChannelBind => METHOD_CHANNEL_BIND,
        }
    }
}

/// Types of attributes, and how those of requests are written.
pub mod attribute {
    use super::{Attribute, SocketAddr};

    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const INTEGRITY: u16 = 0x0008;
    pub(in super::super) const DATA: u16 = 0x0013;
    pub(in super::super) const CHANNEL_NUMBER: u16 = 0x000c;
    /// XOR-PEER-ADDRESS.
    pub const PEER: u16 = 0x0012;
    /// REALM.
    pub const REALM: u16 = 0x0014;
    /// NONCE.
    pub const NONCE: u16 = 0x0015;
    /// XOR-RELAYED-ADDRESS.
    pub const RELAYED: u16 = 0x0016;
    /// XOR-MAPPED-ADDRESS.
    pub const MAPPED: u16 = 0x0020;
    /// LIFETIME.
    pub const LIFETIME: u16 = 0x000d;
    /// SOFTWARE.
    pub const SOFTWARE: u16 = 0x8022;
    /// OTHER-ADDRESS (RFC 5780 §7.4).
    pub const OTHER_ADDRESS: u16 = 0x802c;
    /// ALTERNATE-SERVER.
    pub const ALTERNATE_SERVER: u16 = 0x8023;
    /// THIRD-PARTY-AUTHORIZATION (RFC 7635).
    pub const THIRD_PARTY: u16 = 0x802e;

    /// REQUESTED-TRANSPORT: UDP.
    #[must_use]
    pub fn requested_udp() -> Attribute {
        Attribute::Raw(0x0019, vec![17, 0, 0, 0])
    }

    /// REQUESTED-ADDRESS-FAMILY: IPv6.
    #[must_use]
    pub fn requested_ipv6() -> Attribute {
        Attribute::Raw(0x0017, vec![2, 0, 0, 0])
    }

    /// LIFETIME, in seconds.
    #[must_use]
    pub fn lifetime(seconds: u32) -> Attribute {
        Attribute::Raw(LIFETIME, seconds.to_be_bytes().to_vec())
    }

    /// CHANNEL-NUMBER.
    #[must_use]
    pub fn channel(number: u16) -> Attribute {
        let [high, low] = number.to_be_bytes();
        Attribute::Raw(CHANNEL_NUMBER, vec![high, low, 0, 0])
    }

    /// CHANGE-REQUEST (RFC 5780 §7.2): the answer shall come from another port, and from another address too or not.
    #[must_use]
    pub fn answer_from_another(address: bool) -> Attribute {
        Attribute::Raw(0x0003, vec![0, 0, 0, if address { 6 } else { 2 }])
    }

    /// XOR-PEER-ADDRESS.
    #[must_use]
    pub fn peer(address: SocketAddr) -> Attribute {
        Attribute::Address(PEER, address)
    }
}

/// An attribute of a message that we write.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// The value as it stands in the message, without padding.
    Raw(u16, Vec<u8>),
    /// An address, to be obscured with the transaction id.
    Address(u16, SocketAddr),
}

/// Who signs a request: the long-term mechanism of RFC 8489 §9.2.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) username: String,
    pub(super) realm: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// A message ready to be sent, and its transaction id.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) id: [u8; 12],
}

/// Writes a request.
///
/// # Errors
/// An attribute that is too long, in the words of the codec.
pub(super) fn request(
    rng: &mut Rng,
    method: Method,
    attributes: &[Attribute],
    signer: Option<&Signer>,
) -> Result<Written, String> {
    write(rng, MessageType::new(method.on_the_wire(), CLASS_REQUEST), attributes, signer)
}

/// Writes an indication.
///
/// # Errors
/// As for [`request`].
pub(super) fn indication(rng: &mut Rng, method: Method, attributes: &[Attribute]) -> Result<Written, String> {
    write(rng, MessageType::new(method.on_the_wire(), CLASS_INDICATION), attributes, None)
}

fn write(
    rng: &mut Rng,
    kind: MessageType,
    attributes: &[Attribute],
    signer: Option<&Signer>,
) -> Result<Written, String> {
    let id: [u8; 12] = rng.random();
    let provider = default_provider().map_err(|error| error.to_string())?;
    let mut setters: Vec<Box<dyn Setter + '_>> = vec![Box::new(kind)];
    let raw = |kind: u16, value: &[u8]| RawAttribute {
        typ: AttrType(kind),
        length: u16::try_from(value.len()).unwrap_or(u16::MAX),
        value: value.to_vec(),
    };
    for attribute in attributes {
        match attribute {
            Attribute::Raw(kind, value) => setters.push(Box::new(raw(*kind, value))),
            Attribute::Address(kind, address) => setters.push(Box::new(Obscured(*kind, *address))),
        }
    }
    if let Some(signer) = signer {
        setters.push(Box::new(raw(attribute::USERNAME, signer.username.as_bytes())));
        setters.push(Box::new(raw(attribute::REALM, &signer.realm)));
        setters.push(Box::new(raw(attribute::NONCE, &signer.nonce)));
        let key = signer.key.clone();
        setters.push(Box::new(MessageIntegrity::new_raw_integrity_with_provider(key, provider.crypto())));
    }
    setters.push(Box::new(FINGERPRINT));
    let mut message = Message::new();
    message.transaction_id = TransactionId(id);
    message.write_transaction_id();
    message.build(&setters).map_err(|error| error.to_string())?;
    Ok(Written { bytes: message.raw.clone(), id })
}

struct Obscured(u16, SocketAddr);

impl Setter for Obscured {
    fn add_to(&self, message: &mut Message) -> rtc_shared::error::Result<()> {
        let address = XorMappedAddress { ip: self.1.ip(), port: self.1.port() };
        address.add_to_as(message, AttrType(self.0))
    }
}

/// The key of the long-term mechanism (RFC 8489 §9.2.2). None without a provider of cryptography.
pub(super) fn long_term_key(username: &str, realm: &[u8], password: &str) -> Option<Vec<u8>> {
    use rtc_crypto::HashAlgorithm;
    let text = [username.as_bytes(), b":", realm, b":", password.as_bytes()].concat();
    default_provider().ok()?.crypto().hash(HashAlgorithm::Md5, &text).ok()
}

/// A message that came.
#[derive(Clone, Debug)]
pub struct Reply {
    message: Message,
}

impl Reply {
    /// Reads a message; None if it is not STUN, or lies about its lengths.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut message = Message::new();
        message.raw = bytes.to_vec();
        message.decode().ok()?;
        let whole = bytes.len() == 20 + message.length as usize;
        (bytes[0] & 0xc0 == 0 && whole).then_some(Self { message })
    }

    pub(super) fn answers(&self, method: Method, id: &[u8; 12]) -> bool {
        let class = self.message.typ.class;
        self.message.typ.method == method.on_the_wire()
            && (class == CLASS_SUCCESS_RESPONSE || class == CLASS_ERROR_RESPONSE)
            && self.message.transaction_id.0 == *id
    }

    pub(super) fn is_success(&self) -> bool {
        self.message.typ.class == CLASS_SUCCESS_RESPONSE
    }

    /// The payload and the peer of a Data indication.
    pub(super) fn data(&self) -> Option<(SocketAddr, Vec<u8>)> {
        let indicates = self.message.typ.class == CLASS_INDICATION && self.message.typ.method == METHOD_DATA;
        let payload = self.bytes(attribute::DATA)?.to_vec();
        indicates.then_some((self.address(attribute::PEER)?, payload))
    }

    /// The code and the reason of an error response, fit to be shown.
    #[must_use]
    pub fn error(&self) -> Option<(u16, String)> {
        if self.is_success() || self.message.get(ATTR_ERROR_CODE).is_err() {
            return None;
        }
        let mut error = ErrorCodeAttribute::default();
        error.get_from(&self.message).ok()?;
        (300..=699).contains(&error.code.0).then(|| (error.code.0, escaped(&error.reason)))
    }

    /// An attribute as it stands.
    #[must_use]
    pub fn bytes(&self, kind: u16) -> Option<&[u8]> {
        let found = self.message.attributes.0.iter().find(|attribute| attribute.typ.0 == kind);
        found.map(|attribute| attribute.value.as_slice())
    }

    /// An attribute that is text, fit to be shown.
    #[must_use]
    pub fn text(&self, kind: u16) -> Option<String> {
        self.bytes(kind).map(escaped).filter(|text| !text.is_empty())
    }

    /// LIFETIME.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        let bytes = self.bytes(attribute::LIFETIME)?.try_into().ok()?;
        Some(Duration::from_secs(u32::from_be_bytes(bytes).into()))
    }

    /// An address that is obscured with the transaction id.
    #[must_use]
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        // The codec fills a short address with zeros; that would be another address than the one sent.
        let value = self.bytes(kind)?;
        if !matches!((value.get(1), value.len()), (Some(1), 8) | (Some(2), 20)) {
            return None;
        }
        let mut address = XorMappedAddress::default();
        address.get_from_as(&self.message, AttrType(kind)).ok()?;
        Some(SocketAddr::new(address.ip, address.port))
    }

    /// ALTERNATE-SERVER, which is not obscured (RFC 8489 §14.15).
    #[must_use]
    pub fn alternate(&self) -> Option<SocketAddr> {
        self.plain_address(attribute::ALTERNATE_SERVER)
    }

    /// An address that is not obscured.
    #[must_use]
    pub fn plain_address(&self, kind: u16) -> Option<SocketAddr> {
        let value = self.bytes(kind)?;
        let (head, ip) = value.split_at_checked(4)?;
        let ip = match head[1] {
            1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?)),
            2 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes([head[2], head[3]])))
    }

    /// Attributes that must be understood and that no client of TURN knows (RFC 8489 §6.3.3).
    #[must_use]
    pub fn unknown(&self) -> Vec<u16> {
        const KNOWN: [u16; 21] = [
            0x01, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a,
            0x1c, 0x1d, 0x1e, 0x20, 0x22,
        ];
        let kinds = self.message.attributes.0.iter().map(|attribute| attribute.typ.0);
        kinds.filter(|kind| *kind < 0x8000 && !KNOWN.contains(kind)).collect()
    }

    /// Whether it is signed with `key`; None if it is not signed.
    pub(super) fn is_signed_with(&self, key: &[u8]) -> Option<bool> {
        let signature = self.bytes(attribute::INTEGRITY)?;
        if signature.len() != 20 {
            return Some(false);
        }
        let provider = default_provider().ok()?;
        Some(MessageIntegrity::check(&mut self.message.clone(), key, provider.crypto()).is_ok())
    }
}
