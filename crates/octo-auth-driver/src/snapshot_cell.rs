//! The published token of a spec: a snapshot that is read without a lock.
//!
//! Reading does not allocate and does not count references. It reads the boot clock each time. The wall clock
//! costs as much again, and is read once in each second of the boot clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use octo_auth_core::{Published, Token};
use octo_auth_system::Clock;

/// A value that is no second of the boot clock.
const NEVER: u64 = u64::MAX;

/// A token that can be used now, held without counting a reference.
pub struct Snapshot(Guard<Option<Arc<Published>>>);

/// The published snapshot of one spec.
pub(crate) struct SnapshotCell {
    published: ArcSwapOption<Published>,
    /// The second of the boot clock in which the wall clock was last read.
    looked: AtomicU64,
}

impl Snapshot {
    /// Returns the token. It is never `None`.
    #[inline]
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.0.as_deref().map(Published::token)
    }
}

impl SnapshotCell {
    /// Replaces the snapshot.
    pub(crate) fn put(&self, published: Option<Arc<Published>>) {
        let is_same = match (&*self.published.load(), &published) {
            (Some(present), Some(next)) => Arc::ptr_eq(present, next),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            self.published.store(published);
            self.looked.store(NEVER, Ordering::Relaxed);
        }
    }

    /// Returns the snapshot if its token can be used now.
    #[inline]
    pub(crate) fn read(&self, clock: &dyn Clock) -> Option<Snapshot> {
        let snapshot = self.published.load();
        let published = snapshot.as_deref()?;
        let boot = clock.boot();
        if !published.serves_by_boot(boot) {
            return None;
        }
        if self.looked.load(Ordering::Relaxed) != boot.as_secs() {
            if !published.serves_by_wall(clock.now().wall) {
                return None;
            }
            self.looked.store(boot.as_secs(), Ordering::Relaxed);
        }
        published.note_use();
        Some(Snapshot(snapshot))
    }
}

impl Default for SnapshotCell {
    fn default() -> Self {
        Self { published: ArcSwapOption::const_empty(), looked: AtomicU64::new(NEVER) }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(&self.token()).finish()
    }
}
