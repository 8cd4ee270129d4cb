//! What both adapters report if no complete answer arrives: the same words, without more certainty than there is.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use octo_auth_core::{
    Body, Delivery, Exchange, ExchangeError, Profile, Retry, Scopes, Secret, TokenSet, TransportError,
};
use octo_auth_tests::adapter::{Adapter, each};
use octo_auth_tests::registration::{self, CLIENT_SECRET, sound};
use octo_auth_tests::socket::Socket;

/// Returns a client credentials request to a URL.
fn asking(url: &str) -> Exchange<TokenSet> {
    let client = registration::with(sound(Profile::rfc6749(url)));
    sound(client.client_credentials(&Scopes::none()))
}

fn plain(address: SocketAddr) -> String {
    format!("http://{address}/token")
}

/// Runs the request with an adapter. It must fail without a response.
fn lost(adapter: &Adapter, url: &str) -> ExchangeError {
    let error = sound(adapter.run(asking(url)).err().ok_or("there was an answer"));
    assert_eq!(error.status(), None, "{}: {}", adapter.name(), causes(&error));
    assert!(!causes(&error).contains(CLIENT_SECRET), "{}", adapter.name());
    error
}

/// Returns the texts of an error and its causes, one after the other.
fn causes(error: &ExchangeError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!("; {cause} {cause:?}"));
        next = cause.source();
    }
    text
}

/// Returns the `TransportError` inside an error.
fn fault(error: &ExchangeError) -> &TransportError {
    sound(error.fault().ok_or("the error holds no fault"))
}

#[track_caller]
fn assert_lost(adapter: &Adapter, url: &str, code: &str, what: &str) {
    let error = lost(adapter, url);
    assert_eq!(
        (&*error.code(), &*fault(&error).to_string()),
        (code, what),
        "{}: {}",
        adapter.name(),
        causes(&error)
    );
    says_each_thing_once(adapter, &error);
}

/// Asserts that the error and its causes do not repeat each other, however they are printed.
fn says_each_thing_once(adapter: &Adapter, error: &ExchangeError) {
    let mut said = error.to_string().to_lowercase();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string().to_lowercase();
        assert!(!said.contains(&text), "{}: {text:?} is in {said:?}", adapter.name());
        said.push_str(&text);
        next = cause.source();
    }
}

/// Asserts that the request could not be sent, and that the one-line error gives the reason.
fn assert_says(adapter: &Adapter, url: &str, why: &str) {
    let text = lost(adapter, url).to_string();
    assert!(text.ends_with(&format!(" request could not be sent: {why}")), "{}: {text}", adapter.name());
}

/// Returns each adapter, without the certificates and the proxy of the machine.
fn isolated() -> Vec<Adapter> {
    let made = sound(rcgen::generate_simple_self_signed(["nowhere.invalid".to_owned()]));
    Adapter::trusting(made.cert.der())
}

/// The texts for a connection without a complete head, and for an invalid head.
const CLOSED: &str = "the connection was closed";
const NO_RESPONSE: &str = "the answer is not HTTP, or its head is malformed";

#[test]
fn a_refused_connection_is_certainly_not_sent() {
    for adapter in isolated() {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{}/token", Socket::refusing());
            assert_lost(&adapter, &url, "not_sent", "connection refused");
        }
    }
    each(|adapter| assert_lost(adapter, &plain(Socket::refusing()), "not_sent", "connection refused"));
}

#[test]
fn a_host_without_an_address_is_certainly_not_sent() {
    for adapter in isolated() {
        let url = "https://nowhere.invalid/token";
        assert_lost(&adapter, url, "not_sent", "name not found");
    }
}

#[test]
fn a_server_that_does_not_speak_tls_is_sent_nothing() {
    for adapter in isolated() {
        let server = Socket::responding("200 OK", &[], b"{}");
        let url = format!("https://{}/token", server.address());
        assert_lost(&adapter, &url, "not_sent", "TLS: the server does not speak TLS (InvalidMessage)");
        assert!(!server.requests().concat().contains("grant_type"), "{}", adapter.name());
    }
}

#[test]
fn a_connection_closed_without_an_answer_may_have_been_processed() {
    each(|adapter| {
        let server = Socket::answering("");
        assert_lost(adapter, &plain(server.address()), "http_malformed", CLOSED);
        assert_eq!(server.requests().len(), 1, "{}: nothing is repeated", adapter.name());
    });
}

#[test]
fn a_connection_closed_in_the_head_of_the_answer_may_have_been_processed() {
    each(|adapter| {
        let server = Socket::answering("HTTP/1.1 200 OK\r\nContent-Ty");
        assert_lost(adapter, &plain(server.address()), "http_malformed", CLOSED);
    });
}

#[test]
fn a_connection_closed_in_the_body_of_the_answer_may_have_been_processed() {
    each(|adapter| {
        let announced = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"access";
        for answer in [announced, chunked] {
            let server = Socket::answering(answer);
            assert_lost(adapter, &plain(server.address()), "body_incomplete", "the answer broke off");
            assert_eq!(server.requests().len(), 1, "{}: nothing is repeated", adapter.name());
        }
    });
}

#[test]
fn an_answer_that_is_no_http_may_have_been_processed() {
    each(|adapter| {
        for answer in
            ["220 mail.example.com ESMTP\r\n\r\n", "HTTP/1.1 banana\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"]
        {
            let server = Socket::answering(answer);
            assert_lost(adapter, &plain(server.address()), "http_malformed", NO_RESPONSE);
        }
    });
}

#[test]
fn a_deadline_that_runs_out_after_the_request_leaves_the_question_open() {
    for adapter in Adapter::all().into_iter().map(|adapter| adapter.with_deadline(Duration::from_millis(200)))
    {
        for beginning in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
            let server = Socket::stalling_after(beginning);
            let url = plain(server.address());
            assert_lost(&adapter, &url, "timeout", "no answer within the deadline");
            server.wait_for_end();
            assert_eq!(server.requests().len(), 1, "{}: nothing is repeated", adapter.name());
        }
    }
}

#[test]
fn only_an_exchange_that_may_have_been_processed_is_open_to_doubt() {
    each(|adapter| {
        let refused = lost(adapter, &plain(Socket::refusing()));
        let closed = lost(adapter, &plain(Socket::answering("").address()));
        assert_eq!(fault(&refused).delivery(), Delivery::NotSent, "{}", adapter.name());
        assert_eq!(fault(&closed).delivery(), Delivery::Unknown, "{}", adapter.name());
    });
}

#[test]
fn a_request_without_a_body_is_judged_like_one_with_a_body() {
    let closing = Socket::answering("");
    let closed = format!("http://{}", closing.address());
    let refusing = format!("http://{}", Socket::refusing());
    let cases = [
        (refusing.as_str(), "not_sent", "connection refused"),
        ("https://nowhere.invalid", "not_sent", "name not found"),
        (&closed, "http_malformed", CLOSED),
    ];
    for adapter in isolated() {
        for (url, code, what) in cases {
            let client = registration::with(Profile::octorate().via_gateway(url).unwrap());
            let admin = registration::admin_token(client.profile(), "admin-1");
            let asking = client.api_configuration(&admin).unwrap();
            let error = adapter.run(asking).unwrap_err();
            let said = fault(&error).to_string();
            assert_eq!((&*error.code(), &*said), (code, what), "{}: {}", adapter.name(), causes(&error));
        }
    }
}

#[test]
fn a_request_with_an_empty_body_is_judged_like_one_with_a_body() {
    for method in ["POST", "DELETE"] {
        let closing = Socket::answering("");
        let closed = format!("http://{}", closing.address());
        let refusing = format!("http://{}", Socket::refusing());
        let cases = [(&refusing, "not_sent", "connection refused"), (&closed, "http_malformed", CLOSED)];
        for adapter in isolated() {
            for (url, code, what) in cases {
                let profile = sound(Profile::rfc6749(&format!("{url}/token")));
                let client = registration::with(sound(profile.with_api_host(url)));
                let request = http::Request::builder().method(method).uri(format!("{url}/guests/1"));
                let tokens = registration::property_token(client.profile(), "token-1");
                let asking = sound(client.api_call(&tokens, sound(request.body(Body::empty()))));
                let error = sound(adapter.run(asking).err().ok_or("there was an answer"));
                let said = fault(&error).to_string();
                assert_eq!((&*error.code(), &*said), (code, what), "{}: {}", adapter.name(), causes(&error));
            }
        }
    }
}

#[test]
fn a_request_that_could_not_be_sent_says_why_in_one_line() {
    for adapter in isolated() {
        let address = Socket::refusing();
        assert_says(&adapter, &plain(address), "connection refused");
        assert_says(&adapter, &format!("https://{address}/token"), "connection refused");
        assert_says(&adapter, "https://nowhere.invalid/token", "name not found");
        let server = Socket::doing(|_| Ok(()));
        let url = format!("https://{}/token", server.address());
        assert_says(&adapter, &url, "the connection was closed");
    }
}

#[test]
fn a_connection_that_is_reset_is_not_answered() {
    each(|adapter| {
        let server = Socket::resetting();
        assert_lost(adapter, &plain(server.address()), "http_malformed", CLOSED);
    });
}

#[test]
fn a_refresh_is_in_doubt_only_if_the_request_may_have_been_read() {
    each(|adapter| {
        let closing = Socket::answering("");
        let refresh = |address| {
            let client = registration::with(sound(Profile::rfc6749(&plain(address))));
            sound(adapter.run(sound(client.refresh(&Secret::from("RT0")))).err().ok_or("there was an answer"))
        };
        let read = refresh(closing.address());
        assert!(
            read.to_string()
                .ends_with("request was not answered with an HTTP response: the connection was closed"),
            "{read}"
        );
        assert!(matches!(read.retry(), Retry::Ambiguous { .. }), "{}: {read:?}", adapter.name());
        let refused = refresh(Socket::refusing());
        assert!(matches!(refused.retry(), Retry::Backoff { .. }), "{}: {refused:?}", adapter.name());
    });
}

#[test]
fn a_request_that_the_server_did_not_take_to_its_end_was_not_read() {
    each(|adapter| {
        // It reads the beginning and closes. Bytes that are not buffered are never read.
        let server = Socket::resetting();
        let url = format!("http://{}", server.address());
        let profile = sound(Profile::rfc6749(&format!("{url}/token")));
        let client = registration::with(sound(profile.with_api_host(&url)));
        let request = http::Request::post(format!("{url}/guests")).body(Body::new(vec![b'x'; 64 << 20]));
        let tokens = registration::property_token(client.profile(), "token-1");
        let asking = sound(client.api_call(&tokens, sound(request)));
        let error = sound(adapter.run(asking).err().ok_or("there was an answer"));
        assert_eq!(error.code(), "http_malformed", "{}: {}", adapter.name(), causes(&error));
        // hyper may notice the reset before it continues to write, and does not report then how much it wrote.
        let is_unread = fault(&error).delivery() == Delivery::NotSent;
        assert!(is_unread || adapter.name() == "async", "{}: {}", adapter.name(), causes(&error));
    });
}
