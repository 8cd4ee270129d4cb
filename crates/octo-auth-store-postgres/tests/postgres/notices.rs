//! Change notices, and what a store finds without them.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use octo_auth_core::{RecordName, Store};
use octo_auth_engines::{Postgres, Proxy};
use octo_auth_store_postgres::blocking;

use crate::world::{config, content, in_schema, migrated, name, schema, server};

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);

fn heard(store: &blocking::PostgresStore) -> Receiver<RecordName> {
    let (sender, receiver) = channel();
    let sender = std::sync::Mutex::new(sender);
    assert!(store.changes(std::sync::Arc::new(move |name: &RecordName| {
        let _ = sender.lock().unwrap().send(name.clone());
    })));
    receiver
}

/// Waits for the notice of a record, and skips those of others.
fn hears(receiver: &Receiver<RecordName>, name: &RecordName) {
    while receiver.recv_timeout(LONG).unwrap() != *name {}
}

#[test]
fn what_was_written_while_the_connection_was_gone_is_heard_when_it_is_back() {
    let Some(server) = server() else { return };
    let schema = schema();
    let writer = migrated(server, in_schema(&schema));
    let proxy = Proxy::start(server.port()).unwrap();
    let through = server.url_at(proxy.port()).parse().unwrap();
    let reader =
        blocking::PostgresStore::connect(config(server), in_schema(&schema).listen(through)).unwrap();
    let notices = heard(&reader);
    writer.compare_and_swap(&name("first"), None, &content("a")).unwrap();
    hears(&notices, &name("first"));
    proxy.cut_all();
    writer.compare_and_swap(&name("second"), None, &content("a")).unwrap();
    hears(&notices, &name("second"));
}

#[test]
fn a_server_that_restarts_is_listened_to_again() {
    if !Postgres::is_installed() {
        return;
    }
    let mut server = Postgres::start().unwrap();
    let store = migrated(&server, in_schema("inns"));
    let notices = heard(&store);
    server.restart().unwrap();
    // The first call after the restart may find that its connection has ended.
    store.load(&name("inn")).unwrap();
    store.compare_and_swap(&name("inn"), None, &content("a")).unwrap();
    hears(&notices, &name("inn"));
}

#[test]
fn a_store_that_is_silent_sends_no_notice_and_says_that_none_come() {
    let Some(server) = server() else { return };
    let schema = schema();
    let listening = migrated(server, in_schema(&schema));
    let silent = migrated(server, in_schema(&schema).without_notices());
    assert!(!silent.changes(std::sync::Arc::new(|_: &RecordName| ())));
    let notices = heard(&listening);
    // The connection listens once this notice arrives.
    listening.compare_and_swap(&name("heard"), None, &content("a")).unwrap();
    hears(&notices, &name("heard"));
    while notices.try_recv().is_ok() {}
    silent.compare_and_swap(&name("unheard"), None, &content("a")).unwrap();
    listening.compare_and_swap(&name("last"), None, &content("a")).unwrap();
    let mut others = Vec::new();
    loop {
        let notice = notices.recv_timeout(LONG).unwrap();
        if notice == name("last") {
            break;
        }
        others.push(notice);
    }
    assert!(!others.contains(&name("unheard")), "{others:?}");
}
