//! Both adapters over TLS, in one process, with ring and a user's own certificate authority.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::error::Error;
use std::time::Duration;

use octo_auth_async::ReqwestTransport;
use octo_auth_async::proxies::Proxies;
use octo_auth_blocking::UreqTransport;
use octo_auth_core::{Delivery, Remedy, TransportError};
use octo_auth_tests::adapter::Adapter;
use octo_auth_tests::tls_server::{ClientIdentity, TlsServer, pem};

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
fn a_second_connection_to_a_server_resumes_the_tls_session_of_the_first() {
    let server = TlsServer::start(&["127.0.0.1"]);
    for adapter in Adapter::trusting(server.certificate()) {
        let resumed = [(); 2].map(|()| {
            adapter.run(server.asking("127.0.0.1")).unwrap();
            server.next_is_resumed()
        });
        assert_eq!(resumed, [false, true], "{}", adapter.name());
    }
}

#[test]
fn a_server_that_is_silent_behind_tls_is_waited_for_until_the_deadline() {
    let server = TlsServer::replying(&["127.0.0.1"], |_| None);
    for adapter in Adapter::trusting(server.certificate()) {
        let adapter = adapter.with_deadline(Duration::from_millis(500));
        let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
        let fault: &TransportError = error.fault().unwrap();
        assert_eq!((&*error.code(), fault.delivery()), ("timeout", Delivery::Unknown), "{}", adapter.name());
    }
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_sent_nothing() {
    let server = TlsServer::start(&["127.0.0.1"]);
    for adapter in Adapter::trusting(TlsServer::start(&["127.0.0.1"]).certificate()) {
        let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
        let fault: &TransportError = error.fault().unwrap();
        assert_eq!(fault.delivery(), Delivery::NotSent, "{}: {error:?}", adapter.name());
        // Both have the same name, so one seems to have issued the other.
        let why = "could not be sent: TLS: certificate not trusted (BadSignature)";
        assert!(error.to_string().ends_with(why), "{}: {error}", adapter.name());
        assert!(error.source().is_none(), "{}: it is said once", adapter.name());
    }
    for adapter in Adapter::trusting(server.certificate()) {
        adapter.run(server.asking("127.0.0.1")).unwrap();
    }
    assert_eq!(server.later_requests().len(), 2, "only the requests over trusted TLS arrived");
}

/// Returns each adapter with a separate transport, built from PEM texts.
fn with_pem(roots: &str, client: Option<&str>) -> Vec<Adapter> {
    let asynchronous = ReqwestTransport::with_proxies(&Proxies::none()).unwrap();
    let asynchronous = asynchronous.with_root_certificates(roots).unwrap();
    let blocking = UreqTransport::with_proxies(&Proxies::none()).unwrap();
    let blocking = blocking.with_root_certificates(roots).unwrap();
    let (asynchronous, blocking) = match client {
        Some(client) => (
            asynchronous.with_client_certificate(client).unwrap(),
            blocking.with_client_certificate(client).unwrap(),
        ),
        None => (asynchronous, blocking),
    };
    Adapter::with_runners(
        octo_auth_async::Runner::with_transport(asynchronous),
        octo_auth_blocking::Runner::with_transport(blocking),
    )
}

#[test]
fn certificate_authorities_of_a_pem_text_are_trusted() {
    let other = ClientIdentity::new(&["other.example"]).certificate_pem();
    let server = TlsServer::start(&["127.0.0.1"]);
    let bundle = format!("{other}# the server's own\n{}", pem("CERTIFICATE", server.certificate()));
    for adapter in with_pem(&bundle, None) {
        adapter.run(server.asking("127.0.0.1")).unwrap();
    }
    for adapter in with_pem(&other, None) {
        let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
        assert_eq!(error.code(), "not_sent", "{}", adapter.name());
    }
    assert_eq!(server.later_requests().len(), 2);
}

#[test]
fn a_client_certificate_of_a_pem_text_is_shown_to_a_server_that_demands_it() {
    let client = ClientIdentity::new(&["client.example"]);
    let server = TlsServer::demanding(&client, &["127.0.0.1"]);
    let roots = pem("CERTIFICATE", server.certificate());
    let (certificate, key) = (client.certificate_pem(), client.key_pem());
    for text in [format!("{certificate}{key}"), format!("{key}{certificate}")] {
        for adapter in with_pem(&roots, Some(&text)) {
            adapter.run(server.asking("127.0.0.1")).unwrap();
        }
    }
    for adapter in with_pem(&roots, None) {
        adapter.run(server.asking("127.0.0.1")).unwrap_err();
    }
    assert_eq!(server.later_requests().len(), 4);
}

#[test]
fn a_pem_text_that_cannot_be_used_is_an_error_that_says_what_is_missing() {
    let (client, other) = (ClientIdentity::new(&["a.example"]), ClientIdentity::new(&["b.example"]));
    let (certificate, key) = (client.certificate_pem(), client.key_pem());
    let broken = pem("CERTIFICATE", b"no certificate");
    let roots = [("", "holds no certificate"), (&*key, "holds no certificate"), (&*broken, "cannot be used")];
    let clients = [
        (key.clone(), "holds no certificate"),
        (certificate.clone(), "holds no private key"),
        (format!("{certificate}{}", other.key_pem()), "keys"),
    ];
    let proxies = Proxies::none();
    for (text, expected) in roots {
        let reqwest = ReqwestTransport::with_proxies(&proxies).unwrap().with_root_certificates(text);
        let ureq = UreqTransport::with_proxies(&proxies).unwrap().with_root_certificates(text);
        for error in [reqwest.err().unwrap(), ureq.err().unwrap()] {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    for (text, expected) in clients {
        let reqwest = ReqwestTransport::with_proxies(&proxies).unwrap().with_client_certificate(&text);
        let ureq = UreqTransport::with_proxies(&proxies).unwrap().with_client_certificate(&text);
        for error in [reqwest.err().unwrap(), ureq.err().unwrap()] {
            assert!(error.to_string().to_lowercase().contains(expected), "{error}");
            assert!(!error.to_string().contains(key.lines().nth(1).unwrap()), "{error}");
        }
    }
}

#[test]
fn the_error_of_a_pem_text_without_line_breaks_shows_nothing_of_the_key() {
    let client = ClientIdentity::new(&["a.example"]);
    let (certificate, key) = (client.certificate_pem(), client.key_pem());
    let joined = key.replace('\n', "");
    let cut = key.replace('M', "*");
    let proxies = Proxies::none();
    for text in
        [format!("{certificate}{joined}"), format!("{certificate}{joined}\n"), format!("{certificate}{cut}")]
    {
        let reqwest = ReqwestTransport::with_proxies(&proxies).unwrap().with_client_certificate(&text);
        let ureq = UreqTransport::with_proxies(&proxies).unwrap().with_client_certificate(&text);
        for error in [reqwest.err().unwrap(), ureq.err().unwrap()] {
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("lines of their own"), "{shown}");
            // Neither as text nor as a list of byte values.
            let bytes = format!("{:?}", &joined.as_bytes()[40..60]);
            assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
            assert!(!shown.contains(&joined[40..60]), "{shown}");
        }
    }
}

#[test]
fn a_certificate_of_an_unknown_issuer_is_named_so() {
    let mut issuer = rcgen::CertificateParams::new(["elsewhere.invalid".to_owned()]).unwrap();
    issuer.distinguished_name.push(rcgen::DnType::CommonName, "another issuer");
    let issuer = issuer.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let server = TlsServer::start(&["127.0.0.1"]);
    for adapter in Adapter::trusting(issuer.der()) {
        let text = adapter.run(server.asking("127.0.0.1")).unwrap_err().to_string();
        let why = "could not be sent: TLS: certificate not trusted (UnknownIssuer)";
        assert!(text.ends_with(why), "{}: {text}", adapter.name());
    }
}

#[test]
fn certificates_are_not_added_to_the_tls_of_a_reqwest_builder() {
    let pem = ClientIdentity::new(&["a.example"]).certificate_pem();
    let transport = ReqwestTransport::from_builder(reqwest::Client::builder().no_proxy()).unwrap();
    let error = transport.with_root_certificates(&pem).unwrap_err();
    assert!(error.to_string().contains("add them to the builder instead"), "{error}");
}

#[test]
fn a_certificate_of_another_name_is_named_so() {
    let server = TlsServer::start(&["localhost"]);
    for adapter in Adapter::trusting(server.certificate()) {
        let text = adapter.run(server.asking("127.0.0.1")).unwrap_err().to_string();
        let why = "could not be sent: TLS: certificate of another name (NotValidForName";
        assert!(text.contains(why), "{}: {text}", adapter.name());
    }
}

#[test]
fn a_server_that_demands_a_client_certificate_is_sent_nothing_and_named_so() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = ClientIdentity::new(&["client.example"]);
        let server = TlsServer::demanding_in(&client, &["127.0.0.1"], &[version]);
        for adapter in Adapter::trusting(server.certificate()) {
            let error = adapter.run(server.asking("127.0.0.1")).unwrap_err();
            let why = "could not be sent: TLS: the server demands a client certificate (CertificateRequired)";
            assert!(error.to_string().ends_with(why), "{}, {version:?}: {error:?} {error}", adapter.name());
            assert_eq!(error.remedy(), Remedy::FixConfiguration, "{}: {error}", adapter.name());
        }
    }
}
