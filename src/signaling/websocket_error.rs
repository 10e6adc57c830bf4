//! Why no WebSocket came about, told from the error and from the first bytes that answered.

use rustls::Error as TlsError;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::StatusCode;
use url::Url;

use super::JoinError;
use super::message::shorten;
use super::websocket::Handshake;
use crate::diagnostic::escaped;
use crate::trust::CertificateProblem;

const CHECK_URL: &str = "check host, port and path of the URL";

/// The [`JoinError`] for a handshake that failed with `error`; `first` is what was read first.
pub(super) fn explain(
    url: &Url,
    shown: &str,
    address: &str,
    error: &Error,
    first: &[u8],
    handshake: &Handshake,
) -> JoinError {
    let not_a_room = |answer: String, remedy: &str| JoinError::NotARoom {
        url: shown.to_owned(),
        wanted: handshake.wanted.clone(),
        answer,
        remedy: remedy.to_owned(),
    };
    if let Error::Io(io) = error
        && let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>())
    {
        let remedy = tls_remedy(tls).to_owned();
        return JoinError::Tls { address: address.to_owned(), reason: tls_reason(tls, first), remedy };
    }
    match error {
        Error::Http(response) => {
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            not_a_room(status_line(response.status(), location), status_remedy(response.status()))
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
            match handshake.subprotocols.is_empty() {
                true => not_a_room(
                    "it insists on a subprotocol, and the dialect names none".to_owned(),
                    "say `subprotocol` under [connect]",
                ),
                false => not_a_room(
                    format!("it speaks WebSocket but not the subprotocol {}", handshake.shown_subprotocols),
                    CHECK_URL,
                ),
            }
        }
        Error::Io(io) if url.scheme() == "wss" => JoinError::Tls {
            address: address.to_owned(),
            reason: io.to_string(),
            remedy: "if that port does not speak TLS, write ws:// instead of wss://".to_owned(),
        },
        _ if first.is_empty() => {
            not_a_room("it closed the connection without an answer".to_owned(), CHECK_URL)
        }
        // A TLS alert (RFC 8446 §5.1).
        _ if first.starts_with(&[0x15, 0x03]) => {
            not_a_room("it speaks TLS".to_owned(), "write wss:// instead of ws://")
        }
        _ => not_a_room(format!("it answered {}", quoted(first)), CHECK_URL),
    }
}

/// The [`JoinError`] for a certificate that is not trusted.
pub(super) fn distrusted(address: &str, problem: &CertificateProblem) -> JoinError {
    let remedy = match problem {
        CertificateProblem::Expired => "renew the room's certificate",
        CertificateProblem::NotYetValid => "set this machine's clock, or wait until the certificate is valid",
        CertificateProblem::WrongName { .. } => "use a name that the certificate is for",
        CertificateProblem::UnknownIssuer => {
            "trust it with `--ca FILE` (PEM: the authority, or the certificate itself), or give the room one of a public authority"
        }
        CertificateProblem::Other(_) => "look at the room's certificate",
    };
    JoinError::Tls { address: address.to_owned(), reason: problem.to_string(), remedy: remedy.to_owned() }
}

fn status_line(status: StatusCode, location: Option<&str>) -> String {
    match location {
        Some(location) => format!("it answered HTTP {status} and points to {:?}", shorten(location, 80)),
        None => format!("it answered HTTP {status}"),
    }
}

fn status_remedy(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..=399 => "use the URL that it points to",
        401 | 403 | 407 => "something in front of the room asks for credentials or refuses us",
        502..=504 => "a proxy answers, but the room behind it does not run",
        _ => CHECK_URL,
    }
}

fn tls_reason(error: &TlsError, first: &[u8]) -> String {
    match error {
        TlsError::InvalidMessage(_) => format!("it does not speak TLS, it answered {}", quoted(first)),
        other => escaped(other.to_string().as_bytes()),
    }
}

fn tls_remedy(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidMessage(_) => "write ws:// instead of wss://, or correct the port",
        _ => "look at the certificate and the TLS versions of the room",
    }
}

/// The first line of `bytes`, readable.
fn quoted(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    format!("\"{}\"", line.escape_ascii())
}
