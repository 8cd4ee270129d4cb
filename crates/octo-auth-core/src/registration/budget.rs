//! The request budget: sliding windows on the boot clock, in which failed requests count like successful
//! ones.
//!
//! If a limit is known and there is a store, the limit applies to all processes that use the store; see
//! [`RequestLog`].

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::request_log::RequestLog;
use crate::time::{Now, Timestamp};

/// The limit of one spec in [`KEY_WINDOW`], unless the lifetime of its tokens needs more or the provider
/// documents one.
const KEY_LIMIT: u32 = 10;

/// The window of a spec's own limit: a minute, plus a second for a request's way to the server.
const KEY_WINDOW: Duration = Duration::from_secs(61);

/// A shorter lifetime is useless, so it does not raise the spec's limit.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(2);

/// The request budget of one client: a number of requests in any window, with a spacing after a failure.
///
/// At most half of it is for specs that failed last time, all together. At most half is for requests without
/// a spec, such as sign-ins. So neither failing accounts nor invented codes can spend the requests that the
/// others need.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u32,
    window: Duration,
    distance: Duration,
    /// The origin of the limit.
    origin: Origin,
    /// The documented limit of one account and its window.
    account: Option<(u32, Duration)>,
    paced_until: Duration,
    sent: SendLog,
    failing: SendLog,
    beside: SendLog,
    /// The requests of this process and of those that share its store; `None` if this process counts alone.
    fleet: Option<RequestLog>,
}

/// When the last requests were sent, oldest first, as many as a window may contain.
#[derive(Debug, Default)]
pub(crate) struct SendLog(VecDeque<Duration>);

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Registration {
        requests: u32,
        window: Duration,
        origin: Origin,
    },
    /// The limit of one spec.
    TokenSpec(u32),
    /// The limit of one account, as the provider documents it, minus one request in reserve.
    Account {
        requests: u32,
        window: Duration,
    },
    /// The spacing after a failure that the provider documents.
    Distance(Duration),
    /// The limit of concurrent renewals.
    InFlight(u32),
    /// The limit of renewals caused by refusals of a resource server.
    Forced,
}

/// The origin of the client's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The provider documents this many requests, of which one is kept in reserve.
    Documented(u32),
    /// The policy sets it, lower than the provider's.
    Policy,
    /// This library assumes it, because the provider documents none.
    Assumed,
}

/// A request that needs a slot of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetRequest {
    /// Whether to leave the last slot to specs that have no token to serve. This is so if the spec has one,
    /// or if there is no spec.
    pub(crate) leaves_last: bool,
    pub(crate) share: Share,
    /// The lifetime of the spec's last token, if known. The spec's own limit depends on it.
    pub(crate) lifetime: Option<Duration>,
}

/// The part of the budget that a request is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of it.
    Whole,
    /// The part of specs that failed last time.
    Failing,
    /// The part of requests without a spec.
    Beside,
}

/// A slot that was taken from the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// When it was taken, on the boot clock.
    pub(crate) at: Duration,
    pub(crate) share: Share,
    /// The moment under which the request is in the request log.
    pub(crate) counted: Option<Timestamp>,
}

impl Budget {
    pub(crate) fn new((limit, window, distance, origin): (u32, Duration, Duration, Origin)) -> Self {
        let paced_until = Duration::ZERO;
        let [sent, failing, beside] = Default::default();
        let account = None;
        Self { limit, window, distance, origin, account, paced_until, sent, failing, beside, fleet: None }
    }

    /// Replaces the limits. Requests already sent still count.
    pub(crate) fn set(&mut self, limits: (u32, Duration, Duration, Origin)) {
        (self.limit, self.window, self.distance, self.origin) = limits;
    }

    /// Sets the documented limit of one account and its window. Requests already sent still count.
    pub(crate) fn set_account(&mut self, account: Option<(u32, Duration)>) {
        self.account = account;
    }

    /// Counts together with the processes that share the store from now on, or alone.
    pub(crate) fn share(&mut self, is_shared: bool) {
        self.fleet = is_shared.then(|| self.fleet.take().unwrap_or_else(RequestLog::new));
    }

    /// Returns the requests of all processes that share the store, if they count together.
    pub(crate) fn fleet(&mut self) -> Option<(&mut RequestLog, Duration)> {
        self.fleet.as_mut().map(|fleet| (fleet, self.window))
    }

    /// Returns the moment from which a request may be sent. A moment that is not after now means: at once.
    pub(crate) fn opens(&self, spec: &SendLog, request: BudgetRequest) -> Duration {
        self.blocked(spec, request).0
    }

    /// Returns the same moment, and the limit that blocks the request until then.
    pub(crate) fn blocked(&self, spec: &SendLog, request: BudgetRequest) -> (Duration, Limit) {
        let left = self.limit.saturating_sub(request.leaves());
        let fleet = self.fleet.as_ref().map_or(Duration::ZERO, |fleet| fleet.opens(left, self.window));
        let (here, limit) = self.blocked_here(spec, request);
        if fleet > here { (fleet, self.of_registration()) } else { (here, limit) }
    }

    /// Returns the moment from which a request may be sent, ignoring other processes.
    pub(crate) fn opens_here(&self, spec: &SendLog, request: BudgetRequest) -> Duration {
        self.blocked_here(spec, request).0
    }

    fn blocked_here(&self, spec: &SendLog, request: BudgetRequest) -> (Duration, Limit) {
        let half = self.limit.div_ceil(2);
        let (own, own_window) = self.account.unwrap_or_else(|| (request.key_limit(), KEY_WINDOW));
        let own = if request.share == Share::Failing { own.min(half) } else { own };
        let of_key = match self.account {
            Some(_) => Limit::Account { requests: own, window: own_window },
            None => Limit::TokenSpec(own),
        };
        let shared = self.sent.opens(self.limit.saturating_sub(request.leaves()), self.window);
        let share = match request.share {
            Share::Whole => Duration::ZERO,
            Share::Failing => self.failing.opens(half, self.window),
            Share::Beside => self.beside.opens(half, self.window),
        };
        let all = [
            (self.paced_until, Limit::Distance(self.distance)),
            (spec.opens(own, own_window), of_key),
            (shared.max(share), self.of_registration()),
        ];
        all.into_iter().max_by_key(|(until, _)| *until).unwrap_or((shared, self.of_registration()))
    }

    fn of_registration(&self) -> Limit {
        Limit::Registration { requests: self.limit, window: self.window, origin: self.origin }
    }

    /// Returns how many requests may be sent at this moment.
    pub(crate) fn left(&self, now: Duration) -> u32 {
        match self.paced_until > now {
            true => 0,
            false => {
                let fleet = self.fleet.as_ref().map_or(0, |fleet| fleet.within(self.window, now));
                self.limit.saturating_sub(fleet.max(self.sent.within(self.window, now)))
            }
        }
    }

    /// Counts a request of a spec that is sent now.
    pub(crate) fn draw(&mut self, spec: &mut SendLog, share: Share, now: Duration) -> Drawn {
        spec.note_of_key(now, self.account.unwrap_or((KEY_LIMIT, KEY_WINDOW)));
        self.note(share, now);
        Drawn { at: now, share, counted: None }
    }

    fn note(&mut self, share: Share, now: Duration) {
        let limit = self.limit;
        self.sent.note(now, limit);
        self.log(share).into_iter().for_each(|log| log.note(now, limit));
    }

    fn log(&mut self, share: Share) -> Option<&mut SendLog> {
        match share {
            Share::Whole => None,
            Share::Failing => Some(&mut self.failing),
            Share::Beside => Some(&mut self.beside),
        }
    }

    /// Counts a request that is sent now without a spec. It is written to the request log with the next
    /// request of a spec.
    pub(crate) fn draw_beside(&mut self, now: Now) {
        self.note(Share::Beside, now.boot);
        self.fleet.iter_mut().for_each(|fleet| fleet.note_untold(self.window, now));
    }

    /// Moves a taken slot to now, because its request is being sent.
    pub(crate) fn redraw(&mut self, spec: &mut SendLog, drawn: Drawn, now: Duration) -> Drawn {
        let Drawn { share, counted, .. } = drawn;
        self.give_back(spec, Drawn { counted: None, ..drawn });
        Drawn { counted, ..self.draw(spec, share, now) }
    }

    /// Returns a slot, because no request was sent.
    pub(crate) fn give_back(&mut self, spec: &mut SendLog, drawn: Drawn) {
        self.sent.forget(drawn.at);
        spec.forget(drawn.at);
        self.log(drawn.share).into_iter().for_each(|log| log.forget(drawn.at));
        if let Some((fleet, counted)) = self.fleet.as_mut().zip(drawn.counted) {
            fleet.forget(counted);
        }
    }

    /// Records a failure. The next request keeps the documented spacing.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.paced_until = self.paced_until.max(now.saturating_add(self.distance));
    }
}

impl BudgetRequest {
    /// Returns how many slots it leaves to others. If a limit has only one slot, it may be taken
    /// nevertheless: limits are at least one.
    fn leaves(self) -> u32 {
        u32::from(self.leaves_last)
    }

    /// Returns the limit of the spec itself: as many renewals as its tokens can need, if each token is used
    /// for at least 0.4 of its lifetime.
    fn key_limit(self) -> u32 {
        let lifetime = self.lifetime.filter(|lifetime| *lifetime >= SHORTEST_LIFETIME);
        let needed =
            lifetime.map_or(0, |lifetime| 5 * KEY_WINDOW.as_millis() / (2 * lifetime.as_millis()) + 1);
        KEY_LIMIT.max(u32::try_from(needed).unwrap_or(u32::MAX))
    }
}

/// Writes the limit as a sentence.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registration { requests, window, origin } => {
                let seconds = window.as_secs().saturating_sub(1);
                match origin {
                    Origin::Documented(all) => write!(
                        f,
                        "the provider documents a limit of {all} in {seconds} s, of which octo-auth uses {requests}"
                    ),
                    Origin::Policy => write!(f, "the policy's limit is {requests} in {seconds} s"),
                    Origin::Assumed => write!(
                        f,
                        "octo-auth's own limit is {requests} in {seconds} s, as the provider documents none"
                    ),
                }
            }
            Self::TokenSpec(requests) => {
                write!(f, "octo-auth's own limit for one key is {requests} in 60 s")
            }
            Self::Account { requests, window } => write!(
                f,
                "the provider documents a limit for one account, of which octo-auth uses {requests} in {} s",
                window.as_secs().saturating_sub(1)
            ),
            Self::Distance(distance) => write!(
                f,
                "the provider documents that none follows a failed one for {} s",
                distance.as_secs()
            ),
            Self::InFlight(renewals) => write!(f, "the policy's limit is {renewals} in flight at once"),
            Self::Forced => f.write_str(
                "of the renewals that refusals of a resource server cause, octo-auth sends one in 60 s, and fewer while they go on",
            ),
        }
    }
}

impl SendLog {
    /// Returns when the limit allows one more request in the window.
    fn opens(&self, limit: u32, window: Duration) -> Duration {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        match self.0.len().checked_sub(limit).and_then(|place| self.0.get(place)) {
            Some(sent) => sent.saturating_add(window),
            None => Duration::ZERO,
        }
    }

    /// Returns how many requests count in the window that ends now.
    fn within(&self, window: Duration, now: Duration) -> u32 {
        let over = self.0.partition_point(|sent| sent.saturating_add(window) <= now);
        u32::try_from(self.0.len() - over).unwrap_or(u32::MAX)
    }

    fn forget(&mut self, drawn: Duration) {
        if let Some(place) = self.0.iter().rposition(|sent| *sent == drawn) {
            self.0.remove(place);
        }
    }

    /// Records a request of a spec. A spec may send more than this limit in the window, because its own limit
    /// depends on its tokens.
    fn note_of_key(&mut self, now: Duration, (limit, window): (u32, Duration)) {
        self.0.push_back(now);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_over = |sent: &Duration| sent.saturating_add(window) <= now;
        while self.0.len() > limit && self.0.front().is_some_and(is_over) {
            self.0.pop_front();
        }
    }

    fn note(&mut self, now: Duration, limit: u32) {
        self.0.push_back(now);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.drain(..self.0.len().saturating_sub(limit));
    }
}
