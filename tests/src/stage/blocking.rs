//! The stage of the blocking adapter: real threads, and a clock that moves when all of them wait.

mod crew;
mod way;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use octo_auth_blocking::{Accounts, Changes, KeepWarm, Storage};
use octo_auth_testkit::scenario::{Act, Named, Scenery, Stage};

use crate::registration::sound;
use crew::{Crew, Part};
use way::Way;

/// How often in a row everybody has to look up and wait on before all is taken to be at rest. Whoever is on the way
/// to something looks at the clock a few times before it is seen to do it: a carrier between two jobs three times,
/// one that gives up what it has twice for each job.
const LOOKS: usize = 12;

/// The stage of the blocking adapter.
pub struct Blocking {
    scenery: Arc<Scenery>,
    crew: Arc<Crew>,
    processes: Vec<Option<Process>>,
}

/// A process.
struct Process {
    named: Named,
    accounts: Accounts,
    changes: Changes,
    warm: Option<KeepWarm>,
}

impl Blocking {
    /// An empty stage, for the thread that makes it.
    #[must_use]
    pub fn new(scenery: &Arc<Scenery>) -> Self {
        let processes = scenery.setup().processes.iter().map(|_| None).collect();
        let crew = Crew::watched_from_here(scenery);
        Self { scenery: scenery.clone(), crew, processes }
    }

    /// Whether a thread is at work on all that is under way, and everybody who has to show up has. Until a new thread is
    /// first heard of, it is missing from the count.
    fn is_in_hands(&self) -> bool {
        self.processes.iter().flatten().all(|process| {
            let is_warm = process.warm.is_none() || self.crew.has_shown_up(process.named, Part::Warmer);
            let unfinished = process.accounts.unfinished();
            let is_in_flight = |key| unfinished.unanswered.contains(key);
            let is_saved = unfinished.unsaved.iter().all(is_in_flight);
            is_warm
                && unfinished.running <= self.crew.at_work(process.named)
                && (is_saved || self.crew.has(process.named, Part::Saver))
        })
    }

    /// Has an act done by a thread of its own.
    fn spawn(&self, named: Named, act: impl FnOnce() + Send + 'static) {
        let badge = self.crew.badge(named, Part::Caller);
        drop(thread::spawn(move || {
            badge.put_on();
            act();
        }));
    }

    fn ask(&self, process: &Process, name: &str, callers: usize, wait: Duration) {
        let named = process.named;
        self.scenery.set_out(named, name, callers);
        for _ in 0..callers {
            let (scenery, accounts) = (self.scenery.clone(), process.accounts.clone());
            let (key, name) = (self.scenery.setup().key(name), name.to_owned());
            self.spawn(named, move || {
                let told = accounts.tokens(key).and_then(|tokens| tokens.get_by(wait));
                scenery.told(named, &name, &told);
            });
        }
    }
}

impl Stage for Blocking {
    fn start(&mut self, place: usize) {
        let named = self.scenery.start(place);
        let way = Way::new(&self.scenery, &self.crew, named);
        let setup = self.scenery.setup();
        let mut builder = Accounts::builder(setup.client())
            .policy(setup.policy.clone())
            .may_block(|| true)
            .transport(way.clone())
            .clock(way.clone());
        if setup.storage != Storage::None {
            builder = builder.store(way);
        }
        let accounts = sound(builder.build());
        let changes = accounts.changes();
        self.processes[place] = Some(Process { named, accounts, changes, warm: None });
    }

    fn crash(&mut self, place: usize) {
        self.scenery.crash(place);
        self.processes[place] = None;
    }

    fn act(&mut self, place: usize, act: &Act) {
        let Some(process) = &mut self.processes[place] else { return };
        if let Act::KeepWarm(which) = act {
            process.warm = Some(process.accounts.keep_warm(*which));
            self.scenery.keep_warm();
            return;
        }
        let Some(process) = &self.processes[place] else { return };
        match act {
            Act::Ask(name, callers) => self.ask(process, name, *callers, self.scenery.setup().policy.wait()),
            Act::Glance(name) => self.ask(process, name, 1, Duration::ZERO),
            act => {
                let (scenery, named, accounts) =
                    (self.scenery.clone(), process.named, process.accounts.clone());
                let act = act.clone();
                self.spawn(named, move || carry_out(&scenery, named, &accounts, act));
            }
        }
    }

    fn rest(&mut self) {
        self.crew.wake();
        let mut calm = 0;
        while calm < LOOKS {
            let events = self.crew.events();
            let is_calm = self.crew.is_kept() && self.is_in_hands();
            if !is_calm {
                calm = 0;
                self.crew.await_event(events);
                continue;
            }
            calm = if self.crew.all_look_up() { calm + 1 } else { 0 };
        }
    }

    fn pass(&mut self, _: Duration) {
        self.crew.wake();
    }

    fn hear(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            while let Some(change) = process.changes.try_next() {
                self.scenery.heard(process.named, &change);
            }
        }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.scenery.end();
        self.processes.clear();
        self.crew.dismiss();
    }
}

/// Does what is no asking.
fn carry_out(scenery: &Scenery, named: Named, accounts: &Accounts, act: Act) {
    let tokens = |name: &str| accounts.tokens(scenery.setup().key(name));
    match act {
        Act::Refuse(name, token) => {
            let generation = scenery.generation(named, &name, token.as_deref());
            if let (Ok(tokens), Some(generation)) = (tokens(&name), generation) {
                tokens.refused(generation);
            }
        }
        Act::Adopt(name, token, refresh_token) => {
            let adopted = scenery.adopted(&name, token.as_ref(), refresh_token.as_deref());
            if let (Ok(tokens), Some(adopted)) = (tokens(&name), adopted)
                && let Err(error) = tokens.adopt(adopted)
            {
                scenery.not_adopted(named, &name, &error);
            }
        }
        Act::SignOut(name) => {
            if let Ok(tokens) = tokens(&name) {
                tokens.sign_out();
            }
        }
        Act::Redeem(name) => redeem(scenery, named, accounts, &name),
        Act::ReplaceClient => sound(accounts.replace_client(scenery.setup().client())),
        Act::ShutDown => {
            scenery.let_cool();
            scenery.begin();
            accounts.shutdown_within(Duration::from_secs(5));
            scenery.shut_down(named);
        }
        Act::Ask(..) | Act::Glance(_) | Act::KeepWarm(_) | Act::Crash | Act::Start => {}
    }
}

/// Exchanges a code and begins a key anew with what it brings.
fn redeem(scenery: &Scenery, named: Named, accounts: &Accounts, name: &str) {
    let Some(exchange) = scenery.redeemed(name) else { return };
    scenery.begin();
    let result = accounts.run(exchange);
    scenery.done(named);
    match (result, accounts.tokens(scenery.setup().key(name))) {
        (Ok(answer), Ok(tokens)) => {
            if let Err(error) = tokens.adopt(answer.value) {
                scenery.not_adopted(named, name, &error);
            }
        }
        (Err(error), _) => scenery.redeemed_in_vain(named, name, &error),
        (Ok(_), Err(_)) => {}
    }
}
