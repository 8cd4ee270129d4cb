//! A model check of the driver that both adapters use: callers of one token spec, in every order of their steps,
//! waiting as threads or as futures.
//!
//! The sources are those of the driver, with the checker's locks. Waiting has no timeout here, so a missed wake-up
//! leaves a caller waiting for ever, which the checker reports.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/admission.rs"]
mod admission;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/calls.rs"]
mod calls;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/event.rs"]
mod event;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/job_guard.rs"]
mod job_guard;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/key_cell.rs"]
mod key_cell;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/pending_events.rs"]
mod pending_events;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/saver.rs"]
mod saver;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/shared.rs"]
mod shared;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/snapshot_cell.rs"]
mod snapshot_cell;
#[allow(dead_code, unreachable_pub, reason = "the models use a part of it alone")]
#[path = "../../crates/octo-auth-driver/src/subscribers.rs"]
mod subscribers;
use octo_auth_driver::telemetry;

/// The locks of the checker.
mod sync {
    use std::time::Duration;

    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use loom::thread::{Thread, current, park};

    /// Waits without a timeout, so that a missed wake-up is found.
    pub(crate) fn park_timeout(_: Duration) {
        park();
    }
}

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loom::thread::{Builder, JoinHandle};
use octo_auth_core::{
    Caller, Client, Imported, Job, Now, Policy, Saved, Scopes, Storage, StoreError, Token, TokenError,
    TokenErrorKind, TokenManager, TokenSpec, Version, Waits,
};
use octo_auth_system::Clock;
use octo_auth_tests::{moment, registration};

use calls::{CallerAction, Due};
use job_guard::JobGuard;
use key_cell::KeyCell;
use saver::Saver;
use shared::Shared;

const WAIT: Duration = Duration::from_secs(30);

/// A clock that does not move.
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        moment::start()
    }
}

/// Three callers that ask for the token of one spec that has none, and the count of requests handed out.
#[derive(Clone)]
struct Scene {
    shared: Arc<Shared>,
    cell: Arc<KeyCell>,
    requests: Arc<AtomicUsize>,
    run: fn(JobGuard),
}

impl Scene {
    fn new(client: Client, key: &TokenSpec, run: fn(JobGuard)) -> Self {
        let mut machine =
            TokenManager::new(client, Policy::default(), Storage::None, &registration::entropy());
        if !key.is_client_grant() {
            let refresh_token = Imported::RefreshToken("rt-1".into());
            assert!(machine.import(key, refresh_token, moment::start()).expect("a sound token").is_none());
        }
        let shared = Shared::new(machine, Arc::new(Still));
        let cell = shared.acquire(key).expect("room for a key");
        Self { shared, cell, requests: Arc::default(), run }
    }

    /// Runs one caller, which waits like a thread of the blocking adapter, or as a future that a thread polls.
    fn ask(&self, as_future: bool) -> Result<Token, TokenError> {
        let mut caller = Caller::new(Waits::Until(moment::start().boot + WAIT));
        loop {
            match self.shared.ask(&self.cell, &mut caller) {
                CallerAction::Token(token) => return Ok(token),
                CallerAction::TokenError(failure) => return Err(failure),
                CallerAction::Run(token, guard) => {
                    assert!(token.is_none(), "the key is empty");
                    self.requests.fetch_add(1, Ordering::Relaxed);
                    (self.run)(guard);
                }
                CallerAction::Wait(listener, _) if as_future => loom::future::block_on(listener),
                CallerAction::Wait(listener, at_most) => drop(listener.wait_timeout(at_most)),
            }
        }
    }

    /// Makes callers ask concurrently, every other one as a future.
    fn play(&self, callers: usize) -> Vec<Result<Token, TokenError>> {
        let ask = |number: usize| {
            let scene = self.clone();
            spawn(move || scene.ask(number % 2 == 1))
        };
        let callers: Vec<_> = (0..callers).map(ask).collect();
        callers.into_iter().map(|caller| caller.join().expect("no caller panics")).collect()
    }
}

/// Returns the token spec of the client itself.
fn own() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

/// Answers the request with a token.
fn answer(mut guard: JobGuard) {
    let Some((Job::Send(job), _)) = guard.begin() else { return };
    let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#;
    let response = http::Response::builder().header("content-type", "application/json").body(body);
    let report = job.answered(&response.expect("a sound response"), moment::start(), moment::start());
    guard.report(report);
    assert!(guard.begin().is_none(), "without a store nothing follows");
}

/// Answers the request on a separate thread.
fn answer_elsewhere(guard: JobGuard) {
    spawn(move || answer(guard));
}

/// Drops the job after its start, like a carrier that panics.
fn lose(mut guard: JobGuard) {
    assert!(guard.begin().is_some(), "it was handed out just now");
}

/// Drops the job before its start, as if no thread were available.
fn never_begin(guard: JobGuard) {
    drop(guard);
}

#[test]
fn three_callers_of_an_empty_key_get_the_token_of_one_request() {
    let client = registration::standard();
    in_each_order(move || all_get_one_token(&Scene::new(client.clone(), &own(), answer), 3));
}

#[test]
fn two_callers_get_the_token_of_one_request_that_is_run_elsewhere() {
    let client = registration::standard();
    in_each_order(move || all_get_one_token(&Scene::new(client.clone(), &own(), answer_elsewhere), 2));
}

#[test]
fn three_callers_whose_request_is_lost_all_hear_of_it() {
    let client = registration::standard();
    in_each_order(move || {
        let scene = Scene::new(client.clone(), &TokenSpec::account("17"), lose);
        for told in scene.play(3) {
            let failure = told.expect_err("the request is lost");
            assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "lost"));
        }
        assert_eq!(scene.requests.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn three_callers_whose_request_was_never_begun_are_told_so_and_nothing_is_in_doubt() {
    let client = registration::standard();
    in_each_order(move || {
        let scene = Scene::new(client.clone(), &TokenSpec::account("17"), never_begin);
        for told in scene.play(3) {
            let failure = told.expect_err("nothing was sent");
            assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "not_begun"));
        }
        // It is tried again once, at once.
        assert_eq!(scene.requests.load(Ordering::Relaxed), 2);
    });
}

/// A clock that skips every pause when it is read after the store has failed.
#[derive(Default)]
struct Jumping(AtomicU64);

impl Clock for Jumping {
    fn now(&self) -> Now {
        let passed = Duration::from_secs(self.0.load(Ordering::Relaxed));
        let start = moment::start();
        Now { wall: start.wall.saturating_add(passed), boot: start.boot + passed }
    }
}

/// Saves a record with this result of the store.
fn save(mut guard: JobGuard, result: Result<Saved, StoreError>) {
    let Some((Job::Save(job), _)) = guard.begin() else { return };
    guard.report(job.saved(result));
    drop(guard);
}

/// Saves what is due until nothing is left, like the task or thread of an adapter.
fn save_again(shared: &Arc<Shared>, clock: &Jumping, saver: &Saver) {
    loop {
        match saver.poll(shared) {
            Due::Run(guard) => save(guard, Ok(Saved::Done(Version(1)))),
            // Time passes.
            Due::Wait(..) => drop(clock.0.fetch_add(60, Ordering::Relaxed)),
            Due::Over => return,
        }
    }
}

#[test]
fn what_two_keys_could_not_save_at_once_is_saved_by_one_saver_or_by_the_next() {
    let client = registration::standard();
    in_each_order(move || {
        let machine = TokenManager::new(
            client.clone(),
            Policy::default(),
            Storage::SingleProcess,
            &registration::entropy(),
        );
        let clock = Arc::new(Jumping::default());
        let shared = Shared::new(machine, clock.clone());
        let (weak, savers) = (Arc::downgrade(&shared), Arc::new(Mutex::new(Vec::new())));
        let started = savers.clone();
        shared.on_unsaved(move |saver| {
            let Some(shared) = weak.upgrade() else { return };
            let clock = clock.clone();
            let saving = spawn(move || save_again(&shared, &clock, &saver));
            started.lock().expect("nothing panics under this lock").push(saving);
        });
        let importing = |name: &'static str| {
            let shared = shared.clone();
            move || {
                let imported = Imported::RefreshToken("rt-1".into());
                let guard = shared.import(&TokenSpec::account(name), imported).expect("a sound token");
                save(guard.expect("it is to be saved"), Err(StoreError::new("the disk is full")));
            }
        };
        let both = [spawn(importing("1")), spawn(importing("2"))];
        for importing in both {
            importing.join().expect("no thread panics");
        }
        for saving in savers.lock().expect("nothing panics under this lock").drain(..) {
            saving.join().expect("no thread panics");
        }
        assert!(!shared.lock().machine.is_busy(), "something is left");
    });
}

/// Starts a thread with a large stack for the frames of an unoptimised build, which the model's first thread lacks.
fn spawn<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R> {
    Builder::new().stack_size(256 * 1024).spawn(work).expect("a thread of the model")
}

/// Runs a model in every order with at most two preemptions: with this count of locks, all orders would be too many.
fn in_each_order(model: impl Fn() + Send + Sync + 'static) {
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(2);
    orders.check(model);
}

fn all_get_one_token(scene: &Scene, callers: usize) {
    for told in scene.play(callers) {
        assert_eq!(told.expect("a token").authorization(), "Bearer at-1");
    }
    assert_eq!(scene.requests.load(Ordering::Relaxed), 1);
}
