//! The telemetry that is recorded, and the secrets that are never in it.

use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::{
    Client, Imported, MemoryStore, RecordBytes, RecordName, RefreshAhead, Saved, Scopes, Secret, Storage,
    Store, StoreError, Stored, TokenManager, TokenSource, TokenSpec, Version,
};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_REDIRECT_URI};
use octo_auth_emulator::{Browser, Emulator, Fault};

use crate::life::{self, counts, named};
use crate::recording_subscriber::{CALLING, PANICKING, RecordingSubscriber, call, listen};
use crate::server::{Answer, Server, client, own_tokens};
use crate::stored::find;
use crate::time::Still;

const HOUR: u64 = 3_600;

/// The emulated standard server with its own profile name, a clock for both, and the secrets that were used.
struct Stage {
    emulator: Emulator,
    clock: Still,
    store: MemoryStore,
    client: Client,
    manager: TokenManager,
    secrets: Vec<String>,
}

fn client_named(name: &'static str) -> Client {
    Client::new(named(client().profile(), name), "client-1", "client-secret-1").expect("a sound client")
}

impl Stage {
    fn new() -> Self {
        let clock = Still::default();
        let emulator = Emulator::builder().frozen_at(1_700_000_000_000).start().expect("a free port");
        let client = life::client(&emulator);
        let store = MemoryStore::with_clock(clock.clone());
        let builder = TokenManager::builder(client.clone()).clock(clock.clone()).store(store.clone());
        let manager = builder.build().expect("a registration");
        Self { emulator, clock, store, client, manager, secrets: Vec::new() }
    }

    fn advance(&self, seconds: u64) {
        self.emulator.advance(Duration::from_secs(seconds));
        self.clock.advance(seconds);
    }

    async fn import(&mut self, tokens: &TokenSource) {
        let consent = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        let consent = consent.expect("a known client");
        self.secrets.push(consent.clone());
        tokens.import(Imported::RefreshToken(Secret::new(consent))).await.expect("a consent");
    }

    /// Signs in, from the page to the tokens, with a user who grants access.
    async fn sign_in(&mut self, tokens: &TokenSource) {
        let scopes = Scopes::parse("read").expect("a scope");
        let entropy = octo_auth_async::entropy().expect("a source of randomness");
        let (page, pending) =
            self.client.authorize(DEMO_REDIRECT_URI, &scopes, entropy, self.manager.now()).expect("a page");
        let callback = Browser::new().open(&page).and_then(|page| page.grant()).expect("a redirect");
        self.secrets.extend(life::secrets_in(&callback));
        let code = pending.receive(&callback, self.manager.now()).expect("a code");
        let exchange = code.exchange(&self.client, self.manager.now()).expect("a request");
        let answer = self.manager.run(exchange).await.expect("tokens");
        self.secrets.push(answer.value.access_token().expose().to_owned());
        tokens.import(Imported::Tokens(answer.value)).await.expect("a consent");
        self.secrets.extend(self.refresh_token(tokens.spec()).await);
    }

    /// Gets a token, and waits until the work that started with it has ended.
    async fn get(&mut self, tokens: &TokenSource) {
        // If there is no token, the recorded telemetry says why.
        if let Ok(token) = tokens.get().await {
            self.secrets.push(token.access_token().expose().to_owned());
        }
        while tokens.status().is_some_and(|status| status.in_flight) {
            tokio::task::yield_now().await;
        }
        self.secrets.extend(self.refresh_token(tokens.spec()).await);
    }

    async fn refresh_token(&self, key: &TokenSpec) -> Option<String> {
        find(&self.store, &self.client, key).await?.refresh_token().map(str::to_owned)
    }

    /// Makes one renewal for each cause, and some that fail, in the order of a token's life.
    async fn live(&mut self, tokens: &TokenSource) {
        self.import(tokens).await;
        self.get(tokens).await;
        // Due, expired, refused.
        self.advance(HOUR - 60);
        self.get(tokens).await;
        self.advance(HOUR);
        self.get(tokens).await;
        let generation = tokens.get().await.expect("a token").generation();
        tokens.refused(generation);
        tokens.refused(generation);
        self.get(tokens).await;
        // A server that is down, and one that refuses.
        self.advance(HOUR);
        let down = Fault::Status { status: 503, retry_after: None, body: None };
        self.emulator.faults().on("auth.example", "/token").next(1, down);
        self.get(tokens).await;
        self.advance(HOUR);
        self.get(tokens).await;
        self.advance(HOUR);
        let refresh_token = self.refresh_token(tokens.spec()).await.expect("a refresh token");
        self.emulator.generic().revoke_token(&refresh_token);
        self.get(tokens).await;
        // After a new sign-in, the token is refreshed ahead.
        self.sign_in(tokens).await;
        self.advance(HOUR - 60);
        let mut changes = self.manager.changes();
        let refreshing = self.manager.refresh_ahead(RefreshAhead::All);
        changes.next().await.expect("a change");
        drop(refreshing);
        self.get(tokens).await;
        tokens.sign_out().await;
        let beside = self.client.client_credentials(&Scopes::none()).expect("a request");
        let answer = self.manager.run(beside).await.expect("a token");
        self.secrets.push(answer.value.access_token().expose().to_owned());
        self.manager.shutdown().await;
    }
}

#[tokio::test]
async fn a_token_life_is_reported_with_the_documented_names_and_without_a_secret() {
    #[cfg(feature = "metrics")]
    crate::measures::measure();
    let (ear, mut stage) = (listen(), Stage::new());
    let tokens =
        stage.manager.tokens(TokenSpec::account("guest").with_parameter("audience", life::PARAMETER));
    stage.live(&tokens.expect("room for a key")).await;
    live_on_a_broken_store(ear, life::UNSAVED).await;
    live_on_a_forgetful_store(ear, life::LOST).await;
    life::check(ear, &stage.secrets);
    #[cfg(feature = "metrics")]
    crate::measures::check_life(life::NAME);
}

/// A store without records, and the result of its writes.
struct EmptyStore(Storage, fn() -> Result<Saved, StoreError>);

/// Fails, with an error text that says too much.
fn broken() -> Result<Saved, StoreError> {
    Err(StoreError::new("no connection with password-of-the-store"))
}

/// Succeeds, but the record is forgotten at once.
fn forgetful() -> Result<Saved, StoreError> {
    Ok(Saved::Done(Version(1)))
}

#[async_trait]
impl Store for EmptyStore {
    fn storage(&self) -> Storage {
        self.0
    }

    async fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    async fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        (self.1)()
    }

    async fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(Vec::new())
    }
}

/// Gets one token, which the store rejects.
async fn live_on_a_broken_store(ear: &RecordingSubscriber, name: &'static str) {
    let builder = TokenManager::builder(client_named(name)).transport(Server::new());
    let manager = builder
        .clock(Still::default())
        .store(EmptyStore(Storage::SingleProcess, broken))
        .build()
        .expect("a registration");
    own_tokens(&manager).get().await.expect("a token");
    while ear.counted(name, "octo_auth.stored", &["call"]).len() < 2 {
        tokio::task::yield_now().await;
    }
}

/// Gets a token and another one. In between, the store has lost the record of the first.
async fn live_on_a_forgetful_store(ear: &RecordingSubscriber, name: &'static str) {
    let builder = TokenManager::builder(client_named(name)).transport(Server::new());
    let manager = builder
        .clock(Still::default())
        .store(EmptyStore(Storage::MultiProcess, forgetful))
        .build()
        .expect("a registration");
    let tokens = own_tokens(&manager);
    let token = tokens.get().await.expect("a token");
    tokens.refused(token.generation());
    tokens.get().await.expect("another token");
    while ear.counted(name, "octo_auth.lost_write", &["key"]).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_report_of_a_failed_store_says_only_that_it_failed() {
    let ear = listen();
    live_on_a_broken_store(ear, "broken-store").await;
    let calls = ear.counted("broken-store", "octo_auth.stored", &["call", "outcome"]);
    assert_eq!(calls, counts(&[("load ok", 1), ("save store_failed", 1)]));
    let warned = ear.from("broken-store").into_iter().filter(|heard| heard.level == "WARN");
    let warned: Vec<_> = warned.map(|heard| heard.name).collect();
    assert_eq!(warned, ["octo_auth.unsaved", "octo_auth.stored"]);
    assert!(!ear.everything().contains("password-of-the-store"));
}

#[tokio::test]
async fn a_subscriber_that_panics_costs_no_token_and_no_report() {
    let (ear, server, clock) = (listen(), Server::new(), Still::default());
    let builder = TokenManager::builder(client_named(PANICKING)).transport(server.clone());
    let manager = builder.clock(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    tokens.get().await.expect("a token");
    clock.advance(HOUR);
    server.next(Answer::Status(503, 5));
    assert_eq!(tokens.get().await.expect_err("the endpoint is down").code(), "http:503");
    clock.advance(HOUR);
    let generation = tokens.get().await.expect("another token").generation();
    tokens.refused(generation);
    tokens.get().await.expect("another token");
    let beside = client().client_credentials(&Scopes::none()).expect("a request");
    manager.run(beside).await.expect("a token");
    manager.shutdown().await;
    assert_eq!(server.requests(), 5);
    let outcomes = ear.counted(PANICKING, "octo_auth.requested", &["outcome"]);
    assert_eq!(outcomes, counts(&[("ok", 4), ("http:5xx", 1)]));
}

#[test]
fn a_subscriber_that_calls_back_hangs_nothing() {
    let (done, is_done) = std::sync::mpsc::channel();
    // Under the lock the subscriber would wait for itself. Then this thread is left behind.
    std::thread::spawn(move || {
        let (_, server, clock) = (listen(), Server::new(), Still::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let builder = TokenManager::builder(client_named(CALLING)).transport(server.clone());
            let manager = builder.clock(clock.clone()).build().expect("a registration");
            let tokens = own_tokens(&manager);
            let called = tokens.clone();
            call(move || assert!(called.status().is_some()));
            tokens.refused(tokens.get().await.expect("a token").generation());
            tokens.get().await.expect("another token");
            clock.advance(HOUR);
            server.next(Answer::Status(503, 5));
            tokens.get().await.expect_err("the endpoint is down");
            manager.shutdown().await;
        });
        done.send(())
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("no hang");
}

#[tokio::test]
async fn a_cancelled_caller_and_a_lost_renewal_are_reported() {
    let (ear, server) = (listen(), Server::new());
    let builder = TokenManager::builder(client_named("given-up")).transport(server.clone());
    let manager = builder.clock(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { tokens.get().await }
    });
    server.arrived(1).await;
    waiting.abort();
    waiting.await.expect_err("it was ended");
    gate.add_permits(1);
    manager.shutdown().await;
    assert_eq!(ear.counted("given-up", "octo_auth.waited", &["outcome"]), counts(&[("cancelled", 1)]));
    let manager = TokenManager::builder(client_named("lost")).transport(server.clone());
    let manager = manager.clock(Still::default()).build().expect("a registration");
    server.next(Answer::Panic);
    own_tokens(&manager).get().await.expect("the token of a second request");
    let requested = ear.counted("lost", "octo_auth.requested", &["cause", "outcome"]);
    assert_eq!(requested, counts(&[("first lost", 1), ("first ok", 1)]));
}
