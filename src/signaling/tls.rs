//! TLS for `wss://`: the public authorities, and more where somebody gives them.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The configuration of a client that trusts the public authorities and those in `extra_ca_pem`.
pub(super) fn client_config(extra_ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra_ca_pem {
        add(&mut roots, pem)?;
    }
    // Named, because a process-wide default would depend on who came first.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate =
            certificate.map_err(|error| format!("the extra authorities cannot be read: {error}"))?;
        roots.add(certificate).map_err(|error| format!("an extra authority cannot be used: {error}"))?;
        found = true;
    }
    if found { Ok(()) } else { Err("the extra authorities hold no certificate".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_that_are_none_are_refused() {
        assert!(client_config(None).is_ok());
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(client_config(Some(pem)).is_err(), "{pem}");
        }
    }
}
