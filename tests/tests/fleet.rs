//! Five hundred properties are called concurrently while the server forgets every token. No call fails, each property
//! is refreshed once, and no request is sent without a token. The emulator's log is the evidence.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use http::Request;
use octo_auth_core::{
    AdminToken, Body, Client, Imported, Now, Profile, Secret, Timestamp, TokenSpec, TokenStatus,
};
use octo_auth_emulator::{Emulator, octorate};
use octo_auth_system::Clock;
use octo_auth_tests::log;
use octo_auth_tests::registration::sound;
use tokio::sync::Semaphore;

const PROPERTIES: usize = 500;
const CALLS: usize = 20;

/// The count of calls after which the server forgets every token.
const FORGETS_AFTER: usize = PROPERTIES * CALLS / 4;

/// The count of concurrent calls.
const AT_ONCE: usize = 64;

const PATH: &str = "/connect/rest/v1/identity/refresh";

/// A clock that the emulator's clock follows.
#[derive(Clone, Default)]
struct Steady(Arc<AtomicU64>);

impl Clock for Steady {
    fn now(&self) -> Now {
        let time = Duration::from_secs(self.0.load(Ordering::SeqCst));
        let start = Timestamp::from_unix_seconds(1_700_000_000);
        Now { wall: start.saturating_add(time), boot: Duration::from_secs(1_000) + time }
    }
}

/// An emulator with an application and its properties, each with the refresh token from its creation.
struct Stage {
    emulator: Emulator,
    client: Client,
    clock: Steady,
    properties: Vec<(String, Secret)>,
    answered: AtomicUsize,
}

impl Stage {
    fn new() -> Self {
        log::keep();
        let emulator = sound(Emulator::builder().frozen_at(1_700_000_000_000).start());
        emulator.octorate().set_quota(10 * PROPERTIES * CALLS);
        let profile = sound(Profile::octorate().via_gateway(&emulator.url()));
        let client = sound(Client::new(profile, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET));
        let runner = sound(octo_auth_blocking::Runner::new());
        let admin: AdminToken = runner.run(client.api_login().unwrap()).unwrap().value;
        let create = |number: usize| {
            let json = format!(r#"{{"name":"Inn {number}","email":"inn{number}@example.com"}}"#);
            let created = runner.run(client.create_property(&admin, &json).unwrap()).unwrap().value;
            (created.id, created.refresh_token)
        };
        let properties = (0..PROPERTIES).map(create).collect();
        Self { emulator, client, clock: Steady::default(), properties, answered: AtomicUsize::new(0) }
    }

    /// Lets two minutes pass, so that the budget of the first refreshes is free again, and clears the log.
    fn settle(&self) {
        self.clock.0.fetch_add(120, Ordering::SeqCst);
        self.emulator.advance(Duration::from_secs(120));
        self.emulator.clear_log();
    }

    fn request(&self, property: &str) -> Request<Body> {
        let url =
            format!("{}/connect/rest/v1/reservation/{property}", self.emulator.base("api.octorate.com"));
        Request::get(url).body(Body::empty()).unwrap()
    }

    /// Records an answer. In the middle of the answers, the server forgets every token.
    fn note(&self, meaning: TokenStatus) {
        assert_eq!(meaning, TokenStatus::Accepted);
        if self.answered.fetch_add(1, Ordering::SeqCst) + 1 == FORGETS_AFTER {
            self.emulator.octorate().expire_access_tokens();
        }
    }

    /// Checks the emulator's log: each property was refreshed once, no call lacked a token, and none went to another
    /// host.
    fn judge(&self) {
        assert_eq!(self.answered.load(Ordering::SeqCst), PROPERTIES * CALLS);
        let log = self.emulator.log();
        let renewals = log.iter().filter(|entry| entry.path == PATH).count();
        let mut accepted: HashMap<&str, usize> = HashMap::new();
        for entry in log.iter().filter(|entry| entry.path != PATH) {
            assert_eq!(entry.host, "api.octorate.com");
            assert_eq!(entry.header("authorization"), Some("Bearer ***"), "{entry}");
            if entry.status == 200 {
                *accepted.entry(&entry.path).or_default() += 1;
            }
        }
        assert_eq!(renewals, PROPERTIES, "each property is renewed once");
        assert_eq!(accepted.len(), PROPERTIES);
        assert!(accepted.values().all(|calls| *calls == CALLS));
        assert!(log.iter().any(|entry| entry.status == 403), "the server refused tokens under way");
    }
}

#[test]
fn five_hundred_properties_are_renewed_once_each_while_tasks_call() {
    let stage = Arc::new(Stage::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let manager = octo_auth_async::TokenManager::builder(stage.client.clone());
        let manager = sound(manager.clock(stage.clock.clone()).build());
        let mut clients = Vec::new();
        for (property, refresh_token) in &stage.properties {
            let tokens = sound(manager.tokens(TokenSpec::account(property)));
            sound(tokens.import(Imported::RefreshToken(refresh_token.clone())).await);
            sound(tokens.get().await);
            clients.push((octo_auth_async::ApiClient::new(tokens), property.clone()));
        }
        stage.settle();
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..CALLS {
            for (client, property) in clients.clone() {
                let (stage, turns) = (stage.clone(), turns.clone());
                calls.spawn(async move {
                    let _turn = turns.acquire().await;
                    stage.note(sound(client.call(&stage.request(&property)).await).value.meaning());
                });
            }
        }
        while let Some(call) = calls.join_next().await {
            sound(call);
        }
    });
    stage.judge();
}

#[test]
fn five_hundred_properties_are_renewed_once_each_while_threads_call() {
    let stage = Stage::new();
    let manager = octo_auth_blocking::TokenManager::builder(stage.client.clone());
    let manager = sound(manager.clock(stage.clock.clone()).build());
    let clients: Vec<_> = stage
        .properties
        .iter()
        .map(|(property, refresh_token)| {
            let tokens = sound(manager.tokens(TokenSpec::account(property)));
            sound(tokens.import(Imported::RefreshToken(refresh_token.clone())));
            sound(tokens.get());
            octo_auth_blocking::ApiClient::new(tokens)
        })
        .collect();
    stage.settle();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let call = next.fetch_add(1, Ordering::SeqCst);
                    if call >= PROPERTIES * CALLS {
                        return;
                    }
                    let number = call % PROPERTIES;
                    let request = stage.request(&stage.properties[number].0);
                    stage.note(sound(clients[number].call(&request)).value.meaning());
                }
            });
        }
    });
    stage.judge();
}
