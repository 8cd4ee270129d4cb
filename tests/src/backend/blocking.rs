//! The backend of the blocking adapter: real threads, and a clock that advances when all of them wait.

mod fake_io;
mod thread_pool;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use octo_auth_blocking::{Changes, RefreshTask, Storage, TokenManager};
use octo_auth_testkit::scenario::{Act, Backend, Environment, Named};

use crate::registration::sound;
use fake_io::FakeIo;
use thread_pool::{Part, ThreadPool};

/// How often in a row all threads must read the clock and wait again before the run counts as idle. A thread on its
/// way to something reads the clock a few times before it is seen to act: a carrier between two jobs three times, one
/// that gives up its job twice per job.
const LOOKS: usize = 12;

/// The backend of the blocking adapter.
pub struct Blocking {
    environment: Arc<Environment>,
    pool: Arc<ThreadPool>,
    processes: Vec<Option<Process>>,
}

/// A process.
struct Process {
    named: Named,
    manager: TokenManager,
    changes: Changes,
    refreshing: Option<RefreshTask>,
}

impl Blocking {
    /// Creates an empty backend for the current thread.
    #[must_use]
    pub fn new(environment: &Arc<Environment>) -> Self {
        let processes = environment.setup().processes.iter().map(|_| None).collect();
        let pool = ThreadPool::watched_from_here(environment);
        Self { environment: environment.clone(), pool, processes }
    }

    /// Whether a thread works on every request in flight, and every expected thread has reported. A new thread is
    /// missing from the count until it reports for the first time.
    fn is_in_hands(&self) -> bool {
        self.processes.iter().flatten().all(|process| {
            let is_refreshed_ahead =
                process.refreshing.is_none() || self.pool.has_shown_up(process.named, Part::Warmer);
            let unfinished = process.manager.unfinished();
            let is_in_flight = |key| unfinished.unanswered.contains(key);
            let is_saved = unfinished.unsaved.iter().all(is_in_flight);
            is_refreshed_ahead
                && unfinished.running <= self.pool.at_work(process.named)
                && (is_saved || self.pool.has(process.named, Part::Saver))
        })
    }

    /// Executes an act on a separate thread.
    fn spawn(&self, named: Named, act: impl FnOnce() + Send + 'static) {
        let badge = self.pool.badge(named, Part::Caller);
        drop(thread::spawn(move || {
            badge.put_on();
            act();
        }));
    }

    fn ask(&self, process: &Process, name: &str, callers: usize, wait: Duration) {
        let named = process.named;
        self.environment.set_out(named, name, callers);
        for _ in 0..callers {
            let (environment, manager) = (self.environment.clone(), process.manager.clone());
            let (key, name) = (self.environment.setup().key(name), name.to_owned());
            self.spawn(named, move || {
                let told = manager.tokens(key).and_then(|tokens| tokens.get_by(wait));
                environment.told(named, &name, &told);
            });
        }
    }
}

impl Backend for Blocking {
    fn start(&mut self, place: usize) {
        let named = self.environment.start(place);
        let way = FakeIo::new(&self.environment, &self.pool, named);
        let setup = self.environment.setup();
        let mut builder = TokenManager::builder(setup.client())
            .policy(setup.policy.clone())
            .may_block(|| true)
            .transport(way.clone())
            .clock(way.clone());
        if setup.storage != Storage::None {
            builder = builder.store(way);
        }
        let manager = sound(builder.build());
        let changes = manager.changes();
        self.processes[place] = Some(Process { named, manager, changes, refreshing: None });
    }

    fn crash(&mut self, place: usize) {
        self.environment.crash(place);
        self.processes[place] = None;
    }

    fn act(&mut self, place: usize, act: &Act) {
        let Some(process) = &mut self.processes[place] else { return };
        if let Act::RefreshAhead(which) = act {
            process.refreshing = Some(process.manager.refresh_ahead(*which));
            self.environment.refresh_ahead();
            return;
        }
        let Some(process) = &self.processes[place] else { return };
        match act {
            Act::Ask(name, callers) => {
                self.ask(process, name, *callers, self.environment.setup().policy.wait());
            }
            Act::Glance(name) => self.ask(process, name, 1, Duration::ZERO),
            act => {
                let (environment, named, manager) =
                    (self.environment.clone(), process.named, process.manager.clone());
                let act = act.clone();
                self.spawn(named, move || carry_out(&environment, named, &manager, act));
            }
        }
    }

    fn rest(&mut self) {
        self.pool.wake();
        let mut calm = 0;
        while calm < LOOKS {
            let events = self.pool.events();
            let is_calm = self.pool.is_kept() && self.is_in_hands();
            if !is_calm {
                calm = 0;
                self.pool.await_event(events);
                continue;
            }
            calm = if self.pool.all_look_up() { calm + 1 } else { 0 };
        }
    }

    fn pass(&mut self, _: Duration) {
        self.pool.wake();
    }

    fn hear(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            while let Some(change) = process.changes.try_next() {
                self.environment.heard(process.named, &change);
            }
        }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.environment.end();
        self.processes.clear();
        self.pool.dismiss();
    }
}

/// Executes an act other than asking for a token.
fn carry_out(environment: &Environment, named: Named, manager: &TokenManager, act: Act) {
    let tokens = |name: &str| manager.tokens(environment.setup().key(name));
    match act {
        Act::Refuse(name, token) => {
            let generation = environment.generation(named, &name, token.as_deref());
            if let (Ok(tokens), Some(generation)) = (tokens(&name), generation) {
                tokens.refused(generation);
            }
        }
        Act::Adopt(name, token, refresh_token) => {
            let imported = environment.imported(&name, token.as_ref(), refresh_token.as_deref());
            if let (Ok(tokens), Some(imported)) = (tokens(&name), imported)
                && let Err(error) = tokens.import(imported)
            {
                environment.not_imported(named, &name, &error);
            }
        }
        Act::SignOut(name) => {
            if let Ok(tokens) = tokens(&name) {
                tokens.sign_out();
            }
        }
        Act::Redeem(name) => redeem(environment, named, manager, &name),
        Act::ReplaceClient => sound(manager.replace_client(environment.setup().client())),
        Act::ShutDown => {
            environment.let_cool();
            environment.begin();
            manager.shutdown_within(Duration::from_secs(5));
            environment.shut_down(named);
        }
        Act::Ask(..) | Act::Glance(_) | Act::RefreshAhead(_) | Act::Crash | Act::Start => {}
    }
}

/// Exchanges a code and starts the account again with the tokens it yields.
fn redeem(environment: &Environment, named: Named, manager: &TokenManager, name: &str) {
    let Some(exchange) = environment.redeemed(name) else { return };
    environment.begin();
    let result = manager.run(exchange);
    environment.done(named);
    match (result, manager.tokens(environment.setup().key(name))) {
        (Ok(answer), Ok(tokens)) => {
            if let Err(error) = tokens.import(answer.value) {
                environment.not_imported(named, name, &error);
            }
        }
        (Err(error), _) => environment.redeemed_in_vain(named, name, &error),
        (Ok(_), Err(_)) => {}
    }
}
