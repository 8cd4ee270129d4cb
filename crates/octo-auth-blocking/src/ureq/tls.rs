//! TLS settings of ureq: defaults for what a builder leaves open, and certificates from PEM text.

use std::sync::Arc;

use octo_auth_system::SetupError;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsConfigBuilder};

/// Fills in the TLS settings that are left open. The crypto provider is selected explicitly, so that neither a
/// feature nor another crate can change it. The certificates are those of the platform.
///
/// # Errors
///
/// A [`SetupError`] if a client certificate cannot be used: ureq would panic.
pub(super) fn completed(tls: &TlsConfig) -> Result<TlsConfig, SetupError> {
    let provider = tls.unversioned_rustls_crypto_provider().clone().unwrap_or_else(ring);
    if let Some(certificate) = tls.client_cert() {
        check(certificate, &provider)?;
    }
    let roots = match tls.root_certs() {
        RootCerts::WebPki => RootCerts::PlatformVerifier,
        named => named.clone(),
    };
    Ok(builder_of(tls).root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

/// Returns a builder with these settings.
pub(super) fn builder_of(tls: &TlsConfig) -> TlsConfigBuilder {
    let builder = TlsConfig::builder()
        .provider(tls.provider())
        .client_cert(tls.client_cert().cloned())
        .root_certs(tls.root_certs().clone())
        .use_sni(tls.use_sni())
        .disable_verification(tls.disable_verification());
    match tls.unversioned_rustls_crypto_provider() {
        Some(provider) => builder.unversioned_rustls_crypto_provider(provider.clone()),
        None => builder,
    }
}

/// Returns the certificate authorities of a PEM text.
pub(super) fn roots(pem: &[u8]) -> Result<RootCerts, SetupError> {
    let (certificates, _) = items(pem, NO_ROOT)?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        // ureq skips certificates that it cannot use.
        let added = store.add(CertificateDer::from(certificate.der()).into_owned());
        added.map_err(|error| SetupError::new(format!("{UNUSABLE_ROOT}: {error}")))?;
    }
    Ok(RootCerts::from(certificates))
}

/// Returns the client certificate of a PEM text.
pub(super) fn client_certificate(pem: &[u8]) -> Result<ClientCert, SetupError> {
    let (chain, key) = items(pem, NO_CLIENT_CERTIFICATE)?;
    let key = key.ok_or_else(|| SetupError::new(NO_PRIVATE_KEY))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

const NO_ROOT: &str = "the PEM text of the root certificates holds no certificate";
const UNUSABLE_ROOT: &str = "a root certificate cannot be used";
const NO_CLIENT_CERTIFICATE: &str = "the PEM text of the client certificate holds no certificate";
const NO_PRIVATE_KEY: &str =
    "the PEM text of the client certificate holds no private key: add the key to it, unencrypted";
const UNUSABLE_CLIENT_CERTIFICATE: &str = "the client certificate cannot be used";
/// The library's own error is not used: it shows the line that could not be read, which may be a key.
const UNREADABLE_PEM: &str = "the PEM text cannot be read: write its `BEGIN` and `END` markers in lines of their own, \
     with base64 alone between them";

/// Returns all certificates of a PEM text, at least one, and its first private key.
fn items(
    pem: &[u8],
    none: &'static str,
) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>), SetupError> {
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in ureq::tls::parse_pem(pem) {
        match item.map_err(|_| SetupError::new(UNREADABLE_PEM))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) => key = key.or(Some(found)),
            _ => {}
        }
    }
    if certificates.is_empty() { Err(SetupError::new(none)) } else { Ok((certificates, key)) }
}

/// Checks that a client certificate and its key can be used and match.
fn check(certificate: &ClientCert, provider: &CryptoProvider) -> Result<(), SetupError> {
    let der = |certificate: &Certificate<'_>| CertificateDer::from(certificate.der()).into_owned();
    let chain = certificate.certs().iter().map(der).collect();
    let key = certificate.private_key();
    let bytes = key.der().to_vec();
    // ureq does not export the type of the kind.
    let key = match format!("{:?}", key.kind()).as_str() {
        "Pkcs1" => PrivateKeyDer::Pkcs1(bytes.into()),
        "Sec1" => PrivateKeyDer::Sec1(bytes.into()),
        _ => PrivateKeyDer::Pkcs8(bytes.into()),
    };
    CertifiedKey::from_der(chain, key, provider)
        .map(drop)
        .map_err(|error| SetupError::new(format!("{UNUSABLE_CLIENT_CERTIFICATE}: {error}")))
}

fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
