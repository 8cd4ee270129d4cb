//! What may be served of a key without asking: read by every call, without a lock and without allocating.
//!
//! The rule kept here: the boot clock is read at each call, the wall clock once in a boot second at most. What may
//! be served, and until when, the core has put into the [`Published`] snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use octo_auth_core::{Published, Token};
use octo_auth_system::Clock;

use crate::desk::Outlet;

/// A snapshot that may be served, held without counting a reference.
pub(crate) struct Serving(Guard<Option<Arc<Published>>>);

impl Serving {
    /// The token: always there.
    #[inline]
    pub(crate) fn token(&self) -> Option<&Token> {
        self.0.as_deref().map(Published::token)
    }
}

/// The published snapshot of a key.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    published: ArcSwapOption<Published>,
    /// One more than the boot second in which the wall clock was last found to agree; zero for never.
    looked: AtomicU64,
}

impl Slot {
    /// The token, if it may be served now.
    #[inline]
    pub(crate) fn serving(&self, clock: &dyn Clock) -> Option<Serving> {
        let snapshot = self.published.load();
        let published = snapshot.as_deref().filter(|published| self.serves(published, clock))?;
        published.note_use();
        Some(Serving(snapshot))
    }

    #[inline]
    fn serves(&self, published: &Published, clock: &dyn Clock) -> bool {
        let boot = clock.boot();
        let second = boot.as_secs().saturating_add(1);
        if !published.serves_by_boot(boot) {
            return false;
        }
        if self.looked.load(Ordering::Relaxed) == second {
            return true;
        }
        let agrees = published.serves_by_wall(clock.now().wall);
        if agrees {
            self.looked.store(second, Ordering::Relaxed);
        }
        agrees
    }
}

impl Outlet for Slot {
    fn put(&self, published: Option<Arc<Published>>) {
        let is_same = self.published.load().as_ref().map(Arc::as_ptr) == published.as_ref().map(Arc::as_ptr);
        if !is_same {
            self.published.store(published);
            self.looked.store(0, Ordering::Relaxed);
        }
    }
}
