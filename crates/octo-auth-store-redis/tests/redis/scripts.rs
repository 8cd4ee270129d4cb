//! A server that has lost the cached scripts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use octo_auth_core::{Claimed, Store};
use octo_auth_store_redis::PoolError;
use octo_auth_store_redis::blocking::{Pool, RedisStore};
use redis::{Cmd, Connection, ConnectionLike, Value};

use crate::world::{alone, client, content, execute, name, server, written};

/// The program's connection, with its round trips counted.
struct Counted(Mutex<Connection>, Arc<AtomicUsize>);

impl Pool for Counted {
    fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.lock().unwrap().req_command(command)?)
    }
}

#[test]
fn a_script_that_the_server_has_forgotten_costs_one_more_round_trip() {
    let Some(server) = server() else { return };
    let (trips, ttl) = (Arc::new(AtomicUsize::new(0)), Duration::from_secs(60));
    let connection = Mutex::new(client(server).get_connection().unwrap());
    let store = RedisStore::over(Counted(connection, trips.clone()), alone()).unwrap();
    let trips = |call: &dyn Fn()| {
        let before = trips.load(Ordering::Relaxed);
        call();
        trips.load(Ordering::Relaxed) - before
    };
    let flush = || execute(server, &["SCRIPT", "FLUSH"]);
    let claim = || assert_eq!(store.claim(&name("inn"), "one", ttl).unwrap(), Claimed::Granted);
    let release = || store.release(&name("inn"), "one").unwrap();
    let last = std::cell::Cell::new(None);
    let save = || last.set(Some(written(store.compare_and_swap(&name("inn"), last.get(), &content("a")))));
    flush();
    // The first write also records the registration.
    assert_eq!(trips(&save), 3);
    flush();
    let calls: [&dyn Fn(); 3] = [&claim, &save, &release];
    for call in calls {
        assert_eq!(trips(call), 2);
    }
    for call in calls {
        assert_eq!(trips(call), 1);
    }
}
