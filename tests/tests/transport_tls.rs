//! Both adapters over TLS, in one process, with ring and a certificate authority of the user's own.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use octo_auth_core::{Delivery, Exchange, Fault, Profile, Scopes, TokenSet};
use octo_auth_tests::adapter::Adapter;
use octo_auth_tests::registration::{self, sound};
use rcgen::CertifiedKey;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
    {\"access_token\":\"token-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}";

/// A TLS server on loopback with a certificate made for it.
struct Secured {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    requests: Receiver<String>,
}

impl Secured {
    fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            sound(rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]));
        let certificate = cert.der().clone();
        let key = sound(signing_key.serialize_der().try_into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = sound(config.with_safe_default_protocol_versions()).with_no_client_auth();
        let config = sound(config.with_single_cert(vec![certificate.clone()], key));
        let listener = sound(TcpListener::bind("127.0.0.1:0"));
        let address = sound(listener.local_addr());
        let (log, requests) = channel();
        thread::spawn(move || serve(&listener, &Arc::new(config), |request| drop(log.send(request))));
        Self { address, certificate, requests }
    }

    fn asking(&self) -> Exchange<TokenSet> {
        let profile = sound(Profile::rfc6749(&format!("https://{}/token", self.address)));
        sound(registration::with(profile).client_credentials(&Scopes::none()))
    }
}

/// Answers each request that comes through TLS. A connection that fails in the handshake brings none.
fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, log: impl Fn(String)) {
    for socket in listener.incoming() {
        let connection = sound(ServerConnection::new(Arc::clone(config)));
        let mut stream = StreamOwned::new(connection, sound(socket));
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&request).contains("client_credentials") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(length) => request.extend_from_slice(&buffer[..length]),
            }
        }
        if !request.is_empty() {
            log(sound(String::from_utf8(request)));
            sound(stream.write_all(ANSWER));
            stream.conn.send_close_notify();
            sound(stream.flush());
        }
    }
}

#[test]
fn a_server_whose_certificate_is_trusted_is_asked_over_tls() {
    let server = Secured::start();
    for adapter in Adapter::trusting(&server.certificate) {
        let token = adapter.run(server.asking()).unwrap().value;
        assert_eq!(token.access_token().expose(), "token-1", "{}", adapter.name());
        let request = server.requests.recv().unwrap();
        assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{}: {request}", adapter.name());
    }
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_sent_nothing() {
    let server = Secured::start();
    for adapter in Adapter::trusting(&Secured::start().certificate) {
        let error = adapter.run(server.asking()).unwrap_err();
        let fault: &Fault = error.source().unwrap().downcast_ref().unwrap();
        assert_eq!(fault.delivery(), Delivery::NotSent, "{}: {error:?}", adapter.name());
        assert_eq!(fault.to_string(), "the TLS handshake failed", "{}: {error:?}", adapter.name());
    }
    for adapter in Adapter::trusting(&server.certificate) {
        adapter.run(server.asking()).unwrap();
    }
    assert_eq!(server.requests.try_iter().count(), 2, "only the requests over trusted TLS arrived");
}
