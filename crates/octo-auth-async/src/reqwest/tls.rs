//! TLS with rustls and ring: the trusted certificates, and the client's own.

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
    /// The trusted authorities, or `None` for those of the operating system.
    roots: Option<RootCertStore>,
    /// The client's certificate chain, and the key of its first certificate.
    own: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
}

impl Certificates {
    /// Returns whether only the operating system's certificates are trusted and the client has none.
    pub(super) fn are_default(&self) -> bool {
        self.roots.is_none() && self.own.is_none()
    }

    /// Replaces the trusted authorities.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), SetupError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem, NO_ROOT)? {
            roots.add(certificate).map_err(|error| SetupError::new(format!("{UNUSABLE_ROOT}: {error}")))?;
        }
        self.roots = Some(roots);
        Ok(())
    }

    /// Sets the certificate for servers that request one.
    pub(super) fn show(&mut self, pem: &[u8]) -> Result<(), SetupError> {
        let chain = certificates(pem, NO_CLIENT_CERTIFICATE)?;
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
            PemError::NoItemsFound => SetupError::new(NO_PRIVATE_KEY),
            _ => SetupError::new(UNREADABLE_PEM),
        })?;
        self.own = Some(Arc::new((chain, key)));
        Ok(())
    }

    /// Builds the TLS settings of these certificates.
    ///
    /// # Errors
    ///
    /// An error if the operating system trusts no certificates, or if the client's key does not match its
    /// certificate.
    pub(super) fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = ring();
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = match &self.roots {
            Some(roots) => builder.with_root_certificates(roots.clone()),
            // `dangerous` is the API for any verifier that is not rustls' own; this one verifies as the
            // platform does.
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
/// The library's own error is not used: it shows the line that could not be read, which may be a key.
const UNREADABLE_PEM: &str = "the PEM text cannot be read: write its `BEGIN` and `END` markers in lines of their own, \
     with base64 alone between them";

/// Returns all certificates of a PEM text, at least one.
fn certificates(pem: &[u8], none: &'static str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(SetupError::new(none)),
        Ok(found) => Ok(found),
        Err(_) => Err(SetupError::new(UNREADABLE_PEM)),
    }
}

/// Builds TLS settings that trust no certificate, for the client that never uses TLS.
pub(super) fn untrusting() -> Result<ClientConfig, SetupError> {
    let trusting_none = Certificates { roots: Some(RootCertStore::empty()), own: None };
    let mut tls = trusting_none.client_config().map_err(SetupError::new)?;
    // Otherwise memory for sessions is allocated at once.
    tls.resumption = Resumption::disabled();
    Ok(tls)
}

/// Installs ring for the process, unless the program has installed a crypto provider: without one, reqwest panics.
pub(super) fn ensure_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread has installed one meanwhile.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Selects the crypto provider explicitly, so that neither a feature nor another crate can change it.
fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
