//! The driver as any adapter uses it, with wakers and jobs that panic or call back.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must stop")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use octo_auth_core::{
    Caller, Client, Entropy, Imported, Job, Now, Policy, Profile, Saved, Scopes, Storage, StoreError,
    Timestamp, TokenErrorKind, TokenManager, TokenSpec, TransportError, Version, Waits,
};
use octo_auth_driver::{CallerAction, Changes, Due, JobGuard, Listener, Saver, Shared};
use octo_auth_system::Clock;

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from_unix_seconds(1_790_000_000), boot: Duration::from_secs(1000) }
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counting(AtomicU32);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics, as the test wants it");
    }
}

/// Asks, subscribes and shuts down when it is woken.
struct CallingBack(Weak<Shared>, AtomicU32);

impl Wake for CallingBack {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.0.upgrade() else { return };
        let cell = shared.acquire(&key()).expect("room for a key");
        drop(shared.ask(&cell, &mut Caller::new(Waits::NotHere)));
        shared.release(&cell);
        drop(shared.changes());
        shared.shut_down();
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

fn key() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::none())
}

fn shared(storage: Storage) -> Arc<Shared> {
    let profile = Profile::rfc6749("https://server.example.com/token").expect("a sound address");
    let client = Client::new(profile, "client-1", "client-secret").expect("a sound client");
    let machine = TokenManager::new(client, Policy::default(), storage, &Entropy::from_bytes([7; 64]));
    Shared::new(machine, Arc::new(Still))
}

/// Returns a caller that waits for 30 s.
fn caller() -> Caller {
    Caller::new(Waits::Until(Still.now().boot + Duration::from_secs(30)))
}

fn is_pending(listener: &mut Listener, waker: impl Into<Waker>) -> bool {
    Pin::new(listener).poll(&mut Context::from_waker(&waker.into())).is_pending()
}

/// Returns the jobs of the first caller of an empty spec.
fn begun(shared: &Arc<Shared>) -> JobGuard {
    let cell = shared.acquire(&key()).expect("room for a key");
    match shared.ask(&cell, &mut caller()) {
        CallerAction::Run(None, guard) => guard,
        other => panic!("no job: {other:?}"),
    }
}

#[test]
fn every_subscriber_sees_the_end_although_one_waker_panics() {
    let shared = shared(Storage::None);
    let mut changes = [shared.changes(), shared.changes()];
    let listen =
        |changes: &mut Changes| changes.next_or_listen().expect("not over").expect_err("no change yet");
    let mut listeners = changes.each_mut().map(listen);
    let count = Arc::new(Counting::default());
    assert!(is_pending(&mut listeners[0], Arc::new(Panicking)));
    assert!(is_pending(&mut listeners[1], count.clone()));
    catch_unwind(AssertUnwindSafe(|| drop(shared))).expect("the panic stays with its waker");
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn jobs_that_are_dropped_repeatedly_end_in_a_failure() {
    for storage in [Storage::None, Storage::SingleProcess, Storage::MultiProcess] {
        let shared = shared(storage);
        let cell = shared.acquire(&key()).expect("room for a key");
        let (mut caller, mut given_up) = (caller(), 0);
        let failure = loop {
            match shared.ask(&cell, &mut caller) {
                CallerAction::Run(_, guard) => drop(guard),
                CallerAction::TokenError(failure) => break failure,
                other => panic!("{storage:?}: {other:?}"),
            }
            given_up += 1;
            assert!(given_up < 20, "{storage:?}: it asks for ever");
        };
        assert_ne!(failure.kind(), TokenErrorKind::StillWaiting, "{storage:?}");
        assert!(shared.listen_while_busy().is_none(), "{storage:?}: nothing runs");
    }
}

#[test]
fn a_waker_may_call_the_driver_back() {
    let shared = shared(Storage::None);
    let mut guard = begun(&shared);
    let cell = shared.acquire(&key()).expect("room for a key");
    let CallerAction::Wait(mut listener, _) = shared.ask(&cell, &mut caller()) else {
        panic!("it does not wait")
    };
    let mut changes = shared.changes();
    let mut change = changes.next_or_listen().expect("not over").expect_err("no change yet");
    let waker = Arc::new(CallingBack(Arc::downgrade(&shared), AtomicU32::new(0)));
    assert!(is_pending(&mut listener, waker.clone()) && is_pending(&mut change, waker.clone()));
    let Some((Job::Send(job), now)) = guard.begin() else { panic!("no request") };
    guard.report(job.failed(TransportError::unknown("a test"), now));
    drop(guard);
    assert_eq!(waker.1.load(Ordering::Relaxed), 2);
    assert!(!is_pending(&mut listener, waker));
}

#[test]
fn a_job_that_is_dropped_before_it_was_begun_was_not_sent() {
    let shared = shared(Storage::None);
    let cell = shared.acquire(&key()).expect("room for a key");
    drop(begun(&shared));
    // The first time, the request is retried at once.
    let CallerAction::Run(_, guard) = shared.ask(&cell, &mut caller()) else { panic!("nothing to be run") };
    drop(guard);
    let CallerAction::TokenError(failure) = shared.ask(&cell, &mut caller()) else { panic!("no failure") };
    assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "not_begun"));
}

#[test]
fn a_waiting_caller_is_notified_of_the_end_of_its_flight_only() {
    let shared = shared(Storage::None);
    let mut guard = begun(&shared);
    let cell = shared.acquire(&key()).expect("room for a key");
    let CallerAction::Wait(mut listener, _) = shared.ask(&cell, &mut caller()) else {
        panic!("it does not wait")
    };
    let count = Arc::new(Counting::default());
    assert!(is_pending(&mut listener, count.clone()));
    assert!(guard.begin().is_some() && guard.begin().is_none(), "a job is begun once");
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    drop(guard);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

/// Runs a job that saves.
fn save(guard: &mut JobGuard, result: Result<Saved, StoreError>) {
    let Some((Job::Save(job), _)) = guard.begin() else { panic!("nothing to be saved") };
    guard.report(job.saved(result));
    assert!(guard.begin().is_none(), "nothing follows");
}

#[test]
fn there_is_one_saver_as_long_as_something_is_unsaved_and_another_if_it_is_dropped() {
    let shared = shared(Storage::SingleProcess);
    let (start, started) = channel::<Saver>();
    shared.on_unsaved(move |saver| start.send(saver).expect("the test listens"));
    let import = |key: &TokenSpec, result| {
        let imported = Imported::RefreshToken("rt-1".into());
        let mut guard = shared.import(key, imported).expect("a sound token").expect("a job");
        assert!(started.try_recv().is_err(), "it is being saved");
        save(&mut guard, result);
    };
    import(&TokenSpec::account("other"), Ok(Saved::Done(Version(1))));
    assert!(started.try_recv().is_err(), "all is saved");
    import(&TokenSpec::account("inn"), Err(StoreError::new("the disk is full")));
    let saver = started.try_recv().expect("a saver");
    assert!(matches!(saver.poll(&shared), Due::Wait(..)), "the pause has just begun");
    import(&TokenSpec::account("third"), Ok(Saved::Done(Version(1))));
    assert!(started.try_recv().is_err(), "there is one");
    drop(saver);
    // Any change of a spec starts the other saver.
    drop(shared.save_all());
    let saver = started.try_recv().expect("another saver");
    for mut guard in shared.save_all() {
        save(&mut guard, Ok(Saved::Done(Version(1))));
    }
    assert!(matches!(saver.poll(&shared), Due::Over), "all is saved");
    assert!(started.try_recv().is_err());
}
