//! What the log and the measures say, and what they never say.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::{
    Accounts, Adopted, Client, Key, MemoryStore, Profile, Record, Saved, Scopes, Secret, Storage, Store,
    StoreFault, Stored, Tokens, Version, Warm,
};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_emulator::{Emulator, Fault};

use crate::ear::{CALLING, PANICKING, call, listen, vocabulary};
use crate::server::{Answer, Server, client, client_named, own_tokens};
use crate::time::Still;

const HOUR: u64 = 3_600;

/// The emulated standard server under a name of its own, a clock for both, and the secrets that were used.
struct Stage {
    emulator: Emulator,
    clock: Still,
    store: MemoryStore,
    accounts: Accounts,
    secrets: Vec<String>,
}

fn named(profile: &Profile, name: &'static str) -> Profile {
    let mut document = profile.document().clone();
    document.name = name.into();
    Profile::new(document).expect("a sound profile")
}

impl Stage {
    fn new(name: &'static str) -> Self {
        let clock = Still::default();
        let emulator = Emulator::builder().frozen_at(1_700_000_000_000).start().expect("a free port");
        let base = emulator.base("auth.example");
        let profile = Profile::rfc6749(&format!("{base}/token"))
            .and_then(|profile| profile.with_revocation_url(&format!("{base}/revoke")))
            .expect("a profile");
        let client = Client::new(named(&profile, name), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
        let store = MemoryStore::with_clock(clock.clone());
        let builder = Accounts::builder(client.expect("a client")).clock(clock.clone()).store(store.clone());
        let accounts = builder.build().expect("a registration");
        Self { emulator, clock, store, accounts, secrets: vec![DEMO_CLIENT_SECRET.to_owned()] }
    }

    fn advance(&self, seconds: u64) {
        self.emulator.advance(Duration::from_secs(seconds));
        self.clock.advance(seconds);
    }

    async fn adopt(&mut self, tokens: &Tokens) {
        let consent = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        let consent = consent.expect("a known client");
        self.secrets.push(consent.clone());
        tokens.adopt(Adopted::RefreshToken(Secret::new(consent))).await.expect("a consent");
    }

    /// Gets a token, and waits until what is under way beside it has ended.
    async fn get(&mut self, tokens: &Tokens) {
        // Why there is none is told by what is heard.
        if let Ok(token) = tokens.get().await {
            self.secrets.push(token.access_token().expose().to_owned());
        }
        while tokens.status().is_some_and(|status| status.in_flight) {
            tokio::task::yield_now().await;
        }
        self.secrets.extend(self.refresh_token(tokens.key()).await);
    }

    async fn refresh_token(&self, key: &Key) -> Option<String> {
        let stored = Store::load(&self.store, key).await.expect("memory never fails")?;
        stored.record.refresh_token.map(|token| token.expose().to_owned())
    }

    /// One renewal for each cause and some ends, in the order of a token's life.
    async fn live(&mut self, tokens: &Tokens) {
        self.adopt(tokens).await;
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
        let refresh_token = self.refresh_token(tokens.key()).await.expect("a refresh token");
        self.emulator.generic().revoke_token(&refresh_token);
        self.get(tokens).await;
        // Begun anew, and kept warm.
        self.adopt(tokens).await;
        let mut changes = self.accounts.changes();
        let warm = self.accounts.keep_warm(Warm::All);
        changes.next().await.expect("a change");
        drop(warm);
        self.get(tokens).await;
        tokens.sign_out().await;
        let beside = self.client().client_credentials(&Scopes::none()).expect("a request");
        let answer = self.accounts.run(beside).await.expect("a token");
        self.secrets.push(answer.value.access_token().expose().to_owned());
        self.accounts.shutdown().await;
    }

    fn client(&self) -> Client {
        let token_url = format!("{}/token", self.emulator.base("auth.example"));
        let profile = Profile::rfc6749(&token_url).expect("a profile");
        Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).expect("a client")
    }
}

fn counts(counted: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counted.iter().map(|(told, count)| ((*told).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_life_is_told_by_the_documented_names_and_fields_without_a_secret() {
    #[cfg(feature = "metrics")]
    crate::measures::measure();
    let (ear, mut stage) = (listen(), Stage::new("a-life"));
    let tokens =
        stage.accounts.tokens(Key::account("guest").with_parameter("audience", "value-of-a-parameter"));
    let tokens = tokens.expect("room for a key");
    stage.live(&tokens).await;
    let failed = "key kind code remedy seconds_to_retry row seconds_to_expiry";
    let documented = vocabulary(&[
        ("request", "DEBUG", "purpose host key cause"),
        ("store", "DEBUG", "key call"),
        ("requested", "DEBUG", "purpose key cause outcome code remedy status"),
        ("stored", "DEBUG", "key call outcome"),
        ("renewed", "INFO", "key generation row seconds_to_expiry"),
        ("setback", "WARN", failed),
        ("sign_in_needed", "ERROR", &failed.replace("seconds_to_retry ", "")),
        ("sign_in_needed", "INFO", &failed.replace("seconds_to_retry ", "")),
        ("waited", "DEBUG", "key outcome wait_seconds"),
        ("refused", "INFO", "key generation"),
        ("shutting_down", "INFO", ""),
        ("shut_down", "INFO", "finished"),
    ]);
    assert_eq!(ear.vocabulary("a-life"), documented);
    let renewals = counts(&[
        ("refresh first ok", 1),
        ("refresh due ok", 1),
        ("refresh expired ok", 2),
        ("refresh refused ok", 1),
        ("refresh expired http:5xx", 1),
        ("refresh expired oauth:invalid_grant", 1),
        ("refresh warm ok", 1),
        ("revocation - tried", 1),
        ("client credentials - ok", 1),
    ]);
    assert_eq!(ear.counted("a-life", "octo_auth.requested", &["purpose", "cause", "outcome"]), renewals);
    let keys = ear.counted("a-life", "octo_auth.renewed", &["key"]);
    assert_eq!(keys, counts(&[(r#"account "guest", audience"#, 6)]));
    #[cfg(feature = "metrics")]
    check_measures();
    stage.secrets.push("value-of-a-parameter".to_owned());
    let (everything, secrets) = (ear.everything(), &stage.secrets);
    assert!(secrets.len() > 15, "{} secrets were used", secrets.len());
    for secret in secrets {
        assert!(!everything.contains(secret.as_str()), "{secret} in {everything}");
    }
}

/// The measures of a life, as documented.
#[cfg(feature = "metrics")]
fn check_measures() {
    use metrics::Unit;
    use metrics_util::debugging::DebugValue;

    let measured = crate::measures::read("a-life");
    let counter = |name: &str| match measured.get(name) {
        Some((Some(Unit::Count), DebugValue::Counter(count))) => *count,
        other => panic!("{name}: {other:?}"),
    };
    let renewals = [
        ("cause=first outcome=ok", 1),
        ("cause=due outcome=ok", 1),
        ("cause=expired outcome=ok", 2),
        ("cause=refused outcome=ok", 1),
        ("cause=expired outcome=http:5xx", 1),
        ("cause=expired outcome=oauth:invalid_grant", 1),
        ("cause=warm outcome=ok", 1),
    ];
    for (labels, count) in renewals {
        assert_eq!(counter(&format!("octo_auth_renewals_total {labels}")), count, "{labels}");
    }
    assert_eq!(counter("octo_auth_refusals_total"), 2);
    let left = |name: &str, unit: Unit| match measured.get(name) {
        Some((told, DebugValue::Gauge(left))) if *told == Some(unit) => left.0,
        other => panic!("{name}: {other:?}"),
    };
    // Of 600 requests a minute the last renewal, the revocation and the exchange beside the keys were sent.
    assert!((590.0..600.0).contains(&left("octo_auth_budget_left", Unit::Count)));
    assert!((3_000.0..=3_600.0).contains(&left("octo_auth_seconds_to_expiry", Unit::Seconds)));
    let waits = |outcome: &str| match measured.get(&format!("octo_auth_wait_seconds outcome={outcome}")) {
        Some((Some(Unit::Seconds), DebugValue::Histogram(waits))) => waits.len(),
        other => panic!("{outcome}: {other:?}"),
    };
    assert_eq!((waits("token"), waits("closed"), waits("consent_lost")), (5, 1, 1));
    assert_eq!(measured.len(), renewals.len() + 6, "{:?}", measured.keys());
}

/// A store that cannot be written, and says too much about that.
struct Broken;

#[async_trait]
impl Store for Broken {
    fn storage(&self) -> Storage {
        Storage::Private
    }

    async fn load(&self, _: &Key) -> Result<Option<Stored>, StoreFault> {
        Ok(None)
    }

    async fn compare_and_swap(&self, _: &Key, _: Option<Version>, _: &Record) -> Result<Saved, StoreFault> {
        Err(StoreFault::new("no connection with password-of-the-store"))
    }
}

#[tokio::test]
async fn of_a_store_that_fails_is_told_that_it_failed_and_no_more() {
    let (ear, server) = (listen(), Server::new());
    let builder = Accounts::builder(client_named("broken-store")).transport(server.clone());
    let accounts = builder.clock(Still::default()).store(Broken).build().expect("a registration");
    own_tokens(&accounts).get().await.expect("a token");
    while ear.counted("broken-store", "octo_auth.unsaved", &[]).is_empty() {
        tokio::task::yield_now().await;
    }
    let calls = ear.counted("broken-store", "octo_auth.stored", &["call", "outcome"]);
    assert_eq!(calls, counts(&[("load ok", 1), ("save store_failed", 1)]));
    let failed = ear
        .from("broken-store")
        .into_iter()
        .find(|heard| heard.fields.contains_key("call") && heard.level == "WARN");
    assert_eq!(failed.map(|heard| heard.name).as_deref(), Some("octo_auth.stored"));
    assert!(!ear.everything().contains("password-of-the-store"));
}

#[tokio::test]
async fn a_subscriber_that_panics_costs_no_token_and_no_report() {
    let (ear, server, clock) = (listen(), Server::new(), Still::default());
    let builder = Accounts::builder(client_named(PANICKING)).transport(server.clone());
    let accounts = builder.clock(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&accounts);
    tokens.get().await.expect("a token");
    clock.advance(HOUR);
    server.next(Answer::Status(503, 5));
    assert_eq!(tokens.get().await.expect_err("the endpoint is down").code(), "http:503");
    clock.advance(HOUR);
    let generation = tokens.get().await.expect("another token").generation();
    tokens.refused(generation);
    tokens.get().await.expect("another token");
    let beside = client().client_credentials(&Scopes::none()).expect("a request");
    accounts.run(beside).await.expect("a token");
    accounts.shutdown().await;
    assert_eq!(server.requests(), 5);
    let outcomes = ear.counted(PANICKING, "octo_auth.requested", &["outcome"]);
    assert_eq!(outcomes, counts(&[("ok", 4), ("http:5xx", 1)]));
}

#[test]
fn a_subscriber_that_comes_back_to_the_key_hangs_nothing() {
    let (done, is_done) = std::sync::mpsc::channel();
    // Under the lock it would wait for itself: then this thread is left behind.
    std::thread::spawn(move || {
        let (_, server, clock) = (listen(), Server::new(), Still::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let builder = Accounts::builder(client_named(CALLING)).transport(server.clone());
            let accounts = builder.clock(clock.clone()).build().expect("a registration");
            let tokens = own_tokens(&accounts);
            let called = tokens.clone();
            call(move || assert!(called.status().is_some()));
            tokens.refused(tokens.get().await.expect("a token").generation());
            tokens.get().await.expect("another token");
            clock.advance(HOUR);
            server.next(Answer::Status(503, 5));
            tokens.get().await.expect_err("the endpoint is down");
            accounts.shutdown().await;
        });
        done.send(())
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("no hang");
}

#[tokio::test]
async fn a_caller_that_gives_up_and_a_renewal_that_is_lost_are_told_too() {
    let (ear, server) = (listen(), Server::new());
    let builder = Accounts::builder(client_named("given-up")).transport(server.clone());
    let accounts = builder.clock(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&accounts), server.hold_next());
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { tokens.get().await }
    });
    server.arrived(1).await;
    waiting.abort();
    waiting.await.expect_err("it was ended");
    gate.add_permits(1);
    accounts.shutdown().await;
    assert_eq!(ear.counted("given-up", "octo_auth.waited", &["outcome"]), counts(&[("cancelled", 1)]));
    let accounts = Accounts::builder(client_named("lost")).transport(server.clone());
    let accounts = accounts.clock(Still::default()).build().expect("a registration");
    server.next(Answer::Panic);
    own_tokens(&accounts).get().await.expect("the token of a second request");
    let requested = ear.counted("lost", "octo_auth.requested", &["cause", "outcome"]);
    assert_eq!(requested, counts(&[("first lost", 1), ("first ok", 1)]));
}
