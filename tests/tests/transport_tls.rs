//! Both adapters over TLS, in one process, with ring and a certificate authority of the user's own.

use std::error::Error;
use std::time::Duration;

use octo_auth_core::{Delivery, Fault};
use octo_auth_tests::adapter::Adapter;
use octo_auth_tests::tls_server::TlsServer;

#[test]
fn a_server_whose_certificate_is_trusted_is_asked_over_tls() {
    let server = TlsServer::start(&["127.0.0.1"]);
    for adapter in Adapter::trusting(server.certificate()) {
        let token = adapter.run(server.asking("127.0.0.1")).unwrap().value;
        assert_eq!(token.access_token().expose(), "token-1", "{}", adapter.name());
        let request = server.next_request();
        assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{}: {request}", adapter.name());
    }
}

#[test]
fn a_server_that_is_silent_behind_tls_is_waited_for_until_the_deadline() {
    let server = TlsServer::replying(&["127.0.0.1"], |_| None);
    for adapter in Adapter::trusting(server.certificate()) {
        let adapter = adapter.with_deadline(Duration::from_millis(500));
        let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
        let fault: &Fault = error.source().unwrap().downcast_ref().unwrap();
        assert_eq!((&*error.code(), fault.delivery()), ("timeout", Delivery::Unknown), "{}", adapter.name());
    }
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_sent_nothing() {
    let server = TlsServer::start(&["127.0.0.1"]);
    for adapter in Adapter::trusting(TlsServer::start(&["127.0.0.1"]).certificate()) {
        let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
        let fault: &Fault = error.source().unwrap().downcast_ref().unwrap();
        assert_eq!(fault.delivery(), Delivery::NotSent, "{}: {error:?}", adapter.name());
        assert_eq!(fault.to_string(), "the TLS handshake failed", "{}: {error:?}", adapter.name());
    }
    for adapter in Adapter::trusting(server.certificate()) {
        adapter.run(server.asking("127.0.0.1")).unwrap();
    }
    assert_eq!(server.later_requests().len(), 2, "only the requests over trusted TLS arrived");
}
