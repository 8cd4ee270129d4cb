//! The log at trace level contains no secret of an exchange, neither in words nor in a dump of the wire.

use octo_auth_blocking::profile::ClientAuthentication;
use octo_auth_blocking::{
    ApiClient, Body, Client, Delivery, Imported, Profile, Runner, Scopes, Secret, TokenManager, TokenSpec,
    Transport, UreqTransport, entropy,
};
use octo_auth_emulator::{Browser, Emulator, SECRET_MARK, generic, octorate};

use crate::recording_subscriber::{Heard, hear};
use crate::server::Server;
use crate::{DEADLINE, cause, request};

const TOKEN: &str =
    r#"{"access_token":"access-token-1","token_type":"Bearer","refresh_token":"refresh-token-1"}"#;

/// The secrets of an exchange with a [`Server`], as sent on the wire.
const SECRETS: [&str; 4] =
    ["client-secret-1", "Y2xpZW50LTE6Y2xpZW50LXNlY3JldC0x", "access-token-1", "refresh-token-1"];

/// Returns an answer with a token, framed by `Content-Length`.
fn announced() -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{TOKEN}",
        TOKEN.len()
    )
}

/// Returns the same answer in three chunks.
fn chunked() -> String {
    let (first, rest) = TOKEN.split_at(20);
    let (second, third) = rest.split_at(30);
    let chunks = [first, second, third].map(|part| format!("{:x}\r\n{part}\r\n", part.len())).concat();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    )
}

/// Returns the same answer, framed by the end of the connection.
fn unannounced() -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{TOKEN}")
}

fn client(server: &Server, authentication: ClientAuthentication) -> Client {
    let profile = Profile::rfc6749(&server.url("/token?key=key-1")).expect("a sound address");
    let profile =
        profile.with_client_authentication(authentication).expect("a way that every server may have");
    let profile = profile.with_api_host(&server.url("")).expect("a sound address");
    Client::new(profile, "client-1", "client-secret-1").expect("a sound client")
}

/// Requests a token from a server, and records the log meanwhile.
fn hear_asking(server: &Server, authentication: ClientAuthentication) -> Heard {
    let exchange = client(server, authentication).client_credentials(&Scopes::none()).expect("a request");
    hear(|| {
        let answer = Runner::new().expect("a runner").run(exchange).expect("a token");
        assert_eq!(answer.value.access_token().expose(), "access-token-1");
    })
}

/// Checks the number of logged connections. Checks that the log contains no bytes from the wire and none of these
/// secrets.
#[track_caller]
fn assert_silent(heard: &Heard, connections: usize, secrets: &[&str]) {
    assert_eq!(heard.connections(), connections, "the connections were not heard of");
    assert_eq!(heard.wire(), "", "what goes over a connection was logged");
    for secret in secrets {
        assert!(!heard.holds(secret), "{secret} was logged: {}", heard.wire());
    }
}

#[test]
fn a_secret_on_the_wire_is_found_wherever_ureq_logs_it() {
    let server = Server::answering(chunked());
    let heard = hear(|| {
        let agent = ureq::Agent::new_with_defaults();
        let asking = agent.get(server.url("/token?key=key-1")).config().proxy(None).build();
        let mut answer = asking.header("authorization", "Basic client-secret-1").call().expect("an answer");
        assert_eq!(answer.body_mut().read_to_string().expect("a body"), TOKEN);
    });
    assert_eq!(heard.on_the_wire("client-secret-1"), 1, "{}", heard.wire());
    assert_eq!(heard.on_the_wire("key-1"), 1, "{}", heard.wire());
    assert_eq!(heard.on_the_wire("access-token-1"), 0, "it is split over two chunks: {}", heard.wire());
    assert_eq!(heard.on_the_wire("refresh-token-1"), 1, "{}", heard.wire());
}

#[test]
fn credentials_in_the_head_are_not_logged() {
    let server = Server::answering(announced());
    let heard = hear_asking(&server, ClientAuthentication::Basic);
    assert_silent(&heard, 1, &SECRETS);
    assert!(!heard.holds("key-1"), "{}", heard.wire());
    let sent = server.requests().concat();
    assert!(sent.starts_with("POST /token?key=key-1 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("\r\nauthorization: Basic Y2xpZW50LTE6Y2xpZW50LXNlY3JldC0x\r\n"), "{sent}");
}

#[test]
fn credentials_in_the_body_are_not_logged() {
    let server = Server::answering(announced());
    let heard = hear_asking(&server, ClientAuthentication::Body);
    assert_silent(&heard, 1, &SECRETS);
    assert!(server.requests().concat().contains("client_secret=client-secret-1"), "{:?}", server.requests());
}

#[test]
fn a_token_is_not_logged_however_its_answer_is_framed() {
    for answer in [chunked(), unannounced()] {
        let heard = hear_asking(&Server::answering(answer), ClientAuthentication::Body);
        assert_silent(&heard, 1, &SECRETS);
    }
}

#[test]
fn a_token_is_not_logged_when_its_answer_ends_in_a_mistake() {
    for (rest, said) in [("", "end of file"), ("nonsense\r\n", "chunk")] {
        let answer = chunked().replace("0\r\n\r\n", rest);
        let server = Server::answering(answer);
        let heard = hear(|| {
            let sent = UreqTransport::new()
                .expect("a transport")
                .send(&request("POST", &server.url("/"), "x"), DEADLINE);
            let fault = sent.expect_err("the answer is not whole");
            assert!(cause(&fault).contains(said), "{}", cause(&fault));
        });
        assert_silent(&heard, 1, &SECRETS);
    }
}

#[test]
fn credentials_of_requests_and_proxies_are_not_logged_nor_sent_to_a_proxy() {
    let proxy = Server::behind_a_proxy(announced());
    let own = ["proxy-secret-1", "cHJveHktdXNlcjpwcm94eS1zZWNyZXQtMQ=="];
    let address = proxy.url("").replace("://", "://proxy-user:proxy-secret-1@");
    let through = ureq::Proxy::new(&address).expect("a proxy");
    let transport = UreqTransport::from_builder(ureq::Agent::config_builder().proxy(Some(through)));
    let mut asking =
        request("POST", "https://server.invalid/token?key=key-1", "client_secret=client-secret-1");
    asking.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer access-token-1"));
    let heard = hear(|| {
        // The server behind the proxy does not use TLS, and receives no request.
        let fault = transport.expect("a transport").send(&asking, DEADLINE).expect_err("no TLS");
        assert_eq!(fault.delivery(), Delivery::NotSent, "{fault:?}");
    });
    assert_silent(&heard, 1, &[&SECRETS[..], &own].concat());
    let requests = proxy.requests();
    assert!(requests[0].contains(&format!("\r\nProxy-Authorization: Basic {}\r\n", own[1])), "{requests:?}");
    assert!(requests[0].starts_with("CONNECT server.invalid:443 HTTP/1.1\r\n"), "{requests:?}");
    assert!(SECRETS.iter().all(|secret| !requests.concat().contains(secret)), "{requests:?}");
}

/// Returns a client of the emulated standard server.
fn standard(emulator: &Emulator) -> Client {
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token")).expect("a sound address");
    let profile = profile.with_authorization_url(&format!("{base}/authorize")).expect("a sound address");
    Client::new(profile, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET).expect("a sound client")
}

#[test]
fn a_refresh_token_that_is_replaced_is_not_logged_nor_its_successor() {
    let emulator = Emulator::start().expect("a free port");
    let manager = TokenManager::new(standard(&emulator)).expect("a registration");
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    let consent =
        emulator.generic().grant_refresh_token(generic::DEMO_CLIENT_ID, &["read"]).expect("a client");
    let heard = hear(|| {
        tokens.import(Imported::RefreshToken(Secret::new(consent))).expect("a consent");
        let token = tokens.get().expect("a token");
        assert!(token.access_token().expose().contains(SECRET_MARK));
        tokens.refused(token.generation());
        tokens.get().expect("another token");
        manager.shutdown();
    });
    assert_silent(&heard, 2, &[SECRET_MARK, "100%25"]);
}

#[test]
fn a_code_is_not_logged_nor_what_it_is_exchanged_for() {
    let emulator = Emulator::start().expect("a free port");
    let (client, runner) = (standard(&emulator), Runner::new().expect("a runner"));
    let asked = client.authorize(
        generic::DEMO_REDIRECT_URI,
        &Scopes::none(),
        entropy().expect("randomness"),
        runner.now(),
    );
    let (page, pending) = asked.expect("a page");
    let callback =
        crate::recording_subscriber::unheard(|| Browser::new().open(&page).and_then(|page| page.grant()));
    let code = pending.receive(&callback.expect("a redirect"), runner.now()).expect("a code");
    let exchange = code.exchange(&client, runner.now()).expect("a request");
    let heard = hear(|| {
        let tokens = runner.run(exchange).expect("tokens").value;
        assert!(tokens.access_token().expose().contains(SECRET_MARK));
    });
    assert_silent(&heard, 1, &[SECRET_MARK, "100%25", "code_verifier"]);
}

#[test]
fn the_token_of_an_admin_is_not_logged() {
    let emulator = Emulator::start().expect("a free port");
    let profile = Profile::octorate().via_gateway(&emulator.url()).expect("a sound address");
    let client = Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET);
    let exchange = client.expect("a sound client").api_login().expect("a request");
    let heard = hear(|| drop(Runner::new().expect("a runner").run(exchange).expect("a token")));
    assert_silent(&heard, 1, &[SECRET_MARK, octorate::DEMO_CLIENT_SECRET]);
}

#[test]
fn the_token_the_query_and_the_bodies_of_a_call_are_not_logged() {
    let server = Server::answering(unannounced());
    let manager = TokenManager::new(client(&server, ClientAuthentication::Body)).expect("a registration");
    let calls =
        ApiClient::new(manager.tokens(TokenSpec::client_credentials(&Scopes::none())).expect("a handle"));
    let heard = hear(|| {
        for (method, body) in [("GET", ""), ("DELETE", ""), ("PUT", "client-secret-1")] {
            let mut call = request(method, &server.url("/guests?name=key-1"), body);
            call.headers_mut().insert("x-api-key", http::HeaderValue::from_static("client-secret-1"));
            let answer = calls.call(&call).expect("an answer");
            assert_eq!(answer.value.body().len(), TOKEN.len());
        }
        manager.shutdown();
    });
    assert_silent(&heard, 4, &[&SECRETS[..], &["key-1"]].concat());
    let requests = server.requests();
    let beginnings = [
        "POST /token?key=key-1 ",
        "GET /guests?name=key-1 ",
        "DELETE /guests?name=key-1 ",
        "PUT /guests?name=key-1 ",
    ];
    assert!(
        requests.iter().zip(beginnings).all(|(request, beginning)| request.starts_with(beginning)),
        "{requests:?}"
    );
    let authorized = |request: &&String| request.contains("\r\nauthorization: Bearer access-token-1\r\n");
    assert_eq!(requests.iter().filter(authorized).count(), 3, "{requests:?}");
    assert!(requests.iter().skip(1).all(|request| request.contains("\r\nx-api-key: client-secret-1\r\n")));
    assert!(requests[3].ends_with("\r\n\r\nclient-secret-1"), "{requests:?}");
}

#[test]
fn concurrent_exchanges_are_not_mixed_up() {
    let answer = |name: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nanswer to\r\n2\r\n {name}\r\n0\r\n\r\n"
        )
    };
    let servers = ["a", "b", "c", "d"].map(|name| (name, Server::answering(answer(name))));
    let transport = UreqTransport::new().expect("a transport");
    let heard = hear(|| {
        std::thread::scope(|scope| {
            for (name, server) in &servers {
                let transport = &transport;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let asking = request("POST", &server.url("/"), &format!("asked by {name}"));
                        let response = transport.send(&asking, DEADLINE).expect("an answer");
                        assert_eq!(response.body().as_ref(), format!("answer to {name}").as_bytes());
                    }
                });
            }
        });
    });
    for (name, server) in &servers {
        let requests = server.requests();
        assert_eq!(requests.len(), 50);
        assert!(requests.iter().all(|request| request.ends_with(&format!("\r\n\r\nasked by {name}"))));
    }
    assert!(!heard.holds("asked by") && !heard.holds("answer to"));
}

#[test]
fn a_large_body_is_sent_and_received_complete() {
    let large: String = (0..70_000).map(|number| format!("{number:06} ")).collect();
    let server =
        Server::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{large}", large.len()));
    // The output buffer is smaller than the head.
    let builder = ureq::Agent::config_builder().proxy(None).output_buffer_size(100);
    let transport = UreqTransport::from_builder(builder).expect("a transport");
    let mut asking = request("POST", &server.url("/"), &large);
    let long = http::HeaderValue::from_str(&"s".repeat(300)).expect("a sound value");
    asking.headers_mut().insert("authorization", long);
    let _turn = crate::recording_subscriber::turn();
    let response = transport.send(&asking, DEADLINE).expect("an answer");
    assert!(response.body().as_ref() == Body::from(large.as_str()).as_ref());
    let sent = server.requests().concat();
    assert!(sent.ends_with(&format!("\r\n\r\n{large}")));
    assert!(sent.contains(&format!("\r\nauthorization: {}\r\n", "s".repeat(300))));
}
