//! The emulated standard server with strict rotation, and a `TokenManager` for it.

use octo_auth_async::profile::ClientAuthentication;
use octo_auth_async::{Client, Imported, MemoryStore, Profile, Secret, TokenManager, TokenSource};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_emulator::{Emulator, Held};
use octo_auth_testkit::StoredRecord;

/// Starts the emulator on a free port.
pub(crate) fn emulator() -> Emulator {
    Emulator::start().expect("a free port")
}

fn client(emulator: &Emulator) -> Client {
    let profile = Profile::rfc6749(&format!("{}/token", emulator.base("auth.example")))
        .and_then(|profile| profile.with_client_authentication(ClientAuthentication::Body))
        .expect("a profile");
    Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).expect("a client")
}

/// Returns a `TokenManager` for the emulated server that keeps its records in this store.
pub(crate) fn manager(emulator: &Emulator, store: &MemoryStore) -> TokenManager {
    TokenManager::builder(client(emulator)).store(store.clone()).build().expect("a registration")
}

/// Returns the record of these tokens in the store.
pub(crate) async fn stored(emulator: &Emulator, store: &MemoryStore, tokens: &TokenSource) -> StoredRecord {
    crate::stored::stored(store, &client(emulator), tokens.spec()).await
}

/// Returns a consent, ready to import.
pub(crate) fn consent(emulator: &Emulator) -> Imported {
    let refresh_token =
        emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]).expect("a known client");
    Imported::RefreshToken(Secret::new(refresh_token))
}

/// Holds the answer to the next token request. The server processes the request before.
pub(crate) fn hold_next(emulator: &Emulator) -> Held {
    emulator.faults().on("auth.example", "/token").hold_next()
}

/// Waits until the request has come.
pub(crate) async fn arrived(held: Held) -> Held {
    let waiting = tokio::task::spawn_blocking(move || {
        assert!(held.arrived(), "the request never came");
        held
    });
    waiting.await.expect("the request came")
}

/// Returns whether the stored refresh token works, or is marked as one that may not.
pub(crate) fn is_kept(emulator: &Emulator, record: &StoredRecord) -> bool {
    let stored = record.refresh_token().expect("a refresh token");
    record.attempt().is_some() || emulator.generic().is_live(stored)
}
