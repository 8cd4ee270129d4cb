//! Connections of API calls that are kept for further calls.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;

use super::connection::Connection;

/// The longest time that a connection is kept. Most servers keep theirs longer.
const LONGEST: Duration = Duration::from_secs(15);

/// The limit of kept connections.
const MOST: usize = 16;

/// The kept connections, with the last used at the end.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<Idle>>);

struct Idle {
    server: Uri,
    connection: Connection,
    since: Instant,
}

impl Kept {
    /// Takes a kept connection to a server that is still open, if there is one.
    pub(super) fn take(&self, server: &Uri) -> Option<Connection> {
        loop {
            let mut connection = self.remove(server)?;
            if connection.is_silent() {
                return Some(connection);
            }
        }
    }

    fn remove(&self, server: &Uri) -> Option<Connection> {
        let mut kept = self.lock();
        kept.retain(|idle| idle.since.elapsed() < LONGEST);
        let place = kept.iter().rposition(|idle| idle.server == *server)?;
        Some(kept.remove(place).connection)
    }

    /// Keeps a connection to a server.
    pub(super) fn put(&self, server: Uri, connection: Connection) {
        let mut kept = self.lock();
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(Idle { server, connection, since: Instant::now() });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
