//! Where callers meet: the lock around the machine of a registration, and the seats of those that wait.
//!
//! The rule kept here: every call on the machine is one step under one lock. In that step the machine is asked, what
//! may be served without asking is put out, what happened is noted for the subscribers, and those it concerns are
//! called from their seats. Whoever has to wait takes its seat in the step that told it so; no end of a flight can
//! fall in between. The lock is never held across IO or an await, and wakers, those of subscribers too, are woken and
//! dropped outside of it.

mod outbox;
mod seat;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use octo_auth_core::{
    Accounts as Machine, Adopted, Authorizer, Change, Client, Decision, Failure, Generation, Job, Key, Now,
    OnboardingError, Purpose, RecordName, Report, RequestError, Status, Tending, Token, Verdict, Warm,
};
use octo_auth_system::telling::{News, Reported, Telling};
use octo_auth_system::{Clock, Slot, Waiting};

use crate::sync::{Mutex, MutexGuard, PoisonError};
use outbox::Outbox;
pub(crate) use seat::Seat;

/// Nobody waits for longer without asking again: a clock may have been set, a machine suspended.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Tells a change to the subscribers, outside the desk's lock.
pub(crate) type Tell = Box<dyn Fn(Change) + Send + Sync>;

/// The desk of one registration.
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    /// Read under the lock, so that the machine never sees the boot clock go back.
    clock: Arc<dyn Clock>,
    tell: Tell,
    telling: Telling,
}

struct Inner {
    machine: Machine,
    slots: HashMap<Arc<Key>, Held>,
    /// The keys with a flight under way, by the moment they can change by time alone, which is its deadline at last.
    under_way: HashMap<Arc<Key>, Option<Duration>>,
    at_key: HashMap<Arc<Key>, Seats>,
    /// Those that wait for anything to change, whatever the key.
    at_desk: Seats,
    seated: u64,
    /// How many carriers have not come back.
    carriers: usize,
    is_shut: bool,
    outbox: Outbox,
}

/// The waiting, each with its waker once it was polled.
type Seats = HashMap<u64, Option<Waker>>;

/// A slot and the number of handles that read it.
#[derive(Default)]
struct Held {
    slot: Arc<Slot>,
    handles: usize,
}

/// What a caller is told.
pub(crate) enum Told {
    /// This token.
    Token(Token),
    /// No token, and why.
    Failure(Failure),
    /// To have this job carried out, beside the use of the token if there is one.
    Carry(Option<Token>, Box<Job>),
    /// To wait until it is called, at most so long, and to ask again.
    Wait(Seat, Duration),
}

/// What whoever keeps tokens warm is told.
pub(crate) enum Tended {
    /// To have this job carried out and ask again.
    Carry(Box<Job>),
    /// To wait until it is called, at most so long, and to ask again.
    Wait(Seat, Duration),
    /// To stop: nothing is renewed any more.
    Over,
}

impl Desk {
    pub(crate) fn new(machine: Machine, clock: Arc<dyn Clock>, tell: Tell) -> Self {
        let telling = Telling::new(machine.client());
        let inner = Inner {
            machine,
            slots: HashMap::new(),
            under_way: HashMap::new(),
            at_key: HashMap::new(),
            at_desk: Seats::new(),
            seated: 0,
            carriers: 0,
            is_shut: false,
            outbox: Outbox::default(),
        };
        Self { inner: Mutex::new(inner), clock, tell, telling }
    }

    /// Both clocks.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// What tells of it, to be called with no lock held.
    pub(crate) fn telling(&self) -> &Telling {
        &self.telling
    }

    /// Keeps a key for one more handle.
    pub(crate) fn hold(&self, key: &Key) -> Result<(Arc<Key>, Arc<Slot>), Failure> {
        let (mut inner, now) = self.enter();
        let Inner { machine, slots, .. } = &mut *inner;
        let key = machine.hold(key)?;
        let held = slots.entry(key.clone()).or_default();
        held.handles = held.handles.saturating_add(1);
        held.slot.put(machine.published(&key, now));
        Ok((key, held.slot.clone()))
    }

    /// Gives a handle back.
    pub(crate) fn let_go(&self, key: &Key) {
        let mut inner = self.lock();
        inner.machine.let_go(key);
        if let Some(held) = inner.slots.get_mut(key) {
            held.handles = held.handles.saturating_sub(1);
            if held.handles == 0 {
                inner.slots.remove(key);
            }
        }
    }

    /// Asks what a caller is to do.
    pub(crate) fn ask(self: &Arc<Self>, key: &Arc<Key>) -> Told {
        self.told(key, Machine::decide)
    }

    /// Asks for a caller whose time is over.
    pub(crate) fn ask_at_deadline(self: &Arc<Self>, key: &Arc<Key>) -> Told {
        self.told(key, Machine::decide_at_deadline)
    }

    /// Brings the outcome of a job of this key; the answer is the next job, for the same carrier.
    pub(crate) fn report(&self, key: &Key, report: Report) -> Option<Job> {
        let reported = Reported::of(&report);
        let (next, left) =
            self.on(key, |machine, now| (machine.report(report, now), machine.budget_left(now)));
        self.telling.reported(&reported, left);
        next
    }

    pub(crate) fn refused(&self, key: &Key, generation: Generation) {
        self.on(key, |machine, now| machine.refused(key, generation, now));
        self.telling.refused(key, generation);
    }

    pub(crate) fn adopt(&self, key: &Key, adopted: Adopted) -> Result<Option<Job>, RequestError> {
        self.on(key, |machine, now| machine.adopt(key, adopted, now))
    }

    pub(crate) fn onboard(
        &self,
        key: &Key,
        brought: Adopted,
        replaces: bool,
    ) -> Result<Option<Job>, OnboardingError> {
        self.on(key, |machine, now| machine.onboard(key, brought, replaces, now))
    }

    pub(crate) fn sign_out(&self, key: &Key) -> Option<Job> {
        self.on(key, |machine, now| machine.sign_out(key, now))
    }

    /// Records that another process has written a record: callers of its key ask the machine again, and so does the task
    /// that keeps tokens warm.
    pub(crate) fn changed_elsewhere(&self, name: &RecordName) {
        let (mut inner, now) = self.enter();
        let Some(key) = inner.machine.changed_elsewhere(name, now) else { return };
        inner.publish(&key, now);
        let woken = std::mem::take(&mut inner.at_desk);
        self.leave(inner, woken.into_values().flatten().collect());
    }

    pub(crate) fn status(&self, key: &Key) -> Option<Status> {
        let (inner, now) = self.enter();
        inner.machine.status(key, now)
    }

    pub(crate) fn explain(&self, key: &Key) -> String {
        let (inner, now) = self.enter();
        inner.machine.explain(key, now)
    }

    /// The present client.
    pub(crate) fn client(&self) -> Client {
        self.lock().machine.client().clone()
    }

    /// What authorises calls of the provider's API, by the present client's profile.
    pub(crate) fn authorizer(&self) -> Authorizer {
        Authorizer::from(self.lock().machine.client())
    }

    /// Counts a request beside the machine; how long to wait if there is no room for it now.
    pub(crate) fn admit(&self, purpose: Purpose) -> Result<(), Duration> {
        let (mut inner, now) = self.enter();
        inner.machine.admit(purpose, now).map_err(|opens| left(opens, now))
    }

    /// How many requests may be sent now.
    pub(crate) fn budget_left(&self) -> u32 {
        let (inner, now) = self.enter();
        inner.machine.budget_left(now)
    }

    /// A seat to wait in while this holds for a key; nothing once it does not.
    pub(crate) fn seat_while(
        self: &Arc<Self>,
        key: &Arc<Key>,
        holds: impl FnOnce(&Status) -> bool,
    ) -> Option<Seat> {
        let (mut inner, now) = self.enter();
        let must_wait = inner.machine.status(key, now).as_ref().is_some_and(holds);
        must_wait.then(|| self.seat(&mut inner, Some(key)))
    }

    /// Asks what is to be renewed before anybody waits for it.
    pub(crate) fn tend(self: &Arc<Self>, which: Warm) -> Tended {
        let mut woken = Vec::new();
        let (mut inner, now) = self.enter();
        if inner.is_shut {
            return Tended::Over;
        }
        // Flights of which nothing was heard in their time end by being looked at, and that has to be told.
        let overdue = inner.under_way.iter().filter(|(_, next)| next.is_some_and(|next| next <= now.boot));
        let overdue: Vec<Arc<Key>> = overdue.map(|(key, _)| key.clone()).collect();
        let before: Vec<_> = overdue.iter().map(|key| inner.machine.status(key, now)).collect();
        let Tending { job, again } = inner.machine.tend(which, now);
        for (key, before) in overdue.iter().zip(&before) {
            inner.settle(key, before.as_ref(), now, &mut woken);
        }
        let tended = match job {
            Some(job) => {
                inner.settle(job.ticket().key(), None, now, &mut woken);
                Tended::Carry(Box::new(job))
            }
            None => Tended::Wait(self.seat(&mut inner, None), left(again, now)),
        };
        self.leave(inner, woken);
        tended
    }

    /// Puts another client in the place of the present one.
    pub(crate) fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        let (mut inner, now) = self.enter();
        let Inner { machine, slots, .. } = &mut *inner;
        machine.replace_client(client)?;
        for (key, held) in slots {
            held.slot.put(machine.published(key, now));
        }
        let woken = inner.everybody();
        self.leave(inner, woken);
        Ok(())
    }

    /// Begins no flight from now on.
    pub(crate) fn shut(&self) {
        let mut inner = self.lock();
        inner.machine.shut_down();
        inner.is_shut = true;
        let woken = inner.everybody();
        self.leave(inner, woken);
    }

    /// The jobs that save what no store holds yet and nobody is saving.
    pub(crate) fn save_all(&self) -> Vec<Job> {
        let (mut inner, now) = self.enter();
        inner.machine.save_all(now)
    }

    /// A seat to wait in while something is under way or unsaved; nothing if nothing is.
    pub(crate) fn busy(self: &Arc<Self>) -> Option<Seat> {
        let mut inner = self.lock();
        let is_busy = inner.machine.is_busy() || inner.carriers > 0;
        is_busy.then(|| self.seat(&mut inner, None))
    }

    /// Counts a carrier that sets out.
    pub(crate) fn set_out(&self) {
        self.lock().carriers += 1;
    }

    /// Counts a carrier that is back.
    pub(crate) fn come_back(&self) {
        let mut inner = self.lock();
        inner.carriers -= 1;
        let woken = if inner.carriers == 0 { std::mem::take(&mut inner.at_desk) } else { Seats::new() };
        self.leave(inner, woken.into_values().flatten().collect());
    }

    /// Asks the machine for a caller, which gets its seat in the same step if it has to wait.
    fn told(self: &Arc<Self>, key: &Arc<Key>, ask: fn(&mut Machine, &Key, Now) -> Decision) -> Told {
        let mut woken = Vec::new();
        let (mut inner, now) = self.enter();
        let decision = inner.step(key, now, |machine| ask(machine, key, now), &mut woken);
        let told = match decision.verdict {
            Verdict::Use(token) => Told::Token(token),
            Verdict::UseAndRun(token, job) => Told::Carry(Some(token), Box::new(job)),
            Verdict::Run(job) => Told::Carry(None, Box::new(job)),
            Verdict::Wait { until } => Told::Wait(self.seat(&mut inner, Some(key)), left(until, now)),
            Verdict::GiveUp(failure) => Told::Failure(failure),
        };
        self.leave(inner, woken);
        told
    }

    /// Makes one call on the machine.
    fn on<R>(&self, key: &Key, call: impl FnOnce(&mut Machine, Now) -> R) -> R {
        let mut woken = Vec::new();
        let (mut inner, now) = self.enter();
        let result = inner.step(key, now, |machine| call(machine, now), &mut woken);
        self.leave(inner, woken);
        result
    }

    /// A seat for somebody who waits for a key, or for anything.
    fn seat(self: &Arc<Self>, inner: &mut Inner, key: Option<&Arc<Key>>) -> Seat {
        inner.seated += 1;
        let number = inner.seated;
        match key {
            Some(key) => inner.at_key.entry(key.clone()).or_default().insert(number, None),
            None => inner.at_desk.insert(number, None),
        };
        Seat { desk: self.clone(), key: key.cloned(), number }
    }
}

impl Desk {
    /// Takes the lock, then reads the clocks.
    fn enter(&self) -> (MutexGuard<'_, Inner>, Now) {
        let inner = self.lock();
        (inner, self.clock.now())
    }

    /// A panic under the lock has left the machine as it was between two of its own steps.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the lock, tells what happened and wakes those it concerns.
    fn leave(&self, mut inner: MutexGuard<'_, Inner>, woken: Vec<Waker>) {
        let mut changes = inner.outbox.take();
        drop(inner);
        while !changes.is_empty() {
            for news in changes {
                self.telling.change(&news);
                undisturbed(|| (self.tell)(news.change));
            }
            changes = self.lock().outbox.rest();
        }
        for waker in woken {
            undisturbed(|| waker.wake());
        }
    }
}

impl Waiting for Desk {
    fn look_again(&self) {
        let mut inner = self.lock();
        let woken = inner.everybody();
        self.leave(inner, woken);
    }
}

impl Inner {
    fn step<R>(
        &mut self,
        key: &Key,
        now: Now,
        call: impl FnOnce(&mut Machine) -> R,
        woken: &mut Vec<Waker>,
    ) -> R {
        let before = self.machine.status(key, now);
        let result = call(&mut self.machine);
        self.settle(key, before.as_ref(), now, woken);
        result
    }

    /// Draws the consequences of a call: what is served, what is told, who is called from its seat.
    fn settle(&mut self, key: &Key, before: Option<&Status>, now: Now, woken: &mut Vec<Waker>) {
        let Some(after) = self.machine.status(key, now) else { return };
        self.publish(key, now);
        for event in before.map(|before| after.events_since(before)).unwrap_or_default() {
            self.outbox.put(News::new(self.shared(key), event, &after, now));
        }
        self.note_flight(key, &after);
        let facts = |status: &Status| (status.state, status.in_flight, status.unsaved, status.saving);
        let changed = before.is_none_or(|before| facts(before) != facts(&after));
        if changed || !after.in_flight {
            woken.extend(self.at_key.remove(key).into_iter().flat_map(Seats::into_values).flatten());
        }
        if changed || before.is_none_or(|before| before.next_change != after.next_change) {
            woken.extend(std::mem::take(&mut self.at_desk).into_values().flatten());
        }
    }

    /// Puts into the slot of a key what its handles may serve.
    fn publish(&mut self, key: &Key, now: Now) {
        if let Some(held) = self.slots.get(key) {
            held.slot.put(self.machine.published(key, now));
        }
    }

    fn note_flight(&mut self, key: &Key, after: &Status) {
        if !after.in_flight {
            self.under_way.remove(key);
        } else if let Some(next) = self.under_way.get_mut(key) {
            *next = after.next_change;
        } else {
            self.under_way.insert(self.shared(key), after.next_change);
        }
    }

    /// The shared form of a key.
    fn shared(&self, key: &Key) -> Arc<Key> {
        self.slots.get_key_value(key).map_or_else(|| Arc::new(key.clone()), |(shared, _)| shared.clone())
    }

    /// Calls everybody from their seats.
    fn everybody(&mut self) -> Vec<Waker> {
        let at_keys = self.at_key.drain().flat_map(|(_, seats)| seats);
        at_keys.chain(self.at_desk.drain()).filter_map(|(_, waker)| waker).collect()
    }
}

/// Calls somebody whose panic is not to keep the others from being called.
fn undisturbed(call: impl FnOnce()) {
    // The panic hook has shown it already.
    let _ = catch_unwind(AssertUnwindSafe(call));
}

/// How long to wait until a moment on the boot clock.
fn left(until: Duration, now: Now) -> Duration {
    until.saturating_sub(now.boot).min(LONGEST_WAIT)
}
