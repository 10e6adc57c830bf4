//! Whether a relayed address is one that peers can reach.

use std::net::IpAddr;

use crate::plan::IpScope;

/// Whether peers can be given a relayed address of this scope: not if the server itself is reached at a wider one.
pub(super) fn is_misplaced(relayed: IpAddr, server: IpAddr) -> bool {
    IpScope::of(relayed).is_some() && IpScope::of(server).is_none()
}

/// What is odd about a relayed address, for a note.
pub(super) fn oddity(relayed: IpAddr, server: IpAddr) -> Option<String> {
    let scope = IpScope::of(relayed)?.as_str();
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
