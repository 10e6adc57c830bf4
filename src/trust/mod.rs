//! Whom we trust, and what a server's certificate says: one judgement for TLS and DTLS, which tells a wrong name, an
//! expired certificate and an unknown issuer apart.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::diagnostic::escaped;

/// The extra authorities cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustError(String);

/// The authorities, and whether they matter.
#[derive(Clone, Debug)]
pub struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    /// The extra authorities. A server that shows one of them itself, as `openssl req -x509` makes them, is trusted too.
    extra: Vec<CertificateDer<'static>>,
    insecure: bool,
}

/// What a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// For whom it is, fit to be shown.
    pub names: Vec<String>,
    /// Who signed it, fit to be shown.
    pub issuer: String,
    /// Whole days until it expires; negative once it has.
    pub days_left: Option<i64>,
    /// How many certificates were shown.
    pub chain: usize,
    /// Why it is not trusted.
    pub problem: Option<CertificateProblem>,
}

/// Why a certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// Its time is over.
    Expired,
    /// Its time has not come, or our clock is wrong.
    NotYetValid,
    /// It is for other names than the one that was asked for.
    WrongName {
        /// The host of the URL.
        asked: String,
        /// Those of the certificate.
        names: Vec<String>,
    },
    /// Nobody whom we trust signed it, or a certificate between is missing.
    UnknownIssuer,
    /// Anything else, in the words of the library.
    Other(String),
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the certificate has expired"),
            Self::NotYetValid => f.write_str("the certificate is not valid yet"),
            Self::WrongName { asked, names } => {
                let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
                write!(f, "the certificate is for {names}, not for {asked}")
            }
            Self::UnknownIssuer => f.write_str("the certificate's issuer is unknown"),
            Self::Other(why) => write!(f, "the certificate is not trusted: {why}"),
        }
    }
}

impl Trust {
    /// Trusts the public authorities and those in `extra_ca_pem`; with `insecure` everybody, though the problem is still
    /// told.
    ///
    /// # Errors
    /// The extra authorities are no certificates.
    pub fn new(extra_ca_pem: Option<&str>, insecure: bool) -> Result<Self, TrustError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let extra = match extra_ca_pem {
            Some(pem) => add(&mut roots, pem)?,
            None => Vec::new(),
        };
        // Named, because a process-wide default would depend on who came first.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TrustError(error.to_string()))?;
        Ok(Self { verifier, provider, extra, insecure })
    }

    /// What `chain` says, and whether it may speak for `host` at `now`.
    pub fn judge(&self, chain: &[CertificateDer<'_>], host: &str, now: UnixTime) -> Certificate {
        let mut certificate = read(chain, now);
        certificate.problem = match (chain.split_first(), ServerName::try_from(host)) {
            (None, _) => Some(CertificateProblem::Other("none was shown".to_owned())),
            (_, Err(_)) => {
                Some(CertificateProblem::Other(format!("`{}` is no name", escaped(host.as_bytes()))))
            }
            (Some((first, rest)), Ok(name)) => {
                let verified = self.verifier.verify_server_cert(first, rest, &name, &[], now);
                match verified {
                    Ok(_) => None,
                    Err(_) if self.extra.iter().any(|known| known.as_ref() == first.as_ref()) => {
                        pinned(first, &name, host, &certificate)
                    }
                    Err(error) => Some(problem(&error, host, &certificate)),
                }
            }
        };
        certificate
    }

    /// Whether a handshake with such a certificate goes on.
    pub fn accepts(&self, certificate: &Certificate) -> bool {
        self.insecure || certificate.problem.is_none()
    }

    /// A configuration of TLS that judges `host` this way, and where it keeps what it saw.
    ///
    /// # Errors
    /// In the words of the library.
    pub fn tls(&self, host: &str) -> Result<(ClientConfig, Seen), String> {
        let seen = Seen::default();
        let judge = Judge { trust: self.clone(), host: host.to_owned(), seen: seen.clone() };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(judge))
            .with_no_client_auth();
        Ok((config, seen))
    }
}

/// The certificate that a handshake came across.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Option<Certificate>>>);

impl Seen {
    /// Keeps what a server showed.
    pub fn keep(&self, certificate: Certificate) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// What was seen last, if anything was since the last time.
    pub fn take(&self) -> Option<Certificate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[derive(Debug)]
struct Judge {
    trust: Trust,
    host: String,
    seen: Seen,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(first).chain(rest).cloned().collect();
        let certificate = self.trust.judge(&chain, &self.host, now);
        let accepted = self.trust.accepts(&certificate);
        self.seen.keep(certificate);
        // The reason is kept with what was seen; this one only ends the handshake.
        let refused = rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        if accepted { Ok(ServerCertVerified::assertion()) } else { Err(refused) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.verifier.supported_verify_schemes()
    }
}

/// The wall clock as certificates are held against it.
pub fn unix_time(wall: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(wall.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

/// What may be wrong with a certificate that was given with `--ca` itself: its name and its time.
fn pinned(
    der: &CertificateDer<'_>,
    name: &ServerName<'_>,
    host: &str,
    certificate: &Certificate,
) -> Option<CertificateProblem> {
    let verified = ParsedCertificate::try_from(der).and_then(|parsed| verify_server_name(&parsed, name));
    match (verified, certificate.days_left) {
        (_, Some(..0)) => Some(CertificateProblem::Expired),
        (Err(error), _) => Some(problem(&error, host, certificate)),
        (Ok(()), _) => None,
    }
}

fn problem(error: &rustls::Error, host: &str, certificate: &Certificate) -> CertificateProblem {
    // The library stops at the first fault that it meets; this one must be mended in every case.
    if certificate.days_left.is_some_and(|days| days < 0) {
        return CertificateProblem::Expired;
    }
    let rustls::Error::InvalidCertificate(error) = error else {
        return CertificateProblem::Other(escaped(error.to_string().as_bytes()));
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName { asked: host.to_owned(), names: certificate.names.clone() }
        }
        // What signed itself is refused for being an authority, before anybody asks who signed it.
        // An authority of the same name with another key is another authority.
        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_) => {
            CertificateProblem::UnknownIssuer
        }
        other => CertificateProblem::Other(escaped(other.to_string().as_bytes())),
    }
}

/// So many names are told.
const NAMES: usize = 8;

fn read(chain: &[CertificateDer<'_>], now: UnixTime) -> Certificate {
    let mut certificate = Certificate {
        names: Vec::new(),
        issuer: String::new(),
        days_left: None,
        chain: chain.len(),
        problem: None,
    };
    let Some((_, parsed)) = chain.first().and_then(|first| X509Certificate::from_der(first).ok()) else {
        return certificate;
    };
    let seconds = parsed.validity().not_after.timestamp() - i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    certificate.days_left = Some(seconds.div_euclid(86_400));
    certificate.issuer = escaped(parsed.issuer().to_string().as_bytes());
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        let names = extension.value.general_names.iter().filter_map(name);
        certificate.names = names.take(NAMES).collect();
    }
    certificate
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(escaped(name.as_bytes())),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(std::net::IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).ok().map(std::net::IpAddr::from);
            v4.or_else(v6).map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let mut added = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| TrustError(format!("it cannot be read: {error}")))?;
        roots.add(certificate.clone()).map_err(|error| TrustError(format!("it cannot be used: {error}")))?;
        added.push(certificate);
    }
    if added.is_empty() { Err(TrustError("it holds no certificate".to_owned())) } else { Ok(added) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(
        names: &[&str],
        edit: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> (String, CertificateDer<'static>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        edit(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), certificate.der().clone())
    }

    fn at_2030() -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(1_893_456_000))
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_apart() {
        let (pem, good) = made(&["turn.test"], |_| {});
        let (old_pem, old) =
            made(&["turn.test"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
        let trust = Trust::new(Some(&format!("{pem}{old_pem}")), false).unwrap();
        let problem =
            |der: &CertificateDer<'_>, host| trust.judge(std::slice::from_ref(der), host, at_2030()).problem;
        assert_eq!(problem(&good, "turn.test"), None);
        assert_eq!(problem(&old, "turn.test"), Some(CertificateProblem::Expired));
        let wrong = problem(&good, "other.test").unwrap().to_string();
        assert_eq!(wrong, "the certificate is for turn.test, not for other.test");
        let strict = Trust::new(None, false).unwrap();
        let judged = strict.judge(&[good], "turn.test", at_2030());
        assert_eq!(judged.problem, Some(CertificateProblem::UnknownIssuer));
        assert!(!strict.accepts(&judged));
        assert!(Trust::new(None, true).unwrap().accepts(&judged), "--insecure");
        assert!(strict.judge(&[], "turn.test", at_2030()).problem.is_some());
        let garbage = CertificateDer::from(vec![1, 2, 3]);
        assert!(strict.judge(&[garbage], "turn.test", at_2030()).problem.is_some());
    }

    #[test]
    fn the_days_that_are_left_are_counted() {
        let (_, soon) = made(&["127.0.0.1"], |params| params.not_after = rcgen::date_time_ymd(2030, 1, 15));
        let certificate = read(&[soon], at_2030());
        assert_eq!((certificate.days_left, certificate.names), (Some(14), vec!["127.0.0.1".to_owned()]));
    }

    #[test]
    fn authorities_that_are_none_are_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Trust::new(Some(pem), false).is_err(), "{pem}");
        }
    }
}
