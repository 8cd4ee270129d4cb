//! Several `TokenManager`s that share a store.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use octo_auth_blocking::{
    ChangeListener, Claimed, Event, Imported, MemoryStore, RecordBytes, RecordName, RefreshAhead, Saved,
    Secret, State, Storage, Store, StoreError, Stored, TokenErrorKind, TokenManager, TokenSource, TokenSpec,
    Version,
};

use crate::clock::Simulated;
use crate::endpoint::Endpoint;
use crate::stored;

/// A shared store that counts its reads. It notifies of writes only if the test says so.
#[derive(Clone)]
struct Shared {
    memory: MemoryStore,
    notifies: bool,
    loads: Arc<AtomicUsize>,
}

impl Shared {
    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

impl Store for Shared {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.memory.load(name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.memory.compare_and_swap(name, expected, content)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.memory.claim(name, owner, ttl)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        self.memory.release(name, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.memory.list(prefix)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.notifies && self.memory.changes(listener)
    }
}

/// Two `TokenManager`s that share a store, as two processes do.
struct Stage {
    clock: Simulated,
    store: Shared,
    here: TokenManager,
    there: TokenManager,
}

impl Stage {
    fn new(notifies: bool) -> Self {
        let (endpoint, clock) = (Endpoint::new(), Simulated::new());
        let memory = MemoryStore::with_clock(clock.clone());
        let store = Shared { memory, notifies, loads: Arc::default() };
        let manager = || crate::manager(&endpoint, &clock).store(store.clone()).build();
        let (here, there) = (manager().expect("a registration"), manager().expect("a registration"));
        Self { clock, store, here, there }
    }

    /// Returns one handle of each to the same account. Both have the same token.
    fn signed_in(&self) -> [TokenSource; 2] {
        let both = [&self.here, &self.there].map(|manager| manager.tokens(TokenSpec::account("inn")));
        let both = both.map(|tokens| tokens.expect("a handle"));
        both[0].import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
        both.iter().for_each(get_then_rest);
        both
    }
}

/// Gets a token, and waits until the work that started with it has ended.
fn get_then_rest(tokens: &TokenSource) {
    tokens.get().expect("a token that was known before");
    while tokens.status().is_some_and(|status| status.in_flight) {
        thread::yield_now();
    }
}

fn is_signed_out(tokens: &TokenSource) -> bool {
    tokens.get().is_err_and(|failure| failure.kind() == TokenErrorKind::SignedOut)
}

#[test]
fn the_next_call_after_a_notification_finds_the_sign_out_of_another_manager() {
    let stage = Stage::new(true);
    let [tokens, same] = stage.signed_in();
    tokens.sign_out();
    let loads = stage.store.loads();
    get_then_rest(&same);
    assert_eq!(stage.store.loads(), loads + 1);
    assert!(is_signed_out(&same));
}

#[test]
fn without_notifications_the_first_call_after_60_s_finds_the_sign_out_of_another_manager() {
    let stage = Stage::new(false);
    let [tokens, same] = stage.signed_in();
    tokens.sign_out();
    let loads = stage.store.loads();
    stage.clock.advance(59);
    get_then_rest(&same);
    assert_eq!(stage.store.loads(), loads);
    stage.clock.advance(1);
    get_then_rest(&same);
    assert_eq!(stage.store.loads(), loads + 1);
    assert!(is_signed_out(&same));
}

#[test]
fn refreshing_ahead_rereads_a_record_after_its_notification() {
    let stage = Stage::new(true);
    let [tokens, same] = stage.signed_in();
    let (mut changes, _refreshing) = (stage.there.changes(), stage.there.refresh_ahead(RefreshAhead::All));
    tokens.sign_out();
    let told = changes.next().expect("a change").event;
    assert!(matches!(told, Event::SignInNeeded(_)), "{told:?}");
    assert!(is_signed_out(&same));
}

#[test]
fn a_notification_of_an_own_write_causes_at_most_one_more_read() {
    let stage = Stage::new(true);
    let tokens = stage.here.tokens(TokenSpec::account("inn")).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    get_then_rest(&tokens);
    let loads = stage.store.loads();
    for _ in 0..10 {
        get_then_rest(&tokens);
    }
    assert!(stage.store.loads() <= loads + 1, "{} readings", stage.store.loads() - loads);
}

#[test]
fn a_store_does_not_keep_a_manager_alive() {
    let Stage { here, there, .. } = Stage::new(true);
    let mut changes = here.changes();
    drop(here);
    assert!(changes.next().is_none());
    let other = there.tokens(TokenSpec::account("inn")).expect("a handle");
    other.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
}

/// A shared store whose releases wait until the test continues them.
struct SlowRelease {
    memory: MemoryStore,
    begun: Mutex<Sender<()>>,
    told: Mutex<Receiver<()>>,
}

impl Store for SlowRelease {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.memory.load(name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.memory.compare_and_swap(name, expected, content)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.memory.claim(name, owner, ttl)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        self.begun.lock().expect("nothing panics under this lock").send(()).expect("the test listens");
        // The test may have ended.
        let _ = self.told.lock().expect("nothing panics under this lock").recv();
        self.memory.release(name, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.memory.list(prefix)
    }
}

#[test]
fn a_store_call_waits_for_the_release_before_it() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let ((begin, begun), (tell, told)) = (channel(), channel());
    let store = SlowRelease { memory: MemoryStore::new(), begun: Mutex::new(begin), told: Mutex::new(told) };
    let memory = store.memory.clone();
    let manager = super::manager(&endpoint, &clock).store(store).build().expect("a registration");
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    tokens.get().expect("a token");
    begun.recv().expect("the claim is released");
    let mut changes = manager.changes();
    let unfinished = manager.unfinished();
    assert_eq!((unfinished.running, unfinished.unanswered.len()), (1, 0), "the release alone");
    // The sign-out takes effect at once, and is being saved.
    let status = thread::scope(|scope| {
        let signing_out = scope.spawn(|| tokens.sign_out());
        while tokens.status().is_some_and(|status| status.state == State::Fresh) {
            thread::yield_now();
        }
        // The save of another spec is queued after it and done meanwhile.
        let other = manager.tokens(TokenSpec::account("pub")).expect("a handle");
        other.import(Imported::RefreshToken(Secret::new("rt-1"))).expect("a sound refresh token");
        tell.send(()).expect("the release waits");
        drop(signing_out.join());
        tokens.status().expect("a handle lives")
    });
    assert!(!status.unsaved && status.setback.is_some(), "{status:?}");
    assert!(stored(&memory, &TokenSpec::account("inn")).is_signed_out());
    while let Some(change) = changes.try_next() {
        assert!(!matches!(change.event, Event::Unsaved(_)), "{change:?}");
    }
}
