//! The lock around each provider's state.
//!
//! Answers are computed without awaiting, so the lock is never held across an await. A poisoned lock is used anyway: it
//! must not hide the failure of a test that panicked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// State shared by the server's thread and the handle of a test.
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
