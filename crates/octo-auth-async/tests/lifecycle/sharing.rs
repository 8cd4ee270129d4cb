//! Several `TokenManager`s that share a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::{
    ChangeListener, Claimed, Event, Imported, MemoryStore, RecordBytes, RecordName, RefreshAhead, Saved,
    Secret, Storage, Store, StoreError, Stored, TokenErrorKind, TokenManager, TokenSource, Version,
};

use tokio::time::timeout;

use crate::server::{Server, account};
use crate::storing::all_wait;
use crate::time::Still;

const HOUR: Duration = Duration::from_secs(3600);

/// A shared store that counts its reads. It notifies of writes only if the test says so.
#[derive(Clone)]
struct Shared {
    memory: MemoryStore,
    notifies: bool,
    loads: Arc<AtomicUsize>,
}

impl Shared {
    fn new(clock: &Still, notifies: bool) -> Self {
        Self { memory: MemoryStore::with_clock(clock.clone()), notifies, loads: Arc::default() }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Store for Shared {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Store::load(&self.memory, name).await
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Store::compare_and_swap(&self.memory, name, expected, content).await
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        Store::claim(&self.memory, name, owner, ttl).await
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        Store::release(&self.memory, name, owner).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Store::list(&self.memory, prefix).await
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.notifies && Store::changes(&self.memory, listener)
    }
}

fn first_refresh_token() -> Imported {
    Imported::RefreshToken(Secret::new("rt-0"))
}

/// Returns a `TokenManager` that keeps its records in this store.
fn kept_in(server: &Server, clock: &Still, store: &(impl Store + Clone + 'static)) -> TokenManager {
    server.registration(clock.clone()).store(store.clone()).build().expect("a registration")
}

/// Returns two `TokenManager`s that share a store, as two processes do. Both have a token of the same account.
async fn two_that_share(server: &Server, clock: &Still, store: &Shared) -> [(TokenManager, TokenSource); 2] {
    let both = [0, 1].map(|_| kept_in(server, clock, store)).map(|manager| {
        let tokens = account(&manager, "guest");
        (manager, tokens)
    });
    both[0].1.import(first_refresh_token()).await.expect("a consent");
    for (_, tokens) in &both {
        tokens.get().await.expect("a token");
        at_rest(tokens).await;
    }
    both
}

/// Waits until nothing is in flight for a spec.
async fn at_rest(tokens: &TokenSource) {
    while tokens.status().is_some_and(|status| status.in_flight) {
        tokio::task::yield_now().await;
    }
}

/// Gets a token, and waits until the work that started with it has ended.
async fn get_then_rest(tokens: &TokenSource) {
    tokens.get().await.expect("a token that was known before");
    at_rest(tokens).await;
}

async fn is_signed_out(tokens: &TokenSource) -> bool {
    tokens.get().await.is_err_and(|failure| failure.kind() == TokenErrorKind::SignedOut)
}

#[tokio::test]
async fn a_renewal_of_one_manager_serves_the_other_that_shares_its_store() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let registrations = [kept_in(&server, &clock, &store), kept_in(&server, &clock, &store)];
    let [here, there] = [0, 1].map(|index| account(&registrations[index], "guest"));
    here.import(first_refresh_token()).await.expect("a consent");
    let token = here.get().await.expect("a token");
    let same = there.get().await.expect("the same token");
    assert_eq!((same.authorization(), server.requests()), (token.authorization(), 1));
}

#[tokio::test(start_paused = true)]
async fn two_managers_that_renew_concurrently_send_one_request() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let registrations = [kept_in(&server, &clock, &store), kept_in(&server, &clock, &store)];
    let [here, there] = [0, 1].map(|index| account(&registrations[index], "guest"));
    here.import(first_refresh_token()).await.expect("a consent");
    let gate = server.hold_next();
    let waiting = [here, there].map(|tokens| tokio::spawn(async move { tokens.get().await }));
    server.arrived(1).await;
    gate.add_permits(1);
    for told in waiting {
        told.await.expect("no panic").expect("a token");
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn the_next_call_after_a_notification_finds_the_sign_out_of_another_manager() {
    let (server, clock) = (Server::new(), Still::default());
    let store = Shared::new(&clock, true);
    let [(_here, tokens), (_there, same)] = two_that_share(&server, &clock, &store).await;
    tokens.sign_out().await;
    let loads = store.loads();
    get_then_rest(&same).await;
    assert_eq!(store.loads(), loads + 1);
    assert!(is_signed_out(&same).await);
}

#[tokio::test]
async fn without_notifications_the_first_call_after_60_s_finds_the_sign_out_of_another_manager() {
    let (server, clock) = (Server::new(), Still::default());
    let store = Shared::new(&clock, false);
    let [(_here, tokens), (_there, same)] = two_that_share(&server, &clock, &store).await;
    tokens.sign_out().await;
    let loads = store.loads();
    clock.advance(59);
    get_then_rest(&same).await;
    assert_eq!(store.loads(), loads);
    clock.advance(1);
    get_then_rest(&same).await;
    assert_eq!(store.loads(), loads + 1);
    assert!(is_signed_out(&same).await);
}

#[tokio::test(start_paused = true)]
async fn refreshing_ahead_rereads_a_record_after_its_notification() {
    let (server, clock) = (Server::new(), Still::default());
    let store = Shared::new(&clock, true);
    let [(_here, tokens), (there, same)] = two_that_share(&server, &clock, &store).await;
    let (mut changes, _refreshing) = (there.changes(), there.refresh_ahead(RefreshAhead::All));
    all_wait().await;
    tokens.sign_out().await;
    let told = timeout(HOUR, changes.next()).await.expect("a reading at once").expect("a change").event;
    assert!(matches!(told, Event::SignInNeeded(_)), "{told:?}");
    assert!(is_signed_out(&same).await);
}

#[tokio::test]
async fn a_notification_of_an_own_write_causes_at_most_one_more_read() {
    let (server, clock) = (Server::new(), Still::default());
    let store = Shared::new(&clock, true);
    let manager = kept_in(&server, &clock, &store);
    let tokens = account(&manager, "guest");
    tokens.import(first_refresh_token()).await.expect("a consent");
    get_then_rest(&tokens).await;
    let loads = store.loads();
    for _ in 0..10 {
        get_then_rest(&tokens).await;
    }
    assert!(store.loads() <= loads + 1, "{} readings", store.loads() - loads);
}

#[tokio::test]
async fn a_store_does_not_keep_a_manager_alive() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let [manager, other] = [0, 1].map(|_| kept_in(&server, &clock, &store));
    let mut changes = manager.changes();
    drop(manager);
    assert!(changes.next().await.is_none());
    account(&other, "guest").import(first_refresh_token()).await.expect("a consent");
}
