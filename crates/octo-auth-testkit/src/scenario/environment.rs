//! The environment around the processes of a scenario: one clock pair, one server, one store, and a log of the
//! events.
//!
//! Nothing happens by itself and nothing blocks. A process submits a call and then polls until there is an outcome,
//! from any thread. While the gate is closed, no call begins.

mod fixtures;
mod log;
mod reports;
mod server;
mod serving;
mod shelf;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{
    Body, Claimed, Generation, Now, RecordBytes, RecordName, Saved, StoreError, Stored, Timestamp,
    TransportError, Version,
};

use super::step::{ExternalEvent, ScenarioSettings};
use log::{Kind, Log};
use server::Server;
use shelf::Shelf;

/// The wall clock at the start of every scenario: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// The boot clock at the start.
const UP: Duration = Duration::from_secs(1_000);

/// The longest time that a store call takes before it counts as failed.
const STORE_CALL: Duration = Duration::from_secs(5);

/// The environment of one scenario.
pub struct Environment {
    setup: ScenarioSettings,
    inside: Mutex<Inside>,
}

struct Inside {
    now: Now,
    is_open: bool,
    is_over: bool,
    changes: u64,
    calls: HashMap<CallId, Open>,
    called: u64,
    /// The number of the process at each place. Each start has a different number.
    present: Vec<u64>,
    started: u64,
    server: Server,
    shelf: Shelf,
    log: Log,
    /// The generations of the access tokens that callers received.
    generations: HashMap<(usize, String), Generation>,
    last_told: HashMap<(usize, String), String>,
    /// The counts of waiting callers, by place and spec name.
    waiting: HashMap<(usize, String), usize>,
    /// The number of other things that a process waits for.
    pending: usize,
    /// Whether a renewal waits for another process's claim, by place and spec name.
    dozing: HashMap<(usize, String), bool>,
    refreshed_ahead: usize,
    rows: BTreeSet<&'static str>,
}

/// One process, identified by its place and its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Named {
    pub(super) place: usize,
    pub(super) number: u64,
}

impl Named {
    /// Returns the place of the process.
    #[must_use]
    pub fn place(self) -> usize {
        self.place
    }

    /// Returns the number of the process among all that were started.
    #[must_use]
    pub fn number(self) -> u64 {
        self.number
    }
}

/// The identity of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(u64);

/// A call from a process to the environment.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "few calls are open at once")]
pub enum IoCall {
    /// Sends a request with this deadline.
    Send(Request<Body>, Duration),
    /// Reads a record.
    Load(RecordName),
    /// Replaces a record.
    Save(RecordName, Option<Version>, RecordBytes),
    /// Claims a renewal.
    Claim(RecordName, String, Duration),
    /// Releases a claim.
    Release(RecordName, String),
}

/// The outcome of a call.
#[derive(Debug)]
pub enum IoOutcome {
    /// A response.
    Response(Response<Vec<u8>>),
    /// No response, for this reason.
    Fault(TransportError),
    /// The carrier of the request has died.
    Gone,
    /// The result of reading.
    Loaded(Result<Option<Stored>, StoreError>),
    /// The result of replacing the record.
    Saved(Result<Saved, StoreError>),
    /// The result of claiming.
    Claimed(Result<Claimed, StoreError>),
    /// The result of releasing.
    Released(Result<(), StoreError>),
}

/// A call that has no outcome yet.
struct Open {
    named: Named,
    call: IoCall,
    since: Duration,
    /// Whether the call has arrived but has no answer yet.
    is_held: bool,
    /// Whether the carrier misses its deadline.
    is_stuck: bool,
}

impl Environment {
    /// Returns the environment of a scenario before its first step.
    #[must_use]
    pub fn new(setup: &ScenarioSettings) -> Arc<Self> {
        let places = setup.processes.len();
        let inside = Inside {
            now: Now { wall: START, boot: UP },
            is_open: true,
            is_over: false,
            changes: 0,
            calls: HashMap::new(),
            called: 0,
            present: vec![0; places],
            started: 0,
            server: Server::new(setup),
            shelf: Shelf::default(),
            log: Log::new(&setup.processes),
            generations: HashMap::new(),
            last_told: HashMap::new(),
            waiting: HashMap::new(),
            pending: 0,
            dozing: HashMap::new(),
            refreshed_ahead: 0,
            rows: BTreeSet::new(),
        };
        Arc::new(Self { setup: setup.clone(), inside: Mutex::new(inside) })
    }

    /// Returns the settings.
    #[must_use]
    pub fn setup(&self) -> &ScenarioSettings {
        &self.setup
    }

    /// Returns both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        self.lock().now
    }

    /// Starts a process at this place.
    pub fn start(&self, place: usize) -> Named {
        let mut inside = self.enter();
        inside.started += 1;
        inside.present[place] = inside.started;
        Named { place, number: inside.started }
    }

    /// Kills the process at this place. Its later calls have no effect.
    pub fn crash(&self, place: usize) {
        let mut inside = self.enter();
        inside.present[place] = 0;
        inside.waiting.retain(|(of, _), _| *of != place);
        inside.dozing.retain(|(of, _), _| *of != place);
        let present = inside.present.clone();
        inside.calls.retain(|_, open| present[open.named.place] == open.named.number);
        (inside.pending, inside.refreshed_ahead) = (0, 0);
    }

    /// Returns whether a process is still running.
    #[must_use]
    pub fn is_present(&self, named: Named) -> bool {
        self.lock().is_present(named)
    }

    /// Opens or closes the gate. No call begins while it is closed.
    pub(super) fn set_gate(&self, is_open: bool) {
        self.enter().is_open = is_open;
    }

    /// Advances both clocks.
    pub(super) fn pass(&self, time: Duration) {
        let mut inside = self.enter();
        inside.now = Now { wall: inside.now.wall.saturating_add(time), boot: inside.now.boot + time };
    }

    /// Applies an event. Returns how far it moves the clocks.
    pub(super) fn apply(&self, event: &ExternalEvent) -> Duration {
        let mut inside = self.enter();
        let now = inside.now;
        let mut moved = Duration::ZERO;
        match event {
            ExternalEvent::Pass(time) | ExternalEvent::Suspend(time) => moved = *time,
            ExternalEvent::SetWall { by, back } => {
                // A process need not look at the wall clock more than once a second.
                moved = Duration::from_secs(1);
                let wall = if *back { now.wall.saturating_sub(*by) } else { now.wall.saturating_add(*by) };
                inside.now.wall = wall;
            }
            ExternalEvent::Next(said) => inside.server.line_up(said.clone()),
            ExternalEvent::Always(said) => inside.server.always(said.clone()),
            ExternalEvent::Answers(said) => inside.server.answers(said.clone()),
            ExternalEvent::Store(mood) => inside.shelf.set(*mood),
            ExternalEvent::Write(name, foreign) => {
                inside.shelf.write_foreign(&self.setup.client(), &self.setup.key(name), foreign, now);
                let (_, refresh_token) = foreign.brings();
                inside.server.know(name, None, refresh_token);
            }
            ExternalEvent::Claim(name, lasting) => {
                inside.shelf.claim_foreign(&self.setup.record_name(name), *lasting, now.boot);
            }
        }
        inside.now = Now { wall: inside.now.wall.saturating_add(moved), boot: inside.now.boot + moved };
        moved
    }

    /// Ends the scenario: all calls in progress fail, and all deadlines have passed.
    pub fn end(&self) {
        let mut inside = self.enter();
        (inside.is_over, inside.is_open) = (true, true);
        inside.now.boot += Duration::from_secs(86_400);
    }

    /// Returns whether anything is in progress, so that time must advance in small steps.
    pub(super) fn is_busy(&self) -> bool {
        let inside = self.lock();
        let dozes = inside.dozing.values().any(|dozes| *dozes);
        dozes
            || inside.pending > 0
            || !inside.calls.is_empty()
            || inside.waiting.values().any(|many| *many > 0)
    }

    /// Returns whether tokens are refreshed ahead.
    pub(super) fn is_refreshed_ahead(&self) -> bool {
        self.lock().refreshed_ahead > 0
    }

    /// Returns the events since the last call, one line each.
    pub(super) fn take_lines(&self) -> Vec<String> {
        let mut inside = self.lock();
        let mut waiting: Vec<_> = inside.waiting.iter().filter(|(_, many)| **many > 0).collect();
        waiting.sort();
        let waiting: Vec<_> =
            waiting.into_iter().map(|((place, key), many)| (*place, key.clone(), *many)).collect();
        for (place, key, many) in waiting {
            let callers = if many == 1 { "1 caller".to_owned() } else { format!("{many} callers") };
            inside.log.note(place, &key, Kind::Waits, callers);
        }
        inside.log.take()
    }
}

impl Environment {
    /// Submits a call.
    pub fn arrive(&self, named: Named, call: IoCall) -> CallId {
        let mut inside = self.enter();
        inside.called += 1;
        let id = CallId(inside.called);
        let since = inside.now.boot;
        if inside.is_present(named) {
            inside.calls.insert(id, Open { named, call, since, is_held: false, is_stuck: false });
        }
        id
    }

    /// Abandons a call.
    pub fn forget(&self, id: CallId) {
        self.enter().calls.remove(&id);
    }

    /// Returns the outcome of a call, if it has one. A call of a process that was killed has the outcome `Gone`.
    pub fn outcome(&self, id: CallId) -> Option<IoOutcome> {
        let mut inside = self.lock();
        if !inside.is_open {
            return None;
        }
        let Some(mut open) = inside.calls.remove(&id) else { return Some(IoOutcome::Gone) };
        if inside.is_over {
            return Some(open.call.unanswered());
        }
        let outcome = inside.serve(&mut open, &self.setup);
        if outcome.is_none() {
            inside.calls.insert(id, open);
        } else {
            inside.changes += 1;
        }
        outcome
    }

    /// Returns how often anything has changed. A call without an outcome gets none before the next change.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    fn enter(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.lock();
        inside.changes += 1;
        inside
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
