//! What both adapters transport: the request as the core built it, and the response as the server wrote it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_core::{
    ANSWER_LIMIT, Body, Client, Exchange, Now, Profile, Scopes, Timestamp, TokenSet, TransportError,
};
use octo_auth_tests::adapter::{Adapter, each};
use octo_auth_tests::registration::{self, sound};
use octo_auth_tests::socket::Socket;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

const JSON: &str = "Content-Type: application/json";
const TOKEN: &[u8] = br#"{"access_token":"token-1","token_type":"Bearer","expires_in":3600}"#;

fn client(server: &Socket) -> Client {
    registration::with(sound(Profile::rfc6749(&format!("http://{}/token", server.address()))))
}

fn asking(server: &Socket) -> Exchange<TokenSet> {
    sound(client(server).client_credentials(&Scopes::none()))
}

/// Returns the code of the error that an adapter makes of a server's answer.
fn refused(adapter: &Adapter, server: &Socket) -> String {
    sound(adapter.run(asking(server)).err().ok_or("there was a token")).code().into_owned()
}

/// Returns the lines of a request's head, except those with the client or the port, in lower case and sorted.
fn head(request: &str) -> Vec<String> {
    let (head, _) = sound(request.split_once("\r\n\r\n").ok_or("the head has no end"));
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    lines.retain(|line| !line.starts_with("user-agent:") && !line.starts_with("host:"));
    lines.sort();
    lines
}

#[test]
fn the_request_goes_out_as_it_was_built() {
    each(|adapter| {
        let server = Socket::responding("200 OK", &[JSON], TOKEN);
        let exchange = asking(&server);
        let body = String::from_utf8(exchange.request().body().as_ref().to_vec()).unwrap();
        let mut expected = vec!["post /token http/1.1".to_owned(), format!("content-length: {}", body.len())];
        for (name, value) in exchange.request().headers() {
            expected.push(format!("{name}: {}", value.to_str().unwrap()).to_ascii_lowercase());
        }
        expected.sort();
        adapter.run(exchange).unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{}", adapter.name());
        assert_eq!(head(&requests[0]), expected, "{}", adapter.name());
        assert!(requests[0].ends_with(&format!("\r\n\r\n{body}")), "{}", adapter.name());
        let authority = format!("host: {}\r\n", server.address());
        assert!(requests[0].to_ascii_lowercase().contains(&authority), "{}", adapter.name());
    });
}

#[test]
fn a_request_without_a_body_goes_out_without_one() {
    each(|adapter| {
        let server = Socket::responding("200 OK", &[JSON], b"{}");
        let profile = Profile::octorate().via_gateway(&format!("http://{}", server.address())).unwrap();
        let client = registration::with(profile);
        let admin = registration::admin_token(client.profile(), "admin-1");
        let _ = adapter.run(client.api_configuration(&admin).unwrap());
        let request = server.requests().concat();
        assert!(request.starts_with("GET /"), "{}: {request}", adapter.name());
        assert!(request.ends_with("\r\n\r\n"), "{}: {request}", adapter.name());
        assert!(!request.to_ascii_lowercase().contains("content-length"), "{}: {request}", adapter.name());
    });
}

#[test]
fn the_answer_comes_back_whatever_its_framing() {
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (first, second) = TOKEN.split_at(10);
    let chunks =
        [first, second].map(|part| format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part)));
    let open = format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n{}", String::from_utf8_lossy(TOKEN));
    let continued = format!("HTTP/1.1 100 Continue\r\n\r\n{open}");
    let answers = [format!("{chunked}{}{}0\r\n\r\n", chunks[0], chunks[1]), open, continued];
    each(|adapter| {
        for answer in &answers {
            let server = Socket::answering(answer.as_str());
            let token = adapter.run(asking(&server)).unwrap().value;
            assert_eq!(token.access_token().expose(), "token-1", "{}: {answer}", adapter.name());
        }
    });
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    each(|adapter| {
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let target = Socket::responding("200 OK", &[JSON], TOKEN);
            let location = format!("Location: http://{}/token", target.address());
            let server = Socket::responding(status, &[&location], b"");
            assert_eq!(refused(adapter, &server), "redirect", "{} {status}", adapter.name());
            assert_eq!(server.requests().len(), 1, "{} {status}", adapter.name());
            assert_eq!(target.requests(), [""; 0], "{} {status}", adapter.name());
        }
    });
}

#[test]
fn a_redirect_to_nowhere_is_an_answer_too() {
    each(|adapter| {
        let server = Socket::responding("302 Found", &[], b"");
        assert_eq!(refused(adapter, &server), "redirect", "{}", adapter.name());
    });
}

#[test]
fn a_refusal_is_an_answer_and_not_a_fault() {
    each(|adapter| {
        let server = Socket::responding("401 Unauthorized", &[JSON], br#"{"error":"invalid_client"}"#);
        assert_eq!(refused(adapter, &server), "oauth:invalid_client", "{}", adapter.name());
        let server = Socket::responding("503 Service Unavailable", &["Retry-After: 7"], b"");
        assert_eq!(refused(adapter, &server), "http:503", "{}", adapter.name());
        assert_eq!(server.requests().len(), 1, "{}: nothing is repeated", adapter.name());
    });
}

#[test]
fn a_cookie_is_not_sent_back() {
    each(|adapter| {
        let server = Socket::responding("200 OK", &[JSON, "Set-Cookie: session=cookie-1; Path=/"], TOKEN);
        adapter.run(asking(&server)).unwrap();
        adapter.run(asking(&server)).unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{}", adapter.name());
        assert!(!requests[1].to_ascii_lowercase().contains("cookie"), "{}: {}", adapter.name(), requests[1]);
    });
}

#[test]
fn each_request_has_a_connection_of_its_own() {
    each(|adapter| {
        let head = format!("HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length: {}\r\n\r\n", TOKEN.len());
        let server = Socket::stalling_after([head.as_bytes(), TOKEN].concat());
        adapter.run(asking(&server)).unwrap();
        server.wait_for_end();
        adapter.run(asking(&server)).unwrap();
        server.wait_for_end();
        assert_eq!(server.requests().len(), 2, "{}", adapter.name());
    });
}

#[test]
fn a_compressed_answer_stays_compressed() {
    /// `{}` by gzip.
    const GZIP: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    each(|adapter| {
        let server = Socket::responding("200 OK", &[JSON, "Content-Encoding: gzip"], GZIP);
        assert_eq!(refused(adapter, &server), "content_encoding", "{}", adapter.name());
    });
}

#[test]
fn an_answer_without_end_is_cut_at_the_limit_and_hung_up_on() {
    each(|adapter| {
        for head in [
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000000000\r\n\r\n",
        ] {
            let server = Socket::endless(head);
            assert_eq!(refused(adapter, &server), "too_large", "{}", adapter.name());
            server.wait_for_end();
        }
    });
}

#[test]
fn an_answer_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
    let padded = |length: usize| [TOKEN, &vec![b' '; length - TOKEN.len()][..]].concat();
    each(|adapter| {
        let server = Socket::responding("200 OK", &[JSON], &padded(ANSWER_LIMIT));
        assert!(adapter.run(asking(&server)).is_ok(), "{}", adapter.name());
        let server = Socket::responding("200 OK", &[JSON], &padded(ANSWER_LIMIT + 1));
        assert_eq!(refused(adapter, &server), "too_large", "{}", adapter.name());
    });
}

#[test]
fn a_transport_passes_on_one_byte_more_than_the_limit_and_no_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let deadline = Duration::from_secs(60);
    let server = Socket::endless("HTTP/1.1 200 OK\r\n\r\n");
    let exchange = asking(&server);
    let reqwest = octo_auth_async::ReqwestTransport::new().unwrap();
    let carried = octo_auth_async::Transport::send(&reqwest, exchange.request(), deadline);
    assert_eq!(runtime.block_on(carried).unwrap().body().as_ref().len(), ANSWER_LIMIT + 1);
    let ureq = octo_auth_blocking::UreqTransport::new().unwrap();
    let carried = octo_auth_blocking::Transport::send(&ureq, exchange.request(), deadline);
    assert_eq!(carried.unwrap().body().as_ref().len(), ANSWER_LIMIT + 1);
}

#[test]
fn an_exchange_runs_in_a_task_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = Socket::responding("200 OK", &[JSON], TOKEN);
    let runner = octo_auth_async::Runner::new().unwrap();
    let exchange = asking(&server);
    let task = runtime.spawn(async move { runner.run(exchange).await });
    assert!(runtime.block_on(task).unwrap().is_ok());
}

#[test]
fn the_rules_hold_over_a_builder_that_says_otherwise() {
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let reqwest = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::limited(5))
        .pool_max_idle_per_host(5);
    let reqwest = octo_auth_async::ReqwestTransport::from_builder(reqwest).unwrap();
    let unseen = |_: ureq::http::Request<ureq::SendBody>, _: ureq::middleware::MiddlewareNext| {
        panic!("a middleware would see the credentials")
    };
    let ureq = ureq::Agent::config_builder().proxy(None).max_redirects(5).http_status_as_error(true);
    let ureq = ureq.middleware(unseen);
    let ureq = octo_auth_blocking::UreqTransport::from_builder(ureq).unwrap();
    let adapters = Adapter::with_runners(
        octo_auth_async::Runner::with_transport(reqwest),
        octo_auth_blocking::Runner::with_transport(ureq),
    );
    for adapter in &adapters {
        let target = Socket::responding("200 OK", &[JSON], TOKEN);
        let location = format!("Location: http://{}/token", target.address());
        let server = Socket::responding("307 Temporary Redirect", &[&location], b"");
        assert_eq!(refused(adapter, &server), "redirect", "{}", adapter.name());
        assert_eq!(target.requests(), [""; 0], "{}", adapter.name());
        let server = Socket::responding("500 Internal Server Error", &[], b"");
        assert_eq!(refused(adapter, &server), "http:500", "{}", adapter.name());
    }
}

#[test]
fn a_bare_reqwest_builder_is_given_cryptography() {
    let server = Socket::responding("200 OK", &[JSON], TOKEN);
    let transport = octo_auth_async::ReqwestTransport::from_builder(reqwest::Client::builder().no_proxy());
    let runner = octo_auth_async::Runner::with_transport(transport.unwrap());
    for adapter in Adapter::with_runners(runner, octo_auth_blocking::Runner::new().unwrap()) {
        adapter.run(asking(&server)).unwrap();
    }
}

#[test]
fn the_settings_of_a_ureq_builder_that_count_are_kept_or_refused() {
    use octo_auth_blocking::{Transport as _, UreqTransport};
    let builder = || ureq::Agent::config_builder().proxy(None);
    let error = UreqTransport::from_builder(builder().user_agent("one\r\ntwo: 2")).unwrap_err();
    assert!(error.to_string().contains("the user agent"), "{error}");
    let server = Socket::responding("200 OK", &[JSON], TOKEN);
    let exchange = asking(&server);
    let send = |transport: UreqTransport| transport.send(exchange.request(), Duration::from_secs(20));
    let fault = send(UreqTransport::from_builder(builder().https_only(true)).unwrap()).unwrap_err();
    assert_eq!(fault.to_string(), "plain http is switched off by `https_only`");
    assert_eq!(server.requests(), [""; 0]);
    for (chosen, expected) in [("hotel/1", Some("hotel/1")), ("", None)] {
        send(UreqTransport::from_builder(builder().user_agent(chosen)).unwrap()).unwrap();
        let request = server.requests().pop().unwrap();
        let found = request.lines().find_map(|line| line.strip_prefix("user-agent: "));
        assert_eq!(found, expected, "{request}");
    }
}

/// A custom transport for both adapters: it answers from memory and records its requests.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<Vec<(String, Duration)>>>);

impl Own {
    fn answer(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        let mut asked = sound(self.0.lock());
        asked.push((request.uri().to_string(), deadline));
        if asked.len() > 1 {
            return Err(TransportError::not_sent("the line is engaged"));
        }
        let mut response = Response::new(Body::new(TOKEN.to_vec()));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

#[async_trait]
impl octo_auth_async::Transport for Own {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        self.answer(request, deadline)
    }
}

impl octo_auth_blocking::Transport for Own {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        self.answer(request, deadline)
    }
}

/// A clock that does not move.
struct Still(Now);

impl octo_auth_async::Clock for Still {
    fn now(&self) -> Now {
        self.0
    }
}

#[test]
fn a_transport_and_a_clock_of_the_users_own_take_the_place_of_ours() {
    let now = Now { wall: Timestamp::from_unix_seconds(1_700_000_000), boot: Duration::from_secs(5) };
    let own = [Own::default(), Own::default()];
    let adapters = Adapter::with_runners(
        octo_auth_async::Runner::with_transport(own[0].clone()).with_clock(Still(now)),
        octo_auth_blocking::Runner::with_transport(own[1].clone()).with_clock(Still(now)),
    );
    for (own, adapter) in own.iter().zip(adapters) {
        let adapter = adapter.with_deadline(Duration::from_secs(9));
        let client = registration::with(Profile::rfc6749("https://login.example.com/token").unwrap());
        let asking = || client.client_credentials(&Scopes::none()).unwrap();
        let token = adapter.run(asking()).unwrap().value;
        assert_eq!((token.issued_at(), adapter.now()), (now.wall, now), "{}", adapter.name());
        assert_eq!(adapter.run(asking()).unwrap_err().code(), "not_sent", "{}", adapter.name());
        let asked = ("https://login.example.com/token".to_owned(), Duration::from_secs(9));
        assert_eq!(*own.0.lock().unwrap(), [asked.clone(), asked], "{}", adapter.name());
    }
}
