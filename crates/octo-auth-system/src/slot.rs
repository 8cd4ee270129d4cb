//! What a key serves without asking anybody: the published snapshot, read without a lock.
//!
//! It is the adapters' own: a program has no use for it. Reading it allocates nothing and counts no reference. The
//! boot clock is read each time; the wall clock, which costs as much again, once in each second of the boot clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use octo_auth_core::{Published, Token};

use crate::clock::Clock;

/// No second of the boot clock.
const NEVER: u64 = u64::MAX;

/// A snapshot that may be served, held without counting a reference.
#[doc(hidden)]
pub struct Serving(Guard<Option<Arc<Published>>>);

/// The published snapshot of one key.
#[doc(hidden)]
pub struct Slot {
    published: ArcSwapOption<Published>,
    /// The second of the boot clock in which the wall clock was looked at last.
    looked: AtomicU64,
}

impl Serving {
    /// The token: always there.
    #[inline]
    pub fn token(&self) -> Option<&Token> {
        self.0.as_deref().map(Published::token)
    }
}

impl Slot {
    /// A slot with nothing to serve.
    #[must_use]
    pub fn new() -> Self {
        Self { published: ArcSwapOption::const_empty(), looked: AtomicU64::new(NEVER) }
    }

    /// Puts a snapshot, or nothing, in the place of the present one.
    pub fn put(&self, published: Option<Arc<Published>>) {
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

    /// The token, if it may be served now.
    #[inline]
    pub fn serving(&self, clock: &dyn Clock) -> Option<Serving> {
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
        Some(Serving(snapshot))
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}
