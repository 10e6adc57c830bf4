//! Whether the system may cut datagrams of ours into fragments. Where it is forbidden, what is too large for a network on the
//! way is lost, and is so found (IPv4's DF, RFC 791 §3.1; in IPv6 only senders make fragments).

use tokio::net::UdpSocket;

/// Forbids it, or allows it again; whether that could be done.
#[cfg(target_os = "linux")]
pub(super) fn forbid(socket: &UdpSocket, forbid: bool) -> bool {
    use rustix::net::sockopt::{
        Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
    };

    let is_v4 = socket.local_addr().is_ok_and(|address| address.is_ipv4());
    // PROBE sends whatever the interface takes, whatever was learned of the path before.
    let done = match (is_v4, forbid) {
        (true, true) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE),
        (true, false) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::WANT),
        (false, true) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE),
        (false, false) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::WANT),
    };
    done.is_ok()
}

/// Forbids it, or allows it again; whether that could be done.
#[cfg(not(target_os = "linux"))]
pub(super) fn forbid(_socket: &UdpSocket, _forbid: bool) -> bool {
    false
}
