//! Where callers meet: the lock around the machine of a registration, and the parking of those that wait for a key.
//!
//! The machine decides; the desk keeps two promises around it:
//!
//! - what a caller is told and its waiting are one step under the lock, so that no wake-up is lost;
//! - each step shows everywhere before the lock is let go: in the key's slot, to the waiting, to the subscribers.
//!
//! The lock is never held across IO, nor while anything is told to a log. The clock is read under it, so that the
//! machine never sees time go back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use octo_auth_core::{
    Accounts, Adopted, Authorizer, Client, Failure, FailureKind, Generation, Job, Key, Now, OnboardingError,
    Purpose, RecordName, Report, RequestError, Status, Tending, Token, Verdict, Warm,
};
use octo_auth_system::Clock;
use octo_auth_system::telling::{News, Reported, Telling};

use crate::bell::Bell;
use crate::changes::{Board, Changes};
use crate::ledger::{Ledger, Place};
use crate::seat::Seat;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Nobody waits for longer without looking again: a clock may have been set, a machine suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The desk of one registration.
pub(crate) struct Desk {
    state: Mutex<Ledger>,
    /// How many carriers have not come back.
    carriers: AtomicUsize,
    clock: Arc<dyn Clock>,
    bell: Arc<Bell>,
    telling: Telling,
}

impl Desk {
    pub(crate) fn new(machine: Accounts, clock: Arc<dyn Clock>) -> Self {
        let telling = Telling::new(machine.client());
        let state = Ledger {
            machine,
            seats: HashMap::new(),
            under_way: HashMap::new(),
            carried: HashMap::new(),
            board: Board::default(),
            news: Vec::new(),
            is_closed: false,
        };
        let (state, carriers, bell) = (Mutex::new(state), AtomicUsize::new(0), Arc::new(Bell::new()));
        Self { state, carriers, clock, bell, telling }
    }

    /// What tells of it, to be called with no lock held.
    pub(crate) fn telling(&self) -> &Telling {
        &self.telling
    }

    /// Rings after each change.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Both clocks.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Takes up a handle to a key.
    pub(crate) fn sit(&self, key: &Key) -> Result<Arc<Seat>, Failure> {
        let (mut state, now) = self.enter();
        let shared = state.machine.hold(key)?;
        let fresh = || Place { seat: Arc::new(Seat::new(shared.clone())), handles: 0 };
        let place = state.seats.entry(shared.clone()).or_insert_with(fresh);
        place.handles = place.handles.saturating_add(1);
        let seat = place.seat.clone();
        state.publish(key, now);
        self.bell.ring();
        Ok(seat)
    }

    /// Gives a handle back.
    pub(crate) fn leave(&self, seat: &Seat) {
        let mut state = self.lock();
        state.machine.let_go(seat.key());
        if let Some(place) = state.seats.get_mut(seat.key()) {
            place.handles = place.handles.saturating_sub(1);
            if place.handles == 0 {
                state.seats.remove(seat.key());
            }
        }
    }

    /// Gets a token for a caller: serves it, has jobs carried out, waits, until there is one or none to be had. A caller
    /// that may not wait is told at once what it would be told at its deadline.
    pub(crate) fn get(
        &self,
        seat: &Seat,
        wait: Duration,
        may_wait: bool,
        mut carry: impl FnMut(Job),
    ) -> Result<Token, Failure> {
        let deadline = self.clock.boot().saturating_add(wait);
        let mut has_asked = false;
        loop {
            match self.ask(seat, deadline, has_asked, may_wait) {
                Verdict::Use(token) => return Ok(token),
                Verdict::UseAndRun(token, job) => {
                    carry(job);
                    return Ok(token);
                }
                Verdict::Run(job) => carry(job),
                Verdict::Wait { .. } => {}
                Verdict::GiveUp(failure) => return Err(failure),
            }
            has_asked = true;
        }
    }

    /// Takes the outcome of a job; the answer is the next.
    pub(crate) fn report(&self, key: &Key, report: Report) -> Option<Job> {
        let reported = Reported::of(&report);
        let (mut state, now) = self.enter();
        let next = self.carry_out(&mut state, key, now, |machine| machine.report(report, now));
        if next.is_none() {
            state.carrier_is_back(key);
        }
        let left = state.machine.budget_left(now);
        self.part(state);
        self.telling.reported(&reported, left);
        next
    }

    /// Takes note that a resource server refused a generation.
    pub(crate) fn refused(&self, seat: &Seat, generation: Generation) {
        let (mut state, now) = self.enter();
        let act = |machine: &mut Accounts| machine.refused(seat.key(), generation, now);
        self.carry_out(&mut state, seat.key(), now, act);
        self.part(state);
        self.telling.refused(seat.key(), generation);
    }

    /// Begins a key anew.
    pub(crate) fn adopt(&self, seat: &Seat, adopted: Adopted) -> Result<Option<Job>, RequestError> {
        self.begin(seat, |machine, now| machine.adopt(seat.key(), adopted, now))
    }

    /// The same with what an exchange brought.
    pub(crate) fn onboard(
        &self,
        seat: &Seat,
        brought: Adopted,
        replaces: bool,
    ) -> Result<Option<Job>, OnboardingError> {
        self.begin(seat, |machine, now| machine.onboard(seat.key(), brought, replaces, now))
    }

    fn begin<E>(
        &self,
        seat: &Seat,
        act: impl FnOnce(&mut Accounts, Now) -> Result<Option<Job>, E>,
    ) -> Result<Option<Job>, E> {
        let (mut state, now) = self.enter();
        let job = self.carry_out(&mut state, seat.key(), now, |machine| act(machine, now));
        state.hand_out(job.as_ref().ok().and_then(Option::as_ref));
        self.part(state);
        job
    }

    /// Ends a key until its next sign-in.
    pub(crate) fn sign_out(&self, seat: &Seat) -> Option<Job> {
        let (mut state, now) = self.enter();
        let job = self.carry_out(&mut state, seat.key(), now, |machine| machine.sign_out(seat.key(), now));
        state.hand_out(job.as_ref());
        self.part(state);
        job
    }

    /// Records that another process has written a record: callers of its key ask the machine again, and so does the
    /// thread that keeps tokens warm.
    pub(crate) fn changed_elsewhere(&self, name: &RecordName) {
        let (mut state, now) = self.enter();
        if let Some(key) = state.machine.changed_elsewhere(name, now) {
            state.publish(&key, now);
            self.bell.ring();
        }
    }

    /// Waits until the record of a key was saved or that was tried, at most so long; with `all`, until nothing is
    /// carried for the key any more.
    pub(crate) fn settle(&self, seat: &Seat, all: bool, wait: Duration) {
        let (mut state, mut now) = self.enter();
        let deadline = now.boot.saturating_add(wait);
        loop {
            let is_saving = state.machine.status(seat.key(), now).is_some_and(|status| status.saving);
            let goes_on = is_saving || (all && state.carried.contains_key(seat.key()));
            let left = deadline.saturating_sub(now.boot).min(LONGEST_SLEEP);
            if !goes_on || left.is_zero() {
                return;
            }
            state = park(seat.changed(), state, left);
            now = self.clock.now();
        }
    }

    /// Counts a request sent beside the machine, or says how long the budget has no room for it.
    pub(crate) fn admit(&self, purpose: Purpose) -> Result<(), Duration> {
        let (mut state, now) = self.enter();
        let outcome = state.machine.admit(purpose, now);
        outcome.map_err(|opens| opens.saturating_sub(now.boot).min(LONGEST_SLEEP))
    }

    /// How many requests may be sent now.
    pub(crate) fn budget_left(&self) -> u32 {
        let (state, now) = self.enter();
        state.machine.budget_left(now)
    }

    /// What there is to do for keeping warm, and how long at most until it is to be asked again; nothing once shut
    /// down. Without a carrier that is free nothing is begun.
    pub(crate) fn tend(&self, which: Warm, has_carrier: bool) -> Option<(Option<Job>, Duration)> {
        let (mut state, now) = self.enter();
        if state.is_closed {
            return None;
        }
        if !has_carrier {
            return Some((None, LONGEST_SLEEP));
        }
        // Flights of which nothing was heard in their time end by being looked at, and that is to be shown.
        let overdue = state.under_way.iter().filter(|(_, next)| next.is_some_and(|next| next <= now.boot));
        let overdue: Vec<Arc<Key>> = overdue.map(|(key, _)| key.clone()).collect();
        let before: Vec<_> = overdue.iter().map(|key| state.machine.status(key, now)).collect();
        let Tending { job, again } = state.machine.tend(which, now);
        for (key, before) in overdue.iter().zip(&before) {
            self.show(&mut state, key, before.as_ref(), now);
        }
        state.hand_out(job.as_ref());
        if let Some(job) = &job {
            self.show(&mut state, job.ticket().key(), None, now);
        }
        self.part(state);
        Some((job, again.saturating_sub(now.boot).min(LONGEST_SLEEP)))
    }

    /// Begins no flight from now on.
    pub(crate) fn shut_down(&self) {
        let (mut state, now) = self.enter();
        state.is_closed = true;
        state.machine.shut_down();
        self.show_all(state, now);
    }

    /// The jobs that save what no store holds and nobody is saving.
    pub(crate) fn save_all(&self) -> Vec<Job> {
        let (mut state, now) = self.enter();
        let jobs = state.machine.save_all(now);
        jobs.iter().for_each(|job| state.hand_out(Some(job)));
        jobs
    }

    /// Whether anything is under way or unsaved.
    pub(crate) fn is_busy(&self) -> bool {
        self.carriers.load(Ordering::Acquire) > 0 || self.lock().machine.is_busy()
    }

    /// Counts a carrier that sets out.
    pub(crate) fn set_out(&self) {
        self.carriers.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a carrier that has come back.
    pub(crate) fn come_back(&self) {
        if self.carriers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.bell.ring();
        }
    }

    /// Puts another client in the place of the present one.
    pub(crate) fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        let (mut state, now) = self.enter();
        state.machine.replace_client(client)?;
        self.show_all(state, now);
        Ok(())
    }

    /// How a key stands.
    pub(crate) fn status(&self, seat: &Seat) -> Option<Status> {
        let (state, now) = self.enter();
        state.machine.status(seat.key(), now)
    }

    /// The state of a key in plain words.
    pub(crate) fn explain(&self, seat: &Seat) -> String {
        let (state, now) = self.enter();
        state.machine.explain(seat.key(), now)
    }

    /// The present client.
    pub(crate) fn client(&self) -> Client {
        self.lock().machine.client().clone()
    }

    /// What authorises calls of the provider's API, by the present client's profile.
    pub(crate) fn authorizer(&self) -> Authorizer {
        Authorizer::from(self.lock().machine.client())
    }

    /// What happens from now on.
    pub(crate) fn changes(&self) -> Changes {
        self.lock().board.subscribe()
    }

    /// Asks until the answer is another than to wait: whoever is told to waits, and asks again before the lock is let
    /// go. A caller that has asked before is told at its deadline to use a token or to give up.
    fn ask(&self, seat: &Seat, deadline: Duration, mut has_asked: bool, may_wait: bool) -> Verdict {
        let (mut state, mut now) = self.enter();
        loop {
            let is_over = has_asked && deadline <= now.boot;
            let decide = if is_over { Accounts::decide_at_deadline } else { Accounts::decide };
            let act = |machine: &mut Accounts| decide(machine, seat.key(), now).verdict;
            let verdict = self.carry_out(&mut state, seat.key(), now, act);
            if let Verdict::Run(job) | Verdict::UseAndRun(_, job) = &verdict {
                state.hand_out(Some(job));
            }
            let Verdict::Wait { until } = verdict else {
                self.part(state);
                return verdict;
            };
            let left = until.min(deadline).saturating_sub(now.boot).min(LONGEST_SLEEP);
            if !left.is_zero() {
                if !may_wait {
                    let verdict = self.decide_without_waiting(&mut state, seat, now);
                    self.part(state);
                    return verdict;
                }
                state = if state.news.is_empty() {
                    park(seat.changed(), state, left)
                } else {
                    // It is not to wait as well; the next look tells whether there is anything to wait for still.
                    self.part(state);
                    self.lock()
                };
            }
            now = self.clock.now();
            has_asked = true;
        }
    }

    /// What a caller is told that would have to wait and may not: a token that is suspect, or why there is none.
    fn decide_without_waiting(&self, state: &mut Ledger, seat: &Seat, now: Now) -> Verdict {
        let act = |machine: &mut Accounts| machine.decide_at_deadline(seat.key(), now).verdict;
        match self.carry_out(state, seat.key(), now, act) {
            Verdict::GiveUp(failure) if failure.kind() == FailureKind::StillWaiting => {
                Verdict::GiveUp(Failure::would_stall(seat.key()))
            }
            verdict => verdict,
        }
    }

    /// Carries out one step on a key and shows everywhere what it changed.
    fn carry_out<R>(
        &self,
        state: &mut Ledger,
        key: &Key,
        now: Now,
        act: impl FnOnce(&mut Accounts) -> R,
    ) -> R {
        let before = state.machine.status(key, now);
        let outcome = act(&mut state.machine);
        self.show(state, key, before.as_ref(), now);
        outcome
    }

    /// Shows everywhere what a step on a key has changed.
    fn show(&self, state: &mut Ledger, key: &Key, before: Option<&Status>, now: Now) {
        let Some(after) = state.machine.status(key, now) else { return };
        state.publish(key, now);
        let events = before.map(|before| after.events_since(before)).unwrap_or_default();
        state.board.tell(key, &events);
        let place = state.seats.get(key);
        let shared = place.map_or_else(|| Arc::new(key.clone()), |place| place.seat.key().clone());
        state.news.extend(events.into_iter().map(|event| News::new(shared.clone(), event, &after, now)));
        state.note_flight(key, &after);
        if before.is_some_and(|before| !has_moved(before, &after)) {
            return;
        }
        if let Some(place) = state.seats.get(key) {
            place.seat.changed().notify_all();
        }
        self.bell.ring();
    }

    /// Shows everywhere what changed for all keys.
    fn show_all(&self, mut state: MutexGuard<'_, Ledger>, now: Now) {
        let Ledger { machine, seats, .. } = &mut *state;
        for (key, place) in seats {
            place.seat.slot().put(machine.published(key, now));
            place.seat.changed().notify_all();
        }
        self.bell.ring();
    }

    /// Wakes everybody that waits.
    pub(crate) fn wake_all(&self) {
        self.lock().seats.values().for_each(|place| place.seat.changed().notify_all());
        self.bell.ring();
    }

    /// Lets go of the lock, then tells what has happened under it.
    fn part(&self, mut state: MutexGuard<'_, Ledger>) {
        let news = std::mem::take(&mut state.news);
        drop(state);
        news.iter().for_each(|news| self.telling.change(news));
    }

    /// The lock, and the time under it.
    fn enter(&self) -> (MutexGuard<'_, Ledger>, Now) {
        let state = self.lock();
        let now = self.clock.now();
        (state, now)
    }

    /// The lock. A panic under it was in a step of the machine; the next step finds what that one left.
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

/// Waits to be woken, at most so long.
fn park<'a>(changed: &Condvar, state: MutexGuard<'a, Ledger>, at_most: Duration) -> MutexGuard<'a, Ledger> {
    changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
}

/// Whether anybody that waits may have something new to hear.
fn has_moved(before: &Status, after: &Status) -> bool {
    let facts = |status: &Status| {
        let generation = status.token.as_ref().map(Token::generation);
        (status.state, status.in_flight, status.unsaved, status.saving, generation, status.next_change)
    };
    facts(before) != facts(after)
}
