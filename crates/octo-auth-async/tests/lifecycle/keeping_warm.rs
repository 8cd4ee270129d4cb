//! Renewals before a caller has to wait, in the paused time of a runtime.

use std::time::Duration;

use octo_auth_async::{Event, Imported, RefreshAhead, Secret};
use tokio::time::{Instant, timeout};

use crate::server::{Answer, Server, account, own_tokens};
use crate::time::{Paused, Still};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn a_used_token_is_refreshed_ahead_of_its_expiry() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    let tokens = own_tokens(&manager);
    tokens.get().await.expect("a token");
    let _refreshing = manager.refresh_ahead(RefreshAhead::Used);
    server.arrived(2).await;
    assert!((1_440..3_590).contains(&time.seconds()), "{}", time.seconds());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_not_used_since_its_renewal_is_not_refreshed_ahead() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    let tokens = own_tokens(&manager);
    tokens.get().await.expect("a token");
    let _refreshing = manager.refresh_ahead(RefreshAhead::Used);
    server.arrived(2).await;
    timeout(DAY, server.arrived(3)).await.expect_err("the second token was not used");
    tokens.get().await.expect("a third token");
    server.arrived(4).await;
}

#[tokio::test(start_paused = true)]
async fn all_tokens_are_refreshed_ahead_until_the_task_is_dropped() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    own_tokens(&manager).get().await.expect("a token");
    let refreshing = manager.refresh_ahead(RefreshAhead::All);
    server.arrived(10).await;
    assert!(refreshing.is_running());
    drop(refreshing);
    timeout(DAY, server.arrived(11)).await.expect_err("no renewal starts");
}

#[tokio::test(start_paused = true)]
async fn an_imported_token_is_renewed_at_once() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let _refreshing = manager.refresh_ahead(RefreshAhead::All);
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let tokens = account(&manager, "guest");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    server.arrived(1).await;
    assert_eq!(Instant::now(), begun);
}

#[tokio::test]
async fn the_refresh_task_lets_other_tasks_run_between_two_renewals() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let all = ["a", "b", "c", "d", "e", "f"].map(|name| account(&manager, name));
    for tokens in &all {
        tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    }
    server.always(Answer::Never);
    let _refreshing = manager.refresh_ahead(RefreshAhead::All);
    tokio::task::yield_now().await;
    let begun = all.iter().filter(|tokens| tokens.status().is_some_and(|status| status.in_flight)).count();
    assert!((1..all.len()).contains(&begun), "{begun} begun in one turn");
    server.arrived(6).await;
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_refreshing_ahead_finds_overdue_is_reported_as_a_failure() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    own_tokens(&manager).get().await.expect("a token");
    let mut changes = manager.changes();
    server.next(Answer::Never);
    let _refreshing = manager.refresh_ahead(RefreshAhead::All);
    let change = changes.next().await.expect("a change");
    assert!(matches!(&change.event, Event::Setback(failure) if failure.code() == "lost"), "{change:?}");
}

#[tokio::test(start_paused = true)]
async fn the_refresh_task_does_not_keep_a_manager_alive_and_ends_with_it() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    own_tokens(&manager).get().await.expect("a token");
    let (refreshing, mut changes) = (manager.refresh_ahead(RefreshAhead::All), manager.changes());
    drop(manager);
    assert!(changes.next().await.is_none());
    timeout(DAY, server.arrived(2)).await.expect_err("nothing is renewed any more");
    assert!(!refreshing.is_running());
}

#[tokio::test(start_paused = true)]
async fn the_refresh_task_ends_with_a_shutdown() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    own_tokens(&manager).get().await.expect("a token");
    let refreshing = manager.refresh_ahead(RefreshAhead::All);
    manager.shutdown().await;
    timeout(DAY, server.arrived(2)).await.expect_err("nothing is renewed after a shutdown");
    assert!(!refreshing.is_running());
}
