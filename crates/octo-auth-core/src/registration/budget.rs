//! How many requests may be sent: sliding windows on the boot clock, in which failures count like successes.
//!
//! Where a limit is known and a store is shared, the limit is the fleet's, see [`RequestLog`].

use std::collections::VecDeque;
use std::time::Duration;

use super::request_log::RequestLog;
use crate::time::Now;

/// The limit of one key in a window, whatever the registration's is.
const KEY_LIMIT: u32 = 10;

/// The budget of a registration: so many requests in any window, at a distance after a failure.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u32,
    window: Duration,
    distance: Duration,
    paced_until: Duration,
    sent: SendLog,
    /// What this process and those that share its store have sent; nothing if this process counts alone.
    fleet: Option<RequestLog>,
}

/// When the last requests were sent, oldest first, as many as a window may hold.
#[derive(Debug, Default)]
pub(crate) struct SendLog(VecDeque<Duration>);

/// Who asks for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetRequest {
    /// Whether the key has a token to serve: it leaves the last slot to those that have none.
    pub(crate) has_token: bool,
    /// Whether the key failed last time: it takes at most half.
    pub(crate) has_setback: bool,
}

impl Budget {
    pub(crate) fn new((limit, window, distance): (u32, Duration, Duration)) -> Self {
        let paced_until = Duration::ZERO;
        let (sent, fleet) = (SendLog::default(), None);
        Self { limit, window, distance, paced_until, sent, fleet }
    }

    /// Puts other limits in the place of the present ones; what was sent still counts.
    pub(crate) fn set(&mut self, (limit, window, distance): (u32, Duration, Duration)) {
        (self.limit, self.window, self.distance) = (limit, window, distance);
    }

    /// Counts with the processes that share the store from now on, or alone.
    pub(crate) fn share(&mut self, is_shared: bool) {
        self.fleet = is_shared.then(|| self.fleet.take().unwrap_or_else(RequestLog::new));
    }

    /// What the processes that share the store have sent, if they count together.
    pub(crate) fn fleet(&mut self) -> Option<(&mut RequestLog, Duration)> {
        self.fleet.as_mut().map(|fleet| (fleet, self.window))
    }

    /// The moment from which a request may be sent; not after now if it may be sent at once.
    pub(crate) fn opens(&self, key: &SendLog, request: BudgetRequest) -> Duration {
        let left = self.limit.saturating_sub(request.leaves());
        let fleet = self.fleet.as_ref().map_or(Duration::ZERO, |fleet| fleet.opens(left, self.window));
        fleet.max(self.opens_here(key, request))
    }

    /// The same, whatever other processes have sent.
    pub(crate) fn opens_here(&self, key: &SendLog, request: BudgetRequest) -> Duration {
        let limit = self.limit;
        let own = if request.has_setback { KEY_LIMIT.min(limit.div_ceil(2)) } else { KEY_LIMIT };
        let shared = self.sent.opens(limit.saturating_sub(request.leaves()), self.window);
        shared.max(key.opens(own, self.window)).max(self.paced_until)
    }

    /// How many requests may be sent at this moment.
    pub(crate) fn left(&self, now: Duration) -> u32 {
        match self.paced_until > now {
            true => 0,
            false => {
                let fleet = self.fleet.as_ref().map_or(0, |fleet| fleet.within(self.window, now));
                self.limit.saturating_sub(fleet.max(self.sent.within(self.window, now)))
            }
        }
    }

    /// Counts a request that is sent now.
    pub(crate) fn draw(&mut self, key: Option<&mut SendLog>, now: Duration) {
        self.sent.note(now, self.limit);
        if let Some(key) = key {
            key.note(now, KEY_LIMIT);
        }
    }

    /// Counts a request that is sent now without its key, and is told to the fleet with the next one that is drawn.
    pub(crate) fn draw_beside(&mut self, now: Now) {
        self.draw(None, now.boot);
        self.fleet.iter_mut().for_each(|fleet| fleet.note_untold(now));
    }

    /// Gives back what was drawn at that moment, as nothing was sent.
    pub(crate) fn give_back(&mut self, key: &mut SendLog, drawn: Duration) {
        self.sent.forget(drawn);
        key.forget(drawn);
    }

    /// Records a failure: the next request keeps the documented distance from it.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.paced_until = self.paced_until.max(now.saturating_add(self.distance));
    }
}

impl BudgetRequest {
    /// The slots it leaves to others. Where there is but one, it may be taken all the same: no limit is less.
    fn leaves(self) -> u32 {
        u32::from(self.has_token)
    }
}

impl SendLog {
    /// When the limit leaves room for one more in the window.
    fn opens(&self, limit: u32, window: Duration) -> Duration {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        match self.0.len().checked_sub(limit).and_then(|place| self.0.get(place)) {
            Some(sent) => sent.saturating_add(window),
            None => Duration::ZERO,
        }
    }

    /// How many count in the window that ends now.
    fn within(&self, window: Duration, now: Duration) -> u32 {
        let over = self.0.partition_point(|sent| sent.saturating_add(window) <= now);
        u32::try_from(self.0.len() - over).unwrap_or(u32::MAX)
    }

    fn forget(&mut self, drawn: Duration) {
        if let Some(place) = self.0.iter().rposition(|sent| *sent == drawn) {
            self.0.remove(place);
        }
    }

    fn note(&mut self, now: Duration, limit: u32) {
        self.0.push_back(now);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.drain(..self.0.len().saturating_sub(limit));
    }
}
