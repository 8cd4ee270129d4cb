//! What processes that share a store have sent together: a record in the store, under a key that is no token's.
//!
//! Each request is written down by compare-and-swap before it is sent, with the latest moment at which it may be, so
//! that no two processes take the same slot. The moments are of the wall clock, which is all that processes share;
//! where a clock tells something that cannot be, the later moment counts.

use std::sync::Arc;
use std::time::Duration;

use super::Key;
use super::registration::Registration;
use crate::lifecycle::{Record, Stored, Version};
use crate::time::{Now, Timestamp};

/// The requests of a fleet, as far as this process knows.
#[derive(Debug)]
pub(crate) struct Fleet {
    key: Arc<Key>,
    version: Option<Version>,
    /// When each was sent: as the store has it, and on the boot clock of this process; oldest first.
    sent: Vec<(Timestamp, Duration)>,
    /// What was sent without being written down before, and is with the next request.
    untold: Vec<Timestamp>,
    /// When the record was seen last, on the boot clock.
    seen_at: Option<Duration>,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let key = Arc::new(Key::requests());
        Self { key, version: None, sent: Vec::new(), untold: Vec::new(), seen_at: None }
    }

    /// When the limit leaves room for one more request in the window, on the boot clock.
    pub(crate) fn opens(&self, limit: u32, window: Duration) -> Duration {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let place = self.sent.len().checked_sub(limit);
        place
            .and_then(|place| self.sent.get(place))
            .map_or(Duration::ZERO, |(_, sent)| sent.saturating_add(window))
    }

    /// How many count in the window that ends now.
    pub(crate) fn within(&self, window: Duration, now: Duration) -> u32 {
        let counting = self.sent.iter().filter(|(_, sent)| sent.saturating_add(window) > now);
        u32::try_from(counting.count()).unwrap_or(u32::MAX)
    }

    /// The key, the expected version and the record with one more request, sent within the time a store may take.
    pub(crate) fn with_one_more(&self, window: Duration, now: Now) -> (Arc<Key>, Option<Version>, Record) {
        let counting = self.sent.iter().filter(|(_, sent)| sent.saturating_add(window) > now.boot);
        let one_more = now.wall.saturating_add(Registration::SAVING);
        let sent = counting.map(|(sent, _)| *sent).chain(self.untold.iter().copied()).chain([one_more]);
        (self.key.clone(), self.version, Record { sent: sent.collect(), ..Record::default() })
    }

    /// Takes note that the record was written.
    pub(crate) fn wrote(&mut self, sent: &[Timestamp], version: Version, now: Now) {
        self.untold.retain(|own| !sent.contains(own));
        self.take(sent, now);
        self.version = Some(version);
    }

    /// Takes note of what the store holds.
    pub(crate) fn saw(&mut self, stored: Option<&Stored>, now: Now) {
        self.take(stored.map_or(&[], |stored| &stored.record.sent), now);
        self.version = stored.map(|stored| stored.version);
    }

    /// Takes note of a request that was sent without being written down before.
    pub(crate) fn note_untold(&mut self, now: Now) {
        self.untold.push(now.wall);
    }

    fn take(&mut self, stored: &[Timestamp], now: Now) {
        let mut known = std::mem::take(&mut self.sent);
        for sent in stored {
            let place = known.iter().position(|(other, _)| other == sent);
            let boot = place.map_or_else(|| self.first_seen(*sent, now), |place| known.swap_remove(place).1);
            self.sent.push((*sent, boot));
        }
        self.sent.sort_unstable_by_key(|(_, boot)| *boot);
        self.seen_at = Some(now.boot);
    }

    /// When a request that was not known before was sent. What the record did not hold when it was seen last was sent
    /// since: if the clocks do not agree with that, it may have been just now.
    fn first_seen(&self, sent: Timestamp, now: Now) -> Duration {
        let age = now.wall.saturating_since(sent);
        if age.is_zero() {
            let ahead = sent.saturating_since(now.wall);
            return now.boot.saturating_add(ahead.min(Registration::SAVING));
        }
        let boot = now.boot.saturating_sub(age);
        let cannot_be = self.seen_at.is_some_and(|seen| boot < seen);
        if cannot_be { now.boot } else { boot }
    }
}
