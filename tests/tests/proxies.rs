//! Both adapters use the same route for the same proxy settings, tested with real proxies and servers on loopback.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::process::Command;

use octo_auth_core::{
    ApiConfiguration, Delivery, ErrorKind, Exchange, ExchangeError, Profile, Remedy, Scopes, TokenSet,
    TransportError,
};
use octo_auth_system::proxies::{Proxies, ProxyError};
use octo_auth_tests::adapter::Adapter;
use octo_auth_tests::canary::{MARK, shown, shown_by_error};
use octo_auth_tests::registration::{self, sound};
use octo_auth_tests::socket::{ProxyRequest, ProxySocket};
use octo_auth_tests::tls_server::TlsServer;

/// Environments, the target of a request, and its route. `P` and `Q` stand for the addresses of two proxies, `S` for
/// the port of the server behind both, in environments and routes alike. A name below `invalid` has no address.
const WAYS: [(&str, &str, &str); 44] = [
    // The variable that names the proxy.
    ("", "127.0.0.1:S", "direct"),
    ("HTTPS_PROXY=http://P", "auth.invalid", "P connect auth.invalid:443"),
    ("https_proxy=http://P", "auth.invalid", "P connect auth.invalid:443"),
    ("ALL_PROXY=http://P", "auth.invalid:8443", "P connect auth.invalid:8443"),
    ("all_proxy=http://P", "auth.invalid", "P connect auth.invalid:443"),
    ("https_proxy=http://P HTTPS_PROXY=http://Q", "auth.invalid", "P connect auth.invalid:443"),
    ("HTTPS_PROXY=http://P ALL_PROXY=http://Q", "auth.invalid", "P connect auth.invalid:443"),
    ("HTTPS_PROXY=http://P all_proxy=http://Q", "auth.invalid", "P connect auth.invalid:443"),
    ("all_proxy=http://P ALL_PROXY=http://Q", "auth.invalid", "P connect auth.invalid:443"),
    ("https_proxy= ALL_PROXY=http://P", "auth.invalid", "P connect auth.invalid:443"),
    ("HTTPS_PROXY= ALL_PROXY=", "127.0.0.1:S", "direct"),
    ("HTTP_PROXY=http://P http_proxy=http://P", "127.0.0.1:S", "direct"),
    // The form of the proxy.
    ("HTTPS_PROXY=P", "auth.invalid", "P connect auth.invalid:443"),
    ("HTTPS_PROXY=HTTP://P/", "auth.invalid", "P connect auth.invalid:443"),
    ("HTTPS_PROXY=http://P", "127.0.0.1:S", "P connect 127.0.0.1:S"),
    ("HTTPS_PROXY=http://P", "[::1]:S", "P connect [::1]:S"),
    ("HTTPS_PROXY=http://user:p%40ss@P", "auth.invalid", "P connect auth.invalid:443 Basic dXNlcjpwQHNz"),
    ("HTTPS_PROXY=http://a%25b:@P", "auth.invalid", "P connect auth.invalid:443 Basic YSViOg=="),
    ("ALL_PROXY=socks5h://P", "auth.invalid", "P socks5 auth.invalid:443"),
    ("ALL_PROXY=socks5h://P", "[::1]:S", "P socks5 [::1]:S"),
    ("ALL_PROXY=socks5://P", "127.0.0.1:S", "P socks5 127.0.0.1:S"),
    ("ALL_PROXY=SOCKS5://u%3aser:p%25ss@P", "127.0.0.1:S", "P socks5 127.0.0.1:S u:ser:p%ss"),
    ("HTTPS_PROXY=socks4a://P", "auth.invalid", "P socks4a auth.invalid:443"),
    ("HTTPS_PROXY=socks4://P", "127.0.0.1:S", "P socks4 127.0.0.1:S"),
    // The hosts that are reached directly.
    ("HTTPS_PROXY=http://P NO_PROXY=*", "127.0.0.1:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=localhost", "localhost:S", "direct"),
    ("HTTPS_PROXY=http://P no_proxy=LocalHost", "localhost:S", "direct"),
    (
        "HTTPS_PROXY=http://P no_proxy=b.invalid NO_PROXY=auth.invalid",
        "auth.invalid",
        "P connect auth.invalid:443",
    ),
    ("HTTPS_PROXY=http://P NO_PROXY=auth.invalid", "auth.invalid", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=auth.invalid", "api.auth.invalid", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=.auth.invalid", "auth.invalid", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=*.auth.invalid", "api.auth.invalid", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=auth.invalid", "myauth.invalid", "P connect myauth.invalid:443"),
    ("HTTPS_PROXY=http://P NO_PROXY=a.invalid,127.0.0.1,", "127.0.0.1:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=a.invalid,\tlocalhost", "localhost:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=localhost:S", "localhost:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=localhost:1", "localhost:S", "P connect localhost:S"),
    ("HTTPS_PROXY=http://P NO_PROXY=127.0.0.0/8", "127.0.0.1:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=10.0.0.0/8,127.0.0.2", "127.0.0.1:S", "P connect 127.0.0.1:S"),
    ("HTTPS_PROXY=http://P NO_PROXY=127.0.0.1", "localhost:S", "P connect localhost:S"),
    ("HTTPS_PROXY=http://P NO_PROXY=::1", "[::1]:S", "direct"),
    ("HTTPS_PROXY=http://P NO_PROXY=[::1]:S", "[::1]:S", "direct"),
    ("ALL_PROXY=socks5h://P NO_PROXY=::/64", "[::1]:S", "direct"),
    ("ALL_PROXY=socks5://P NO_PROXY=127.0.0.1:S", "127.0.0.1:S", "direct"),
];

/// The hosts of the table, for which the server has a certificate.
const HOSTS: [&str; 6] =
    ["127.0.0.1", "::1", "localhost", "auth.invalid", "api.auth.invalid", "myauth.invalid"];

/// Parses an environment of the table.
fn read(environment: &str) -> Result<Proxies, ProxyError> {
    Proxies::read(|name| {
        let mut settings = environment.split(' ').filter_map(|setting| setting.split_once('='));
        settings.find(|(set, _)| *set == name).map(|(_, value)| value.into())
    })
}

/// Returns a token request to a host, with the port if it is not 443.
fn asking(host: &str) -> Exchange<TokenSet> {
    let profile = sound(Profile::rfc6749(&format!("https://{host}/token")));
    sound(registration::with(profile).client_credentials(&Scopes::none()))
}

/// Describes the request that a proxy saw, in the words of the table.
fn seen(name: &str, proxy: &ProxySocket) -> Option<String> {
    let mut requests = proxy.take_requests().into_iter();
    let ProxyRequest { way, credentials } = requests.next()?;
    assert_eq!(requests.next(), None, "one request is one connection");
    let credentials = credentials.map(|credentials| format!(" {credentials}")).unwrap_or_default();
    Some(format!("{name} {way}{credentials}"))
}

#[test]
fn both_adapters_go_the_documented_way() {
    let server = TlsServer::start(&HOSTS);
    let (p, q) = (ProxySocket::to(server.address()), ProxySocket::to(server.address()));
    let filled = |text: &str| {
        let text =
            text.replace("//P", &format!("//{}", p.address())).replace("//Q", &format!("//{}", q.address()));
        let text =
            text.replace("@P", &format!("@{}", p.address())).replace("=P", &format!("={}", p.address()));
        text.replace(":S", &format!(":{}", server.address().port()))
    };
    for (environment, host, expected) in WAYS {
        let proxies = read(&filled(environment)).unwrap();
        for adapter in Adapter::trusting_through(&[server.certificate()], &proxies) {
            let outcome = adapter.run(asking(&filled(host)));
            let way = seen("P", &p).or_else(|| seen("Q", &q)).unwrap_or("direct".to_owned());
            assert_eq!(way, filled(expected), "{}: {environment} {host}", adapter.name());
            match outcome {
                Ok(answer) => assert_eq!(answer.value.access_token().expose(), "token-1"),
                Err(error) => {
                    let has_no_address = way == "direct" && host.ends_with("invalid");
                    // Some machines have no ::1, and reqwest does not use TLS to an IPv6 address behind a proxy.
                    let is_sound = has_no_address || host.starts_with("[::1]");
                    assert!(is_sound, "{environment} {host}: {}", shown_by_error(&error));
                    assert_eq!(error.kind(), &ErrorKind::NotSent, "{environment} {host}");
                }
            }
        }
    }
}

#[test]
fn plain_http_is_sent_directly_whatever_the_proxy_of_a_builder() {
    let server =
        octo_auth_tests::socket::Socket::responding("200 OK", &["Content-Type: application/json"], b"{}");
    let proxy = ProxySocket::to(server.address());
    for scheme in ["http", "socks5"] {
        let address = format!("{scheme}://{}", proxy.address());
        let tls = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
            rustls::crypto::ring::default_provider(),
        ));
        let tls = tls.with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        let builder = || {
            let proxy = sound(reqwest::Proxy::all(&address));
            reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).proxy(proxy)
        };
        let transport = sound(octo_auth_async::ReqwestTransport::from_builder(builder()));
        let transport = sound(transport.with_api_connections(builder()));
        let given = ureq::Agent::config_builder().proxy(Some(sound(ureq::Proxy::new(&address))));
        let ureq = sound(octo_auth_blocking::UreqTransport::from_builder(given)).with_api_connections();
        let adapters = Adapter::with_runners(
            octo_auth_async::Runner::with_transport(transport),
            octo_auth_blocking::Runner::with_transport(ureq),
        );
        for adapter in adapters {
            let url = format!("http://{}", server.address());
            let profile = sound(sound(Profile::rfc6749(&format!("{url}/token"))).with_api_host(&url));
            let client = registration::with(profile);
            let exchange = sound(client.client_credentials(&Scopes::none()));
            assert_eq!(
                adapter.run(exchange).unwrap_err().code(),
                "access_token_missing",
                "{}",
                adapter.name()
            );
            let tokens = registration::property_token(client.profile(), "token-1");
            let request = sound(http::Request::get(&url).body(octo_auth_core::Body::empty()));
            adapter.run(sound(client.api_call(&tokens, request))).unwrap();
            assert_eq!(proxy.take_requests(), [], "{} {scheme}", adapter.name());
        }
    }
}

#[test]
fn plain_http_is_sent_directly_whatever_the_proxy() {
    let server =
        octo_auth_tests::socket::Socket::responding("200 OK", &["Content-Type: application/json"], b"{}");
    let proxy = ProxySocket::to(server.address());
    for scheme in ["http", "socks5h"] {
        let proxies = read(&format!("ALL_PROXY={scheme}://{}", proxy.address())).unwrap();
        for adapter in through(&proxies) {
            let profile = sound(Profile::rfc6749(&format!("http://{}/token", server.address())));
            let exchange = sound(registration::with(profile).client_credentials(&Scopes::none()));
            assert_eq!(
                adapter.run(exchange).unwrap_err().code(),
                "access_token_missing",
                "{}",
                adapter.name()
            );
            assert_eq!(proxy.take_requests(), []);
        }
    }
}

#[test]
fn a_proxy_is_reached_over_tls() {
    let head = |request: &str| request.ends_with("\r\n\r\n").then(|| b"HTTP/1.1 503 Busy\r\n\r\n".to_vec());
    let proxy = TlsServer::replying(&["127.0.0.1"], head);
    let proxies = read(&format!("HTTPS_PROXY=https://{}", proxy.address())).unwrap();
    for adapter in Adapter::trusting_through(&[proxy.certificate()], &proxies) {
        let error = adapter.run(asking("auth.invalid")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotSent, "{}", adapter.name());
        assert!(
            matches!(error.remedy(), Remedy::TryLater { .. }),
            "{}: {:?}",
            adapter.name(),
            error.remedy()
        );
        assert!(
            proxy.next_request().starts_with("CONNECT auth.invalid:443 HTTP/1.1\r\n"),
            "{}",
            adapter.name()
        );
    }
    for adapter in Adapter::trusting_through(&[TlsServer::start(&["127.0.0.1"]).certificate()], &proxies) {
        let error = adapter.run(asking("auth.invalid")).unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixConfiguration, "{}: the proxy is not trusted", adapter.name());
    }
}

/// Returns each adapter with the machine's certificates and these proxies.
fn through(proxies: &Proxies) -> Vec<Adapter> {
    let reqwest = octo_auth_async::ReqwestTransport::with_proxies(proxies).unwrap();
    let ureq = octo_auth_blocking::UreqTransport::with_proxies(proxies).unwrap();
    for text in [shown(proxies), shown(&reqwest), shown(&ureq)] {
        assert!(!text.contains(MARK) && !text.contains("c***"), "{text}");
    }
    Adapter::with_runners(
        octo_auth_async::Runner::with_transport(reqwest),
        octo_auth_blocking::Runner::with_transport(ureq),
    )
}

#[test]
fn a_proxy_that_refuses_the_credentials_is_a_matter_of_configuration_and_shows_no_secret() {
    let server = TlsServer::start(&HOSTS);
    let right = "cAnArY-u:cAnArY-p";
    let proxy = ProxySocket::accepting(server.address(), &["Basic Y0FuQXJZLXU6Y0FuQXJZLXA=", right]);
    let address = proxy.address();
    for scheme in ["http", "socks5", "socks5h"] {
        for given in ["", "cAnArY-u:cAnArY-wrong@", "cAnArY-u:cAnArY-p@"] {
            let proxies = read(&format!("ALL_PROXY={scheme}://{given}{address}")).unwrap();
            drop(through(&proxies));
            for adapter in Adapter::trusting_through(&[server.certificate()], &proxies) {
                let context = format!("{} {scheme} {given}", adapter.name());
                if given.contains(right) {
                    adapter.run(server.asking("127.0.0.1")).unwrap();
                } else {
                    assert_refused(&adapter.run(server.asking("127.0.0.1")).unwrap_err(), &context);
                    assert_refused(&adapter.run(without_body(&server)).unwrap_err(), &context);
                }
                assert!(!proxy.take_requests().is_empty(), "{context}");
            }
        }
    }
}

/// Asserts that the proxy refused the credentials and that the error shows none of them.
#[track_caller]
fn assert_refused(error: &ExchangeError, context: &str) {
    assert_eq!(error.kind(), &ErrorKind::NotSent, "{context}: {}", shown_by_error(error));
    assert_eq!(error.remedy(), Remedy::FixConfiguration, "{context}");
    let fault: &TransportError = error.fault().unwrap();
    assert_eq!(fault.delivery(), Delivery::NotSent, "{context}");
    assert_eq!(fault.to_string(), "the proxy asks for other credentials", "{context}");
    assert!(!shown_by_error(error).contains(MARK), "{context}: {}", shown_by_error(error));
}

/// Returns a request without a body.
fn without_body(server: &TlsServer) -> Exchange<ApiConfiguration> {
    let profile = sound(Profile::octorate().via_gateway(&format!("https://{}", server.address())));
    let client = registration::with(profile);
    let admin = registration::admin_token(client.profile(), "admin-1");
    sound(client.api_configuration(&admin))
}

#[test]
fn a_client_of_the_program_keeps_the_proxy_it_was_given() {
    let server = TlsServer::start(&HOSTS);
    let (p, q) = (ProxySocket::to(server.address()), ProxySocket::to(server.address()));
    let own = format!("http://{}", p.address());
    let reqwest = || {
        let builder = octo_auth_async::ReqwestTransport::builder().unwrap();
        builder.proxy(reqwest::Proxy::all(&own).unwrap())
    };
    let ureq = || ureq::Agent::config_builder().proxy(Some(ureq::Proxy::new(&own).unwrap()));
    let kept = Adapter::with_runners(
        octo_auth_async::Runner::with_transport(
            octo_auth_async::ReqwestTransport::from_builder(reqwest()).unwrap(),
        ),
        octo_auth_blocking::Runner::with_transport(
            octo_auth_blocking::UreqTransport::from_builder(ureq()).unwrap(),
        ),
    );
    let other = read(&format!("ALL_PROXY=http://{}", q.address())).unwrap();
    let replaced = Adapter::with_runners(
        octo_auth_async::Runner::with_transport(
            octo_auth_async::ReqwestTransport::from_builder_with_proxies(reqwest(), &other).unwrap(),
        ),
        octo_auth_blocking::Runner::with_transport(
            octo_auth_blocking::UreqTransport::from_builder_with_proxies(ureq(), &other).unwrap(),
        ),
    );
    for (adapters, expected) in [(kept, "P"), (replaced, "Q")] {
        for adapter in adapters {
            let error = adapter.run(asking("auth.invalid")).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::NotSent, "the certificate is not trusted");
            let way = seen("P", &p).or_else(|| seen("Q", &q));
            assert_eq!(way, Some(format!("{expected} connect auth.invalid:443")), "{}", adapter.name());
        }
    }
}

/// The variable that passes the environment to this program when it runs itself.
const CHILD: &str = "OCTO_AUTH_TEST_PROXIES";

#[test]
fn the_environment_of_the_process_is_read() {
    let server = TlsServer::start(&HOSTS);
    let proxy = ProxySocket::to(server.address());
    let sound = (format!("http://{}", proxy.address()), "sound");
    let unsound = ("ftp://cAnArY:cAnArY@proxy.example".to_owned(), "unsound");
    for (value, kind) in [sound, unsound] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "no_proxy", "NO_PROXY"] {
            child.env_remove(name);
        }
        child.env("ALL_PROXY", value).env(CHILD, kind).args(["--exact", "as_the_environment_says"]);
        let output = child.output().unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let ways: Vec<_> = proxy.take_requests().into_iter().map(|request| request.way).collect();
    assert_eq!(ways, ["connect auth.invalid:443"; 2], "one of each adapter");
}

#[test]
fn as_the_environment_says() {
    match std::env::var(CHILD).as_deref() {
        Ok("sound") => {
            for adapter in Adapter::all() {
                assert_eq!(adapter.run(asking("auth.invalid")).unwrap_err().kind(), &ErrorKind::NotSent);
            }
        }
        Ok(_) => {
            let errors = [octo_auth_async::Runner::new().err(), octo_auth_blocking::Runner::new().err()];
            for error in errors.map(Option::unwrap) {
                let text = shown_by_error(&error);
                assert!(text.contains("ALL_PROXY") && text.contains("the scheme is none of"), "{text}");
                assert!(!text.contains(MARK), "{text}");
            }
        }
        // The other test runs this one.
        Err(_) => {}
    }
}
