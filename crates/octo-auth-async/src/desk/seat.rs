//! The places of those who wait at the desk.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use octo_auth_core::Key;

use super::{Desk, Inner, Seats};

/// A place to wait at until there is something new. It is given up by being dropped.
#[must_use = "a seat does nothing unless it is awaited"]
pub(crate) struct Seat {
    pub(super) desk: Arc<Desk>,
    /// Whose news are waited for; nothing: anybody's.
    pub(super) key: Option<Arc<Key>>,
    pub(super) number: u64,
}

impl Inner {
    /// The seats where this one is, if any is left there.
    fn beside(&mut self, seat: &Seat) -> Option<&mut Seats> {
        match &seat.key {
            Some(key) => self.at_key.get_mut(key),
            None => Some(&mut self.at_desk),
        }
    }
}

impl Future for Seat {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.desk.lock();
        let Some(place) = inner.beside(&self).and_then(|seats| seats.get_mut(&self.number)) else {
            return Poll::Ready(());
        };
        let old = place.replace(context.waker().clone());
        // A waker may own the task it wakes, and dropping that may lead back here.
        drop(inner);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.desk.lock();
        let old = inner.beside(self).and_then(|seats| seats.remove(&self.number));
        if let Some(key) =
            self.key.as_ref().filter(|key| inner.at_key.get(*key).is_some_and(HashMap::is_empty))
        {
            inner.at_key.remove(key);
        }
        drop(inner);
        drop(old);
    }
}
