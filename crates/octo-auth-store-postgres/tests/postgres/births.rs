//! Many processes do the same operation concurrently.

use std::sync::Barrier;
use std::thread;

use octo_auth_core::{Saved, Store};

use crate::world::{config, content, execute, in_schema, migrated, name, runtime, schema, server};

/// The count of processes.
const PROCESSES: usize = 50;

#[test]
fn of_fifty_births_at_once_one_is_done_and_the_others_see_it_without_an_error() {
    let Some(server) = server() else { return };
    let (schema, start) = (schema(), Barrier::new(PROCESSES));
    migrated(server, in_schema(&schema));
    let saved: Vec<Saved> = thread::scope(|scope| {
        let birth = |number: usize| {
            let own = content(&format!("content {number}"));
            let store = octo_auth_store_postgres::blocking::PostgresStore::connect(
                config(server),
                in_schema(&schema),
            );
            let store = store.unwrap();
            store.load(&name("inn")).unwrap();
            start.wait();
            store.compare_and_swap(&name("inn"), None, &own).unwrap()
        };
        let processes: Vec<_> = (0..PROCESSES).map(|number| scope.spawn(move || birth(number))).collect();
        processes.into_iter().map(|process| process.join().unwrap()).collect()
    });
    let done = saved.iter().filter(|saved| matches!(saved, Saved::Done(_))).count();
    assert_eq!(done, 1);
    let stored = migrated(server, in_schema(&schema)).load(&name("inn")).unwrap();
    assert!(stored.is_some());
    let others = saved.iter().filter(|saved| **saved == Saved::Conflict(stored.clone())).count();
    assert_eq!(others, PROCESSES - 1);
}

#[test]
fn many_processes_create_the_tables_at_once_and_again() {
    let Some(server) = server() else { return };
    for round in 0..3 {
        let schema = schema();
        thread::scope(|scope| {
            let processes: Vec<_> =
                (0..8).map(|_| scope.spawn(|| drop(migrated(server, in_schema(&schema))))).collect();
            processes.into_iter().for_each(|process| process.join().unwrap());
        });
        migrated(server, in_schema(&schema));
        execute(server, &format!("SELECT {round}; DROP SCHEMA {schema} CASCADE"));
    }
    drop(runtime());
}
