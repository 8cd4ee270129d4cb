//! What is left to be told once the desk's lock is let go.
//!
//! The rule kept here: subscribers hear of changes one after the other, in the order in which they happened, and
//! never under the lock. Whoever finds the outbox full while nobody tells does the telling, until it is empty; a
//! subscriber that comes back to the desk meanwhile only adds to it.

use octo_auth_system::telling::News;

/// Changes that nobody was told of yet.
#[derive(Default)]
pub(super) struct Outbox {
    changes: Vec<News>,
    is_being_told: bool,
}

impl Outbox {
    pub(super) fn put(&mut self, change: News) {
        self.changes.push(change);
    }

    /// The changes to tell, if there are any and nobody is at it; whoever takes them asks [`Outbox::rest`] after.
    pub(super) fn take(&mut self) -> Vec<News> {
        if self.is_being_told {
            return Vec::new();
        }
        self.rest()
    }

    /// What has come since, for whoever took the last; nothing: the telling is over.
    pub(super) fn rest(&mut self) -> Vec<News> {
        self.is_being_told = !self.changes.is_empty();
        std::mem::take(&mut self.changes)
    }
}
