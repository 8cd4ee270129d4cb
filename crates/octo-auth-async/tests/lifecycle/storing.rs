//! Tokens are stored before they are used, and despite failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::{
    BlockingStore, Event, Imported, MemoryStore, Policy, RecordBytes, RecordName, Saved, Secret, Storage,
    Store, StoreError, Stored, TokenErrorKind, TokenManager, TokenSource, Version,
};
use octo_auth_testkit::StoredRecord;
use tokio::sync::Semaphore;

use crate::server::{Server, account, client};
use crate::time::{Paused, Still};

/// A store for one process that behaves as the test says.
#[derive(Clone, Default)]
struct Moody {
    memory: MemoryStore,
    is_down: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
    /// Each write waits for a permit of this semaphore, if there is one.
    gate: Option<Arc<Semaphore>>,
}

impl Moody {
    async fn mood(&self) -> Result<(), StoreError> {
        if self.is_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_down.load(Ordering::SeqCst) { Err(StoreError::new("the disk is full")) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Moody {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.mood().await?;
        Store::load(&self.memory, name).await
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.mood().await?;
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("no test closes a gate").forget();
        }
        Store::compare_and_swap(&self.memory, name, expected, content).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.mood().await?;
        Store::list(&self.memory, prefix).await
    }
}

fn first_refresh_token() -> Imported {
    Imported::RefreshToken(Secret::new("rt-0"))
}

async fn stored(store: &MemoryStore, tokens: &TokenSource) -> StoredRecord {
    crate::stored::stored(store, &client(), tokens.spec()).await
}

fn kept_in(server: &Server, clock: &Still, store: &MemoryStore) -> TokenManager {
    server.registration(clock.clone()).store(store.clone()).build().expect("a registration")
}

#[tokio::test]
async fn a_shutdown_finishes_the_flight_and_its_save_and_starts_no_other() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let manager = kept_in(&server, &clock, &store);
    let (tokens, other) = (account(&manager, "guest"), account(&manager, "other"));
    tokens.import(first_refresh_token()).await.expect("a consent");
    other.import(first_refresh_token()).await.expect("a consent");
    let gate = server.hold_next();
    let caller = tokens.clone();
    tokio::spawn(async move { caller.get().await });
    server.arrived(1).await;
    let closing = tokio::spawn({
        let manager = manager.clone();
        async move { manager.shutdown().await }
    });
    while other.get().await.expect_err("nothing there").kind() != TokenErrorKind::ShuttingDown {
        tokio::task::yield_now().await;
    }
    assert!(!closing.is_finished());
    gate.add_permits(1);
    closing.await.expect("no panic");
    let record = stored(&store, &tokens).await;
    assert_eq!((record.refresh_token(), record.attempt()), (Some("rt-1"), None));
    tokens.get().await.expect("a token that works is served on");
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_it_is_told() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    let tokens = crate::server::own_tokens(&manager);
    let _gate = server.hold_next();
    tokens.get_by(Duration::ZERO).await.expect_err("nothing there yet");
    let unfinished = manager.shutdown_within(Duration::from_secs(5)).await;
    assert!(!unfinished.is_empty());
    assert_eq!(time.seconds(), 5);
}

#[tokio::test]
async fn a_sign_out_is_stored_and_revoked_and_stops_requests_until_the_next_sign_in() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let manager = kept_in(&server, &clock, &store);
    let tokens = account(&manager, "guest");
    tokens.import(first_refresh_token()).await.expect("a consent");
    tokens.get().await.expect("a token");
    tokens.sign_out().await;
    let record = stored(&store, &tokens).await;
    assert!(record.is_signed_out() && record.refresh_token().is_none());
    assert_eq!(tokens.get().await.expect_err("signed out").kind(), TokenErrorKind::SignedOut);
    let forms = server.forms();
    assert!(forms.len() == 2 && forms[1].contains("token=rt-1"), "{forms:?}");
    tokens.import(first_refresh_token()).await.expect("a consent");
    tokens.get().await.expect("a token");
}

#[tokio::test]
async fn a_failed_save_costs_no_token_and_is_reported_and_retried() {
    let (server, clock, store) = (Server::new(), Still::default(), Moody::default());
    let manager = server.registration(clock.clone()).store(store.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    tokens.import(first_refresh_token()).await.expect("a consent");
    let gate = server.hold_next();
    let caller = tokens.clone();
    let caller = tokio::spawn(async move { caller.get().await });
    server.arrived(1).await;
    let mut changes = manager.changes();
    store.is_down.store(true, Ordering::SeqCst);
    gate.add_permits(1);
    let token = caller.await.expect("no panic").expect("a token");
    let told = [changes.next().await, changes.next().await].map(|change| change.expect("a change").event);
    assert!(matches!(told[0], Event::Renewed(number) if number == token.generation()), "{told:?}");
    assert!(matches!(told[1], Event::Unsaved(number) if number == token.generation()), "{told:?}");
    assert_eq!(stored(&store.memory, &tokens).await.refresh_token(), Some("rt-0"));
    store.is_down.store(false, Ordering::SeqCst);
    clock.advance(30);
    tokens.get().await.expect("the same token");
    manager.shutdown().await;
    assert_eq!(stored(&store.memory, &tokens).await.refresh_token(), Some("rt-1"));
    assert_eq!(server.requests(), 1);
}

/// Lets all tasks run until they wait.
pub(crate) async fn all_wait() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_import_and_a_sign_out_during_another_save_return_once_they_are_saved() {
    for signs_out in [false, true] {
        let gate = Arc::new(Semaphore::new(0));
        let (server, store) = (Server::new(), Moody { gate: Some(gate.clone()), ..Moody::default() });
        let manager = server.registration(Still::default()).store(store.clone()).build();
        let tokens = account(&manager.expect("a registration"), "guest");
        let (first, second) = (tokens.clone(), tokens.clone());
        let first = tokio::spawn(async move { first.import(first_refresh_token()).await });
        all_wait().await;
        let second = tokio::spawn(async move {
            match signs_out {
                true => second.sign_out().await,
                false => second.import(Imported::RefreshToken(Secret::new("rt-b"))).await.expect("a consent"),
            }
        });
        all_wait().await;
        gate.add_permits(1);
        all_wait().await;
        assert_eq!(stored(&store.memory, &tokens).await.refresh_token(), Some("rt-0"));
        assert!(!second.is_finished(), "it has returned before it was saved");
        gate.add_permits(1);
        second.await.expect("no panic");
        first.await.expect("no panic").expect("a consent");
        let record = stored(&store.memory, &tokens).await;
        assert_eq!(record.is_signed_out(), signs_out);
        assert_eq!(record.refresh_token(), (!signs_out).then_some("rt-b"));
    }
}

#[tokio::test]
async fn a_sign_out_during_a_renewal_returns_once_the_renewed_tokens_are_revoked() {
    let (server, clock) = (Server::new(), Still::default());
    let manager = kept_in(&server, &clock, &MemoryStore::with_clock(clock.clone()));
    let tokens = account(&manager, "guest");
    tokens.import(first_refresh_token()).await.expect("a consent");
    let gate = server.hold_next();
    tokens.get_by(Duration::ZERO).await.expect_err("the answer is held");
    server.arrived(1).await;
    let leaving = tokens.clone();
    let leaving = tokio::spawn(async move { leaving.sign_out().await });
    all_wait().await;
    assert!(!leaving.is_finished());
    gate.add_permits(1);
    leaving.await.expect("no panic");
    let forms = server.forms();
    assert!(forms[1..].iter().any(|form| form.contains("token=rt-1")), "{} requests", forms.len());
}

#[tokio::test(start_paused = true)]
async fn an_import_returns_after_the_save_attempt_and_at_the_latest_after_the_wait_of_the_policy() {
    for (waits, returns) in [(2, 2), (30, 5)] {
        let (server, time, store) = (Server::new(), Paused::start(), Moody::default());
        let policy = Policy::default().with_wait(Duration::from_secs(waits)).expect("a wait");
        let manager = server.registration(time).store(store.clone()).policy(policy).build();
        let tokens = account(&manager.expect("a registration"), "guest");
        store.is_silent.store(true, Ordering::SeqCst);
        tokens.import(first_refresh_token()).await.expect("a consent, though it is not stored");
        assert_eq!(time.seconds(), returns);
    }
}

#[tokio::test]
async fn a_shutdown_saves_what_could_not_be_saved_before_it_was_due_again() {
    let (server, clock, store) = (Server::new(), Still::default(), Moody::default());
    let manager = server.registration(clock.clone()).store(store.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    store.is_down.store(true, Ordering::SeqCst);
    tokens.import(first_refresh_token()).await.expect("a consent, though it is not stored");
    assert!(tokens.status().is_some_and(|status| status.unsaved));
    store.is_down.store(false, Ordering::SeqCst);
    manager.shutdown().await;
    assert_eq!(stored(&store.memory, &tokens).await.refresh_token(), Some("rt-0"));
}

#[tokio::test(start_paused = true)]
async fn a_store_call_that_never_returns_is_dropped_after_five_seconds() {
    let (server, time, store) = (Server::new(), Paused::start(), Moody::default());
    let manager = server.registration(time).store(store.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    store.is_silent.store(true, Ordering::SeqCst);
    let failure = tokens.get().await.expect_err("the store is silent");
    assert_eq!((failure.kind(), time.seconds()), (TokenErrorKind::StoreUnavailable, 5));
}

#[tokio::test]
async fn a_synchronous_store_is_called_on_threads_for_blocking_work() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let blocking = BlockingStore::new(store.clone());
    let manager = server.registration(clock.clone()).store(blocking).build().expect("a registration");
    let tokens = account(&manager, "guest");
    tokens.import(first_refresh_token()).await.expect("a consent");
    tokens.get().await.expect("a token");
    manager.shutdown().await;
    assert_eq!(stored(&store, &tokens).await.refresh_token(), Some("rt-1"));
}

#[tokio::test]
async fn each_form_of_a_store_in_memory_lists_its_records_and_notifies_of_writes() {
    let (memory, name) = (MemoryStore::new(), RecordName::requests(&client()));
    let blocking = BlockingStore::new(memory.clone());
    let stores: [Box<dyn Store>; 3] =
        [Box::new(memory.clone()), Box::new(Arc::new(memory)), Box::new(blocking)];
    let notices = Arc::new(AtomicUsize::new(0));
    for store in &stores {
        let notices = notices.clone();
        assert!(store.changes(Arc::new(move |_| {
            notices.fetch_add(1, Ordering::SeqCst);
        })));
    }
    let content = RecordBytes::from(b"{}".as_slice());
    let saved = stores[2].compare_and_swap(&name, None, &content).await;
    assert_eq!(saved.expect("memory never fails"), Saved::Done(Version(1)));
    assert_eq!(notices.load(Ordering::SeqCst), stores.len());
    for store in &stores {
        let listed = store.list(name.registration()).await.expect("memory never fails");
        assert_eq!(listed, std::slice::from_ref(&name));
        assert_eq!(store.list("another.").await.expect("memory never fails"), []);
    }
}

#[test]
fn a_store_without_notifications_notifies_of_no_writes() {
    assert!(!Moody::default().changes(Arc::new(|_| ())));
}
