//! Connections to a server, secured where the transport says so.

use std::time::Duration;

use super::chain::{Row, Shared};
use super::model::CertificateReport;
use super::step::Trouble;
use crate::plan::IceTransport;
use crate::stun::{Client, Connection, LinkError, Stop};
use crate::trust::Certificate;
use crate::world::timeout;

/// A connection, and what a certificate said on the way.
pub(super) struct Dialed {
    pub(super) connection: Connection,
    pub(super) certificate: Option<CertificateReport>,
}

/// Why an address was not tried that a server has and this machine cannot reach.
pub(super) const NO_IPV6: &str = "this machine has no IPv6";

/// A socket, or a connection of TCP.
pub(super) async fn connect(shared: &Shared<'_>, row: Row, stop: &Stop) -> Result<Connection, Trouble> {
    let limit = shared.config.limits.transaction;
    let datagrams = row.transport.is_datagram();
    let open = async {
        match datagrams {
            true => Connection::udp(row.address).await,
            false => Connection::tcp(row.address).await,
        }
    };
    match within(shared, stop, limit, open).await? {
        Err(_) if row.address.is_ipv6() && !Connection::has_route(row.address).await => {
            Err(Trouble::skipped(NO_IPV6))
        }
        opened => opened.map_err(Trouble::from),
    }
}

/// TLS or DTLS.
pub(super) async fn secure(
    shared: &Shared<'_>,
    connection: Connection,
    stop: &Stop,
) -> (Result<Connection, Trouble>, Option<CertificateReport>) {
    let (config, host) = (shared.config, shared.target.url.host.as_str());
    let shaken = connection.secured(&shared.world, &config.trust, host);
    match within(shared, stop, config.limits.transaction, shaken).await {
        Err(trouble) => (Err(trouble), None),
        Ok((result, certificate)) => (result.map_err(Trouble::from), certificate.map(certificate_report)),
    }
}

/// Another client over the same path, whose steps nobody writes down.
pub(super) async fn again(
    shared: &Shared<'_>,
    row: Row,
    stop: &Stop,
    label: &str,
) -> Result<Client, Trouble> {
    let mut connection = connect(shared, row, stop).await?;
    if row.transport.is_secure() {
        connection = secure(shared, connection, stop).await.0?;
    }
    let credentials = shared.target.credentials.clone();
    let label = format!("turn {} {} {label}", row.transport.as_str(), row.address);
    Ok(Client::new(&shared.world, connection, &label, credentials, shared.config.limits, stop.clone()))
}

async fn within<T>(
    shared: &Shared<'_>,
    stop: &Stop,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Trouble> {
    match stop.unless(timeout(&*shared.world, limit, future)).await {
        None => Err(Trouble::Stopped),
        Some(Err(_)) => Err(LinkError::Silent { sent: 1, waited: limit, ignored: None }.into()),
        Some(Ok(value)) => Ok(value),
    }
}

fn certificate_report(certificate: Certificate) -> CertificateReport {
    let Certificate { names, issuer, days_left, chain, problem } = certificate;
    CertificateReport { names, issuer, days_left, chain, problem: problem.map(|problem| problem.to_string()) }
}

/// What is worth knowing of a certificate with which the handshake went on.
pub(super) fn certificate_note(certificate: &CertificateReport) -> String {
    let names = certificate.names.join(", ");
    let days = certificate.days_left.map(|days| format!(", {days} days left")).unwrap_or_default();
    let problem =
        certificate.problem.as_ref().map(|why| format!("; accepted though {why}")).unwrap_or_default();
    format!("for {names}{days}{problem}")
}

/// How a transport is told from another on the same port.
pub(super) fn port_of(transport: IceTransport, stated: IceTransport, port: u16) -> u16 {
    match (transport.is_secure(), stated.is_secure(), port) {
        (true, false, 3478) => 5349,
        (false, true, 5349 | 443) => 3478,
        _ => port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explored_transports_have_the_ports_that_servers_have() {
        use IceTransport::{Dtls, Tcp, Tls, Udp};
        for (transport, stated, port, expected) in [
            (Tcp, Udp, 3478, 3478),
            (Tls, Udp, 3478, 5349),
            (Udp, Tls, 443, 3478),
            (Dtls, Tls, 443, 443),
            (Tls, Udp, 40_000, 40_000),
            (Udp, Dtls, 5349, 3478),
        ] {
            assert_eq!(port_of(transport, stated, port), expected, "{transport:?} {stated:?} {port}");
        }
    }
}
