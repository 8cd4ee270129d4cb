//! A TLS server on loopback, with a certificate made for it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use octo_auth_core::{Exchange, Profile, Scopes, TokenSet};
use rcgen::{CertifiedKey, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::server::{WantsServerCert, WebPkiClientVerifier};
use rustls::{
    ConfigBuilder, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion, WantsVerifier,
};

use crate::registration::{self, sound};

/// The answer to every token request.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
    {\"access_token\":\"token-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}";

/// A server that answers each token request with the access token `token-1`.
///
/// Methods that wait panic if the server ends first.
pub struct TlsServer {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    /// Each request, and whether its connection resumed a session.
    requests: Receiver<(String, bool)>,
}

impl TlsServer {
    /// Starts a server with a certificate for these names and addresses.
    #[must_use]
    pub fn start(names: &[&str]) -> Self {
        Self::replying(names, answering)
    }

    /// Starts a server that requires a client certificate.
    #[must_use]
    pub fn demanding(client: &ClientIdentity, names: &[&str]) -> Self {
        Self::demanding_in(client, names, rustls::DEFAULT_VERSIONS)
    }

    /// As [`Self::demanding`], in these versions of TLS.
    #[must_use]
    pub fn demanding_in(
        client: &ClientIdentity,
        names: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        sound(roots.add(client.certificate.clone()));
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let verifier = sound(verifier.build());
        Self::serving(names, versions, |builder| builder.with_client_cert_verifier(verifier), answering)
    }

    /// Starts a server that sends a reply as soon as the function returns one for the bytes read so far.
    #[must_use]
    pub fn replying(names: &[&str], reply: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let without = ConfigBuilder::<ServerConfig, _>::with_no_client_auth;
        Self::serving(names, rustls::DEFAULT_VERSIONS, without, reply)
    }

    fn serving(
        names: &[&str],
        versions: &[&'static SupportedProtocolVersion],
        authenticating: impl FnOnce(
            ConfigBuilder<ServerConfig, WantsVerifier>,
        ) -> ConfigBuilder<ServerConfig, WantsServerCert>,
        reply: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let ClientIdentity { certificate, key } = ClientIdentity::new(names);
        let key = sound(key.serialize_der().try_into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = authenticating(sound(config.with_protocol_versions(versions)));
        let config = Arc::new(sound(config.with_single_cert(vec![certificate.clone()], key)));
        let listener = sound(TcpListener::bind("127.0.0.1:0"));
        let address = sound(listener.local_addr());
        let (log, requests) = channel();
        thread::spawn(move || {
            for socket in listener.incoming() {
                // An error means that the client hung up, for example during the handshake.
                let _ = socket.and_then(|socket| {
                    let mut rest = socket.try_clone()?;
                    let _ = serve(socket, &config, &reply, |request| drop(log.send(request)));
                    // Closing with unread bytes would reset the connection and lose the reply.
                    rest.shutdown(Shutdown::Write)?;
                    io::copy(&mut rest, &mut io::sink())
                });
            }
        });
        Self { address, certificate, requests }
    }

    /// Returns the address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate, which is its own authority.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns a token request to the server under a name of its certificate.
    pub fn asking(&self, name: &str) -> Exchange<TokenSet> {
        let profile = sound(Profile::rfc6749(&format!("https://{name}:{}/token", self.address.port())));
        sound(registration::with(profile).client_credentials(&Scopes::none()))
    }

    /// Waits for the next request over TLS.
    #[must_use]
    pub fn next_request(&self) -> String {
        sound(self.requests.recv()).0
    }

    /// Waits for the next request, and returns whether its connection resumed the TLS session of another.
    #[must_use]
    pub fn next_is_resumed(&self) -> bool {
        sound(self.requests.recv()).1
    }

    /// Returns the requests that have arrived since.
    #[must_use]
    pub fn later_requests(&self) -> Vec<String> {
        self.requests.try_iter().map(|(request, _)| request).collect()
    }
}

/// Returns the reply to a complete token request.
fn answering(request: &str) -> Option<Vec<u8>> {
    request.contains("client_credentials").then(|| ANSWER.to_vec())
}

/// A certificate, which is its own authority, and its key.
pub struct ClientIdentity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl ClientIdentity {
    /// Creates a certificate for these names.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let CertifiedKey { cert, signing_key } = sound(rcgen::generate_simple_self_signed(names));
        Self { certificate: cert.der().clone(), key: signing_key }
    }

    /// Returns the certificate as PEM text.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// Returns the key as PEM text.
    #[must_use]
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key.serialize_der())
    }
}

/// Returns bytes as PEM text (RFC 7468).
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Replies to one connection.
fn serve(
    socket: TcpStream,
    config: &Arc<ServerConfig>,
    reply: impl Fn(&str) -> Option<Vec<u8>>,
    log: impl Fn((String, bool)),
) -> io::Result<()> {
    let mut stream = StreamOwned::new(sound(ServerConnection::new(Arc::clone(config))), socket);
    let mut request = String::new();
    let mut buffer = [0; 4096];
    let answer = loop {
        if let Some(answer) = reply(&request) {
            break answer;
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => request.push_str(&String::from_utf8_lossy(&buffer[..length])),
        }
    };
    log((request, stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)));
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}
