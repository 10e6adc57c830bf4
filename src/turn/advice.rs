//! What a failed step means, and what to change: pure words for each cause, with the option of the server.

use std::time::Duration;

use super::Suspicion;
use super::finding::Situation;
use super::model::{Cause, Path, Status, Step, StepName};
use super::verdict::over;
use crate::plan::IceTransport;

/// A finding without the words of the catalogue.
pub(super) struct Advice {
    pub(super) id: &'static str,
    pub(super) observed: String,
    pub(super) cause: String,
    pub(super) remedy: String,
    pub(super) calls: String,
}

impl Advice {
    fn new(
        id: &'static str,
        (path, step): (&Path, &Step),
        cause: impl Into<String>,
        remedy: impl Into<String>,
        calls: impl Into<String>,
    ) -> Self {
        let reason = step.reason.as_deref().unwrap_or("no reason is known");
        let observed = format!("{}: {} failed: {reason}", path.name(), step.step.as_str());
        Self { id, observed, cause: cause.into(), remedy: remedy.into(), calls: calls.into() }
    }
}

pub(super) const NO_CALL: &str = "no call is relayed over this path";

/// What a failed step of a required path means.
pub(super) fn advice(path: &Path, step: &Step, situation: &Situation<'_>) -> Advice {
    let at = (path, step);
    let host = situation.target.url.host.as_str();
    let port = path.address.map_or(situation.target.url.port, |address| address.port());
    match step.cause.unwrap_or(Cause::System) {
        Cause::Unresolved => Advice::new(
            "turn-unreachable",
            at,
            "the name of the server has no address",
            format!("Correct the name in the URL, or add an A or AAAA record for `{host}`."),
            "no call can use this server",
        ),
        Cause::Silent => silent(at, port, situation),
        Cause::Refused => refused(at, port),
        Cause::Unreachable => unreachable(at, port, situation),
        Cause::Reset | Cause::Closed => Advice::new(
            "turn-unreachable",
            at,
            "the connection is accepted and then ended: a proxy, a firewall that inspects it, or a server that wants \
             TLS on this port",
            "Let the proxy pass TCP through as it is; where the server wants TLS, write `turns:` in the URL.",
            NO_CALL,
        ),
        Cause::NotStun => Advice::new(
            "turn-not-turn",
            at,
            "something else than a TURN server listens there",
            format!("Correct host and port in the URL (`{host}`, {port}), or the forwarding of that port."),
            NO_CALL,
        ),
        Cause::Handshake => Advice::new(
            "turn-tls-failed",
            at,
            format!("what listens there does not finish {}", handshake(path.transport)),
            "For coturn: `cert=` and `pkey=` must be readable by the user that it runs as, without `no-tls` and \
             `no-dtls`; TLS 1.2 or newer.",
            NO_CALL,
        ),
        Cause::CertificateExpired
        | Cause::CertificateName
        | Cause::CertificateIssuer
        | Cause::CertificateOther => certificate(at, host),
        Cause::OpenRelay => Advice::new(
            "turn-open-relay",
            at,
            "anybody may relay anything through it",
            "For coturn: remove `no-auth`, and set `lt-cred-mech` with `user=`, or `use-auth-secret`.",
            "calls work, and so does the traffic of strangers",
        ),
        Cause::Nonsense => Advice::new(
            "turn-not-turn",
            at,
            "its answer is not what RFC 8656 demands",
            "Update the server, or look for a proxy that changes what passes.",
            NO_CALL,
        ),
        Cause::Lost => lost(at),
        Cause::Code => refusal(at, situation),
        // No path has it when advice is given: the call is made afterwards.
        Cause::Call | Cause::System => Advice::new(
            "turn-unreachable",
            at,
            "this machine refuses it",
            "Check the network of this machine.",
            "nothing is known of the server",
        ),
    }
}

/// A relayed address that nobody outside can reach.
pub(super) fn private_relay(path: &Path) -> Advice {
    let relayed = path.relayed.map(|relayed| relayed.ip().to_string()).unwrap_or_default();
    let server = path.address.map(|address| address.ip().to_string()).unwrap_or_default();
    Advice {
        id: "turn-private-relay",
        observed: format!("{}: the server is reached at {server} and relays from {relayed}", path.name()),
        cause: "the server does not know its outer address".to_owned(),
        remedy: format!("For coturn: `external-ip={server}/{relayed}`."),
        calls: "the allocation works, and no peer ever reaches the relayed address".to_owned(),
    }
}

/// What `--audit` found.
pub(super) fn audit(path: &Path) -> Option<Advice> {
    let open: Vec<String> = path
        .audit
        .iter()
        .filter(|row| row.allowed)
        .map(|row| format!("{} ({})", row.peer, row.what))
        .collect();
    if open.is_empty() {
        return None;
    }
    let ranges = "`denied-peer-ip=10.0.0.0-10.255.255.255`, and so for each range of private addresses";
    Some(Advice {
        id: "turn-reaches-inside",
        observed: format!("{}: it lets us send to {}", path.name(), open.join(", ")),
        cause: "the server does not refuse peers that are no business of strangers".to_owned(),
        remedy: format!("For coturn: {ranges}; `no-multicast-peers`; remove `allow-loopback-peers`."),
        calls: "calls work, and whoever has a credential reaches machines behind the server".to_owned(),
    })
}

/// What to use instead, where UDP does not come through and another way does.
fn fallback(at: (&Path, &Step), port: u16, situation: &Situation<'_>, what: &str) -> Option<Advice> {
    if !at.0.transport.is_datagram() || at.1.step > StepName::Binding {
        return None;
    }
    let host = situation.target.url.host.as_str();
    let mut streams = [IceTransport::Tls, IceTransport::Tcp]
        .into_iter()
        .flat_map(|transport| over(situation.paths, transport));
    let other = streams.find(|other| other.is_ok(StepName::Challenge))?;
    Some(Advice::new(
        "turn-no-tcp-fallback",
        at,
        format!("{what}, while the server answers over {}", other.name()),
        format!(
            "Add `{}` to the URLs of the calls, or open UDP port {port} to the server.",
            url_of(other, host)
        ),
        "whoever is behind such a network cannot be relayed by this URL",
    ))
}

fn unreachable(at: (&Path, &Step), port: u16, situation: &Situation<'_>) -> Advice {
    if let Some(advice) = fallback(at, port, situation, "a firewall rejects UDP (ICMP says so at once)") {
        return advice;
    }
    Advice::new(
        "turn-unreachable",
        at,
        "a firewall rejects it, or there is no route (ICMP says so at once)",
        format!("Allow {} to port {port}, or use TURN over TLS on port 443.", carrier(at.0.transport)),
        NO_CALL,
    )
}

fn silent(at: (&Path, &Step), port: u16, situation: &Situation<'_>) -> Advice {
    if let Some(advice) = fallback(at, port, situation, "UDP does not come through") {
        return advice;
    }
    let path = at.0;
    if path.transport.is_datagram() && at.1.step <= StepName::Binding {
        return Advice::new(
            "turn-unreachable",
            at,
            "nothing comes back: UDP is dropped on the way, or there is no such server",
            format!(
                "Check host and port; open UDP port {port} to the server; offer TURN over TLS on port 443 as well \
                 (for coturn: `tls-listening-port=443`)."
            ),
            NO_CALL,
        );
    }
    let (cause, calls) = match at.1.step {
        StepName::Connect => (
            "nothing answers the attempt to connect: a firewall drops it, or there is no such server",
            "behind firewalls that block UDP nobody can be relayed over this path",
        ),
        StepName::Handshake => {
            ("the port is open, and what listens there does not speak TLS or DTLS", NO_CALL)
        }
        StepName::Binding => {
            ("the port is open, and what listens there says nothing: it is no TURN server", NO_CALL)
        }
        StepName::Challenge => ("it answers STUN and ignores TURN: it is no relay", NO_CALL),
        _ => ("the server answered before and then no more", NO_CALL),
    };
    let remedy = match at.1.step {
        StepName::Challenge => {
            "For coturn: remove `stun-only`; else name a TURN server in the URL, and this one as `stun:`."
                .to_owned()
        }
        StepName::Connect => format!(
            "Open {} port {port} to the server, or serve TURN over TLS on port 443 (for coturn: \
             `tls-listening-port=443`).",
            carrier(path.transport)
        ),
        _ => format!("Check host and port, and that what listens on port {port} is a TURN server that runs."),
    };
    Advice::new("turn-unreachable", at, cause, remedy, calls)
}

fn url_of(path: &Path, host: &str) -> String {
    let port = path.address.map_or(3478, |address| address.port());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let scheme = if path.transport.is_secure() { "turns" } else { "turn" };
    format!("{scheme}:{host}:{port}?transport=tcp")
}

fn refused(at: (&Path, &Step), port: u16) -> Advice {
    let options = match at.0.transport {
        IceTransport::Udp => format!("`listening-port={port}` without `no-udp`"),
        IceTransport::Tcp => format!("`listening-port={port}` without `no-tcp`"),
        IceTransport::Tls => format!("`tls-listening-port={port}`, `cert=` and `pkey=`, without `no-tls`"),
        IceTransport::Dtls => format!("`tls-listening-port={port}`, `cert=` and `pkey=`, without `no-dtls`"),
    };
    let how = if at.0.transport.is_datagram() { "ICMP port unreachable" } else { "TCP RST" };
    Advice::new(
        "turn-unreachable",
        at,
        format!("nothing listens on {} port {port} ({how}), or a firewall says so", carrier(at.0.transport)),
        format!("Check the port and that the server runs. For coturn: {options}."),
        NO_CALL,
    )
}

fn certificate(at: (&Path, &Step), host: &str) -> Advice {
    let names = at.0.certificate.as_ref().map(|certificate| certificate.names.join(", ")).unwrap_or_default();
    let (cause, remedy) = match at.1.cause {
        Some(Cause::CertificateExpired) => (
            "the certificate has expired",
            "Renew the certificate, and let the server read it again (for coturn: restart it, or send it SIGUSR2)."
                .to_owned(),
        ),
        Some(Cause::CertificateName) => (
            "the certificate is for another name than the URL has",
            format!("Write a name of the certificate in the URL ({names}), or get a certificate for `{host}`."),
        ),
        Some(Cause::CertificateIssuer) => (
            "nobody whom browsers trust has signed it, or the certificates between are not sent",
            "Serve the full chain (for coturn: `cert=fullchain.pem`); for an authority of your own give `--ca FILE` \
             here, and install it in every client."
                .to_owned(),
        ),
        _ => ("the certificate is not one that browsers take", "Get another certificate.".to_owned()),
    };
    Advice::new(
        "turn-tls-cert",
        at,
        cause,
        remedy,
        "browsers end the handshake, and relay nothing over this path",
    )
}

fn lost(at: (&Path, &Step)) -> Advice {
    let (path, step) = at;
    let lost = |name| path.step(name).is_some_and(|step| step.status == Status::Failed);
    let range = "usually UDP 49152 to 65535 (for coturn: `min-port`, `max-port`)";
    if step.step == StepName::Load {
        return Advice::new(
            "media-loss",
            at,
            "single packets pass, and many are lost at the rate of media (about 1 Mbit/s): a link or a server at its \
             limit, on the way there or back",
            "Test from another network to see on which side it is; for coturn check `max-bps` and `bps-capacity`, and the \
             load of the machine.",
            "relayed calls connect, and picture and sound break up",
        );
    }
    let elsewhere = match (path.relayed, path.address) {
        (Some(relayed), Some(server)) if relayed.ip() != server.ip() => Some((relayed.ip(), server.ip())),
        _ => None,
    };
    match (step.step, lost(StepName::Inbound), lost(StepName::Outbound)) {
        (_, true, false) if let Some((relayed, server)) = elsewhere => Advice::new(
            "turn-relay-ports-closed",
            at,
            format!(
                "what is sent to the relayed address {relayed} does not arrive, and the server itself is {server}: that \
                 address may lead elsewhere, or a firewall is closed inbound"
            ),
            format!(
                "For coturn: `external-ip` must be an address that leads to this server; else open the relayed ports \
                 inbound, {range}."
            ),
            if lost(StepName::Echo) {
                "a relayed side hears nothing of anybody"
            } else {
                "a relayed side hears nothing of a peer that is not relayed by the same server"
            },
        ),
        (_, true, true) => Advice::new(
            "turn-relay-ports-closed",
            at,
            "nothing passes between the relayed port and a peer outside, in either direction: a firewall at the server \
             is closed, or one on our side lets UDP to the server's own port alone pass; another network tells which",
            format!("Open the relayed ports of the server in and out, {range}."),
            "allocations work, and every relayed call stays without media",
        ),
        (_, true, false) => Advice::new(
            "turn-relay-ports-closed",
            at,
            "what is sent to the relayed port does not arrive: a firewall at the server is closed inbound, or one on \
             our side lets UDP to the server's own port alone out; another network tells which",
            format!("Open the relayed ports of the server inbound, {range}."),
            "a relayed side hears nothing of a peer that is not relayed by the same server",
        ),
        (_, false, true) => Advice::new(
            "turn-relay-ports-closed",
            at,
            "the relay does not reach peers, while what they send arrives: a firewall is closed outbound",
            format!("Let the server send UDP from its relayed ports, {range}."),
            "peers hear nothing of a relayed side",
        ),
        _ => Advice::new(
            "turn-relay-ports-closed",
            at,
            "the server does not reach its own relayed addresses",
            "Let the server reach its own outer address (hairpin), or for coturn set `external-ip=OUTER/INNER`.",
            "two sides that are both relayed by this server do not reach each other",
        ),
    }
}

fn refusal(at: (&Path, &Step), situation: &Situation<'_>) -> Advice {
    let (path, step) = at;
    match step.code.unwrap_or_default() {
        401 if step.step == StepName::Binding => Advice::new(
            "turn-rejected",
            at,
            "it answers Binding to known users only, and nobody has a user at a `stun:` URL",
            "For coturn: remove `secure-stun`; or give the clients a `turn:` URL with credentials.",
            "browsers find no address of theirs with this server",
        ),
        403 if step.step <= StepName::Allocate => Advice::new(
            "turn-rejected",
            at,
            "the server forbids this user, or this address of ours, to allocate",
            format!("Look into the log of the server{}.", software(path)),
            NO_CALL,
        ),
        401 | 441 => unauthorized(at, situation.suspicion.as_ref()),
        403 => Advice::new(
            "turn-403-peer",
            at,
            "the server forbids this peer",
            "For coturn: check `denied-peer-ip`, and allow with `allowed-peer-ip=ADDRESS`.",
            "peers with such an address are not reached through this server",
        ),
        438 => Advice::new(
            "turn-stale-nonce",
            at,
            "438 came again for a request with the nonce that the server had just given",
            "Let the load balancer keep a client on one server.",
            if step.step <= StepName::Allocate {
                NO_CALL
            } else {
                "relayed calls end when the nonce is renewed"
            },
        ),
        300 => Advice::new(
            "turn-rejected",
            at,
            "the server sends us elsewhere (300), and does not say where (ALTERNATE-SERVER)",
            "For coturn: check `alternate-server=`.",
            NO_CALL,
        ),
        code @ (486 | 508) => {
            let options =
                if code == 486 { "`user-quota` and `total-quota`" } else { "`min-port` and `max-port`" };
            Advice::new(
                "turn-quota",
                at,
                "there is no allocation left, though we hold none",
                format!("For coturn: raise {options}; look for clients that do not close their connections."),
                "whoever comes now is not relayed",
            )
        }
        442 => Advice::new(
            "turn-rejected",
            at,
            "the server does not relay UDP",
            "For coturn: remove `no-udp-relay`.",
            NO_CALL,
        ),
        code => Advice::new(
            "turn-rejected",
            at,
            format!(
                "the server refuses {} with {code}, which a client can do nothing about",
                step.step.as_str()
            ),
            format!("Look into the log of the server{}.", software(path)),
            NO_CALL,
        ),
    }
}

fn software(path: &Path) -> String {
    path.software.as_ref().map(|name| format!(" ({name})")).unwrap_or_default()
}

fn unauthorized(at: (&Path, &Step), suspicion: Option<&Suspicion>) -> Advice {
    let realm = at.0.realm.as_deref().unwrap_or("");
    let made = "base64(HMAC-SHA1(`static-auth-secret`, username))";
    let calls = "no call is relayed with this credential";
    let turn_401 = |cause: &str, remedy: String| Advice::new("turn-401", at, cause, remedy, calls);
    match suspicion {
        Some(Suspicion::Expired(ago)) => Advice::new(
            "turn-expired",
            at,
            format!("the time in the user name is past, {} ago by the clock of this machine", rough(*ago)),
            "Fetch a new credential for each call; if it is new, set the clock of the machine that makes it.",
            calls,
        ),
        Some(Suspicion::Milliseconds) => turn_401(
            "the time in the user name is in milliseconds",
            "Write seconds: `Math.floor(Date.now() / 1000) + 3600`.".to_owned(),
        ),
        Some(Suspicion::Hexadecimal) => {
            turn_401("the credential is hexadecimal", format!("Write the credential as {made}."))
        }
        Some(Suspicion::Base64OfHexadecimal) => turn_401(
            "the credential is base64 of hexadecimal",
            format!("Encode the bytes of the digest, not its text: {made}."),
        ),
        Some(Suspicion::Blank) => turn_401(
            "the user name or the credential begins or ends with a blank",
            "Remove the blank, often the line end of a file.".to_owned(),
        ),
        Some(Suspicion::Empty) => {
            turn_401("the user name or the credential is empty", "Give both.".to_owned())
        }
        None => turn_401(
            "wrong password, unknown user, or another secret; one text stands for all of them",
            format!(
                "For coturn: `lt-cred-mech` with `user=NAME:PASSWORD` and `realm={realm}`; with `use-auth-secret` the \
                 credential is {made}. Its log names the user."
            ),
        ),
    }
}

fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

const fn carrier(transport: IceTransport) -> &'static str {
    if transport.is_datagram() { "UDP" } else { "TCP" }
}

const fn handshake(transport: IceTransport) -> &'static str {
    if transport.is_datagram() { "a handshake of DTLS" } else { "a handshake of TLS" }
}
