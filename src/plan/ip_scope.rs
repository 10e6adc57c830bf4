//! What an address is for: who can reach it.

use std::net::IpAddr;

/// Why a stranger on the internet cannot reach an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpScope {
    /// `0.0.0.0` or `::`.
    Unspecified,
    /// This machine.
    Loopback,
    /// This link (RFC 3927, RFC 4291 §2.5.6).
    LinkLocal,
    /// This site (RFC 1918, RFC 4193).
    Private,
    /// A group.
    Multicast,
    /// Between a provider and its customers (RFC 6598).
    Shared,
}

impl IpScope {
    /// None for an address of the internet.
    #[must_use]
    pub fn of(ip: IpAddr) -> Option<Self> {
        let (unspecified, loopback, link_local, private, multicast, shared) = match ip.to_canonical() {
            IpAddr::V4(v4) => {
                let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                let local = (v4.is_link_local(), v4.is_private());
                (v4.is_unspecified(), v4.is_loopback(), local.0, local.1, v4.is_multicast(), shared)
            }
            IpAddr::V6(v6) => {
                let local = (v6.is_unicast_link_local(), v6.is_unique_local());
                (v6.is_unspecified(), v6.is_loopback(), local.0, local.1, v6.is_multicast(), false)
            }
        };
        let scopes = [
            (unspecified, Self::Unspecified),
            (loopback, Self::Loopback),
            (link_local, Self::LinkLocal),
            (private, Self::Private),
            (multicast, Self::Multicast),
            (shared, Self::Shared),
        ];
        scopes.into_iter().find_map(|(is, scope)| is.then_some(scope))
    }

    /// In words, such as `link-local`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Multicast => "multicast",
            Self::Shared => "carrier-grade NAT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_scope() {
        for (ip, scope) in [
            ("203.0.113.1", None),
            ("2001:db8::1", None),
            ("0.0.0.0", Some("unspecified")),
            ("127.0.0.1", Some("loopback")),
            ("::1", Some("loopback")),
            ("169.254.1.1", Some("link-local")),
            ("fe80::1", Some("link-local")),
            ("192.168.1.1", Some("private")),
            ("::ffff:10.0.0.1", Some("private")),
            ("fd00::1", Some("private")),
            ("100.64.0.1", Some("carrier-grade NAT")),
            ("224.0.0.1", Some("multicast")),
        ] {
            assert_eq!(IpScope::of(ip.parse().unwrap()).map(IpScope::as_str), scope, "{ip}");
        }
    }
}
