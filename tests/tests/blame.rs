//! What the failures of a few accounts cost the others, over real sockets: one registration with 50 healthy accounts
//! and 5 that the server always fails, for two minutes of a clock that the test moves. No healthy call fails, and each
//! account sends a limited count of requests.
//!
//! A seed determines which accounts ask; a failed test prints it.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use octo_auth_core::{Client, Imported, Now, Profile, Secret, Timestamp, TokenSpec};
use octo_auth_system::Clock;
use octo_auth_testkit::socket::Socket;
use octo_auth_tests::log;
use octo_auth_tests::registration::sound;

const HEALTHY: usize = 50;
const ACCOUNTS: usize = HEALTHY + 5;
const SECONDS: usize = 120;

/// The lifetime of a token, in seconds.
const LIFETIME: usize = 40;

/// The limit of requests of a healthy account: one at first, then one for each 0.4 of a lifetime.
const MOST_OF_HEALTHY: usize = 1 + SECONDS / (LIFETIME * 2 / 5);

/// The smallest count: one at first, and one refresh.
const LEAST_OF_HEALTHY: usize = 2;

/// A way in which the server fails a bad account.
struct Kind {
    name: &'static str,
    answer: fn() -> Vec<u8>,
    /// The limit of requests of a bad account.
    most: usize,
}

const KINDS: [Kind; 5] = [
    // A cooldown lasts 60 s, and 120 s the second time.
    Kind {
        name: "unauthorized_client",
        answer: || json("400 Bad Request", r#"{"error":"unauthorized_client"}"#),
        most: 2,
    },
    Kind { name: "404 page", answer: || http("404 Not Found", "Content-Type: text/html", "<html>"), most: 2 },
    // A pause is at least 1 s, and a token spec sends at most 10 requests in any 61 s.
    Kind {
        name: "500",
        answer: || json("500 Internal Server Error", r#"{"error":"server_error"}"#),
        most: 20,
    },
    Kind { name: "429", answer: || http("429 Too Many Requests", "Retry-After: 30", ""), most: 4 },
    Kind { name: "no answer", answer: Vec::new, most: 20 },
];

fn http(status: &str, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into()
}

fn json(status: &str, body: &str) -> Vec<u8> {
    http(status, "Content-Type: application/json", body)
}

/// Returns the account in the text of a request, and the number of its refresh token.
fn asked_for(request: &str) -> (usize, usize) {
    let token = request.split_once("refresh_token=rt-").expect("a refresh").1;
    let mut numbers = token.split(['-', '&']).map(|number| number.parse().expect("a number"));
    (numbers.next().expect("an account"), numbers.next().expect("a refresh token"))
}

fn answer(request: &str, kind: &Kind) -> Vec<u8> {
    let (account, number) = asked_for(request);
    if account >= HEALTHY {
        return (kind.answer)();
    }
    let next = number + 1;
    let tokens = format!(r#""access_token":"at-{account}-{next}","refresh_token":"rt-{account}-{next}""#);
    json("200 OK", &format!(r#"{{{tokens},"token_type":"Bearer","expires_in":{LIFETIME}}}"#))
}

/// A clock in seconds, which the test moves.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicU64>);

impl Clock for Moved {
    fn now(&self) -> Now {
        let time = Duration::from_secs(self.0.load(Ordering::SeqCst));
        let start = Timestamp::from_unix_seconds(1_700_000_000);
        Now { wall: start.saturating_add(time), boot: Duration::from_secs(1_000) + time }
    }
}

/// Pseudorandom numbers (SplitMix64).
struct Chance(u64);

impl Chance {
    /// Returns `true` with a probability of one third.
    fn hits(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31) < u64::MAX / 3
    }
}

/// A server that fails the bad accounts, a registration at it, and a clock.
struct Stage {
    kind: &'static Kind,
    server: Socket,
    client: Client,
    clock: Moved,
}

impl Stage {
    fn new(kind: &'static Kind) -> Self {
        log::keep();
        let server = Socket::replying(|request| answer(request, kind));
        let profile = sound(Profile::rfc6749(&format!("http://{}/token", server.address())));
        let client = sound(Client::new(profile, "client-1", "client-secret-1"));
        Self { kind, server, client, clock: Moved::default() }
    }

    /// Makes random accounts ask concurrently in each second, and checks the results. `ask` asks for the tokens of
    /// these accounts and returns which got one. `is_busy` says whether a request of an account is in flight.
    fn run(&self, ask: impl Fn(&[usize]) -> Vec<bool>, is_busy: impl Fn(usize) -> bool) {
        let seed = RandomState::new().build_hasher().finish();
        let title = format!("{}, seed {seed}", self.kind.name);
        let mut chance = Chance(seed);
        let mut wrong = Vec::new();
        for second in 0..SECONDS {
            let asking: Vec<usize> = (0..ACCOUNTS).filter(|_| chance.hits()).collect();
            for (account, is_served) in asking.iter().zip(ask(&asking)) {
                if is_served != (*account < HEALTHY) {
                    wrong.push((second, *account));
                }
            }
            while (0..ACCOUNTS).any(&is_busy) {
                thread::yield_now();
            }
            self.clock.0.fetch_add(1, Ordering::SeqCst);
        }
        let first = wrong.first();
        assert!(first.is_none(), "{title}: {} wrong calls, first (second, account) {first:?}", wrong.len());
        self.judge_requests(&title);
    }

    fn judge_requests(&self, title: &str) {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for request in self.server.requests() {
            *counts.entry(asked_for(&request).0).or_default() += 1;
        }
        for account in 0..ACCOUNTS {
            let sent = counts.get(&account).copied().unwrap_or(0);
            let allowed =
                if account < HEALTHY { LEAST_OF_HEALTHY..=MOST_OF_HEALTHY } else { 1..=self.kind.most };
            assert!(allowed.contains(&sent), "{title}: {sent} requests of account {account}");
        }
    }
}

fn key(account: usize) -> TokenSpec {
    TokenSpec::account(&account.to_string())
}

fn consent(account: usize) -> Imported {
    Imported::RefreshToken(Secret::new(format!("rt-{account}-0")))
}

#[test]
fn bad_accounts_cost_the_healthy_ones_no_token_while_tasks_ask() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = sound(runtime);
    for kind in &KINDS {
        let stage = Stage::new(kind);
        let manager = octo_auth_async::TokenManager::builder(stage.client.clone());
        let manager = sound(manager.clock(stage.clock.clone()).build());
        let all: Vec<_> = (0..ACCOUNTS).map(|account| sound(manager.tokens(key(account)))).collect();
        for (account, tokens) in all.iter().enumerate() {
            sound(runtime.block_on(tokens.import(consent(account))));
        }
        let ask = |asking: &[usize]| {
            let spawned = |account: &usize| {
                let tokens = all[*account].clone();
                runtime.spawn(async move { tokens.get().await.is_ok() })
            };
            let calls: Vec<_> = asking.iter().map(spawned).collect();
            calls.into_iter().map(|call| sound(runtime.block_on(call))).collect()
        };
        stage.run(ask, |account| all[account].status().is_some_and(|status| status.in_flight));
    }
}

#[test]
fn bad_accounts_cost_the_healthy_ones_no_token_while_threads_ask() {
    for kind in &KINDS {
        let stage = Stage::new(kind);
        let manager = octo_auth_blocking::TokenManager::builder(stage.client.clone());
        let manager = sound(manager.clock(stage.clock.clone()).build());
        let all: Vec<_> = (0..ACCOUNTS).map(|account| sound(manager.tokens(key(account)))).collect();
        for (account, tokens) in all.iter().enumerate() {
            sound(tokens.import(consent(account)));
        }
        let ask = |asking: &[usize]| {
            thread::scope(|scope| {
                let spawned = |account: &usize| {
                    let tokens = &all[*account];
                    scope.spawn(move || tokens.get().is_ok())
                };
                let calls: Vec<_> = asking.iter().map(spawned).collect();
                calls.into_iter().map(|call| call.join().expect("no caller panics")).collect()
            })
        };
        stage.run(ask, |account| all[account].status().is_some_and(|status| status.in_flight));
    }
}
