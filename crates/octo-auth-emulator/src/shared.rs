//! The one lock each provider keeps its state behind.
//!
//! Answers are computed without awaiting, so the lock is never held across an await. A test that panicked while
//! holding it must not hide its own failure behind a poisoned lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// State shared by the server's thread and the handle a test holds.
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
