//! What invented codes cost the accounts that are signed in, over real sockets. 200 exchanges of codes that the
//! server never issued come within 100 s of a clock that the test moves. Meanwhile the one real account asks each
//! second and always gets a token.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use octo_auth_core::{
    Client, Entropy, ErrorKind, Exchange, ExchangeError, Imported, Now, Policy, Profile, Scopes, Secret,
    Timestamp, TokenSet, TokenSpec,
};
use octo_auth_system::{Clock, ClockListener};
use octo_auth_testkit::socket::Socket;
use octo_auth_tests::log;
use octo_auth_tests::registration::sound;

const CODES: usize = 200;
const SECONDS: usize = 100;

/// The limit of requests a minute.
const LIMIT: u32 = 10;

/// The lifetime of a token, in seconds.
const LIFETIME: usize = 40;

const REDIRECT_URI: &str = "https://app.example.com/callback";

fn json(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "Content-Type: application/json\r\nConnection: close";
    format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

fn answer(request: &str, number: u64) -> Vec<u8> {
    if request.contains("grant_type=authorization_code") {
        return json("400 Bad Request", r#"{"error":"invalid_grant"}"#);
    }
    let tokens = format!(r#""access_token":"at-{number}","refresh_token":"rt-{number}""#);
    json("200 OK", &format!(r#"{{{tokens},"token_type":"Bearer","expires_in":{LIFETIME}}}"#))
}

/// A clock in seconds, which the test moves. It notifies waiting threads.
#[derive(Clone, Default)]
struct Moved(Arc<Inside>);

#[derive(Default)]
struct Inside {
    seconds: AtomicU64,
    waiting: Mutex<Vec<Weak<dyn ClockListener>>>,
}

impl Moved {
    fn tick(&self) {
        self.0.seconds.fetch_add(1, Ordering::SeqCst);
        let waiting = self.0.waiting.lock().expect("no test panics here").clone();
        waiting.iter().filter_map(Weak::upgrade).for_each(|waiting| waiting.clock_stepped());
    }
}

impl Clock for Moved {
    fn now(&self) -> Now {
        let time = Duration::from_secs(self.0.seconds.load(Ordering::SeqCst));
        let start = Timestamp::from_unix_seconds(1_700_000_000);
        Now { wall: start.saturating_add(time), boot: Duration::from_secs(1_000) + time }
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        self.0.waiting.lock().expect("no test panics here").push(waiting);
    }
}

/// A server that refuses each code, a client of it, and a clock.
struct Stage {
    server: Socket,
    client: Client,
    clock: Moved,
}

impl Stage {
    fn new() -> Self {
        log::keep();
        let number = AtomicU64::new(0);
        let server = Socket::replying(move |request| answer(request, number.fetch_add(1, Ordering::SeqCst)));
        let profile = sound(Profile::rfc6749(&format!("http://{}/token", server.address())));
        let profile = sound(profile.with_authorization_url("https://login.example.com/authorize"));
        let client = sound(Client::new(profile, "client-1", "client-secret-1"));
        Self { server, client, clock: Moved::default() }
    }

    fn policy() -> Policy {
        sound(Policy::default().with_request_limit(LIMIT))
    }

    fn invented(&self, number: usize) -> Exchange<TokenSet> {
        let entropy = Entropy::from_bytes([7; 64]);
        let (_, pending) =
            sound(self.client.authorize(REDIRECT_URI, &Scopes::none(), entropy, self.clock.now()));
        let callback = format!("?code=invented-{number}&state={}", pending.state().expose());
        let code = sound(pending.receive(&callback, self.clock.now()));
        sound(code.exchange(&self.client, self.clock.now()))
    }

    /// Lets the codes arrive while the real account asks.
    fn run(&self, mut begin: impl FnMut(Exchange<TokenSet>), get: impl Fn() -> bool) {
        let mut begun = 0;
        for second in 0..SECONDS {
            while begun * SECONDS < CODES * (second + 1) {
                begin(self.invented(begun));
                begun += 1;
            }
            assert!(get(), "second {second}: the own account got no token");
            self.clock.tick();
        }
    }

    /// Lets time pass until all exchanges have ended.
    fn pass_until(&self, is_over: impl Fn() -> bool) {
        while !is_over() {
            self.clock.tick();
            thread::yield_now();
        }
    }

    fn judge(&self, ends: &[ExchangeError]) {
        assert_eq!(ends.len(), CODES);
        let sent = |error: &&ExchangeError| *error.kind() != ErrorKind::NotSent;
        let requests = self.server.requests();
        let codes = requests.iter().filter(|request| request.contains("=authorization_code")).count();
        assert_eq!(ends.iter().filter(sent).count(), codes);
        let seconds = self.clock.now().boot.as_secs() - 1_000;
        let most = u64::from(LIMIT / 2) * (seconds / 61 + 1);
        assert!(
            codes > 0 && codes as u64 <= most,
            "{codes} codes were sent in {seconds} s, their share is {most}"
        );
        let waited = |error: &&ExchangeError| !sent(error) && error.remedy().word() == "sign_in_again";
        assert_eq!(ends.iter().filter(waited).count(), CODES - codes, "what was not sent says so");
    }
}

fn key() -> TokenSpec {
    TokenSpec::account("own")
}

fn consent() -> Imported {
    Imported::RefreshToken(Secret::from("rt"))
}

#[test]
fn invented_codes_cost_the_own_account_no_token_while_tasks_exchange_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = sound(runtime);
    let stage = Stage::new();
    let manager = octo_auth_async::TokenManager::builder(stage.client.clone()).policy(Stage::policy());
    let manager = sound(manager.clock(stage.clock.clone()).build());
    let tokens = sound(manager.tokens(key()));
    sound(runtime.block_on(tokens.import(consent())));
    let mut calls = Vec::new();
    let begin = |exchange| {
        let manager = manager.clone();
        calls.push(runtime.spawn(async move { manager.run(exchange).await.map(drop) }));
    };
    stage.run(begin, || runtime.block_on(tokens.get()).is_ok());
    stage.pass_until(|| calls.iter().all(tokio::task::JoinHandle::is_finished));
    let ends: Vec<_> =
        calls.into_iter().map(|call| sound(runtime.block_on(call)).expect_err("no code")).collect();
    stage.judge(&ends);
}

#[test]
fn invented_codes_cost_the_own_account_no_token_while_threads_exchange_them() {
    let stage = Stage::new();
    let manager = octo_auth_blocking::TokenManager::builder(stage.client.clone()).policy(Stage::policy());
    let manager = sound(manager.clock(stage.clock.clone()).build());
    let tokens = sound(manager.tokens(key()));
    sound(tokens.import(consent()));
    let mut calls = Vec::new();
    let begin = |exchange| {
        let manager = manager.clone();
        calls.push(thread::spawn(move || manager.run(exchange).map(drop)));
    };
    stage.run(begin, || tokens.get().is_ok());
    stage.pass_until(|| calls.iter().all(JoinHandle::is_finished));
    let ends: Vec<_> =
        calls.into_iter().map(|call| call.join().expect("no panic").expect_err("no code")).collect();
    stage.judge(&ends);
}
