//! Writes that the server has lost.

use octo_auth_core::{Saved, Store, Stored};

use crate::world::{content, execute, in_schema, migrated, name, schema, server, written};

#[test]
fn the_version_of_a_write_that_the_server_lost_is_not_the_version_of_another_write() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own));
    let first = written(store.compare_and_swap(&name("inn"), None, &content("first")));
    // This is what a standby has that follows later.
    execute(server, &format!("CREATE TABLE {own}.standby AS TABLE {own}.record"));
    let lost = written(store.compare_and_swap(&name("inn"), Some(first), &content("lost")));
    let promote = "TRUNCATE {own}.record; INSERT INTO {own}.record TABLE {own}.standby";
    execute(server, &promote.replace("{own}", &own));
    let other = written(store.compare_and_swap(&name("inn"), Some(first), &content("other")));
    let late = store.compare_and_swap(&name("inn"), Some(lost), &content("late")).unwrap();
    assert_eq!(late, Saved::Conflict(Some(Stored { version: other, content: content("other") })));
}
