//! A world that checks the promises of the machine: processes, a token server, a store, two clocks.
//!
//! The world keeps its own records of what it may expect, and reads the machine's state only to compare. Each
//! contradiction to an invariant is a [`Violation`] with the invariant's number. Nothing panics, so that each
//! property reports its own violation. Nothing is random: the same [`Plan`] gives the same [`World::trace`].
//!
//! Each registration has four token specs, which are called keys here. At a standard server and at OfficeRND, keys 0
//! and 1 are of client credentials (scopes `alpha` and `beta`), and keys 2 and 3 are of accounts that have signed in.
//! At Octorate, key 0 is its ApiLogin and the others are accounts.

mod checks_requests;
mod checks_serving;
mod checks_store;
mod decisions;
mod defects;
mod expectations;
mod history;
mod in_memory_store;
mod job_execution;
mod loss_accounting;
mod observation;
mod plan;
mod process;
mod recovery;
mod request_execution;
mod serialization;
mod server;
mod stats;
mod told;
mod trace;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Client, Job, Now, Policy, Purpose, RecordName, RefreshAhead, Scopes, State, Status, TokenSpec,
};

pub use defects::Defect;
pub use observation::{InFlight, JobKind};
pub use plan::{
    Breakage, ErrorReply, FaultKind, Generations, MOST_PROCESSES, Plan, PlanEvent, Provider, RefreshMember,
    Reply, Rotation, Setup, StoreEnd, TokenReply, Who,
};
pub use stats::Tally;
pub use told::LastAnswer;
pub use trace::Trace;

pub use crate::invariants::Violation;

use crate::moment;
use crate::registration::{self, sound};
use expectations::{Answers, Exchanges};
use history::History;
use in_memory_store::InMemoryStore;
use process::Process;
use server::Server;
use stats::{Examined, Minute};
use trace::Lines;

/// The scopes of the two specs of client credentials.
const SCOPES: [&str; 2] = ["alpha", "beta"];

/// Processes that share a token server, a store and the clocks.
///
/// Each process reads its own boot clock, which is 7000 s ahead of the previous process's clock, as on machines that
/// were not started together. The wall clock is the same for all.
#[derive(Debug)]
pub struct World {
    setup: Setup,
    policy: Policy,
    keys: Vec<Arc<TokenSpec>>,
    /// The names of the specs' records.
    names: Vec<RecordName>,
    now: Now,
    server: Server,
    store: InMemoryStore,
    /// The past contents of the store, by spec.
    history: Vec<History>,
    answers: Answers,
    /// The refresh tokens that the server has issued and a process has received.
    given: HashSet<String>,
    /// The refresh token of each account's first sign-in.
    seeds: Vec<Option<String>>,
    processes: Vec<Process>,
    exchanges: Exchanges,
    /// The numbers of changes of the store and of the server at the last look.
    looked_at: (u64, u64),
    violations: Vec<Violation>,
    examined: Examined,
    rows: BTreeSet<State>,
    trace: Lines,
    /// When the wall clock was last stepped, on the boot clock.
    stepped_at: Option<Duration>,
    /// By how much the wall clock has gained on the boot clock, in milliseconds.
    wall_ahead: i64,
    sabotage: Option<Defect>,
    stats: Tally,
    told: LastAnswer,
    jobs_begun: u64,
    minute: Minute,
    /// The requests in the last minute that the store has counted.
    counted: Minute,
    /// Pseudorandom numbers for a defect that needs some.
    draws: u64,
}

impl World {
    /// Returns a world in which every account has signed in. It begins at [`moment::start`].
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self::at(setup, moment::start())
    }

    /// Returns a world whose machines have a known defect, if `sabotage` names one.
    #[must_use]
    pub fn sabotaged(setup: Setup, sabotage: Option<Defect>) -> Self {
        Self::begun(setup, Policy::default(), moment::start(), sabotage)
    }

    /// Returns a world that begins at `now`.
    #[must_use]
    pub fn at(setup: Setup, now: Now) -> Self {
        Self::begun(setup, Policy::default(), now, None)
    }

    /// Returns a world whose machines have this policy. Apply the events of a plan with [`World::happen`].
    #[must_use]
    pub fn with_policy(setup: Setup, policy: Policy) -> Self {
        Self::begun(setup, policy, moment::start(), None)
    }

    fn begun(setup: Setup, policy: Policy, now: Now, sabotage: Option<Defect>) -> Self {
        let keys: Vec<Arc<TokenSpec>> = keys(setup.provider).into_iter().map(Arc::new).collect();
        let client = client(setup.provider, sabotage);
        let names = keys.iter().map(|key| RecordName::new(&client, key)).collect();
        let processes = (0..setup.running().into())
            .map(|place| Process::new(place, 0, &client, &policy, setup, keys.len()))
            .collect();
        let mut world = Self {
            setup,
            policy,
            now,
            server: Server::new(setup.rotation, SCOPES),
            store: InMemoryStore::default(),
            history: keys.iter().map(|_| History::default()).collect(),
            answers: Answers::default(),
            given: HashSet::new(),
            seeds: vec![None; keys.len()],
            processes,
            exchanges: Exchanges::default(),
            looked_at: (0, 0),
            violations: Vec::new(),
            examined: Examined::default(),
            rows: BTreeSet::new(),
            trace: Lines::default(),
            stepped_at: None,
            wall_ahead: 0,
            sabotage,
            stats: Tally::default(),
            told: LastAnswer::default(),
            jobs_begun: 0,
            minute: Minute::default(),
            counted: Minute::default(),
            draws: setup.seed,
            keys,
            names,
        };
        for key in 0..world.keys.len() {
            world.begin_account(key);
        }
        world
    }

    /// Signs a user in. The refresh token is in the configuration, from which it may be imported.
    fn begin_account(&mut self, key: usize) {
        if self.keys[key].is_client_grant() {
            return;
        }
        let seed = self.server.sign_in(key);
        self.given.insert(seed.clone());
        self.seeds[key] = Some(seed.clone());
        let is_signed_in = (self.setup.seed >> key) % 2 == 1;
        let signed_in = is_signed_in.then(|| self.sign_in_with(0, key, Some(&seed), None)).flatten();
        signed_in.and_then(|place| self.end(0, place, &Reply::token(3600), StoreEnd::Works));
        let seeded = self.seed(0, key);
        seeded.and_then(|place| self.end(0, place, &Reply::token(3600), StoreEnd::Works));
    }

    /// Returns a world with the default policy, after all events of a plan.
    #[must_use]
    pub fn after(plan: &Plan) -> Self {
        let mut world = Self::new(plan.setup);
        for event in &plan.events {
            world.happen(event);
        }
        world
    }

    /// Returns this world with another amount of trace. By default, the trace is complete.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace.keep(trace);
        self
    }

    /// Returns all violations of invariants, in the order in which they were noticed.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Returns the violations of one invariant, by its number, such as `I04`.
    pub fn violations_of<'w>(&'w self, invariant: &'w str) -> impl Iterator<Item = &'w Violation> {
        self.violations.iter().filter(move |violation| violation.invariant == invariant)
    }

    /// Returns how often each invariant was examined, by its number.
    #[must_use]
    pub fn examined(&self) -> BTreeMap<&'static str, u64> {
        self.examined.all()
    }

    /// Returns the rows of the decision table that have applied.
    #[must_use]
    pub fn rows(&self) -> &BTreeSet<State> {
        &self.rows
    }

    /// Returns the events and the decisions, one line each. A line begins with the boot clock in seconds. It contains
    /// no secrets except the token names that the world itself made up.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        self.trace.all()
    }

    /// Returns the number of specs.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Returns the number of processes.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Returns the number of token requests that were sent, without revocations.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.exchanges.count()
    }

    /// Returns both clocks, as the first process reads them.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Returns how long a spec is still backing off after an error, or zero if it is not.
    #[must_use]
    pub fn closed_for(&self, who: Who) -> Duration {
        let (process, key) = (self.process(who.machine), usize::from(who.key) % self.keys.len());
        let status = self.processes[process].manager.status(&self.keys[key], self.local(process));
        let setback = status.and_then(|status| status.setback);
        setback.and_then(|failure| failure.retry_after()).unwrap_or_default()
    }

    /// Applies one event.
    pub fn happen(&mut self, event: &PlanEvent) {
        self.note(|| format!("{event:?}"));
        match event {
            PlanEvent::Pass(millis) => self.pass(Duration::from_millis((*millis).into())),
            PlanEvent::SetWall(seconds) => self.set_wall(*seconds),
            PlanEvent::BootAlone(millis) => self.boot_alone(*millis),
            PlanEvent::Ask(who) => self.at_key(*who, |world, process, key| {
                let job = world.ask(process, key);
                world.hand(process, job);
            }),
            PlanEvent::AskAtDeadline(who) => self.at_key(*who, Self::ask_at_deadline),
            PlanEvent::Glance(who) => self.at_key(*who, Self::glance),
            PlanEvent::Tend(process) => self.poll_due(self.process(*process)),
            PlanEvent::Drive(who, reply, leg) => {
                let leg = Duration::from_millis((*leg).into());
                self.at_key(*who, |world, process, key| world.drive(process, key, reply, leg));
            }
            PlanEvent::End(which, reply, end) => self.end_some(*which, reply, *end),
            PlanEvent::Lose(which, done) => self.lose_some(*which, *done),
            PlanEvent::ArriveLate(which, reply) => self.arrive_late(*which, reply),
            PlanEvent::Refuse(who, generations) => {
                self.at_key(*who, |world, process, key| world.refuse(process, key, *generations));
            }
            PlanEvent::Adopt(who, lifetime) => self.at_key(*who, |world, process, key| {
                world.import(process, key, *lifetime);
            }),
            PlanEvent::Seed(who) => self.at_key(*who, |world, process, key| {
                world.seed(process, key);
            }),
            PlanEvent::SignOut(who) => self.at_key(*who, Self::sign_out),
            PlanEvent::ReplaceClient(process) => self.replace_client(self.process(*process)),
            PlanEvent::Admit(process) => self.admit(self.process(*process)),
            PlanEvent::ShutDown(process) => self.shut_down(self.process(*process)),
            PlanEvent::SaveAll(process) => self.save_all(self.process(*process)),
            PlanEvent::Crash(process) => self.crash(self.process(*process)),
            PlanEvent::CrashWhileSaving(process) => self.crash_while_saving(self.process(*process)),
            PlanEvent::Withdraw(key) => self.withdraw(usize::from(*key) % self.keys.len()),
            PlanEvent::EndOf(who, reply, end) => self.at_key(*who, |world, process, key| {
                world.end_of(process, key, reply, *end);
            }),
            PlanEvent::LoseOf(who, done) => self.at_key(*who, |world, process, key| {
                world.lose_of(process, key, *done);
            }),
            PlanEvent::CrashAfter(who) => self.at_key(*who, Self::crash_after),
            PlanEvent::LateOf(who, reply) => self.at_key(*who, |world, process, key| {
                world.late_of(process, key, reply);
            }),
        }
        self.look_at_store();
    }

    fn boot_alone(&mut self, millis: u32) {
        self.stats.fault("clock steps");
        self.wall_ahead = self.wall_ahead.saturating_sub(millis.into());
        self.now.boot = self.now.boot.saturating_add(Duration::from_millis(millis.into()));
        self.stepped_at = Some(self.now.boot);
    }

    fn shut_down(&mut self, process: usize) {
        self.stats.fault("shutdowns");
        self.processes[process].manager.shut_down();
        self.processes[process].is_shut_down = true;
    }

    fn withdraw(&mut self, key: usize) {
        self.stats.fault("consent withdrawn");
        self.server.withdraw(key);
    }

    fn at_key(&mut self, who: Who, step: impl FnOnce(&mut Self, usize, usize)) {
        let (process, key) = (self.process(who.machine), usize::from(who.key) % self.keys.len());
        step(self, process, key);
    }

    fn process(&self, number: u8) -> usize {
        usize::from(number) % self.processes.len()
    }

    /// Advances both clocks.
    pub fn pass(&mut self, time: Duration) {
        self.now.boot = self.now.boot.saturating_add(time);
        self.now.wall = self.now.wall.saturating_add(time);
    }

    fn set_wall(&mut self, seconds: i32) {
        self.stepped_at = Some(self.now.boot);
        self.stats.fault("clock steps");
        self.wall_ahead = self.wall_ahead.saturating_add(i64::from(seconds) * 1000);
        let by = Duration::from_secs(seconds.unsigned_abs().into());
        self.now.wall = match seconds {
            0.. => self.now.wall.saturating_add(by),
            _ => self.now.wall.saturating_sub(by),
        };
    }

    /// Returns the clocks of a process. Each machine was started at another time.
    fn local(&self, process: usize) -> Now {
        let started = Duration::from_secs(7000) * u32::try_from(process).unwrap_or(0);
        Now { boot: self.now.boot.saturating_add(started), ..self.now }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let boot = self.now.boot;
        self.trace.note(|| format!("{:>12.3} {}", boot.as_secs_f64(), line()));
    }

    /// Records that an invariant was examined, and a violation unless `holds` is `true`.
    fn expect(&mut self, invariant: &'static str, holds: bool, what: impl FnOnce() -> String) {
        self.examined.count(invariant);
        if !holds {
            let what = what();
            self.note(|| format!("{invariant} VIOLATED: {what}"));
            self.violations.push(Violation { invariant, what });
        }
    }

    fn admit(&mut self, process: usize) {
        let (clock, now) = (self.clock(process), self.local(process));
        if self.processes[process].manager.admit(Purpose::CodeExchange, clock).is_ok() {
            self.processes[process].note_sent(now.boot, None);
            self.watch_budget(process);
        }
    }

    fn poll_due(&mut self, process: usize) {
        let now = self.clock(process);
        let which = if self.setup.seed % 2 == 0 { RefreshAhead::All } else { RefreshAhead::Used };
        let local = self.local(process);
        self.processes[process].asked(local);
        let due = self.processes[process].manager.poll_due(which, now);
        if let Some(job @ (Job::Claim(_) | Job::Send(_))) = &due.job {
            let key = self.keys.iter().position(|key| **key == **job.ticket().spec());
            key.into_iter().for_each(|key| self.watch_beginning(process, key));
        }
        self.expect("I17b", due.again > now.boot, || format!("tend again at {:?}", due.again));
        self.hand(process, due.job);
        self.save_next(process);
    }

    /// Saves again what could not be saved, as an adapter's task or thread does.
    fn save_next(&mut self, process: usize) {
        let now = self.clock(process);
        let manager = &mut self.processes[process].manager;
        let Some(saving) = manager.save_next(now) else {
            let is_left = |status: Status| status.unsaved && !status.in_flight;
            let is_left = self.keys.iter().any(|key| manager.status(key, now).is_some_and(is_left));
            self.expect("I17b", !is_left, || "nothing is to be saved, and a key is unsaved".to_owned());
            return;
        };
        self.expect("I17b", saving.again > now.boot, || format!("save again at {:?}", saving.again));
        self.hand(process, saving.job);
    }

    fn save_all(&mut self, process: usize) {
        let (now, local) = (self.clock(process), self.local(process));
        self.processes[process].asked(local);
        for job in self.processes[process].manager.save_all(now) {
            self.hand(process, Some(job));
        }
    }
}

/// Returns the client at a provider.
fn client(provider: Provider, sabotage: Option<Defect>) -> Client {
    match provider {
        Provider::OfficeRnd if sabotage == Some(Defect::BudgetIgnored) => {
            registration::with(sound(registration::officernd().profile().clone().edit(|document| {
                document.token_limit = None;
            })))
        }
        Provider::Standard => registration::standard(),
        Provider::NoReplay => registration::never_replayed(),
        Provider::OfficeRnd => registration::officernd(),
        Provider::Octorate => registration::octorate(),
    }
}

/// Returns the specs of a registration. At least two are of accounts.
fn keys(provider: Provider) -> Vec<TokenSpec> {
    let client_credentials = |scope: &str| TokenSpec::client_credentials(&sound(Scopes::parse(scope)));
    let manager = [TokenSpec::account("inn"), TokenSpec::account("lodge")];
    match provider {
        Provider::Octorate => {
            [vec![TokenSpec::api_login(), TokenSpec::account("barn")], manager.to_vec()].concat()
        }
        Provider::Standard | Provider::NoReplay | Provider::OfficeRnd => {
            [SCOPES.map(client_credentials), manager].concat()
        }
    }
}
