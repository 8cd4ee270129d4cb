//! What the log and the measures say, and what they never say.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use octo_auth_blocking::{
    Accounts, Adopted, Client, Key, MemoryStore, Profile, Record, Saved, Scopes, Secret, Storage, Store,
    StoreFault, Stored, Tokens, Version, Warm,
};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_emulator::{Emulator, Fault};

use crate::clock::Simulated;
use crate::ear::{CALLING, PANICKING, call, listen, vocabulary};
use crate::endpoint::{Answer, Endpoint};
use crate::{client, own_key, profile};

const HOUR: u64 = 3_600;

/// The emulated standard server under a name of its own, a clock for both, and the secrets that were used.
struct Stage {
    emulator: Emulator,
    clock: Simulated,
    store: MemoryStore,
    accounts: Accounts,
    secrets: Vec<String>,
}

fn named(profile: &Profile, name: &'static str) -> Profile {
    let mut document = profile.document().clone();
    document.name = name.into();
    Profile::new(document).expect("a sound profile")
}

fn client_named(name: &'static str) -> Client {
    Client::new(named(&profile(), name), "client-1", "secret-1").expect("a sound client")
}

impl Stage {
    fn new(name: &'static str) -> Self {
        let clock = Simulated::new();
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

    fn adopt(&mut self, tokens: &Tokens) {
        let consent = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        let consent = consent.expect("a known client");
        self.secrets.push(consent.clone());
        tokens.adopt(Adopted::RefreshToken(Secret::new(consent))).expect("a consent");
    }

    /// Gets a token, and waits until what is under way beside it has ended.
    fn get(&mut self, tokens: &Tokens) {
        // Why there is none is told by what is heard.
        if let Ok(token) = tokens.get() {
            self.secrets.push(token.access_token().expose().to_owned());
        }
        while tokens.status().is_some_and(|status| status.in_flight) {
            thread::yield_now();
        }
        self.secrets.extend(self.refresh_token(tokens.key()));
    }

    fn refresh_token(&self, key: &Key) -> Option<String> {
        let stored = Store::load(&self.store, key).expect("memory never fails")?;
        stored.record.refresh_token.map(|token| token.expose().to_owned())
    }

    /// One renewal for each cause and some ends, in the order of a token's life.
    fn live(&mut self, tokens: &Tokens) {
        self.adopt(tokens);
        self.get(tokens);
        // Due, expired, refused.
        self.advance(HOUR - 60);
        self.get(tokens);
        self.advance(HOUR);
        self.get(tokens);
        let generation = tokens.get().expect("a token").generation();
        tokens.refused(generation);
        tokens.refused(generation);
        self.get(tokens);
        // A server that is down, and one that refuses.
        self.advance(HOUR);
        let down = Fault::Status { status: 503, retry_after: None, body: None };
        self.emulator.faults().on("auth.example", "/token").next(1, down);
        self.get(tokens);
        self.advance(HOUR);
        self.get(tokens);
        self.advance(HOUR);
        let refresh_token = self.refresh_token(tokens.key()).expect("a refresh token");
        self.emulator.generic().revoke_token(&refresh_token);
        self.get(tokens);
        // Begun anew, and kept warm.
        self.adopt(tokens);
        let mut changes = self.accounts.changes();
        let warm = self.accounts.keep_warm(Warm::All);
        changes.next().expect("a change");
        drop(warm);
        self.get(tokens);
        tokens.sign_out();
        let beside = self.client().client_credentials(&Scopes::none()).expect("a request");
        let answer = self.accounts.run(beside).expect("a token");
        self.secrets.push(answer.value.access_token().expose().to_owned());
        self.accounts.shutdown();
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

#[test]
fn a_life_is_told_by_the_documented_names_and_fields_without_a_secret() {
    #[cfg(feature = "metrics")]
    crate::measures::measure();
    let (ear, mut stage) = (listen(), Stage::new("a-life"));
    let tokens =
        stage.accounts.tokens(Key::account("guest").with_parameter("audience", "value-of-a-parameter"));
    let tokens = tokens.expect("room for a key");
    stage.live(&tokens);
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

impl Store for Broken {
    fn storage(&self) -> Storage {
        Storage::Private
    }

    fn load(&self, _: &Key) -> Result<Option<Stored>, StoreFault> {
        Ok(None)
    }

    fn compare_and_swap(&self, _: &Key, _: Option<Version>, _: &Record) -> Result<Saved, StoreFault> {
        Err(StoreFault::new("no connection with password-of-the-store"))
    }
}

#[test]
fn of_a_store_that_fails_is_told_that_it_failed_and_no_more() {
    let (ear, endpoint, clock) = (listen(), Endpoint::new(), Simulated::new());
    let builder = Accounts::builder(client_named("broken-store")).transport(endpoint).clock(clock);
    let accounts = builder.store(Broken).build().expect("a registration");
    accounts.tokens(own_key()).expect("a handle").get().expect("a token");
    while ear.counted("broken-store", "octo_auth.stored", &["call", "outcome"]).len() < 2 {
        thread::yield_now();
    }
    let calls = ear.counted("broken-store", "octo_auth.stored", &["call", "outcome"]);
    assert_eq!(calls, counts(&[("load ok", 1), ("save store_failed", 1)]));
    assert_eq!(ear.counted("broken-store", "octo_auth.unsaved", &[]).len(), 1);
    assert!(!ear.everything().contains("password-of-the-store"));
}

#[test]
fn a_subscriber_that_panics_costs_no_token_and_no_report() {
    let (ear, endpoint, clock) = (listen(), Endpoint::new(), Simulated::new());
    let builder = Accounts::builder(client_named(PANICKING)).transport(endpoint.clone());
    let accounts = builder.clock(clock.clone()).build().expect("a registration");
    let tokens = accounts.tokens(own_key()).expect("a handle");
    tokens.get().expect("a token");
    clock.advance(HOUR);
    endpoint.script([Answer::Status(503, Some(5))]);
    assert_eq!(tokens.get().expect_err("the endpoint is down").code(), "http:503");
    clock.advance(HOUR);
    let generation = tokens.get().expect("another token").generation();
    tokens.refused(generation);
    tokens.get().expect("another token");
    let beside = client().client_credentials(&Scopes::none()).expect("a request");
    accounts.run(beside).expect("a token");
    accounts.shutdown();
    assert_eq!(endpoint.requests(), 5);
    let outcomes = ear.counted(PANICKING, "octo_auth.requested", &["outcome"]);
    assert_eq!(outcomes, counts(&[("ok", 4), ("http:5xx", 1)]));
}

#[test]
fn a_subscriber_that_comes_back_to_the_key_hangs_nothing() {
    let (done, is_done) = std::sync::mpsc::channel();
    // Under the lock it would wait for itself: then this thread is left behind.
    thread::spawn(move || {
        let (_, endpoint, clock) = (listen(), Endpoint::new(), Simulated::new());
        let builder = Accounts::builder(client_named(CALLING)).transport(endpoint.clone());
        let accounts = builder.clock(clock.clone()).build().expect("a registration");
        let tokens = accounts.tokens(own_key()).expect("a handle");
        let called = tokens.clone();
        call(move || assert!(called.status().is_some()));
        tokens.refused(tokens.get().expect("a token").generation());
        tokens.get().expect("another token");
        clock.advance(HOUR);
        endpoint.script([Answer::Status(503, Some(5))]);
        tokens.get().expect_err("the endpoint is down");
        accounts.shutdown();
        done.send(())
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("no hang");
}

#[test]
fn a_caller_whose_time_is_over_and_a_renewal_that_is_lost_are_told_too() {
    let (ear, endpoint, clock) = (listen(), Endpoint::new(), Simulated::new());
    let builder = Accounts::builder(client_named("given-up")).transport(endpoint.clone());
    let accounts = builder.clock(clock.clone()).build().expect("a registration");
    let tokens = accounts.tokens(own_key()).expect("a handle");
    endpoint.shut();
    tokens.get_by(Duration::ZERO).expect_err("the endpoint is held");
    endpoint.open();
    accounts.shutdown();
    let waits = ear.counted("given-up", "octo_auth.waited", &["outcome", "wait_seconds"]);
    assert_eq!(waits, counts(&[("still_waiting 0.0", 1)]));
    let builder = Accounts::builder(client_named("lost")).transport(endpoint.clone());
    let accounts = builder.clock(clock).build().expect("a registration");
    endpoint.script([Answer::Panic]);
    accounts.tokens(own_key()).expect("a handle").get().expect("the token of a second request");
    accounts.shutdown();
    let requested = ear.counted("lost", "octo_auth.requested", &["cause", "outcome"]);
    assert_eq!(requested, counts(&[("first lost", 1), ("first ok", 1)]));
}
