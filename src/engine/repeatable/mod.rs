//! What keeps an engine on simulated time from being different in every run: its randomness, its certificate, and the
//! engine's own texts.
//!
//! The two keys beside this file are no secrets: they identify the two sides of calls that never leave the process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rand::Rng as _;
use rtc::crypto::{
    CryptoError, PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SignatureScheme, SigningKey,
    default_provider,
};
use rtc::peer_connection::certificate::RTCCertificate;

use super::EngineError;
use crate::world::{Rng, World};

/// A key in PKCS#8, and the certificate with its public half, both DER; ECDSA with P-256.
struct Identity {
    key: &'static [u8],
    certificate: &'static [u8],
}

const CALLER: Identity =
    Identity { key: include_bytes!("caller.key.der"), certificate: include_bytes!("caller.certificate.der") };
const CALLEE: Identity =
    Identity { key: include_bytes!("callee.key.der"), certificate: include_bytes!("callee.certificate.der") };

/// Until when the engine takes the certificate, since 1970; it asks the real clock. In the year 2120.
const EXPIRES: Duration = Duration::from_secs(150 * 365 * 86_400);
/// ECDSA signatures of P-256 take 70 to 72 bytes in DER, by chance. About half take this many.
const SIGNATURE_LENGTH: usize = 71;

/// A crypto provider whose randomness comes from `world`. What ring draws for itself cannot be had: it shows in the
/// contents of packets only.
pub(super) fn crypto(world: &dyn World, label: &str) -> Result<Arc<dyn RTCCryptoProvider>, EngineError> {
    let inner = default_provider().map_err(failed)?;
    let random = SeededRandom(Mutex::new(world.rng(&format!("{label}/crypto"))));
    Ok(Arc::new(SeededProvider { inner, random }))
}

/// The certificate of a side of a simulated call.
pub(super) fn certificate(label: &str) -> Result<RTCCertificate, EngineError> {
    // An engine's label begins with the role of its side.
    let identity = if label.starts_with("callee") { CALLEE } else { CALLER };
    let provider = default_provider().map_err(failed)?;
    let scheme = SignatureScheme::EcdsaP256Sha256;
    let key = provider.crypto().import_signing_key(scheme, identity.key).map_err(failed)?;
    Ok(RTCCertificate::from_signing_key(
        vec![identity.certificate.to_vec().into()],
        Arc::new(SameLength(key)),
        SystemTime::UNIX_EPOCH + EXPIRES,
    ))
}

/// A text of the engine without what differs from run to run: the `o=` line, and the order of header extensions, which
/// it takes from a hash map.
pub(super) fn canonical(sdp: &str) -> String {
    let mut lines: Vec<&str> = sdp.lines().collect();
    for run in lines.chunk_by_mut(|a, b| is_extension(a) && is_extension(b)) {
        run.sort_unstable();
    }
    let line = |line: &str| if line.starts_with("o=") { "o=-\r\n".to_owned() } else { format!("{line}\r\n") };
    lines.into_iter().map(line).collect()
}

fn is_extension(line: &str) -> bool {
    line.starts_with("a=extmap:")
}

fn failed(error: CryptoError) -> EngineError {
    EngineError::Failed(format!("cannot make simulated keys: {error}"))
}

struct SeededProvider {
    inner: Arc<dyn RTCCryptoProvider>,
    random: SeededRandom,
}

impl RTCCryptoProvider for SeededProvider {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.inner.crypto()
    }

    fn random(&self) -> &dyn RTCRandom {
        &self.random
    }
}

struct SeededRandom(Mutex<Rng>);

impl RTCRandom for SeededRandom {
    fn fill(&self, output: &mut [u8]) -> Result<(), CryptoError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(output);
        Ok(())
    }
}

/// Signs until the signature has the usual length, so that packets have the same sizes in every run.
struct SameLength(Arc<dyn SigningKey>);

impl SigningKey for SameLength {
    fn supports(&self, scheme: SignatureScheme) -> bool {
        self.0.supports(scheme)
    }

    fn public_key(&self) -> PublicKey<'_> {
        self.0.public_key()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        loop {
            let signature = self.0.sign(scheme, message)?;
            if signature.len() == SIGNATURE_LENGTH {
                return Ok(signature);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Simulated;

    #[test]
    fn the_sides_have_certificates_of_their_own_that_never_change() {
        let fingerprint = |label: &str| {
            let crypto = crypto(&Simulated::new(1), label).unwrap();
            certificate(label).unwrap().get_fingerprints(crypto.crypto()).unwrap()[0].value.clone()
        };
        assert_eq!(fingerprint("caller 1"), fingerprint("caller 1"));
        assert_ne!(fingerprint("caller 1"), fingerprint("callee 2"));
    }

    #[test]
    fn randomness_follows_the_seed_and_the_label() {
        let draw = |seed, label: &str| {
            let mut bytes = [0; 16];
            crypto(&Simulated::new(seed), label).unwrap().random().fill(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn texts_of_the_engine_become_equal() {
        let text = "v=0\r\no=- 5 6 IN IP4 0.0.0.0\r\nm=audio\r\na=extmap:2 b\r\na=extmap:1 a\r\na=mid:0\r\n";
        let expected = "v=0\r\no=-\r\nm=audio\r\na=extmap:1 a\r\na=extmap:2 b\r\na=mid:0\r\n";
        assert_eq!(canonical(text), expected);
    }
}
