//! A rotated refresh token that the store did not accept is saved again automatically, with both adapters: no caller
//! asks.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response};
use octo_auth_core::{
    Body, Client, Imported, Now, Profile, RecordBytes, RecordName, Saved, Scopes, Storage, Store, StoreError,
    Stored, TokenSpec, TransportError, Version,
};
use octo_auth_system::{Clock, ClockListener, MemoryStore};
use octo_auth_testkit::StoredRecord;
use octo_auth_tests::moment;
use octo_auth_tests::registration::{self, sound};
use tokio::runtime::{Builder, Runtime};

/// The limit of a wait; a working program needs milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than any pause after a store error.
const PAUSE: Duration = Duration::from_secs(31);

/// A clock that the test moves.
#[derive(Clone, Default)]
struct Moved {
    passed: Arc<Mutex<Duration>>,
    waiting: Arc<Mutex<Vec<Weak<dyn ClockListener>>>>,
}

impl Moved {
    fn advance(&self, time: Duration) {
        *self.passed.lock().expect("nothing panics under this lock") += time;
        let waiting = self.waiting.lock().expect("nothing panics under this lock").clone();
        waiting.iter().filter_map(Weak::upgrade).for_each(|one| one.clock_stepped());
    }
}

impl Clock for Moved {
    fn now(&self) -> Now {
        let (start, passed) = (moment::start(), *self.passed.lock().expect("nothing panics under this lock"));
        Now { wall: start.wall.saturating_add(passed), boot: start.boot + passed }
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        self.waiting.lock().expect("nothing panics under this lock").push(waiting);
    }
}

/// A store of one process that refuses writes while it is down.
#[derive(Clone, Default)]
struct Moody(Arc<Inside>);

#[derive(Default)]
struct Inside {
    memory: MemoryStore,
    is_down: AtomicBool,
    failures: Mutex<u32>,
    changed: Condvar,
}

impl Moody {
    fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    fn call(&self) -> Result<(), StoreError> {
        let mut failures = self.0.failures.lock().expect("nothing panics under this lock");
        self.0.changed.notify_all();
        if self.0.is_down.load(Ordering::SeqCst) {
            *failures += 1;
            return Err(StoreError::new("the disk is full"));
        }
        Ok(())
    }

    fn failures(&self) -> u32 {
        *self.0.failures.lock().expect("nothing panics under this lock")
    }

    /// Waits until this count of calls has failed in total.
    fn await_failures(&self, count: u32) {
        let few = |failures: &mut u32| *failures < count;
        self.await_while(few, "the store is not called again");
    }

    /// Waits until the record of the inn contains a refresh token.
    fn await_stored(&self, client: &Client, refresh_token: &str) {
        let name = RecordName::new(client, &inn());
        let is_missing = |_: &mut u32| {
            let stored = Store::load(&self.0.memory, &name).expect("memory never fails");
            let record = stored.and_then(|stored| StoredRecord::read(&stored.content));
            record.is_none_or(|record| record.refresh_token() != Some(refresh_token))
        };
        self.await_while(is_missing, "it is not saved again");
    }

    fn await_while(&self, condition: impl FnMut(&mut u32) -> bool, why: &str) {
        let failures = self.0.failures.lock().expect("nothing panics under this lock");
        let waited = self.0.changed.wait_timeout_while(failures, TIMEOUT, condition);
        assert!(!waited.expect("nothing panics under this lock").1.timed_out(), "{why}");
    }
}

impl Store for Moody {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.call()?;
        Store::load(&self.0.memory, name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.call()?;
        let saved = Store::compare_and_swap(&self.0.memory, name, expected, content);
        // Acquiring the lock ensures that the waiting thread is really waiting: it checks while it holds the lock.
        drop(self.0.failures.lock().expect("nothing panics under this lock"));
        self.0.changed.notify_all();
        saved
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.call()?;
        Store::list(&self.0.memory, prefix)
    }
}

/// A server that rotates refresh tokens. After the second answer the store is down. It reports when it is dropped.
struct Rotating {
    store: Moody,
    requests: AtomicU32,
    dropped: Mutex<Sender<()>>,
}

impl Rotating {
    fn new(store: &Moody) -> (Self, Receiver<()>) {
        let (dropped, end) = channel();
        (Self { store: store.clone(), requests: AtomicU32::new(0), dropped: Mutex::new(dropped) }, end)
    }

    fn answer(&self) -> Response<Body> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.store.set_down(number == 2);
        let tokens = format!(r#""access_token":"at-{number}","refresh_token":"rt-{number}""#);
        let body = format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#);
        let mut response = Response::new(Body::from(body.as_str()));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        response
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        let _ = self.dropped.lock().map(|dropped| dropped.send(()));
    }
}

impl octo_auth_blocking::Transport for Rotating {
    fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Ok(self.answer())
    }
}

#[async_trait]
impl octo_auth_async::Transport for Rotating {
    async fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Ok(self.answer())
    }
}

fn client() -> Client {
    registration::with(sound(Profile::rfc6749("https://login.example.com/token")))
}

fn inn() -> TokenSpec {
    TokenSpec::account("inn")
}

fn consent() -> Imported {
    Imported::RefreshToken("rt-0".into())
}

fn registered_for_threads(
    transport: Rotating,
    store: &Moody,
    clock: impl Clock + 'static,
) -> octo_auth_blocking::TokenManager {
    let builder = octo_auth_blocking::TokenManager::builder(client()).may_block(|| true);
    sound(builder.transport(transport).store(store.clone()).clock(clock).build())
}

fn registered_for_tasks(
    transport: Rotating,
    store: &Moody,
    clock: impl Clock + 'static,
) -> octo_auth_async::TokenManager {
    let store = octo_auth_async::BlockingStore::new(store.clone());
    let builder = octo_auth_async::TokenManager::builder(client());
    sound(builder.transport(transport).store(store).clock(clock).build())
}

/// Refreshes twice; the second refresh token cannot be saved.
fn rotate_on_threads(
    manager: &octo_auth_blocking::TokenManager,
    store: &Moody,
    clock: &Moved,
) -> octo_auth_blocking::TokenSource {
    let tokens = sound(manager.tokens(inn()));
    sound(tokens.import(consent()));
    assert_eq!(sound(tokens.get()).access_token().expose(), "at-1");
    clock.advance(HOUR);
    assert_eq!(sound(tokens.get()).access_token().expose(), "at-2");
    assert!(store.failures() > 0 && tokens.status().is_some_and(|status| status.unsaved));
    tokens
}

/// As [`rotate_on_threads`].
async fn rotate_on_tasks(
    manager: &octo_auth_async::TokenManager,
    store: &Moody,
    clock: &Moved,
) -> octo_auth_async::TokenSource {
    let tokens = sound(manager.tokens(inn()));
    sound(tokens.import(consent()).await);
    assert_eq!(sound(tokens.get().await).access_token().expose(), "at-1");
    clock.advance(HOUR);
    assert_eq!(sound(tokens.get().await).access_token().expose(), "at-2");
    assert!(store.failures() > 0 && tokens.status().is_some_and(|status| status.unsaved));
    tokens
}

/// Waits until the condition holds.
fn until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

fn runtime() -> Runtime {
    sound(Builder::new_current_thread().enable_all().build())
}

/// Waits for a condition on another thread, while the runtime runs.
async fn wait_beside(wait: impl FnOnce() + Send + 'static) {
    sound(tokio::task::spawn_blocking(wait).await);
}

#[test]
fn a_rotated_refresh_token_that_the_store_did_not_take_is_saved_on_a_thread_without_a_caller() {
    let (store, clock) = (Moody::default(), Moved::default());
    let manager = registered_for_threads(Rotating::new(&store).0, &store, clock.clone());
    let tokens = rotate_on_threads(&manager, &store, &clock);
    for _ in 0..3 {
        let failures = store.failures();
        clock.advance(PAUSE);
        store.await_failures(failures + 1);
        until(|| tokens.status().is_some_and(|status| !status.in_flight));
    }
    store.set_down(false);
    clock.advance(PAUSE);
    store.await_stored(&client(), "rt-2");
}

#[test]
fn a_rotated_refresh_token_that_the_store_did_not_take_is_saved_by_a_task_without_a_caller() {
    let (store, clock) = (Moody::default(), Moved::default());
    let manager = registered_for_tasks(Rotating::new(&store).0, &store, clock.clone());
    runtime().block_on(async {
        let tokens = rotate_on_tasks(&manager, &store, &clock).await;
        for _ in 0..3 {
            let (failures, failing, tokens) = (store.failures(), store.clone(), tokens.clone());
            clock.advance(PAUSE);
            wait_beside(move || {
                failing.await_failures(failures + 1);
                until(|| tokens.status().is_some_and(|status| !status.in_flight));
            })
            .await;
        }
        store.set_down(false);
        clock.advance(PAUSE);
        let saving = store.clone();
        wait_beside(move || saving.await_stored(&client(), "rt-2")).await;
    });
}

#[test]
fn what_a_runtime_that_ended_left_unsaved_is_saved_on_the_next_one_though_only_another_key_is_asked_for() {
    let (store, clock) = (Moody::default(), Moved::default());
    let manager = registered_for_tasks(Rotating::new(&store).0, &store, clock.clone());
    let first = runtime();
    drop(first.block_on(rotate_on_tasks(&manager, &store, &clock)));
    drop(first);
    store.set_down(false);
    runtime().block_on(async {
        let other = sound(manager.tokens(TokenSpec::client_credentials(&Scopes::none())));
        sound(other.get().await);
        clock.advance(PAUSE);
        let saving = store.clone();
        wait_beside(move || saving.await_stored(&client(), "rt-2")).await;
    });
}

#[test]
fn saving_again_keeps_no_registration_alive() {
    let (store, clock) = (Moody::default(), Moved::default());
    let (transport, end) = Rotating::new(&store);
    let manager = registered_for_threads(transport, &store, clock.clone());
    drop(rotate_on_threads(&manager, &store, &clock));
    drop(manager);
    sound(end.recv_timeout(TIMEOUT));

    let (store, clock) = (Moody::default(), Moved::default());
    let (transport, end) = Rotating::new(&store);
    let manager = registered_for_tasks(transport, &store, clock.clone());
    runtime().block_on(async {
        drop(rotate_on_tasks(&manager, &store, &clock).await);
        drop(manager);
        wait_beside(move || sound(end.recv_timeout(TIMEOUT))).await;
    });
}
