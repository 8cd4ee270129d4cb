//! The store keeps the contract of a store, in both forms.

use std::sync::Barrier;
use std::thread;

use octo_auth_core::{Saved, Store};
use octo_auth_testkit::{async_, blocking as suite};

use crate::world::{alone, content, name, runtime, server, store, store_async};

#[test]
fn one_handle_keeps_all_promises_in_both_colours() {
    let Some(server) = server() else { return };
    let report = suite::store::check(&store(server, alone()));
    assert_eq!(report.failures(), [], "{report}");
    let report = runtime().block_on(async { async_::store::check(&store_async(server, alone())).await });
    assert_eq!(report.failures(), [], "{report}");
}

#[test]
fn two_handles_keep_all_promises_in_both_colours() {
    let Some(server) = server() else { return };
    let options = alone();
    let open = || store(server, options.clone());
    let report = suite::store::check_handles(&open(), &open());
    assert_eq!(report.failures(), [], "{report}");
    let options = alone();
    let open = || store_async(server, options.clone());
    let report = runtime().block_on(async { async_::store::check_handles(&open(), &open()).await });
    assert_eq!(report.failures(), [], "{report}");
}

/// The count of processes.
const PROCESSES: usize = 50;

#[test]
fn of_fifty_births_at_once_one_is_done_and_the_others_see_it_without_an_error() {
    let Some(server) = server() else { return };
    let (options, start) = (alone(), Barrier::new(PROCESSES));
    let saved: Vec<Saved> = thread::scope(|scope| {
        let birth = |number: usize| {
            let (store, own) = (store(server, options.clone()), content(&format!("content {number}")));
            store.load(&name("inn")).unwrap();
            start.wait();
            store.compare_and_swap(&name("inn"), None, &own).unwrap()
        };
        let processes: Vec<_> = (0..PROCESSES).map(|number| scope.spawn(move || birth(number))).collect();
        processes.into_iter().map(|process| process.join().unwrap()).collect()
    });
    assert_eq!(saved.iter().filter(|saved| matches!(saved, Saved::Done(_))).count(), 1);
    let stored = store(server, options).load(&name("inn")).unwrap();
    assert!(stored.is_some());
    let others = saved.iter().filter(|saved| **saved == Saved::Conflict(stored.clone())).count();
    assert_eq!(others, PROCESSES - 1);
}
