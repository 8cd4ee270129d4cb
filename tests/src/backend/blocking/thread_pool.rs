//! The threads of the backend: which exist, and whether all of them wait.
//!
//! The rule of this module: no decision depends on a duration. A thread is known from the moment it is requested, or
//! from its first look at the clock. It waits if an open call blocks it, or if it only reads the clock whenever it is
//! woken.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use octo_auth_blocking::ClockListener;
use octo_auth_testkit::scenario::{Environment, Named};

/// A backend that is not idle after this duration hangs, and so does its test.
const TIMEOUT: Duration = Duration::from_secs(120);

thread_local! {
    /// The badge of this thread.
    static BADGE: RefCell<Option<Badge>> = const { RefCell::new(None) };
    /// Whether this thread watches a backend and is not part of it.
    static WATCHES: Cell<bool> = const { Cell::new(false) };
}

/// The threads of a backend.
pub(super) struct ThreadPool {
    environment: Arc<Environment>,
    roster: Mutex<PoolState>,
    changed: Condvar,
}

#[derive(Default)]
struct PoolState {
    /// The number of reports from all threads.
    events: u64,
    /// How often a thread was seen to do more than read the clock.
    deeds: u64,
    called_for: u64,
    members: BTreeMap<u64, Member>,
    /// The parts that were ever taken.
    shown_up: BTreeSet<(usize, u64, Part)>,
    waiting: Vec<(Named, Weak<dyn ClockListener>)>,
}

/// A thread.
struct Member {
    named: Named,
    part: Part,
    looks: u64,
    /// The thread is in a call and had no result when the scenery had this count of changes.
    kept: Option<u64>,
}

/// The task of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Asks for a token, or executes another act.
    Caller,
    /// Executes jobs.
    Carrier,
    /// Refreshes tokens ahead.
    Warmer,
    /// Repeats failed saves.
    Saver,
}

/// An entry in the roster. Dropping it removes the entry.
pub(super) struct Badge {
    crew: Arc<ThreadPool>,
    number: u64,
}

impl ThreadPool {
    /// Creates an empty pool, watched by this thread.
    pub(super) fn watched_from_here(environment: &Arc<Environment>) -> Arc<Self> {
        WATCHES.set(true);
        Arc::new(Self { environment: environment.clone(), roster: Mutex::default(), changed: Condvar::new() })
    }

    /// Creates an entry for a thread that is requested.
    pub(super) fn badge(self: &Arc<Self>, named: Named, part: Part) -> Badge {
        let mut roster = self.note(true);
        roster.called_for += 1;
        let number = roster.called_for;
        roster.members.insert(number, Member { named, part, looks: 0, kept: None });
        roster.shown_up.insert((named.place(), named.number(), part));
        Badge { crew: self.clone(), number }
    }

    /// Records that this thread reads the clock.
    pub(super) fn note_look(self: &Arc<Self>, named: Named) {
        self.on_this_thread(named, false, |member| member.looks += 1);
    }

    /// Records that a call blocks this thread since this count of changes of the scenery, or that the call has its
    /// result.
    pub(super) fn note_call(self: &Arc<Self>, named: Named, kept: Option<u64>) {
        self.on_this_thread(named, kept.is_none(), |member| member.kept = kept);
    }

    /// Registers a listener that waits by the clock of a process.
    pub(super) fn watch(&self, named: Named, waiting: Weak<dyn ClockListener>) {
        self.lock().waiting.push((named, waiting));
    }

    /// Makes every waiting thread read the clock, and every thread in a call check again for its result.
    pub(super) fn wake(&self) {
        drop(self.note(false));
        let waiting: Vec<_> = self.lock().waiting.iter().filter_map(|(_, one)| one.upgrade()).collect();
        // They read the clock at once, and this is recorded here.
        waiting.iter().for_each(|one| one.clock_stepped());
    }

    /// Returns the number of reports from all threads.
    pub(super) fn events(&self) -> u64 {
        self.lock().events
    }

    /// Waits until the scenery has changed more than `seen` times. The thread that changes it reports later.
    pub(super) fn await_scenery(&self, seen: u64) {
        let unchanged = |_: &mut PoolState| self.environment.changes() == seen;
        drop(self.changed.wait_while(self.lock(), unchanged).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until a thread reports.
    pub(super) fn await_event(&self, seen: u64) {
        self.await_that(|roster| roster.events != seen);
    }

    /// Whether the thread in a call stays blocked by it, whatever has changed.
    pub(super) fn is_kept(&self) -> bool {
        let changes = self.environment.changes();
        let roster = self.lock();
        self.present(&roster).all(|(_, member)| member.kept.is_none_or(|kept| kept == changes))
    }

    /// Makes every thread read the clock. Returns whether all have done so and none did anything else.
    pub(super) fn all_look_up(&self) -> bool {
        let (deeds, looks) = {
            let roster = self.lock();
            let at_large = self.present(&roster).filter(|(_, member)| member.kept.is_none());
            let looks: BTreeMap<u64, u64> =
                at_large.map(|(number, member)| (*number, member.looks)).collect();
            (roster.deeds, looks)
        };
        self.wake();
        let has_looked = |roster: &PoolState| {
            looks.iter().all(|(number, before)| {
                roster
                    .members
                    .get(number)
                    .is_none_or(|member| member.looks > *before || member.kept.is_some())
            })
        };
        self.await_that(|roster| roster.deeds != deeds || has_looked(roster));
        self.lock().deeds == deeds
    }

    /// Returns the count of threads of a process that execute jobs, or are blocked by a call of their own.
    pub(super) fn at_work(&self, named: Named) -> usize {
        let is_at_work = |member: &&Member| member.part == Part::Carrier || member.kept.is_some();
        self.lock().members.values().filter(|member| member.named == named).filter(is_at_work).count()
    }

    /// Whether a thread of a process currently has this part.
    pub(super) fn has(&self, named: Named, part: Part) -> bool {
        self.lock().members.values().any(|member| member.named == named && member.part == part)
    }

    /// Whether a thread of a process ever had this part.
    pub(super) fn has_shown_up(&self, named: Named, part: Part) -> bool {
        self.lock().shown_up.contains(&(named.place(), named.number(), part))
    }

    /// Waits until all threads have ended; their time is over.
    pub(super) fn dismiss(&self) {
        loop {
            let events = self.events();
            if self.lock().members.is_empty() {
                return;
            }
            self.wake();
            self.await_event(events);
        }
    }

    /// Returns the members of processes that still exist.
    fn present<'r>(&'r self, roster: &'r PoolState) -> impl Iterator<Item = (&'r u64, &'r Member)> {
        roster.members.iter().filter(|(_, member)| self.environment.is_present(member.named))
    }

    /// Records a change for this thread. Gives it a badge if it has none.
    fn on_this_thread(self: &Arc<Self>, named: Named, is_deed: bool, change: impl FnOnce(&mut Member)) {
        if WATCHES.get() {
            return;
        }
        let known = BADGE.with_borrow(|badge| badge.as_ref().map(|badge| badge.number));
        let number = known.unwrap_or_else(|| {
            let part = match thread::current().name() {
                Some("octo-auth-ahead") => Part::Warmer,
                Some("octo-auth-save") => Part::Saver,
                _ => Part::Carrier,
            };
            let badge = self.badge(named, part);
            let number = badge.number;
            badge.put_on();
            number
        });
        let mut roster = self.note(is_deed);
        if let Some(member) = roster.members.get_mut(&number) {
            change(member);
        }
    }

    fn await_that(&self, mut holds: impl FnMut(&PoolState) -> bool) {
        let waiting = |roster: &mut PoolState| !holds(roster);
        let waited = self.changed.wait_timeout_while(self.lock(), TIMEOUT, waiting);
        let (roster, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "the stage never comes to rest: {}", roster.shown());
    }

    fn note(&self, is_deed: bool) -> MutexGuard<'_, PoolState> {
        let mut roster = self.lock();
        roster.events += 1;
        roster.deeds += u64::from(is_deed);
        self.changed.notify_all();
        roster
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolState {
    fn shown(&self) -> String {
        let shown = |member: &Member| format!("{:?} {:?} kept {:?}", member.named, member.part, member.kept);
        self.members.values().map(shown).collect::<Vec<_>>().join("; ")
    }
}

impl Badge {
    /// Assigns the badge to this thread for the rest of its life.
    pub(super) fn put_on(self) {
        BADGE.set(Some(self));
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        self.crew.note(true).members.remove(&self.number);
    }
}
