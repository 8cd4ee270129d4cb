//! A sign-in of a web application in a sealed cookie, over sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use octo_auth_async::web::{CookieKey, CookieKeys, WebSignIn};
use octo_auth_async::{Client, Profile, TokenManager};
use octo_auth_emulator::{Browser, Emulator, generic};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Two replicas of an application with the same key and without a store.
struct Site {
    emulator: Emulator,
    /// The addresses of the replicas. Callbacks go to the first.
    addresses: Vec<String>,
    _runtime: Runtime,
}

async fn login(State(web): State<WebSignIn>, Path(hotel): Path<String>) -> Response<String> {
    web.begin(&hotel).await.unwrap_or_else(|error| error.page())
}

async fn callback(
    State(web): State<WebSignIn>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<String> {
    let ended = web.finish(&query.unwrap_or_default(), &headers).await;
    let redirect = ended.and_then(|user| {
        let account = user.account.clone();
        user.redirect(&format!("/{account}"))
    });
    redirect.unwrap_or_else(|error| error.page())
}

impl Site {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let emulator = Emulator::start().unwrap();
        let bind = || runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let listeners = [bind(), bind()];
        let addresses: Vec<_> =
            listeners.iter().map(|listener| format!("http://{}", listener.local_addr().unwrap())).collect();
        for listener in listeners {
            let web = sign_ins(&emulator, &format!("{}/callback", addresses[0]));
            let router = Router::new()
                .route("/login/{hotel}", get(login))
                .route("/callback", get(callback))
                .with_state(web);
            runtime.spawn(async move { axum::serve(listener, router).await });
        }
        Self { emulator, addresses, _runtime: runtime }
    }

    /// Begins the sign-in of a hotel and grants access. Returns the cookie, and the address of the callback.
    fn granted(&self, replica: usize, hotel: &str) -> (String, String) {
        let begun = open(&format!("{}/login/{hotel}", self.addresses[replica]), "");
        let page = header(&begun, "location");
        let callback = Browser::new().open(&page).and_then(|page| page.grant()).unwrap();
        (header(&begun, "set-cookie").split(';').next().unwrap().to_owned(), callback)
    }

    /// Returns the count of codes that the provider received.
    fn exchanges(&self) -> usize {
        self.emulator.log().iter().filter(|entry| entry.to_string().contains("&code=")).count()
    }
}

fn sign_ins(emulator: &Emulator, redirect_uri: &str) -> WebSignIn {
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token"))
        .and_then(|profile| profile.with_authorization_url(&format!("{base}/authorize")));
    let client = Client::new(profile.unwrap(), generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET).unwrap();
    let keys = CookieKeys::new(CookieKey::new("2026", [7; 32]).unwrap());
    let web = WebSignIn::sealed(&TokenManager::new(client).unwrap(), keys, redirect_uri);
    web.with_scopes(generic::SCOPES[0])
}

fn open(address: &str, cookies: &str) -> String {
    let (authority, target) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let request = format!(
        "GET /{target} HTTP/1.1\r\nHost: {authority}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Returns the value of a header.
fn header(answer: &str, name: &str) -> String {
    let mut fields = answer.lines().filter_map(|line| line.split_once(": "));
    let field = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
    field.unwrap_or_else(|| panic!("no {name} in {answer}")).1.to_owned()
}

#[test]
fn the_browser_that_began_at_one_replica_is_signed_in_by_the_other_once() {
    let site = Site::new();
    let (cookie, callback) = site.granted(1, "aurora");
    assert!(cookie.starts_with("__Host-octo-auth-"), "{cookie}");
    let ended = open(&callback, &format!("theme=dark; {cookie}"));
    assert!(ended.starts_with("HTTP/1.1 303 "), "{ended}");
    assert_eq!(header(&ended, "location"), "/aurora");
    let removed = header(&ended, "set-cookie");
    assert!(removed.contains("Max-Age=0"), "{removed}");
    let again = open(&callback, &cookie);
    assert!(again.starts_with("HTTP/1.1 400 ") && again.contains("This was already done"), "{again}");
    assert_eq!(site.exchanges(), 1);
}

#[test]
fn another_browser_and_a_cookie_that_was_changed_exchange_nothing() {
    let site = Site::new();
    let (cookie, callback) = site.granted(0, "aurora");
    let (other, _) = site.granted(0, "bellevue");
    let (name, value) = cookie.split_once('=').unwrap();
    let (_, other_value) = other.split_once('=').unwrap();
    for cookies in ["", "theme=dark", &other] {
        let refused = open(&callback, cookies);
        assert!(refused.contains("This sign-in began in another browser"), "{cookies}: {refused}");
    }
    let cut = &cookie[..cookie.len() / 2];
    for cookies in [format!("{name}="), cut.to_owned(), format!("{cookie}A"), format!("{name}={other_value}")]
    {
        let refused = open(&callback, &cookies);
        assert!(refused.starts_with("HTTP/1.1 400 "), "{cookies}: {refused}");
        assert!(refused.contains("The sign-in did not succeed"), "{cookies}: {refused}");
        assert!(!refused.contains(value), "{refused}");
    }
    assert_eq!(site.exchanges(), 0);
    assert!(open(&callback, &cookie).starts_with("HTTP/1.1 303 "), "the right cookie still opens");
    assert_eq!(site.exchanges(), 1);
}

#[test]
fn callbacks_during_the_exchange_are_refused_and_the_code_is_sent_once() {
    let site = Site::new();
    let (cookie, callback) = site.granted(0, "aurora");
    let held = site.emulator.faults().on("auth.example", "/token").hold_next();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| open(&callback, &cookie));
        assert!(held.arrived(), "the code");
        for _ in 0..8 {
            let second = open(&callback, &cookie);
            assert!(second.contains("This was already done"), "{second}");
        }
        held.release();
        assert!(first.join().unwrap().starts_with("HTTP/1.1 303 "));
    });
    assert_eq!(site.exchanges(), 1);
}
