//! The request log: when the processes of one registration sent token requests. It is a separate record in
//! the store.
//!
//! Each request is written to the log by compare-and-swap before it is sent, with the latest moment at which
//! it may be sent. So no two processes take the same slot. The moments are of the wall clock, which is the
//! only clock that processes share. If a clock shows an impossible time, the later moment counts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::answer::members::Value;
use crate::store::{
    Identity, Reader, RecordBytes, RecordError, STORE_CALL, Stored, Unknown, Version, Writer,
};
use crate::time::{Now, Timestamp};

/// The requests of all processes, as far as this process knows them.
#[derive(Debug)]
pub(crate) struct RequestLog {
    version: Option<Version>,
    /// The moment of each request, as stored and on the boot clock of this process; oldest first.
    sent: Vec<(Timestamp, Duration)>,
    /// Requests that were sent without being logged before. They are logged with the next request; oldest
    /// first.
    untold: Vec<(Timestamp, Duration)>,
    /// When the record was last seen, on the boot clock.
    seen_at: Option<Duration>,
    /// Members of the stored form that this release does not know.
    unknown: Unknown,
}

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self {
            version: None,
            sent: Vec::new(),
            untold: Vec::new(),
            seen_at: None,
            unknown: Unknown::default(),
        }
    }

    /// Returns when the limit allows one more request in the window, on the boot clock.
    pub(crate) fn opens(&self, limit: u32, window: Duration) -> Duration {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let place = self.sent.len().checked_sub(limit);
        place
            .and_then(|place| self.sent.get(place))
            .map_or(Duration::ZERO, |(_, sent)| sent.saturating_add(window))
    }

    /// Returns how many requests count in the window that ends now.
    pub(crate) fn within(&self, window: Duration, now: Duration) -> u32 {
        let counting = self.sent.iter().filter(|(_, sent)| sent.saturating_add(window) > now);
        u32::try_from(counting.count()).unwrap_or(u32::MAX)
    }

    /// Returns the expected version, and the log with one more request. That request is sent within the time
    /// a store call may take.
    pub(crate) fn with_one_more(&mut self, window: Duration, now: Now) -> (Option<Version>, Vec<Timestamp>) {
        self.prune(window, now);
        let one_more = now.wall.saturating_add(STORE_CALL);
        let known = self.sent.iter().chain(&self.untold).map(|(sent, _)| *sent);
        (self.version, known.chain([one_more]).collect())
    }

    /// Forgets requests that no longer count.
    fn prune(&mut self, window: Duration, now: Now) {
        let counts = |(_, sent): &(Timestamp, Duration)| sent.saturating_add(window) > now.boot;
        self.sent.retain(counts);
        self.untold.retain(counts);
    }

    /// Records that the record was written.
    pub(crate) fn wrote(&mut self, sent: &[Timestamp], version: Version, now: Now) {
        let written: HashSet<&Timestamp> = sent.iter().collect();
        self.untold.retain(|(own, _)| !written.contains(own));
        self.take(sent, now);
        self.version = Some(version);
    }

    /// Reads the stored record.
    pub(crate) fn saw(
        &mut self,
        stored: Option<&Stored>,
        identity: &Identity,
        now: Now,
    ) -> Result<(), RecordError> {
        let sent = stored.map_or(Ok(Vec::new()), |stored| self.decode(&stored.content, identity))?;
        self.take(&sent, now);
        self.version = stored.map(|stored| stored.version);
        Ok(())
    }

    /// Encodes the log.
    pub(crate) fn encode(&self, sent: &[Timestamp], identity: &Identity) -> RecordBytes {
        let mut to = Writer::new(identity);
        to.numbers("sent", sent.iter().map(|sent| sent.as_unix_millis()));
        to.finish(&self.unknown)
    }

    fn decode(&mut self, content: &RecordBytes, identity: &Identity) -> Result<Vec<Timestamp>, RecordError> {
        let mut from = Reader::new(content, identity)?;
        let moment = |value: Value<'_>| match value {
            Value::Number(raw) => raw.parse().ok().map(Timestamp::from_unix_millis),
            _ => None,
        };
        let sent = from.elements("sent")?.into_iter().map(moment).collect::<Option<Vec<_>>>();
        let sent = sent.ok_or(RecordError::Malformed("sent"))?;
        self.unknown = from.rest();
        Ok(sent)
    }

    /// Records a request that was sent without being logged before.
    pub(crate) fn note_untold(&mut self, window: Duration, now: Now) {
        self.prune(window, now);
        self.untold.push((now.wall, now.boot));
    }

    /// Forgets a request that was logged and not sent. It disappears from the store with the next write.
    pub(crate) fn forget(&mut self, counted: Timestamp) {
        if let Some(place) = self.sent.iter().rposition(|(sent, _)| *sent == counted) {
            self.sent.remove(place);
        }
    }

    fn take(&mut self, stored: &[Timestamp], now: Now) {
        let mut known: HashMap<Timestamp, Vec<Duration>> = HashMap::new();
        for (sent, boot) in self.sent.drain(..) {
            known.entry(sent).or_default().push(boot);
        }
        for sent in stored {
            let boot = known.get_mut(sent).and_then(Vec::pop);
            let boot = boot.unwrap_or_else(|| self.first_seen(*sent, now));
            self.sent.push((*sent, boot));
        }
        self.sent.sort_unstable_by_key(|(_, boot)| *boot);
        self.seen_at = Some(now.boot);
    }

    /// Returns when a request that was unknown before was sent. If the record did not contain it when last
    /// seen, it was sent since. If the clocks contradict that, it may have been sent just now.
    fn first_seen(&self, sent: Timestamp, now: Now) -> Duration {
        let age = now.wall.saturating_since(sent);
        if age.is_zero() {
            let ahead = sent.saturating_since(now.wall);
            return now.boot.saturating_add(ahead.min(STORE_CALL));
        }
        let boot = now.boot.saturating_sub(age);
        let cannot_be = self.seen_at.is_some_and(|seen| boot < seen);
        if cannot_be { now.boot } else { boot }
    }
}
