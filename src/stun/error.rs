//! What can go wrong between us and a server, apart from what it answers.

use std::time::Duration;

use crate::trust::CertificateProblem;

/// Why nothing more comes over a connection. A refusal by the server is no such error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing came in time.
    #[error("no answer ({sent} sent, waited {} ms{})", waited.as_millis(), ignored.as_deref().map(|why| format!("; {why}")).unwrap_or_default())]
    Silent {
        /// How often the request was sent.
        sent: u32,
        /// For how long.
        waited: Duration,
        /// What came and was not an answer.
        ignored: Option<String>,
    },
    /// TCP RST, or ICMP port unreachable.
    #[error("connection refused")]
    Refused,
    /// ICMP host or network unreachable, or prohibited.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The other side broke the connection.
    #[error("connection reset")]
    Reset,
    /// The other side ended the connection.
    #[error("the server closed the connection")]
    Closed,
    /// What came is not STUN.
    #[error("not a STUN server: {0}")]
    NotStun(String),
    /// TLS or DTLS failed for another reason than the certificate.
    #[error("{0}")]
    Handshake(String),
    /// The certificate is not trusted.
    #[error("{0}")]
    Certificate(CertificateProblem),
    /// The one who asked wants no answer any more.
    #[error("stopped")]
    Stopped,
    /// Anything else that the system says.
    #[error("{0}")]
    Io(String),
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::PermissionDenied => {
                Self::Unreachable(error.kind().to_string())
            }
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Self::Reset,
            ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::Io(kind.to_string()),
        }
    }
}
