//! The desk at which the callers of the blocking adapter meet, under a model checker: three callers of one key, in
//! every order in which their steps can fall.
//!
//! The sources are the adapter's own; their locks are the checker's. Waiting has no timeout here, so a wake-up that
//! is missed leaves somebody waiting for ever, which the checker reports.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

#[allow(dead_code, unreachable_pub, reason = "nobody subscribes in the models")]
#[path = "../../crates/octo-auth-blocking/src/changes.rs"]
mod changes;
#[allow(dead_code, reason = "the models make a part of the calls alone")]
#[path = "../../crates/octo-auth-blocking/src/desk.rs"]
mod desk;
#[path = "../../crates/octo-auth-blocking/src/guard.rs"]
mod guard;
#[path = "../../crates/octo-auth-blocking/src/ledger.rs"]
mod ledger;
#[path = "../../crates/octo-auth-blocking/src/seat.rs"]
mod seat;

/// A bell that nobody in the models listens to.
mod bell {
    pub(crate) struct Bell;

    impl Bell {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn ring(&self) {}
    }
}

/// The checker's locks.
mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::thread;
use octo_auth_core::{
    Accounts, Adopted, Client, ErrorKind, Failure, FailureKind, Job, Key, Now, Policy, Scopes, Storage, Token,
};
use octo_auth_system::Clock;
use octo_auth_tests::{moment, registration};

use desk::Desk;
use guard::Guard;
use seat::Seat;

const WAIT: Duration = Duration::from_secs(30);

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        moment::start()
    }
}

/// Three callers that ask for the token of one empty key, and how often a request was handed out.
#[derive(Clone)]
struct Scene {
    desk: Arc<Desk>,
    seat: Arc<Seat>,
    requests: Arc<AtomicUsize>,
    carry: fn(Guard),
}

impl Scene {
    fn new(client: Client, key: &Key, carry: fn(Guard)) -> Self {
        let mut machine = Accounts::new(client, Policy::default(), Storage::None, &registration::entropy());
        if !key.is_client_grant() {
            let refresh_token = Adopted::RefreshToken("rt-1".into());
            assert!(machine.adopt(key, refresh_token, moment::start()).expect("a sound token").is_none());
        }
        let desk = Arc::new(Desk::new(machine, Arc::new(Still)));
        let seat = desk.sit(key).expect("room for a key");
        Self { desk, seat, requests: Arc::default(), carry }
    }

    /// One caller.
    fn ask(&self) -> Result<Token, Failure> {
        let carry = |job: Job| {
            assert!(matches!(job, Job::Send(_)), "without a store there is nothing else to carry");
            self.requests.fetch_add(1, Ordering::Relaxed);
            (self.carry)(Guard::new(self.desk.clone(), job));
        };
        self.desk.get(&self.seat, WAIT, true, carry)
    }

    /// Lets three callers ask at once.
    fn play(&self) -> [Result<Token, Failure>; 3] {
        let others = [self.clone(), self.clone()].map(|scene| thread::spawn(move || scene.ask()));
        let own = self.ask();
        let [second, third] = others.map(|caller| caller.join().expect("no caller panics"));
        [own, second, third]
    }
}

/// The key of the client itself.
fn own() -> Key {
    Key::client_credentials(&Scopes::none())
}

/// Answers the request with a token.
fn answer(mut guard: Guard) {
    let Some(Job::Send(job)) = guard.begin() else { return };
    let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#;
    let response = http::Response::builder().header("content-type", "application/json").body(body);
    let report = job.answered(&response.expect("a sound response"), moment::start(), moment::start());
    guard.report(report);
    assert!(guard.begin().is_none(), "without a store nothing follows");
}

/// Has the request answered on a thread of its own.
fn answer_elsewhere(guard: Guard) {
    thread::spawn(move || answer(guard));
}

/// Goes away with the job, as a carrier does that panics.
fn lose(mut guard: Guard) {
    assert!(guard.begin().is_some(), "it was handed out just now");
}

/// Goes away before the job was begun, as where no thread can be had.
fn never_begin(guard: Guard) {
    drop(guard);
}

#[test]
fn three_callers_of_an_empty_key_get_the_token_of_one_request_in_every_order() {
    let client = registration::standard();
    loom::model(move || all_get_one_token(&Scene::new(client.clone(), &own(), answer)));
}

/// In every order with two preemptions at most: with a fourth thread all orders are too many.
#[test]
fn three_callers_get_the_token_of_one_request_that_is_carried_elsewhere() {
    let client = registration::standard();
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(2);
    orders.check(move || all_get_one_token(&Scene::new(client.clone(), &own(), answer_elsewhere)));
}

#[test]
fn three_callers_whose_request_is_lost_all_hear_of_it_in_every_order() {
    let client = registration::standard();
    loom::model(move || {
        let scene = Scene::new(client.clone(), &Key::account("17"), lose);
        for told in scene.play() {
            let failure = told.expect_err("the request is lost");
            assert_eq!((failure.kind(), failure.code().as_ref()), (FailureKind::Closed, "lost"));
        }
        assert_eq!(scene.requests.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn three_callers_whose_request_was_never_begun_are_told_so_and_nothing_is_in_doubt() {
    let client = registration::standard();
    loom::model(move || {
        let scene = Scene::new(client.clone(), &Key::account("17"), never_begin);
        for told in scene.play() {
            let error = told.expect_err("nothing was sent");
            let exchange = error.exchange_error().expect("an exchange that failed");
            assert_eq!(*exchange.kind(), ErrorKind::NotSent);
        }
        assert_eq!(scene.requests.load(Ordering::Relaxed), 1);
    });
}

fn all_get_one_token(scene: &Scene) {
    for told in scene.play() {
        assert_eq!(told.expect("a token").authorization(), "Bearer at-1");
    }
    assert_eq!(scene.requests.load(Ordering::Relaxed), 1);
}
