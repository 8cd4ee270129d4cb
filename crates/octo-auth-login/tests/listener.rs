//! A sign-in at a listener, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use octo_auth_core::{Client, Entropy, PendingAuthorization, Profile, Scopes};
use octo_auth_login::{CallbackListener, ListenError, Page, Waiting};
use octo_auth_system::{Clock, SystemClock};

/// A limit for the callback that no test should reach.
const LONGEST: Duration = Duration::from_secs(60);

fn client() -> Client {
    let profile = Profile::rfc6749("https://as.example/token").unwrap();
    let profile = profile.with_authorization_url("https://as.example/authorize").unwrap();
    Client::new(profile, "client-1", "secret-of-client-1").unwrap()
}

fn sign_in(redirect_uri: &str) -> PendingAuthorization {
    let entropy = Entropy::from_bytes([7; 64]);
    client().authorize(redirect_uri, &Scopes::none(), entropy, SystemClock.now()).unwrap().1
}

/// A sign-in at a listener, and what the tests send to it.
struct Scene {
    waiting: Waiting,
    address: SocketAddr,
    host: String,
    state: String,
}

impl Scene {
    fn at(listener: CallbackListener) -> Self {
        let address = listener.addresses()[0];
        let redirect_uri = listener.redirect_uri();
        let host = redirect_uri.split('/').nth(2).unwrap().to_owned();
        let pending = sign_in(&redirect_uri);
        let state = pending.state().expose().to_owned();
        let waiting = listener.wait_for(pending, "Octorate <b>", SystemClock).unwrap();
        Self { waiting, address, host, state }
    }

    fn new() -> Self {
        Self::at(CallbackListener::bind("http://127.0.0.1/callback").unwrap())
    }

    fn request(&self, query: &str) -> String {
        format!("GET /callback?{query} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host)
    }

    fn callback(&self) -> String {
        self.request(&format!("code=c0de-1&state={}", self.state))
    }

    fn send(&self, bytes: &str) -> JoinHandle<String> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            text
        })
    }

    /// Returns the answer to a request before the sign-in has ended.
    fn answer(&self, bytes: &str) -> String {
        self.send(bytes).join().unwrap()
    }
}

#[test]
fn fifty_forged_callbacks_get_a_polite_page_and_the_true_one_brings_the_code() {
    let mut scene = Scene::new();
    for number in 0..50 {
        let page = scene.answer(&scene.request(&format!("code=right&state=forged-{number}")));
        assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
        assert!(page.contains("does not belong to the sign-in"), "{page}");
        assert!(scene.waiting.callback(Duration::ZERO).unwrap().is_none());
    }
    let browser = scene.send(&scene.callback());
    let code = scene.waiting.callback(LONGEST).unwrap().unwrap();
    assert!(code.exchange(&client(), SystemClock.now()).is_ok());
    scene.waiting.finish(Page::SignedIn);
    let page = browser.join().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("You are signed in"), "{page}");
    assert!(page.contains("Octorate &lt;b&gt; granted") && !page.contains("c0de-1"), "{page}");
}

#[test]
fn the_same_callback_on_two_connections_brings_one_code_and_a_page_that_it_was_done() {
    let mut scene = Scene::new();
    let callback = scene.callback();
    let browsers = [scene.send(&callback), scene.send(&callback)];
    assert!(scene.waiting.callback(LONGEST).unwrap().is_some());
    // A reload during the exchange of the code is answered at once.
    let again = scene.answer(&callback);
    assert!(again.starts_with("HTTP/1.1 410 ") && again.contains("already done"), "{again}");
    // No page says that the program still waits for the callback.
    for request in [callback.replace("/callback", "/other"), callback.replace("GET", "POST")] {
        let page = scene.answer(&request);
        assert!(page.contains("Nothing was changed") && !page.contains("waits"), "{page}");
    }
    assert!(scene.waiting.callback(Duration::ZERO).unwrap().is_none());
    scene.waiting.finish(Page::SignedIn);
    let mut statuses = browsers.map(|browser| browser.join().unwrap()[9..12].to_owned());
    statuses.sort();
    assert_eq!(statuses, ["200", "410"]);
}

#[test]
fn a_refusal_ends_the_sign_in_and_its_words_are_not_shown() {
    let mut scene = Scene::new();
    let query = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E";
    let browser = scene.send(&scene.request(&format!("{query}&state={}", scene.state)));
    let error = scene.waiting.callback(LONGEST).unwrap_err();
    assert_eq!(error.code(), "oauth:access_denied");
    let page = browser.join().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Access was not granted"), "{page}");
    assert!(!page.contains("alert"), "{page}");
}

#[test]
fn the_redirect_uri_names_the_literal_that_is_listened_on() {
    for (uri, host) in [
        ("http://127.0.0.1/callback", "127.0.0.1"),
        ("http://[::1]/callback", "[::1]"),
        ("http://localhost/callback", "localhost"),
    ] {
        let listener = match CallbackListener::bind(uri) {
            Ok(listener) => listener,
            // A machine without IPv6.
            Err(ListenError::Unavailable { address, .. }) if address.is_ipv6() => continue,
            Err(error) => panic!("{uri}: {error}"),
        };
        let addresses = listener.addresses();
        let port = addresses[0].port();
        assert_eq!(listener.redirect_uri(), format!("http://{host}:{port}/callback"));
        assert!(addresses.iter().all(|address| address.port() == port && address.ip().is_loopback()));
        assert!(host == "localhost" || addresses.len() == 1, "{addresses:?}");
        for address in &addresses {
            let listener = CallbackListener::bind(uri).unwrap();
            let mut scene = Scene::at(listener);
            scene.address.set_ip(address.ip());
            let browser = scene.send(&scene.callback());
            assert!(scene.waiting.callback(LONGEST).unwrap().is_some(), "{uri} at {address}");
            scene.waiting.finish(Page::SignedIn);
            assert!(browser.join().unwrap().starts_with("HTTP/1.1 200 "), "{uri} at {address}");
        }
    }
}

#[test]
fn a_port_in_use_is_an_error_and_no_other_port_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let error = CallbackListener::bind(&format!("http://127.0.0.1:{port}/callback")).unwrap_err();
    assert!(matches!(error, ListenError::PortInUse { port: named } if named == port), "{error:?}");
}

#[test]
fn the_port_is_closed_when_the_sign_in_has_ended_or_was_given_up() {
    let mut scene = Scene::new();
    let browser = scene.send(&scene.callback());
    assert!(scene.waiting.callback(LONGEST).unwrap().is_some());
    scene.waiting.finish(Page::SignedIn);
    assert!(TcpStream::connect(scene.address).is_err());
    browser.join().unwrap();

    let mut scene = Scene::new();
    let browser = scene.send(&scene.callback());
    assert!(scene.waiting.callback(LONGEST).unwrap().is_some());
    drop(scene.waiting);
    assert!(TcpStream::connect(scene.address).is_err());
    assert!(browser.join().unwrap().contains("The sign-in did not succeed"));
}

/// Covers silent, dripping, foreign and overlong connections, more than the limit, followed by the callback.
#[test]
fn no_other_connection_keeps_the_callback_waiting() {
    let mut scene = Scene::new();
    let mut held = Vec::new();
    let long = format!("GET / HTTP/1.1\r\nCookie: {}", "c".repeat(63 * 1024));
    for _ in 0..60 {
        for bytes in ["", "GET /callback?code=c0de", "\u{16}\u{3}\u{1}\u{2}", long.as_str()] {
            let mut stream = TcpStream::connect(scene.address).unwrap();
            let _ = stream.write_all(bytes.as_bytes());
            held.push(stream);
        }
    }
    for stream in &mut held {
        let _ = stream.write_all(b"x");
    }
    let browser = scene.send(&scene.callback());
    assert!(scene.waiting.callback(LONGEST).unwrap().is_some());
    scene.waiting.finish(Page::SignedIn);
    assert!(browser.join().unwrap().starts_with("HTTP/1.1 200 "));
}

/// This bounds memory, and a new connection does not have to wait until an old one times out.
#[test]
fn the_oldest_silent_connections_make_room_for_new_ones() {
    let listener = CallbackListener::bind("http://127.0.0.1/callback").unwrap();
    let scene = Scene::at(listener.with_patience(LONGEST));
    let mut silent: Vec<_> = (0..65).map(|_| TcpStream::connect(scene.address).unwrap()).collect();
    let last = silent.len() - 1;
    silent[0].set_read_timeout(Some(LONGEST / 2)).unwrap();
    let ended = silent[0].read(&mut [0; 1]);
    assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock), "{ended:?}");
    silent[last].set_nonblocking(true).unwrap();
    let waits = silent[last].read(&mut [0; 1]);
    assert!(matches!(&waits, Err(error) if error.kind() == ErrorKind::WouldBlock), "{waits:?}");
}

#[test]
fn a_client_that_is_too_slow_is_told_so() {
    let listener = CallbackListener::bind("http://127.0.0.1/callback").unwrap();
    let scene = Scene::at(listener.with_patience(Duration::from_millis(50)));
    let answer = scene.answer("GET /callback?code=c0de");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}
