//! A process that is killed during a refresh delays the next one no longer than the manual says, with both adapters. No
//! refresh token is sent twice.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response};
use octo_auth_core::{
    Body, Claimed, Client, Imported, Now, Policy, Profile, RecordBytes, RecordName, Saved, Storage, Store,
    StoreError, Stored, TokenSpec, TransportError, Version,
};
use octo_auth_system::{Clock, ClockListener, MemoryStore};
use octo_auth_testkit::StoredRecord;
use octo_auth_tests::moment;
use octo_auth_tests::registration::{self, sound};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::advance;

/// The limit of a wait; a working program needs milliseconds.
const TIMEOUT: Duration = Duration::from_secs(60);

const SECOND: Duration = Duration::from_secs(1);

/// The count of steps in which the clock advances. Each step must be short: store calls, and jobs that wait for a
/// thread, have a limit of 5 s by this clock.
const STEPS: u32 = 7;

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

/// The store call after which a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    /// The claim.
    Claimed,
    /// The write ahead that says the refresh token is used.
    Attempted,
}

/// The store as seen by one process: the call after which that process is killed does not return.
#[derive(Clone)]
struct Reached {
    memory: MemoryStore,
    killed: Option<(Killed, Sender<()>)>,
    loads: Arc<AtomicUsize>,
}

impl Reached {
    fn after(&self, call: Killed) {
        if let Some((_, told)) = self.killed.as_ref().filter(|(killed, _)| *killed == call) {
            told.send(()).expect("the test waits");
            loop {
                thread::park();
            }
        }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

impl Store for Reached {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Store::load(&self.memory, name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let saved = Store::compare_and_swap(&self.memory, name, expected, content);
        if StoredRecord::read(content).is_some_and(|record| record.attempt().is_some()) {
            self.after(Killed::Attempted);
        }
        saved
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let claimed = Store::claim(&self.memory, name, owner, ttl);
        self.after(Killed::Claimed);
        claimed
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        Store::release(&self.memory, name, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Store::list(&self.memory, prefix)
    }
}

/// A server that rotates refresh tokens, and the bodies of its requests.
#[derive(Clone, Default)]
struct Rotating(Arc<Mutex<Vec<String>>>);

impl Rotating {
    fn answer(&self, request: &Request<Body>) -> Response<Body> {
        let mut sent = self.sent();
        sent.push(String::from_utf8_lossy(request.body().as_ref()).into_owned());
        let number = sent.len();
        let tokens = format!(r#""access_token":"at-{number}","refresh_token":"rt-{number}""#);
        let body = format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#);
        let mut response = Response::new(Body::from(body.as_str()));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        response
    }

    fn sent(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

impl octo_auth_blocking::Transport for Rotating {
    fn send(&self, request: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Ok(self.answer(request))
    }
}

#[async_trait]
impl octo_auth_async::Transport for Rotating {
    async fn send(&self, request: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Ok(self.answer(request))
    }
}

/// The state shared by the two processes.
struct World {
    clock: Moved,
    server: Rotating,
    memory: MemoryStore,
}

impl World {
    fn new() -> Self {
        let clock = Moved::default();
        let memory = MemoryStore::with_clock(clock.clone());
        Self { clock, memory, server: Rotating::default() }
    }

    fn reached(&self, killed: Option<(Killed, Sender<()>)>) -> Reached {
        Reached { memory: self.memory.clone(), killed, loads: Arc::default() }
    }

    fn on_threads(&self, store: Reached) -> octo_auth_blocking::TokenSource {
        let builder = octo_auth_blocking::TokenManager::builder(client()).may_block(|| true);
        let builder = builder.transport(self.server.clone()).clock(self.clock.clone()).policy(policy());
        sound(sound(builder.store(store).build()).tokens(inn()))
    }

    fn on_tasks(&self, store: impl octo_auth_async::Store + 'static) -> octo_auth_async::TokenSource {
        let builder = octo_auth_async::TokenManager::builder(client());
        let builder = builder.transport(self.server.clone()).clock(self.clock.clone()).policy(policy());
        sound(sound(builder.store(store).build()).tokens(inn()))
    }

    /// Returns whether a request was sent and its claim was released before the claim's time was over.
    fn is_released(&self) -> bool {
        let name = RecordName::new(&client(), &inn());
        let claim = || sound(Store::claim(&self.memory, &name, "another process", SECOND));
        self.server.sent().len() == 1 && claim() == Claimed::Granted
    }

    /// Asserts that exactly one request was sent, with the refresh token of the sign-in.
    fn has_sent_once(&self) {
        let sent = self.server.sent();
        let used = |body: &String| body.split('&').any(|parameter| parameter == "refresh_token=rt-0");
        assert!(sent.len() == 1 && sent.iter().all(used), "{} requests", sent.len());
    }
}

fn client() -> Client {
    registration::with(sound(Profile::rfc6749("https://login.example.com/token")))
}

fn policy() -> Policy {
    sound(Policy::default().with_exchange_deadline(Duration::from_secs(9)))
}

fn inn() -> TokenSpec {
    TokenSpec::account("inn")
}

fn consent() -> Imported {
    Imported::RefreshToken("rt-0".into())
}

/// Waits until the condition holds.
fn until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

fn succeeds_on_threads(killed: Killed, held_up: Duration) {
    let world = World::new();
    let (told, dead) = channel();
    let first = world.on_threads(world.reached(Some((killed, told))));
    sound(first.import(consent()));
    first.get_by(Duration::ZERO).expect_err("it is killed");
    sound(dead.recv_timeout(TIMEOUT));

    let store = world.reached(None);
    let next = world.on_threads(store.clone());
    let caller = thread::spawn(move || next.get_by(held_up * 2));
    // From here on an attempt runs.
    until(|| store.loads() > 1);
    for _ in 0..STEPS {
        world.clock.advance((held_up - SECOND) / STEPS);
        // The second read after the clock was moved shows that the first one had no effect.
        let loads = store.loads();
        until(|| caller.is_finished() || store.loads() > loads + 2);
        assert_eq!(world.server.sent().len(), 0, "the first process may be at work still");
    }
    world.clock.advance(SECOND * 2);
    sound(caller.join().expect("the caller does not panic"));
    world.has_sent_once();
}

fn runtime(is_paused: bool) -> Runtime {
    sound(Builder::new_current_thread().enable_all().start_paused(is_paused).build())
}

/// Lets more time pass than between two reads of the store.
async fn pass() {
    advance(SECOND).await;
    for _ in 0..8 {
        yield_now().await;
    }
}

fn succeeds_on_tasks(killed: Killed, held_up: Duration) {
    let world = World::new();
    let (told, dead) = channel();
    let first = octo_auth_async::BlockingStore::new(world.reached(Some((killed, told))));
    let process = runtime(false);
    process.block_on(async {
        let tokens = world.on_tasks(first);
        sound(tokens.import(consent()).await);
        tokens.get_by(Duration::ZERO).await.expect_err("it is killed");
        sound(sound(tokio::task::spawn_blocking(move || dead.recv_timeout(TIMEOUT)).await));
    });
    drop(process);

    runtime(true).block_on(async {
        let next = world.on_tasks(world.memory.clone());
        for passed in [Duration::ZERO, held_up - SECOND] {
            world.clock.advance(passed);
            for _ in 0..8 {
                next.get_by(Duration::ZERO).await.expect_err("it reads the store again and again");
                pass().await;
            }
            assert_eq!(world.server.sent().len(), 0, "the first process may be at work still");
        }
        world.clock.advance(SECOND * 2);
        for _ in 0..8 {
            if next.get_by(Duration::ZERO).await.is_ok() {
                return;
            }
            pass().await;
        }
        panic!("{}", next.explain());
    });
    world.has_sent_once();
}

#[test]
fn a_registration_on_threads_that_is_dropped_in_a_renewal_ends_it_and_releases_its_claim() {
    let world = World::new();
    let tokens = world.on_threads(world.reached(None));
    sound(tokens.import(consent()));
    tokens.get_by(Duration::ZERO).expect_err("the renewal has begun");
    drop(tokens);
    until(|| world.is_released());
}

#[test]
fn a_registration_on_tasks_that_is_dropped_in_a_renewal_ends_it_and_releases_its_claim() {
    let world = World::new();
    runtime(true).block_on(async {
        let tokens = world.on_tasks(world.memory.clone());
        sound(tokens.import(consent()).await);
        tokens.get_by(Duration::ZERO).await.expect_err("the renewal has begun");
        drop(tokens);
        while !world.is_released() {
            yield_now().await;
        }
    });
}

const CLAIM: Duration = Duration::from_secs(10);

/// The exchange deadline and 11 s.
const ATTEMPT: Duration = Duration::from_secs(20);

#[test]
fn a_process_on_threads_that_is_killed_after_its_claim_holds_up_the_next_one_for_ten_seconds() {
    succeeds_on_threads(Killed::Claimed, CLAIM);
}

#[test]
fn a_process_on_tasks_that_is_killed_after_its_claim_holds_up_the_next_one_for_ten_seconds() {
    succeeds_on_tasks(Killed::Claimed, CLAIM);
}

#[test]
fn a_process_on_threads_that_is_killed_when_it_may_have_sent_holds_up_the_next_one_for_its_attempt() {
    succeeds_on_threads(Killed::Attempted, ATTEMPT);
}

#[test]
fn a_process_on_tasks_that_is_killed_when_it_may_have_sent_holds_up_the_next_one_for_its_attempt() {
    succeeds_on_tasks(Killed::Attempted, ATTEMPT);
}
