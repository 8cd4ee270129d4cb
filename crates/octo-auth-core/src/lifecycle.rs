//! The lifecycle of one key's token: what a caller is told, and how a renewal begins.
//!
//! # What a caller is told
//!
//! **F**resh: no renewal is due. **S**tale: a renewal is due, the token still works. e**X**pired: nothing to serve.
//! *Refused*: a resource server rejected the current generation. *Open*: nothing closes the key. [`View::row`] is
//! this table as a total function; [`Row`] names its rows.
//!
//! | # | state | answer |
//! |---|---|---|
//! | 0a | signed out | give up, sign in; nothing is asked for until a new sign-in or adoption |
//! | 0b | unread store, no flight / flight | run Load / wait. Unreadable: client grants go on to 7, others give up |
//! | 0c | shutting down | F/S use; X give up; only Save jobs are handed out |
//! | 0d | flight past its deadline | it ends as lost, see `ends`; then decide again |
//! | 1 | F, not refused | use |
//! | 1s | unsaved, saving due, no flight; F/S, or X and nothing to renew now | use, and run Save; X: run Save |
//! | 2 | S, no flight, open, renewable | use, and run the renewal beside it |
//! | 3 | S, flight | use |
//! | 4 | S, no flight, not (open and renewable) | use: a failed renewal never costs a token that still works |
//! | 6 | X, flight | wait until the flight's or the caller's deadline; then give up, try later |
//! | 7 | X, no flight, open, renewable | run the renewal |
//! | 8 | X, no flight, closed | give up at once, with the moment it opens and who must act |
//! | 9 | X, no flight, refresh token dead | give up, sign in; nothing is sent |
//! | 10 | X, no flight, nothing to renew with | give up, sign in |
//! | 11 | F/S refused, no flight, open, renewable, forcing open | run the renewal |
//! | 12 | F/S refused, no flight, anything else | use, flagged suspect |
//! | 13 | F/S refused, flight | wait; at the deadline use, flagged suspect |
//!
//! A renewal whose outcome is in doubt is repeated only once nothing is left to lose: the token has expired or was
//! refused, and the earlier exchange's deadline has passed. Until then the old token is served.
//!
//! Where only a new sign-in can help (0a, 9, 10), a shared store is read again every 30 s: somebody else may have
//! signed in.
//!
//! How flights end stands in `ends`, with its own table.

mod decision;
mod dice;
mod doubt;
mod ends;
mod events;
mod explain;
mod failure;
mod flight;
mod handle;
mod issued;
mod job;
mod merge;
mod policy;
mod record;
mod sending;
mod setback;
mod status;
mod step;
mod store;
mod stored;
mod validity;
mod view;

use std::sync::Arc;
use std::time::Duration;

pub use decision::{Decision, Row, Verdict};
pub(crate) use dice::Dice;
pub use events::Adopted;
pub(crate) use failure::Cause;
pub use failure::{Failure, FailureKind};
pub use issued::{Published, Token};
pub(crate) use job::Renewal;
pub use job::{ClaimJob, Job, LoadJob, ReleaseJob, Report, SaveJob, SendJob, Ticket};
pub use policy::{Policy, PolicyError};
pub use record::{Attempt, Fingerprint, Generation, Lineage, Record, Stored, Terminal, Version};
pub(crate) use setback::{Setback, Setbacks};
pub use status::{Change, Event, Status};
pub use step::{Ending, RenewalCause, Step};
pub use store::{Claimed, Saved, Storage, Store, StoreFault};
pub use validity::{Freshness, Lead, Validity, ValidityTerms};

use events::Forcing;
use flight::{Flight, Leg, UnderWay};
use issued::Issued;
use record::Decided;
use view::{Bar, Gate, Knowledge, View};

use crate::accounts::{Asking, Key, Registration, Sent};
use crate::error::Remedy;
use crate::profile::Replay;
use crate::secret::Secret;
use crate::time::Now;

/// How often a shared store is read again for a key that only somebody else's sign-in can revive.
const REREAD: Duration = Duration::from_secs(30);

const SECOND: Duration = Duration::from_secs(1);

/// The state of one key. Facts that do not depend on each other are fields; what is under way is one enum.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    key: Arc<Key>,
    /// What the store holds or is to hold.
    record: Record,
    version: Option<Version>,
    knowledge: Knowledge,
    /// When the store was read last, on the boot clock.
    read_at: Duration,
    /// The token that is served while it lasts.
    current: Option<Arc<Issued>>,
    flight: Option<UnderWay>,
    setbacks: Setbacks,
    /// What failures of the store left behind.
    trouble: Setbacks,
    /// Since when the record differs from what is stored: the moment to store it, on the boot clock.
    unsaved: Option<Duration>,
    /// The record is a sign-in or sign-out made here that is not known to be stored.
    decided: Option<Decided>,
    is_refused: bool,
    forcing: Forcing,
    /// Until when an earlier exchange with the refresh token may still be under way somewhere.
    doubt_until: Duration,
    /// Whether that exchange was begun here, or the claim has shown that nobody goes on with it. Before, somebody else
    /// may be about to end it, and trying for the claim is the way to wait for that.
    doubt_is_ours: bool,
    /// The refusal that made the refresh token's end final.
    refusal: Option<Cause>,
    /// What is to be revoked once nothing else is to be done.
    to_revoke: Vec<Secret>,
    sent: Sent,
    published: Option<Arc<Published>>,
    was_asked_for: bool,
    /// Spreads the renewals of many; drawn once for each generation.
    jitter: u32,
    /// A marker of ours that was taken back, though the store may hold it.
    unsent: Option<Attempt>,
    /// How many exchanges have failed, to tell a new failure from the last one.
    failures: u32,
}

impl Lifecycle {
    pub(crate) fn new(key: Arc<Key>, registration: &Registration) -> Self {
        let knowledge =
            if registration.storage == Storage::None { Knowledge::Read } else { Knowledge::Unread };
        Self {
            key,
            record: Record::default(),
            version: None,
            knowledge,
            read_at: Duration::ZERO,
            current: None,
            flight: None,
            setbacks: Setbacks::default(),
            trouble: Setbacks::default(),
            unsaved: None,
            decided: None,
            is_refused: false,
            forcing: Forcing::default(),
            doubt_until: Duration::ZERO,
            doubt_is_ours: false,
            refusal: None,
            to_revoke: Vec::new(),
            sent: Sent::default(),
            published: None,
            was_asked_for: false,
            jitter: 0,
            unsent: None,
            failures: 0,
        }
    }

    /// Tells a caller what to do, or whoever keeps it warm.
    pub(crate) fn decide(&mut self, is_warming: bool, registration: &mut Registration, now: Now) -> Decision {
        self.end_overdue_flight(registration, now);
        let mut view = self.view(registration, None, now);
        let mut row = view.row();
        let job = self.begin(row, is_warming, registration, now);
        if job.is_none() && row.runs_a_job() {
            // What kept it from beginning has closed the key, so that no row that runs a job applies now.
            view = self.view(registration, None, now);
            row = view.row();
        }
        self.conclude(row, &view, registration, job, now)
    }

    /// Tells a caller whose time is over: never to run or to wait.
    pub(crate) fn decide_at_deadline(&mut self, registration: &mut Registration, now: Now) -> Decision {
        self.end_overdue_flight(registration, now);
        let view = self.view(registration, None, now);
        let decision = self.conclude(view.row(), &view, registration, None, now);
        let verdict = match decision.verdict {
            Verdict::Wait { .. } => {
                self.token_or(self.is_refused, &view, |own| own.failure(decision.row, &view, now))
            }
            other => other,
        };
        Decision { verdict, ..decision }
    }

    /// Begins what the row asks for.
    fn begin(
        &mut self,
        row: Row,
        is_warming: bool,
        registration: &mut Registration,
        now: Now,
    ) -> Option<Job> {
        match row {
            Row::Unread => Some(self.read_first(registration, now)),
            Row::Unsaved => Some(self.save_standing(registration, now)),
            Row::Renewing | Row::Expired | Row::RefusedRenewing => {
                let cause = RenewalCause::of(row, self.current.is_some(), is_warming);
                self.renew(cause, registration, now)
            }
            Row::SignedOut
            | Row::Reading
            | Row::Unreadable
            | Row::ShuttingDown
            | Row::Fresh
            | Row::StaleInFlight
            | Row::StaleClosed
            | Row::ExpiredInFlight
            | Row::Closed
            | Row::Final
            | Row::NotRenewable
            | Row::RefusedClosed
            | Row::RefusedInFlight
            | Row::NoKey => None,
        }
    }

    /// Puts the answer of a row together.
    fn conclude(
        &self,
        row: Row,
        view: &View,
        registration: &Registration,
        job: Option<Job>,
        now: Now,
    ) -> Decision {
        let next_change = self.next_change(view, registration, now);
        let until = self.flight.as_ref().map_or(now.boot, |flight| flight.deadline);
        let failure = |own: &Self| own.failure(row, view, now);
        let verdict = match (row, job) {
            (Row::Fresh | Row::StaleInFlight | Row::StaleClosed | Row::Unsaved | Row::Renewing, None) => {
                self.token_or(self.is_refused, view, failure)
            }
            (Row::Unsaved | Row::Renewing, Some(job)) => {
                match self.token_or(self.is_refused, view, failure) {
                    Verdict::Use(token) => Verdict::UseAndRun(token, job),
                    _ => Verdict::Run(job),
                }
            }
            (_, Some(job)) => Verdict::Run(job),
            (Row::RefusedClosed | Row::RefusedRenewing, None) => self.token_or(true, view, failure),
            (Row::Reading | Row::ExpiredInFlight | Row::RefusedInFlight, None) => Verdict::Wait { until },
            (_, None) => Verdict::GiveUp(failure(self)),
        };
        Decision { verdict, row, next_change }
    }

    /// The current token while it can be served, else the failure.
    fn token_or(&self, suspect: bool, view: &View, failure: impl FnOnce(&Self) -> Failure) -> Verdict {
        match self.current.as_ref().filter(|_| view.freshness != Freshness::Expired) {
            Some(issued) => Verdict::Use(Token::new(issued.clone(), suspect)),
            None => Verdict::GiveUp(failure(self)),
        }
    }

    /// Why a row has no token for the caller.
    pub(super) fn failure(&self, row: Row, view: &View, now: Now) -> Failure {
        let later = |until: Duration| Remedy::TryLater { after: until.saturating_sub(now.boot) };
        let (kind, cause, remedy) = match (row, &view.gate) {
            _ if view.signed_out => (FailureKind::SignedOut, None, Remedy::SignInAgain),
            (Row::ShuttingDown, _) => (FailureKind::ShuttingDown, None, later(now.boot)),
            (Row::Unreadable, _) => {
                let until = match view.knowledge {
                    Knowledge::Unreadable { until } => until,
                    Knowledge::Unread | Knowledge::Read => now.boot,
                };
                let cause = self.trouble.last().map(|last| last.cause.clone());
                (FailureKind::StoreUnavailable, cause, later(until))
            }
            (Row::NotRenewable, _) => (FailureKind::NotSignedIn, None, Remedy::SignInAgain),
            (_, Gate::Final(kind)) => (*kind, self.refusal.clone(), Remedy::SignInAgain),
            (_, Gate::Closed(Bar { until, kind, cause, remedy })) if !view.in_flight => {
                let after = until.saturating_sub(now.boot);
                return Failure::closed(&self.key, *kind, cause.clone(), *remedy, after);
            }
            (_, Gate::Open | Gate::Closed(_)) => {
                let until = self.flight.as_ref().map_or(now.boot, |flight| flight.deadline);
                (FailureKind::StillWaiting, None, later(until))
            }
        };
        Failure::new(&self.key, kind, cause, remedy)
    }

    /// The facts a decision rests on.
    fn view(&self, registration: &Registration, own_flight: Option<u64>, now: Now) -> View {
        let freshness = self.freshness(now);
        let knowledge = match self.knowledge {
            Knowledge::Unreadable { until } if until <= now.boot => Knowledge::Unread,
            Knowledge::Read if self.rereads(registration, now).is_some_and(|again| again <= now.boot) => {
                Knowledge::Unread
            }
            other => other,
        };
        View {
            signed_out: self.record.signed_out,
            shutting_down: registration.shutting_down,
            knowledge,
            is_client_grant: self.key.is_client_grant(),
            in_flight: self.flight.is_some(),
            freshness,
            is_refused: self.is_refused,
            is_renewable: self.key.is_client_grant() || self.record.refresh_token.is_some(),
            forcing_is_open: self.forcing.is_open(now),
            saving_is_due: self.unsaved.is_some_and(|due| due <= now.boot),
            gate: self.gate(registration, own_flight, freshness, now),
        }
    }

    /// When the store is read again because only somebody else's sign-in can help, on the boot clock.
    fn rereads(&self, registration: &Registration, now: Now) -> Option<Duration> {
        let gate = self.gate(registration, None, self.freshness(now), now);
        let is_dead = self.record.refresh_token.is_none() || matches!(gate, Gate::Final(_));
        let is_stuck = self.record.signed_out || !self.key.is_client_grant() && is_dead;
        let is_needed = is_stuck && self.freshness(now) == Freshness::Expired && self.unsaved.is_none();
        (registration.storage == Storage::Shared && is_needed).then(|| self.read_at.saturating_add(REREAD))
    }

    fn freshness(&self, now: Now) -> Freshness {
        self.current.as_ref().map_or(Freshness::Expired, |issued| issued.validity.freshness(now))
    }

    /// Whether a renewal may begin.
    fn gate(
        &self,
        registration: &Registration,
        own_flight: Option<u64>,
        freshness: Freshness,
        now: Now,
    ) -> Gate {
        let has_token = freshness != Freshness::Expired;
        let something_to_lose = has_token && !self.is_refused;
        if let Some(terminal) = self.record.terminal {
            return Gate::Final(terminal.failure_kind());
        }
        // A renewal that is under way has left nothing in doubt yet.
        let in_doubt = self.record.is_in_doubt() && self.flight.is_none();
        let is_settled = self.doubt_is_ours || registration.storage != Storage::Shared;
        let refresh = registration.client.profile().document().refresh.as_ref();
        let never = refresh.is_some_and(|refresh| refresh.replay == Replay::Never);
        if in_doubt && never && is_settled && !something_to_lose && self.doubt_until <= now.boot {
            return Gate::Final(FailureKind::ConsentInDoubt);
        }
        let asking = Asking { has_token, has_setback: self.setbacks.any() };
        let spent = registration.budget.opens(&self.sent, asking);
        let trouble = self.trouble.closed(now.boot).filter(|_| !self.key.is_client_grant());
        let doubt = in_doubt.then(|| {
            let end = self.current.as_ref().and_then(|issued| issued.validity.end_on_boot(now));
            let end = if something_to_lose { end.unwrap_or(Duration::MAX) } else { Duration::ZERO };
            let over = if is_settled { self.doubt_until } else { Duration::ZERO };
            Bar::new(end.max(over), FailureKind::Closed, Some(Cause::Lost))
        });
        // Of those that close equally long the last says why: a failure, rather than the distance kept after it.
        let bars = [
            // A flight that asks about itself has drawn already.
            own_flight.is_none().then(|| Bar::new(spent, FailureKind::BudgetSpent, None)),
            self.setbacks.closed(now.boot).map(Bar::from),
            registration.closed(own_flight, now.boot).as_ref().map(Bar::from),
            trouble.map(Bar::from),
            doubt,
        ];
        let last = bars.into_iter().flatten().filter(|bar| bar.until > now.boot).max_by_key(|bar| bar.until);
        last.map_or(Gate::Open, Gate::Closed)
    }

    /// The next moment on the boot clock at which the answer can change by time alone.
    fn next_change(&self, view: &View, registration: &Registration, now: Now) -> Option<Duration> {
        let gate = match &view.gate {
            Gate::Closed(bar) => Some(bar.until),
            Gate::Open | Gate::Final(_) => None,
        };
        let knowledge = match view.knowledge {
            Knowledge::Unreadable { until } => Some(until),
            Knowledge::Unread | Knowledge::Read => None,
        };
        let forcing = self.is_refused.then(|| self.forcing.opens());
        let doubt = self.record.is_in_doubt().then_some(self.doubt_until);
        let validity = self.current.as_ref().and_then(|issued| issued.validity.next_change(now));
        let flight = self.flight.as_ref().map(|flight| flight.deadline);
        let rereads = self.rereads(registration, now);
        let all = [gate, knowledge, forcing, doubt, validity, flight, self.unsaved, rereads];
        all.into_iter().flatten().filter(|moment| *moment > now.boot && *moment < Duration::MAX).min()
    }

    /// Begins a renewal.
    fn renew(&mut self, cause: RenewalCause, registration: &mut Registration, now: Now) -> Option<Job> {
        let mut flight = Flight::new(registration.number(), Some(cause));
        registration.probe(flight.id, now);
        registration.budget.draw(Some(&mut self.sent), now.boot);
        flight.drawn = Some(now.boot);
        if registration.storage == Storage::Shared {
            return Some(self.claim(flight, registration, now));
        }
        self.write_ahead(flight, registration, now)
    }

    /// Writes down that a refresh token is about to be used; a client grant has nothing that could be lost.
    fn write_ahead(&mut self, flight: Flight, registration: &mut Registration, now: Now) -> Option<Job> {
        let Some(refresh_token) = self.record.fingerprint().filter(|_| !self.key.is_client_grant()) else {
            return self.send(flight, registration, now);
        };
        let before = self.record.pending;
        let last = self.record.attempt();
        let number = last.map_or(0, |attempt| attempt.number).saturating_add(1);
        let after_doubt = last.is_some_and(|attempt| attempt.ambiguous || attempt.after_doubt);
        // Writing this, and counting the request with those of other processes, come first.
        let steps = if registration.budget.fleet().is_some() { 2 } else { 1 };
        let may_take = registration.policy.exchange_deadline() + SECOND + steps * Registration::SAVING;
        let deadline = now.wall.saturating_add(may_take);
        let begun = now.wall;
        self.record.pending =
            Some(Attempt { refresh_token, number, begun, deadline, ambiguous: true, after_doubt });
        if registration.storage == Storage::None {
            return self.send(flight, registration, now);
        }
        let ticket = self.depart(
            flight,
            Leg::Marking { before, lineage: self.record.generation.lineage },
            Registration::SAVING,
            now,
        );
        Some(self.write(ticket))
    }
}

impl Row {
    fn runs_a_job(self) -> bool {
        matches!(self, Self::Unread | Self::Unsaved | Self::Renewing | Self::Expired | Self::RefusedRenewing)
    }
}
