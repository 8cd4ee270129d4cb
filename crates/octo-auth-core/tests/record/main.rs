//! Records: their names, how they are written and read, and which are neither used nor overwritten.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

mod kept;
mod names;
mod refused;
pub mod written;

use octo_auth_core::Storage;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel};
use octo_auth_testkit::registration::standard;
use serde_json::json;

/// Returns a machine on a store that no other process uses.
fn started(store: &InMemoryStore) -> Machine {
    Machine::with_store(standard(), Storage::SingleProcess, store, 1)
}

/// Returns an answer with everything that a record keeps of a token.
fn full_answer() -> ServerReply {
    let body = json!({
        "access_token": "AT1", "token_type": "Bearer", "expires_in": 3600, "refresh_in": 1800,
        "refresh_token": "RT1", "scope": "b a",
    });
    ServerReply::json(200, &body.to_string())
}

/// Returns a machine that holds the tokens of a full answer, and the store to which it wrote them.
fn signed_in() -> (Machine, InMemoryStore) {
    let store = InMemoryStore::default();
    let mut world = started(&store);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(full_answer());
    assert_eq!(world.got(&hotel()), "AT1");
    (world, store)
}
