//! Stores that hang, lie, or report a conflict at each write, behind both adapters and a server on a real socket.
//! Client grants still work, accounts get a store error, the count of store calls stays limited, and the program can
//! end.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use octo_auth_core::{
    Claimed, Client, Profile, RecordBytes, RecordName, Saved, Scopes, Storage, Store, StoreError, Stored,
    TokenErrorKind, TokenSpec, Version,
};
use octo_auth_testkit::socket::Socket;
use octo_auth_tests::log;
use octo_auth_tests::registration::sound;

/// The limit of threads that a hanging store may occupy: a quarter of the 64 concurrent refreshes.
const QUARTER: usize = 16;

const ACCOUNTS: usize = 100;

fn answer(_: &str) -> Vec<u8> {
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600}"#;
    let head = "Content-Type: application/json\r\nConnection: close";
    format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}

fn client(server: &Socket) -> Client {
    log::keep();
    let profile = sound(Profile::rfc6749(&format!("http://{}/token", server.address())));
    sound(Client::new(profile, "client-1", "client-secret-1"))
}

/// The failure of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// No call returns.
    Hangs,
    /// Each write finds another version, whatever is stored.
    Conflicts,
    /// Each write reports success, and nothing is stored. A read returns the record of another registration.
    Lies,
}

/// A store of several processes that fails, and counts its calls.
#[derive(Clone)]
struct Bad(Arc<Inside>);

struct Inside {
    trouble: Trouble,
    calls: AtomicUsize,
    held: Mutex<HashMap<String, usize>>,
    arrived: Condvar,
}

impl Bad {
    fn new(trouble: Trouble) -> Self {
        let (calls, held, arrived) = (AtomicUsize::new(0), Mutex::default(), Condvar::new());
        Self(Arc::new(Inside { trouble, calls, held, arrived }))
    }

    fn call(&self, name: &str) {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        if self.0.trouble == Trouble::Hangs {
            let mut held = self.0.held.lock().expect("no test panics here");
            *held.entry(name.to_owned()).or_default() += 1;
            self.0.arrived.notify_all();
            drop(held);
            loop {
                thread::park();
            }
        }
    }

    /// Waits until this count of calls hang. Returns how many do, and the largest count for one record.
    fn await_held(&self, count: usize) -> (usize, usize) {
        let held = self.0.held.lock().expect("no test panics here");
        let is_less = |held: &mut HashMap<String, usize>| held.values().sum::<usize>() < count;
        let held = self.0.arrived.wait_while(held, is_less).expect("no test panics here");
        (held.values().sum(), held.values().copied().max().unwrap_or(0))
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }
}

impl Store for Bad {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.call(name.as_str());
        let content = RecordBytes::from(br#"{"v":1,"name":"x","issuer":"y","client_id":"z"}"#.as_slice());
        Ok((self.0.trouble == Trouble::Lies).then_some(Stored { version: Version(7), content }))
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.call(name.as_str());
        match self.0.trouble {
            Trouble::Lies => Ok(Saved::Done(Version(expected.map_or(1, |version| version.0 + 1)))),
            Trouble::Conflicts | Trouble::Hangs => Ok(Saved::Conflict(None)),
        }
    }

    fn claim(&self, name: &RecordName, _: &str, _: Duration) -> Result<Claimed, StoreError> {
        self.call(name.as_str());
        Ok(Claimed::Granted)
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        self.call("");
        Ok(Vec::new())
    }
}

fn account(number: usize) -> TokenSpec {
    TokenSpec::account(&format!("inn {number}"))
}

fn own() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

/// The limit of calls for an account and a client grant until their first error: each writes at most 16 times in vain,
/// and an account is asked for twice.
const MOST_CALLS: usize = 4 * 20;

#[test]
fn a_store_that_hangs_holds_a_quarter_of_the_threads_of_a_program_with_threads_and_client_grants_go_on() {
    let (server, store) = (Socket::replying(answer), Bad::new(Trouble::Hangs));
    let manager = octo_auth_blocking::TokenManager::builder(client(&server)).store(store.clone());
    let manager = sound(manager.build());
    let all: Vec<_> = (0..ACCOUNTS).map(|number| sound(manager.tokens(account(number)))).collect();
    for tokens in &all {
        let failure = tokens.get_by(Duration::ZERO).expect_err("the store hangs");
        assert_eq!(failure.kind(), TokenErrorKind::StillWaiting);
    }
    store.await_held(QUARTER);
    sound(sound(manager.tokens(own())).get());
    assert_eq!(all[0].get().expect_err("the store hangs").kind(), TokenErrorKind::StoreUnavailable);
    assert_eq!(store.await_held(QUARTER), (QUARTER, 1));
}

#[test]
fn a_store_that_hangs_holds_a_bounded_number_of_threads_of_a_program_with_tasks_and_lets_it_end() {
    let runtime = sound(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    let (server, store) = (Socket::replying(answer), Bad::new(Trouble::Hangs));
    let manager = octo_auth_async::TokenManager::builder(client(&server));
    let manager = sound(manager.store(octo_auth_async::BlockingStore::new(store.clone())).build());
    let all: Vec<_> = (0..ACCOUNTS).map(|number| sound(manager.tokens(account(number)))).collect();
    for tokens in &all {
        let failure = runtime.block_on(tokens.get_by(Duration::ZERO)).expect_err("the store hangs");
        assert_eq!(failure.kind(), TokenErrorKind::StillWaiting);
    }
    store.await_held(QUARTER);
    let tokens = sound(manager.tokens(own()));
    sound(runtime.block_on(async { tokens.get().await }));
    let failure = runtime.block_on(all[0].get()).expect_err("the store hangs");
    assert_eq!(failure.kind(), TokenErrorKind::StoreUnavailable);
    assert_eq!(store.await_held(QUARTER), (QUARTER, 1));
    // Dropping it would wait for its own threads while the store hangs.
    drop(runtime);
}

#[test]
fn a_store_that_conflicts_or_lies_costs_a_bounded_number_of_calls_and_no_client_grant() {
    let runtime = sound(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    for trouble in [Trouble::Conflicts, Trouble::Lies] {
        let (server, store) = (Socket::replying(answer), Bad::new(trouble));
        let manager = octo_auth_blocking::TokenManager::builder(client(&server)).store(store.clone());
        let manager = sound(manager.build());
        let tokens = sound(manager.tokens(account(0)));
        let imported = octo_auth_core::Imported::RefreshToken(octo_auth_core::Secret::from("rt-0"));
        sound(tokens.import(imported.clone()));
        tokens.get_by(Duration::ZERO).expect_err("it cannot be written ahead");
        sound(sound(manager.tokens(own())).get());
        assert!(store.calls() <= MOST_CALLS, "{trouble:?}: {} calls of threads", store.calls());

        let store = Bad::new(trouble);
        let manager = octo_auth_async::TokenManager::builder(client(&server));
        let manager = sound(manager.store(octo_auth_async::BlockingStore::new(store.clone())).build());
        let tokens = sound(manager.tokens(account(0)));
        sound(runtime.block_on(tokens.import(imported)));
        runtime.block_on(tokens.get_by(Duration::ZERO)).expect_err("it cannot be written ahead");
        let own = sound(manager.tokens(own()));
        sound(runtime.block_on(own.get()));
        assert!(store.calls() <= MOST_CALLS, "{trouble:?}: {} calls of tasks", store.calls());
    }
}
