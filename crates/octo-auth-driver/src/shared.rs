//! The state that all callers of a `TokenManager` share, under one lock.
//!
//! Each call is one step: take the lock, read the clock, call the core, publish snapshots, queue events, notify
//! waiting callers. A caller that has to wait gets its listener in the same step, so it cannot miss a change. The
//! lock is never held during IO. Wakers and telemetry are called after it is released.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use octo_auth_core::{
    Authorizer, Change, Client, Effects, Generation, Job, KeyMap, Now, RecordName, Report, RequestError,
    Status, Ticket, TokenEffects, TokenError, TokenManager, TokenSpec,
};
use octo_auth_system::{Clock, ClockListener};

use crate::event::{Event, Listener, wake};
use crate::key_cell::KeyCell;
use crate::pending_events::PendingEvents;
use crate::saver::{Saver, StartSaver};
use crate::subscribers::{Changes, Subscribers};
use crate::sync::{Mutex, MutexGuard};
use crate::telemetry::{News, Reported, Telemetry};

/// The longest wait before a caller asks again: a clock may have been set, or a machine suspended.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The core's `TokenManager`, for many concurrent callers.
pub struct Shared {
    state: Mutex<State>,
    /// The clock is read under the lock, so that the core never sees the boot clock go back.
    clock: Arc<dyn Clock>,
    telemetry: Telemetry,
    /// Notifies waiters that are not tied to one spec.
    pub(crate) watched: Event,
    /// Starts the saver.
    pub(crate) start_saver: OnceLock<StartSaver>,
}

pub(crate) struct State {
    pub(crate) machine: TokenManager,
    cells: KeyMap<Held>,
    /// The specs that callers wait for.
    waited: HashSet<Arc<TokenSpec>>,
    subscribers: Subscribers,
    pending: PendingEvents,
    /// The number of running flights for each spec; `None` counts exchanges. A flight runs until its last job is
    /// reported and the work that follows is done.
    running: HashMap<Option<Arc<TokenSpec>>, usize>,
    pub(crate) is_shut_down: bool,
    /// Alive while a saver runs.
    pub(crate) saver: Weak<()>,
    /// The requests that belong to no spec and wait for the request budget, in order.
    pub(crate) line: BTreeSet<u64>,
    pub(crate) next_turn: u64,
}

struct Held {
    cell: Arc<KeyCell>,
    handles: usize,
}

/// Work in flight. A shutdown waits until it is dropped.
#[must_use = "it ends when it is dropped"]
pub struct Running {
    shared: Arc<Shared>,
    spec: Option<Arc<TokenSpec>>,
}

impl Shared {
    /// Puts the core's `TokenManager` under a lock, with its clock.
    #[must_use]
    pub fn new(machine: TokenManager, clock: Arc<dyn Clock>) -> Arc<Self> {
        let telemetry = Telemetry::new(machine.client());
        let state = State {
            machine,
            cells: KeyMap::new(),
            waited: HashSet::new(),
            subscribers: Subscribers::default(),
            pending: PendingEvents::default(),
            running: HashMap::new(),
            is_shut_down: false,
            saver: Weak::new(),
            line: BTreeSet::new(),
            next_turn: 0,
        };
        let state = Mutex::new(state);
        let shared = Arc::new(Self {
            state,
            clock,
            telemetry,
            watched: Event::default(),
            start_saver: OnceLock::new(),
        });
        let waiting: Weak<dyn ClockListener> = Arc::<Self>::downgrade(&shared);
        shared.clock.subscribe(waiting);
        shared
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Returns the telemetry. Call it with no lock held.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Acquires a spec for one more handle. The spec is not evicted until each handle has
    /// [released](Shared::release) it.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the requests of the spec cannot be built, or if there is no room for another spec.
    pub fn acquire(&self, spec: &TokenSpec) -> Result<Arc<KeyCell>, TokenError> {
        let (mut state, now) = self.enter();
        let (spec, wakers) = self.apply(&mut state, now, |machine| machine.acquire(spec, now));
        let cell = spec.map(|spec| state.cell(&spec, now));
        self.leave(state, wakers);
        cell
    }

    /// Releases a spec for one handle.
    pub fn release(&self, cell: &KeyCell) {
        let (mut state, now) = self.enter();
        let State { machine, cells, waited, .. } = &mut *state;
        machine.release(cell.spec(), now);
        if let Some(held) = cells.get_mut(cell.spec()) {
            held.handles = held.handles.saturating_sub(1);
            if held.handles == 0 {
                cells.remove(cell.spec());
                waited.remove(cell.spec());
            }
        }
    }

    /// Records that a resource server refused a token.
    pub fn refused(&self, spec: &TokenSpec, generation: Generation) {
        self.step(|machine, now| machine.refused(spec, generation, now));
        self.telemetry.refused(spec, generation);
    }

    /// Records that another process has written a record. Callers of its spec ask the core again.
    pub fn changed_elsewhere(&self, name: &RecordName) {
        self.step(|machine, _| drop(machine.changed_elsewhere(name)));
    }

    /// Returns a listener while the record of a spec is being saved, or, with `all`, while any job of the spec
    /// runs. Returns `None` otherwise.
    pub fn listen_while_running(&self, cell: &KeyCell, all: bool) -> Option<Listener> {
        let (mut state, now) = self.enter();
        let is_saving = state.machine.status(cell.spec(), now).is_some_and(|status| status.is_being_saved());
        let is_running = all && state.running.contains_key(&Some(cell.spec().clone()));
        (is_saving || is_running).then(|| state.listen(cell))
    }

    /// Returns the number of requests that may be sent now.
    #[must_use]
    pub fn budget_left(&self) -> u32 {
        let (state, now) = self.enter();
        state.machine.budget_left(now)
    }

    /// Returns a listener for the next change of any spec.
    pub fn listen(&self) -> Listener {
        self.watched.listen()
    }

    /// Notifies waiters that are not tied to one spec.
    pub fn wake_watchers(&self) {
        let mut wakers = Vec::new();
        self.watched.notify(&mut wakers);
        wake(wakers);
    }

    /// Replaces the client.
    ///
    /// # Errors
    ///
    /// As [`TokenManager::replace_client`].
    pub fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        self.step(|machine, _| machine.replace_client(client))
    }

    /// Stops starting renewals.
    pub fn shut_down(&self) {
        let (mut state, now) = self.enter();
        state.is_shut_down = true;
        let ((), wakers) = self.apply(&mut state, now, TokenManager::shut_down);
        self.leave(state, wakers);
    }

    /// Returns a listener while anything is in flight or unsaved, or `None` otherwise.
    pub fn listen_while_busy(&self) -> Option<Listener> {
        let state = self.lock();
        let is_busy = state.machine.is_busy() || !state.running.is_empty();
        is_busy.then(|| self.watched.listen())
    }

    /// Returns the status of a spec, or `None` if it is unknown.
    #[must_use]
    pub fn status(&self, spec: &TokenSpec) -> Option<Status> {
        let (state, now) = self.enter();
        state.machine.status(spec, now)
    }

    /// Describes the state of a spec in plain words, without secrets.
    #[must_use]
    pub fn explain(&self, spec: &TokenSpec) -> String {
        let (state, now) = self.enter();
        state.machine.explain(spec, now)
    }

    /// Returns the current client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.lock().machine.client().clone()
    }

    /// Returns an authorizer for calls of the provider's API, with the profile of the current client.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        Authorizer::from(self.lock().machine.client())
    }

    /// Subscribes to the changes of all specs from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.lock().subscribers.subscribe()
    }

    /// Begins a job. Returns the time of its beginning, and whether it must still be run.
    pub(crate) fn begin_job(&self, ticket: &Ticket) -> (Now, bool) {
        self.step(|machine, now| (now, machine.begin(ticket, now)))
    }

    pub(crate) fn report(&self, report: Report) -> Option<Job> {
        let reported = Reported::of(&report);
        let (next, left) = self.step(|machine, now| {
            let next = machine.report(report, now);
            next.iter().for_each(|job| machine.hand_over(job.ticket()));
            (next, machine.budget_left(now))
        });
        self.telemetry.reported(&reported, left);
        next
    }

    /// Makes one call on the core.
    fn step<R>(&self, call: impl FnOnce(&mut TokenManager, Now) -> R) -> R {
        let (mut state, now) = self.enter();
        let (result, wakers) = self.apply(&mut state, now, |machine| call(machine, now));
        self.leave(state, wakers);
        result
    }

    pub(crate) fn run(self: &Arc<Self>, state: &mut State, spec: Option<Arc<TokenSpec>>) -> Running {
        *state.running.entry(spec.clone()).or_default() += 1;
        Running { shared: self.clone(), spec }
    }

    /// Calls the core and applies the effects. Returns the wakers to call after the lock is released.
    pub(crate) fn apply<R>(
        &self,
        state: &mut State,
        now: Now,
        call: impl FnOnce(&mut TokenManager) -> R,
    ) -> (R, Vec<Waker>) {
        let mut wakers = Vec::new();
        let (result, effects) = state.machine.step(now, call);
        let Effects { specs, concerns_all, wakes_watchers } = effects;
        for effects in specs {
            state.apply_to_key(effects, &mut wakers);
        }
        if concerns_all {
            state.wake_all(&mut wakers);
        }
        if wakes_watchers {
            self.watched.notify(&mut wakers);
        }
        (result, wakers)
    }

    /// Takes the lock, then reads the clocks.
    pub(crate) fn enter(&self) -> (MutexGuard<'_, State>, Now) {
        let state = self.lock();
        (state, self.clock.now())
    }

    /// Takes the lock, also after a panic under it: the core is then between two of its own steps.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the function that starts a task or thread for a saver. That task or thread calls [`Saver::poll`] until
    /// it returns [`Due::Over`](crate::Due::Over). The function is called with no lock held, on the thread that found unsaved data.
    /// Only the first call of this method has an effect.
    pub fn on_unsaved(&self, start: impl Fn(Saver) + Send + Sync + 'static) {
        // An earlier function stays.
        let _ = self.start_saver.set(Box::new(start));
    }

    /// Releases the lock. Then reports events to telemetry, wakes the waiters, and starts a saver if one is needed
    /// and none runs.
    pub(crate) fn leave(&self, mut state: MutexGuard<'_, State>, wakers: Vec<Waker>) {
        let mut events = state.pending.take();
        let starting = self.start_saver.get().zip(state.saver());
        drop(state);
        wake(wakers);
        while !events.is_empty() {
            events.iter().for_each(|event| self.telemetry.change(event));
            events = self.lock().pending.rest();
        }
        if let Some((start, saver)) = starting {
            start(saver);
        }
    }
}

impl State {
    /// Returns a saver if there is unsaved data and no saver runs.
    fn saver(&mut self) -> Option<Saver> {
        Saver::new(&mut self.saver, self.machine.has_unsaved())
    }

    /// Returns the number of running flights, including exchanges.
    pub(crate) fn running(&self) -> usize {
        self.running.values().sum()
    }

    /// Returns the cell of a spec, for one more handle.
    fn cell(&mut self, spec: &Arc<TokenSpec>, now: Now) -> Arc<KeyCell> {
        let Self { machine, cells, .. } = self;
        if let Some(held) = cells.get_mut(spec) {
            held.handles = held.handles.saturating_add(1);
            return held.cell.clone();
        }
        let cell = Arc::new(KeyCell::new(spec.clone()));
        cell.snapshot.put(machine.published(spec, now));
        cells.insert(spec.clone(), Held { cell: cell.clone(), handles: 1 });
        cell
    }

    /// Returns a listener for a caller that waits for a spec.
    pub(crate) fn listen(&mut self, cell: &KeyCell) -> Listener {
        self.waited.insert(cell.spec().clone());
        cell.changed.listen()
    }

    /// Notifies the callers that wait for a spec.
    fn wake(&mut self, spec: &TokenSpec, wakers: &mut Vec<Waker>) {
        if let Some(held) = self.cells.get(spec).filter(|_| self.waited.remove(spec)) {
            held.cell.changed.notify(wakers);
        }
    }

    /// Notifies all callers that wait for any spec.
    fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        for spec in std::mem::take(&mut self.waited) {
            self.cells.get(&spec).into_iter().for_each(|held| held.cell.changed.notify(wakers));
        }
    }

    fn apply_to_key(&mut self, effects: TokenEffects, wakers: &mut Vec<Waker>) {
        let TokenEffects { spec, published, events, state, served_for, wakes_callers } = effects;
        if let Some(held) = self.cells.get(&spec) {
            held.cell.snapshot.put(published);
        }
        if wakes_callers {
            self.wake(&spec, wakers);
        }
        for event in events {
            let change = Change { spec: spec.clone(), event };
            self.subscribers.push(&change, wakers);
            self.pending.push(News::new(change, state, served_for));
        }
    }
}

impl ClockListener for Shared {
    fn clock_stepped(&self) {
        let mut wakers = Vec::new();
        self.watched.notify(&mut wakers);
        self.lock().wake_all(&mut wakers);
        wake(wakers);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake_watchers();
    }
}

impl Running {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut wakers = Vec::new();
        let mut state = self.shared.lock();
        let spec = std::mem::take(&mut self.spec);
        let Some(count) = state.running.get_mut(&spec) else { return };
        *count -= 1;
        if *count == 0 {
            state.running.remove(&spec);
            if let Some(spec) = spec {
                state.wake(&spec, &mut wakers);
            }
            self.shared.watched.notify(&mut wakers);
        }
        drop(state);
        wake(wakers);
    }
}

/// Returns the remaining time until a moment on the boot clock.
pub(crate) fn left(until: Duration, now: Now) -> Duration {
    until.saturating_sub(now.boot).min(LONGEST_WAIT)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
