//! The lifecycle for callers on threads: with a scripted endpoint or the emulator, and a clock that the test
//! moves.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

mod callers;
mod carrying;
mod changes;
mod clock;
#[cfg(feature = "tracing")]
#[path = "../../../octo-auth-async/tests/lifecycle/documented.rs"]
mod documented;
mod endpoint;
mod flights;
mod gate;
#[cfg(feature = "tracing")]
mod hearing;
#[cfg(feature = "tracing")]
#[path = "../../../octo-auth-async/tests/lifecycle/life.rs"]
mod life;
#[allow(dead_code, unreachable_pub, reason = "these tests listen for more than secrets")]
#[path = "../../../../tests/src/log.rs"]
mod log;
#[cfg(all(feature = "metrics", feature = "tracing"))]
#[path = "../../../octo-auth-async/tests/lifecycle/measures.rs"]
mod measures;
#[cfg(feature = "tracing")]
#[path = "../../../octo-auth-async/tests/lifecycle/recording_subscriber.rs"]
mod recording_subscriber;
mod refresh_ahead;
mod refusals;
mod rotation;
mod running;
mod sharing;
mod stalls;
mod telemetry;

use std::thread;

use octo_auth_blocking::{
    Builder, Client, MemoryStore, Profile, RecordName, Scopes, Store, TokenManager, TokenSpec,
};
use octo_auth_testkit::StoredRecord;

use clock::Simulated;
use endpoint::Endpoint;

/// Returns a builder for a `TokenManager` with a scripted endpoint and a clock that the test moves.
fn manager(endpoint: &Endpoint, clock: &Simulated) -> Builder {
    TokenManager::builder(client()).transport(endpoint.clone()).clock(clock.clone())
}

fn profile() -> Profile {
    Profile::rfc6749("https://auth.example/token").expect("a sound address")
}

fn client() -> Client {
    Client::new(profile(), "client-1", "secret-1").expect("a sound client")
}

/// Returns the spec of the client's own token.
fn own_key() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::parse("read").expect("a sound scope"))
}

/// Returns the record of a spec, or `None` if there is none.
fn find(store: &MemoryStore, client: &Client, key: &TokenSpec) -> Option<StoredRecord> {
    let stored = store.load(&RecordName::new(client, key)).expect("memory never fails")?;
    Some(StoredRecord::read(&stored.content).expect("a record of the core"))
}

/// Returns the record of a spec of the client at the scripted endpoint.
fn stored(store: &MemoryStore, key: &TokenSpec) -> StoredRecord {
    find(store, &client(), key).expect("a record")
}

/// Runs the same on many concurrent threads and returns the outcomes.
fn at_once<R: Send>(threads: usize, act: impl Fn() -> R + Sync) -> Vec<R> {
    let start = std::sync::Barrier::new(threads);
    thread::scope(|scope| {
        let acting = || {
            start.wait();
            act()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(acting)).collect();
        running.into_iter().map(|thread| thread.join().expect("no caller panics")).collect()
    })
}
