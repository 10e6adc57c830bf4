//! What an address is for: who can reach it.

use std::net::IpAddr;

/// Why a stranger on the internet cannot reach that address; None for an address of the internet.
pub(super) fn scope(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            match v4 {
                _ if v4.is_unspecified() => Some("unspecified"),
                _ if v4.is_loopback() => Some("loopback"),
                _ if v4.is_link_local() => Some("link-local"),
                _ if v4.is_private() => Some("private"),
                _ if v4.is_multicast() => Some("multicast"),
                _ if shared => Some("carrier-grade NAT"),
                _ => None,
            }
        }
        IpAddr::V6(v6) => match v6 {
            _ if v6.is_unspecified() => Some("unspecified"),
            _ if v6.is_loopback() => Some("loopback"),
            _ if v6.is_unicast_link_local() => Some("link-local"),
            _ if v6.is_unique_local() => Some("private"),
            _ if v6.is_multicast() => Some("multicast"),
            _ => None,
        },
    }
}

/// Whether peers can be given a relayed address of this scope: not if the server itself is reached at a wider one.
pub(super) fn is_misplaced(relayed: IpAddr, server: IpAddr) -> bool {
    scope(relayed).is_some() && scope(server).is_none()
}

/// What is odd about a relayed address, for a note.
pub(super) fn oddity(relayed: IpAddr, server: IpAddr) -> Option<String> {
    let scope = scope(relayed)?;
    Some(match is_misplaced(relayed, server) {
        true => format!("which is {scope} while the server is public"),
        false => format!("which is {scope}, as the server is"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_relay_is_wrong_on_a_public_server_only() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (relayed, server, wrong) in [
            ("10.0.0.1", "203.0.113.1", true),
            ("::ffff:10.0.0.1", "203.0.113.1", true),
            ("100.64.0.1", "203.0.113.1", true),
            ("fd00::1", "2001:db8::1", true),
            ("0.0.0.0", "203.0.113.1", true),
            ("10.0.0.1", "10.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", false),
            ("203.0.113.2", "203.0.113.1", false),
        ] {
            assert_eq!(is_misplaced(ip(relayed), ip(server)), wrong, "{relayed} {server}");
        }
    }
}
