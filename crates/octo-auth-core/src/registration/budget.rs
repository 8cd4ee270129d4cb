//! How many requests may be sent: sliding windows on the boot clock, in which failures count like successes.
//!
//! Where a limit is known and a store is shared, the limit is the fleet's, see [`RequestLog`].

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::request_log::RequestLog;
use crate::time::{Now, Timestamp};

/// The limit of one key in [`KEY_WINDOW`], unless its tokens live so short that they need more or the provider documents one.
const KEY_LIMIT: u32 = 10;

/// The window of a key's own limit: a minute, and a second for what a request takes to arrive.
const KEY_WINDOW: Duration = Duration::from_secs(61);

/// A token that lives shorter is of no use: its key may not ask more often for that.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(2);

/// The budget of a registration: so many requests in any window, at a distance after a failure.
///
/// Half of it at most goes to keys that failed last time, all together, and half at most to requests beside the keys, such
/// as sign-ins: neither failing accounts nor invented codes can spend what the others need.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u32,
    window: Duration,
    distance: Duration,
    /// Whose limit it is.
    origin: Origin,
    /// The documented limit of one account and its window.
    account: Option<(u32, Duration)>,
    paced_until: Duration,
    sent: SendLog,
    failing: SendLog,
    beside: SendLog,
    /// What this process and those that share its store have sent; nothing if this process counts alone.
    fleet: Option<RequestLog>,
}

/// When the last requests were sent, oldest first, as many as a window may hold.
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
    /// Of one key.
    TokenSpec(u32),
    /// Of one account, as the provider documents it; one request of it is kept free.
    Account {
        requests: u32,
        window: Duration,
    },
    /// The distance that the provider documents, after a failure.
    Distance(Duration),
    /// Of the renewals in flight at once.
    InFlight(u32),
    /// Of the renewals that refusals of a resource server cause.
    Forced,
}

/// Whose limit the registration's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The provider's, which documents so many requests; one of them is kept free.
    Documented(u32),
    /// The policy's, which is lower.
    Policy,
    /// The one of this library, as the provider documents none.
    Assumed,
}

/// Who asks for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetRequest {
    /// Whether the last slot is left to keys that have no token to serve: there is one, or no key is concerned.
    pub(crate) leaves_last: bool,
    pub(crate) share: Share,
    /// How long the key's last token lived, if that is known: the key's own limit follows it.
    pub(crate) lifetime: Option<Duration>,
}

/// Which part of the budget a request is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of it.
    Whole,
    /// That of keys that failed last time.
    Failing,
    /// That of requests beside the keys.
    Beside,
}

/// A slot that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// When, on the boot clock.
    pub(crate) at: Duration,
    pub(crate) share: Share,
    /// As which moment it stands in the request log.
    pub(crate) counted: Option<Timestamp>,
}

impl Budget {
    pub(crate) fn new((limit, window, distance, origin): (u32, Duration, Duration, Origin)) -> Self {
        let paced_until = Duration::ZERO;
        let [sent, failing, beside] = Default::default();
        let account = None;
        Self { limit, window, distance, origin, account, paced_until, sent, failing, beside, fleet: None }
    }

    /// Puts other limits in the place of the present ones; what was sent still counts.
    pub(crate) fn set(&mut self, limits: (u32, Duration, Duration, Origin)) {
        (self.limit, self.window, self.distance, self.origin) = limits;
    }

    /// Sets the documented limit of one account and its window; what was sent still counts.
    pub(crate) fn set_account(&mut self, account: Option<(u32, Duration)>) {
        self.account = account;
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
    pub(crate) fn opens(&self, spec: &SendLog, request: BudgetRequest) -> Duration {
        self.blocked(spec, request).0
    }

    /// The same, and the limit that blocks it until then.
    pub(crate) fn blocked(&self, spec: &SendLog, request: BudgetRequest) -> (Duration, Limit) {
        let left = self.limit.saturating_sub(request.leaves());
        let fleet = self.fleet.as_ref().map_or(Duration::ZERO, |fleet| fleet.opens(left, self.window));
        let (here, limit) = self.blocked_here(spec, request);
        if fleet > here { (fleet, self.of_registration()) } else { (here, limit) }
    }

    /// The moment from which a request may be sent, whatever other processes have sent.
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

    /// Counts a request of a key that is sent now.
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

    /// Counts a request that is sent now without its key, and is told to the fleet with the next one that is drawn.
    pub(crate) fn draw_beside(&mut self, now: Now) {
        self.note(Share::Beside, now.boot);
        self.fleet.iter_mut().for_each(|fleet| fleet.note_untold(self.window, now));
    }

    /// Counts a drawn slot from now on: its request begins to be sent.
    pub(crate) fn redraw(&mut self, spec: &mut SendLog, drawn: Drawn, now: Duration) -> Drawn {
        let Drawn { share, counted, .. } = drawn;
        self.give_back(spec, Drawn { counted: None, ..drawn });
        Drawn { counted, ..self.draw(spec, share, now) }
    }

    /// Gives back a slot, as nothing was sent.
    pub(crate) fn give_back(&mut self, spec: &mut SendLog, drawn: Drawn) {
        self.sent.forget(drawn.at);
        spec.forget(drawn.at);
        self.log(drawn.share).into_iter().for_each(|log| log.forget(drawn.at));
        if let Some((fleet, counted)) = self.fleet.as_mut().zip(drawn.counted) {
            fleet.forget(counted);
        }
    }

    /// Records a failure: the next request keeps the documented distance from it.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.paced_until = self.paced_until.max(now.saturating_add(self.distance));
    }
}

impl BudgetRequest {
    /// The slots it leaves to others. Where there is but one, it may be taken all the same: no limit is less.
    fn leaves(self) -> u32 {
        u32::from(self.leaves_last)
    }

    /// The limit of the key itself: as many renewals as its tokens can need, each of which lives 0.4 of its lifetime at
    /// least.
    fn key_limit(self) -> u32 {
        let lifetime = self.lifetime.filter(|lifetime| *lifetime >= SHORTEST_LIFETIME);
        let needed =
            lifetime.map_or(0, |lifetime| 5 * KEY_WINDOW.as_millis() / (2 * lifetime.as_millis()) + 1);
        KEY_LIMIT.max(u32::try_from(needed).unwrap_or(u32::MAX))
    }
}

/// The limit, as a sentence.
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

    /// Notes a request of a key, which may have sent more than the limit in the window: its own limit follows its tokens.
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
