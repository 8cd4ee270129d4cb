//! The threads of the stage: who is there, and whether all of them wait.
//!
//! The rule kept here: nothing is judged by how long it takes. A thread is known from the moment it is called for, or
//! from its first look at the clock; it waits if it is kept by an open call, or if it looks at the clock whenever it
//! is called and does nothing else.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use octo_auth_blocking::ClockListener;
use octo_auth_testkit::scenario::{Environment, Named};

/// A stage that is not at rest after so long hangs, and the test with it.
const TIMEOUT: Duration = Duration::from_secs(120);

thread_local! {
    /// The badge of this thread.
    static BADGE: RefCell<Option<Badge>> = const { RefCell::new(None) };
    /// Whether this thread watches a stage and is no part of it.
    static WATCHES: Cell<bool> = const { Cell::new(false) };
}

/// The threads of a stage.
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
    /// The parts that were taken at some time.
    shown_up: BTreeSet<(usize, u64, Part)>,
    waiting: Vec<(Named, Weak<dyn ClockListener>)>,
}

/// A thread.
struct Member {
    named: Named,
    part: Part,
    looks: u64,
    /// It is at a call, and had no outcome when the scenery had changed so often.
    kept: Option<u64>,
}

/// What a thread is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// To ask, or to do something else that an act says.
    Caller,
    /// To carry jobs.
    Carrier,
    /// To keep tokens warm.
    Warmer,
    /// To save again what could not be saved.
    Saver,
}

/// A place in the roster, given back when it is dropped.
pub(super) struct Badge {
    crew: Arc<ThreadPool>,
    number: u64,
}

impl ThreadPool {
    /// An empty crew, watched from this thread.
    pub(super) fn watched_from_here(environment: &Arc<Environment>) -> Arc<Self> {
        WATCHES.set(true);
        Arc::new(Self { environment: environment.clone(), roster: Mutex::default(), changed: Condvar::new() })
    }

    /// A place for a thread that is called for.
    pub(super) fn badge(self: &Arc<Self>, named: Named, part: Part) -> Badge {
        let mut roster = self.note(true);
        roster.called_for += 1;
        let number = roster.called_for;
        roster.members.insert(number, Member { named, part, looks: 0, kept: None });
        roster.shown_up.insert((named.place(), named.number(), part));
        Badge { crew: self.clone(), number }
    }

    /// Notes that this thread looks at the clock.
    pub(super) fn note_look(self: &Arc<Self>, named: Named) {
        self.on_this_thread(named, false, |member| member.looks += 1);
    }

    /// Notes that this thread is kept by a call, since the scenery had changed so often, or has its outcome.
    pub(super) fn note_call(self: &Arc<Self>, named: Named, kept: Option<u64>) {
        self.on_this_thread(named, kept.is_none(), |member| member.kept = kept);
    }

    /// Takes up those who wait by the clock of a process.
    pub(super) fn watch(&self, named: Named, waiting: Weak<dyn ClockListener>) {
        self.lock().waiting.push((named, waiting));
    }

    /// Makes every waiting thread read the clock, and every thread in a call check again for its result.
    pub(super) fn wake(&self) {
        drop(self.note(false));
        let waiting: Vec<_> = self.lock().waiting.iter().filter_map(|(_, one)| one.upgrade()).collect();
        // They look at once, and that is noted here.
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

    /// How many threads of a process carry jobs, or are kept by a call of their own.
    pub(super) fn at_work(&self, named: Named) -> usize {
        let is_at_work = |member: &&Member| member.part == Part::Carrier || member.kept.is_some();
        self.lock().members.values().filter(|member| member.named == named).filter(is_at_work).count()
    }

    /// Whether a thread of a process has this part now.
    pub(super) fn has(&self, named: Named, part: Part) -> bool {
        self.lock().members.values().any(|member| member.named == named && member.part == part)
    }

    /// Whether this part was ever taken in a process.
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

    /// Those of processes that are there still.
    fn present<'r>(&'r self, roster: &'r PoolState) -> impl Iterator<Item = (&'r u64, &'r Member)> {
        roster.members.iter().filter(|(_, member)| self.environment.is_present(member.named))
    }

    /// Notes something of this thread, which is given a badge if it has none.
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
    /// Puts it on for as long as this thread lives.
    pub(super) fn put_on(self) {
        BADGE.set(Some(self));
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        self.crew.note(true).members.remove(&self.number);
    }
}
