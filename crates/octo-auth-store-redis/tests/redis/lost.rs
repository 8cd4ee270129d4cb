//! Writes that a failover or a flush has lost.

use octo_auth_core::{Saved, Store, Stored};
use octo_auth_engines::Redis;

use crate::world::{alone, content, execute, name, store, written};

#[test]
fn the_version_of_a_write_that_a_failover_lost_is_not_the_version_of_another_write() {
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return;
    }
    let [primary, replica] = [Redis::start().unwrap(), Redis::start().unwrap()];
    execute(&replica, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let options = alone();
    let [before, after] = [&primary, &replica].map(|server| store(server, options.clone()));
    let first = written(before.compare_and_swap(&name("inn"), None, &content("first")));
    // The replica follows some time later.
    while !matches!(after.load(&name("inn")), Ok(Some(_))) {}
    execute(&replica, &["REPLICAOF", "NO", "ONE"]);
    let lost = written(before.compare_and_swap(&name("inn"), Some(first), &content("lost")));
    drop(primary);
    let other = written(after.compare_and_swap(&name("inn"), Some(first), &content("other")));
    let late = after.compare_and_swap(&name("inn"), Some(lost), &content("late")).unwrap();
    assert_eq!(late, Saved::Conflict(Some(Stored { version: other, content: content("other") })));
}
