//! Which local addresses there are.

use std::net::IpAddr;

/// The addresses of every interface that is up, in a stable order; loopback only when asked for.
///
/// IPv6 link-local addresses are left out: without a zone no peer can dial them (RFC 8445 §5.1.1.1).
#[must_use]
pub fn local_addresses(include_loopback: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(if_addrs::Interface::is_oper_up)
        .map(|interface| interface.ip())
        .filter(|ip| include_loopback || !ip.is_loopback())
        .filter(|ip| !is_ipv6_link_local(*ip))
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

fn is_ipv6_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_comes_only_when_asked_for() {
        assert!(local_addresses(true).iter().any(IpAddr::is_loopback));
        assert!(!local_addresses(false).iter().any(IpAddr::is_loopback));
    }

    #[test]
    fn link_local_ipv6_is_left_out() {
        assert!(is_ipv6_link_local("fe80::1".parse().unwrap()));
        assert!(!is_ipv6_link_local("2001:db8::1".parse().unwrap()));
        assert!(!is_ipv6_link_local("169.254.0.1".parse().unwrap()));
        assert!(!local_addresses(true).into_iter().any(is_ipv6_link_local));
    }
}
