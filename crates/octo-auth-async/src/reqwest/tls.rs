//! TLS over rustls and ring: whose certificates are trusted, and the client's own.

use std::sync::Arc;

use octo_auth_system::SetupError;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// The certificates of a transport.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    /// The authorities that are trusted; `None` for those of the operating system.
    roots: Option<RootCertStore>,
    /// The client's own chain and the key of its first certificate.
    own: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
}

impl Certificates {
    /// Returns whether these are the operating system's and nothing else.
    pub(super) fn are_default(&self) -> bool {
        self.roots.is_none() && self.own.is_none()
    }

    /// Trusts these authorities instead of those before.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), SetupError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem, NO_ROOT)? {
            roots.add(certificate).map_err(|error| SetupError::new(format!("{UNUSABLE_ROOT}: {error}")))?;
        }
        self.roots = Some(roots);
        Ok(())
    }

    /// Shows this certificate to servers that ask for one.
    pub(super) fn show(&mut self, pem: &[u8]) -> Result<(), SetupError> {
        let chain = certificates(pem, NO_CLIENT_CERTIFICATE)?;
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
            PemError::NoItemsFound => SetupError::new(NO_PRIVATE_KEY),
            _ => SetupError::new(UNREADABLE_PEM),
        })?;
        self.own = Some(Arc::new((chain, key)));
        Ok(())
    }

    /// The TLS of these certificates.
    ///
    /// # Errors
    ///
    /// An error if the operating system trusts no certificates, or if the client's key is not that of its certificate.
    pub(super) fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = ring();
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = match &self.roots {
            Some(roots) => builder.with_root_certificates(roots.clone()),
            // The verifier of the platform is a verifier; `dangerous` stands for any that is not rustls' own.
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::new(provider)?)),
        };
        match self.own.as_deref() {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
            None => Ok(builder.with_no_client_auth()),
        }
    }
}

const NO_ROOT: &str = "the PEM text of the root certificates holds no certificate";
const UNUSABLE_ROOT: &str = "a root certificate cannot be used";
const NO_CLIENT_CERTIFICATE: &str = "the PEM text of the client certificate holds no certificate";
const NO_PRIVATE_KEY: &str =
    "the PEM text of the client certificate holds no private key: add the key to it, unencrypted";
/// Not with the library's own error, which shows the line that it could not read: perhaps a key.
const UNREADABLE_PEM: &str = "the PEM text cannot be read: write its `BEGIN` and `END` markers in lines of their own, \
     with base64 alone between them";

/// All certificates of a PEM text, at least one.
fn certificates(pem: &[u8], none: &'static str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(SetupError::new(none)),
        Ok(found) => Ok(found),
        Err(_) => Err(SetupError::new(UNREADABLE_PEM)),
    }
}

/// TLS that trusts no certificate, for the client that never uses it.
pub(super) fn untrusting() -> Result<ClientConfig, SetupError> {
    let trusting_none = Certificates { roots: Some(RootCertStore::empty()), own: None };
    let mut tls = trusting_none.client_config().map_err(SetupError::new)?;
    // The room for sessions is made at once otherwise.
    tls.resumption = Resumption::disabled();
    Ok(tls)
}

/// Installs ring for the process unless it has chosen its cryptography: reqwest panics without any.
pub(super) fn ensure_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // An error is another thread that has installed one meanwhile.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Cryptography chosen here, so that neither a feature nor another crate of the program can choose it.
fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
