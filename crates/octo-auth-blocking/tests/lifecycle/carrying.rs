//! Jobs run on a limited number of threads, and each is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use octo_auth_blocking::{
    Clock, Imported, Now, RefreshAhead, Secret, TokenErrorKind, TokenManager, TokenSource, TokenSpec,
};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::gate::Gate;
use crate::{manager, own_key};

/// The number of store calls that run concurrently.
const THREADS: usize = 16;

/// A clock that panics once: when a job thread reads it for the given number.
#[derive(Clone)]
struct Faulty {
    clock: Simulated,
    test: ThreadId,
    number: usize,
    looks: Arc<AtomicUsize>,
}

impl Clock for Faulty {
    fn now(&self) -> Now {
        if thread::current().id() != self.test {
            let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(look != self.number, "a clock that panics, as the test ordered");
        }
        self.clock.now()
    }
}

/// Returns a `TokenManager` whose job threads read this clock.
fn with_faulty_clock(number: usize) -> (Endpoint, Simulated, TokenManager) {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let looks = Arc::default();
    let faulty = Faulty { clock: clock.clone(), test: thread::current().id(), number, looks };
    let manager = manager(&endpoint, &clock).clock(faulty).build().expect("a registration");
    (endpoint, clock, manager)
}

/// Returns handles to this many accounts.
fn handles(manager: &TokenManager, count: usize) -> Vec<TokenSource> {
    let handle = |number| manager.tokens(TokenSpec::account(&format!("inn {number}"))).expect("a handle");
    (0..count).map(handle).collect()
}

/// Starts the work that is due, and does not wait.
fn begin(tokens: &TokenSource) {
    let failure = tokens.get_by(Duration::ZERO).expect_err("the store is held");
    assert_eq!(failure.kind(), TokenErrorKind::StillWaiting);
}

#[test]
fn a_request_that_was_never_begun_costs_no_consent_and_is_begun_again_at_once() {
    let (endpoint, _clock, manager) = with_faulty_clock(1);
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    assert_eq!(tokens.header().expect("a token"), "Bearer at-1");
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn a_clock_that_panics_on_a_job_thread_hangs_no_caller() {
    for number in 1..=4 {
        let (_endpoint, clock, manager) = with_faulty_clock(number);
        let tokens = manager.tokens(own_key()).expect("a handle");
        if let Err(failure) = tokens.get() {
            assert_eq!(failure.kind(), TokenErrorKind::BackingOff, "look {number}");
            clock.advance(600);
            tokens.get().expect("a token");
        }
    }
}

#[test]
fn many_jobs_due_at_once_run_to_their_end_on_a_limited_number_of_threads() {
    let (endpoint, clock, gate) = (Endpoint::new(), Simulated::new(), Gate::shut());
    let manager = manager(&endpoint, &clock).store(gate.clone()).build().expect("a registration");
    let all = handles(&manager, 200);
    all.iter().for_each(begin);
    gate.await_calls(THREADS);
    gate.open();
    for tokens in &all {
        assert_eq!(tokens.get().expect_err("no sign-in happened").kind(), TokenErrorKind::NotSignedIn);
    }
    assert_eq!((gate.most(), gate.calls()), (THREADS, 200));
}

#[test]
fn refreshing_ahead_starts_no_more_jobs_than_there_are_threads_and_continues_later() {
    let (endpoint, clock, gate) = (Endpoint::new(), Simulated::new(), Gate::shut());
    let manager = manager(&endpoint, &clock).store(gate.clone()).build().expect("a registration");
    let all = handles(&manager, 200);
    // After the import each renewal is due at once. It is recorded in the store first.
    gate.open();
    for tokens in &all {
        tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    }
    let before = gate.calls();
    gate.close();
    let refreshing = manager.refresh_ahead(RefreshAhead::All);
    gate.await_calls(before + THREADS);
    let begun = all.iter().filter(|tokens| tokens.status().is_some_and(|status| status.in_flight));
    assert!(begun.count() <= THREADS + 1);
    gate.open();
    gate.await_calls(before + all.len());
    assert!(gate.most() <= THREADS);
    drop(refreshing);
}

#[test]
fn a_job_that_waited_for_a_thread_for_5_s_is_cancelled() {
    let (endpoint, clock, gate) = (Endpoint::new(), Simulated::new(), Gate::shut());
    let manager = manager(&endpoint, &clock).store(gate.clone()).build().expect("a registration");
    let all = handles(&manager, THREADS + 2);
    all.iter().take(THREADS + 1).for_each(begin);
    gate.await_calls(THREADS);
    clock.advance(5);
    begin(&all[THREADS + 1]);
    gate.open();
    gate.await_calls(THREADS + 1);
    manager.shutdown();
    assert_eq!(gate.calls(), THREADS + 1);
    let failure = all[THREADS].get_by(Duration::ZERO).expect_err("it was never read");
    assert_eq!((failure.kind(), failure.code().as_ref()), (TokenErrorKind::BackingOff, "not_begun"));
}
