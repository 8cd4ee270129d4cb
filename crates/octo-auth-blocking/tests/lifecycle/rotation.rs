//! A server that revokes the whole token family when a refresh token is used twice.

use std::time::Duration;

use octo_auth_blocking::{Client, Imported, MemoryStore, Profile, Secret, TokenManager, TokenSpec};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_emulator::{Emulator, Fault, Rotation};

use crate::clock::Simulated;
use crate::{at_once, find};

const HOUR: u64 = 3600;

struct Stage {
    emulator: Emulator,
    clock: Simulated,
    store: MemoryStore,
    client: Client,
    manager: TokenManager,
}

impl Stage {
    fn new() -> Self {
        let (clock, start) = (Simulated::new(), 1_700_000_000_000);
        let emulator = Emulator::builder().frozen_at(start).start().expect("an emulator");
        emulator.generic().set_rotation(Rotation::Strict);
        let token_url = format!("{}/token", emulator.base("auth.example"));
        let profile = Profile::rfc6749(&token_url).expect("a sound address");
        let client = Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).expect("a sound client");
        let store = MemoryStore::with_clock(clock.clone());
        let builder = TokenManager::builder(client.clone()).clock(clock.clone()).store(store.clone());
        Self { emulator, clock, store, client, manager: builder.build().expect("a registration") }
    }

    fn advance(&self, seconds: u64) {
        self.emulator.advance(Duration::from_secs(seconds));
        self.clock.advance(seconds);
    }

    fn consent(&self) -> Imported {
        let granted = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        Imported::RefreshToken(Secret::new(granted.expect("a known client")))
    }

    fn stored_refresh_token_is_live(&self, key: &TokenSpec) -> bool {
        let record = find(&self.store, &self.client, key).expect("a record");
        self.emulator.generic().is_live(record.refresh_token().expect("a refresh token"))
    }
}

#[test]
fn renewals_through_five_generations_revoke_no_family_and_store_the_newest_refresh_token() {
    let (stage, key) = (Stage::new(), TokenSpec::account("inn"));
    let tokens = stage.manager.tokens(key.clone()).expect("a handle");
    tokens.import(stage.consent()).expect("a sound refresh token");
    for number in 1..=5 {
        let got = at_once(8, || tokens.get().expect("a token"));
        assert!(got.iter().all(|token| token.generation().number == number));
        assert!(stage.emulator.generic().is_live(got[0].access_token().expose()));
        assert!(stage.stored_refresh_token_is_live(&key));
        stage.advance(HOUR);
    }
    assert_eq!(stage.emulator.log().len(), 5);
    assert_eq!(stage.emulator.generic().families_revoked(), 0);
}

#[test]
fn a_caller_that_gave_up_after_the_server_rotated_costs_no_consent() {
    let (stage, key) = (Stage::new(), TokenSpec::account("inn"));
    let tokens = stage.manager.tokens(key.clone()).expect("a handle");
    tokens.import(stage.consent()).expect("a sound refresh token");
    for _ in 0..3 {
        let held = stage.emulator.faults().on("auth.example", "/token").hold_next();
        tokens.get_by(Duration::ZERO).expect_err("the answer is held");
        assert!(held.arrived());
        held.release();
        assert!(stage.emulator.generic().is_live(tokens.get().expect("a token").access_token().expose()));
        assert!(stage.stored_refresh_token_is_live(&key));
        stage.advance(HOUR);
    }
    assert_eq!(stage.emulator.generic().families_revoked(), 0);
}

#[test]
fn a_request_that_reached_no_server_costs_no_consent() {
    let (stage, key) = (Stage::new(), TokenSpec::account("inn"));
    let tokens = stage.manager.tokens(key.clone()).expect("a handle");
    tokens.import(stage.consent()).expect("a sound refresh token");
    let place = stage.emulator.faults().on("auth.example", "/token");
    place.next(1, Fault::TemporarilyUnavailable { status: 503, retry_after: None });
    assert_eq!(tokens.get().expect_err("the endpoint is down").code(), "http:503");
    stage.advance(120);
    tokens.get().expect("a token");
    assert!(stage.stored_refresh_token_is_live(&key));
    assert_eq!(stage.emulator.generic().families_revoked(), 0);
}
