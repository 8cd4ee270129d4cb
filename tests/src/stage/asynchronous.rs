//! The stage of the asynchronous adapter: one thread whose time stands still unless the scenario lets it pass.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_async::{
    Accounts, Body, Changes, Claimed, Clock, Fault, KeepWarm, Now, RecordBytes, RecordName, Saved, Storage,
    Store, StoreError, Stored, Transport, Version,
};
use octo_auth_testkit::scenario::{Act, Call, CallId, Named, Outcome, Scenery, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::registration::sound;

/// How many turns in a row nothing may happen in before all is taken to be at rest. In each turn everything that can
/// run does; a task that is on its way is handed on a few times at most before it looks at the clock or makes a call.
const TURNS: usize = 64;

/// The stage of the asynchronous adapter.
pub struct Asynchronous {
    scenery: Arc<Scenery>,
    /// How often anybody has looked at the clock.
    looks: Arc<AtomicU64>,
    /// Tells open calls to ask again what has come of them.
    stirred: Arc<Notify>,
    processes: Vec<Option<Process>>,
    runtime: Runtime,
}

/// A process.
struct Process {
    named: Named,
    accounts: Accounts,
    changes: Changes,
    warm: Option<KeepWarm>,
    acts: Vec<JoinHandle<()>>,
}

/// What a process knows of the scenery: a clock, a way to the server, a store.
#[derive(Clone)]
struct Way {
    scenery: Arc<Scenery>,
    stirred: Arc<Notify>,
    looks: Arc<AtomicU64>,
    named: Named,
}

/// A call that is given up when it is dropped.
struct Open<'w>(&'w Way, CallId);

impl Asynchronous {
    /// An empty stage.
    #[must_use]
    pub fn new(scenery: &Arc<Scenery>) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let processes = scenery.setup().processes.iter().map(|_| None).collect();
        let scenery = scenery.clone();
        let (looks, stirred) = (Arc::default(), Arc::new(Notify::new()));
        Self { scenery, looks, stirred, processes, runtime: sound(runtime) }
    }

    /// Lets the tasks run until all of them wait. No time passes meanwhile.
    fn run(&self) {
        self.stirred.notify_waiters();
        let happened = || (self.scenery.changes(), self.looks.load(Ordering::Relaxed));
        self.runtime.block_on(async {
            let (mut seen, mut quiet) = (happened(), 0);
            while quiet < TURNS {
                yield_now().await;
                quiet = if happened() == seen { quiet + 1 } else { 0 };
                seen = happened();
            }
        });
    }

    fn spawn(&mut self, place: usize, act: impl Future<Output = ()> + Send + 'static) {
        let task = self.runtime.spawn(act);
        if let Some(process) = &mut self.processes[place] {
            process.acts.push(task);
        }
    }

    fn ask(&mut self, place: usize, name: &str, callers: usize, wait: Duration) {
        let Some(Process { named, accounts, .. }) = &self.processes[place] else { return };
        let (named, accounts, key) = (*named, accounts.clone(), self.scenery.setup().key(name));
        self.scenery.set_out(named, name, callers);
        for _ in 0..callers {
            let (scenery, accounts, key) = (self.scenery.clone(), accounts.clone(), key.clone());
            let name = name.to_owned();
            self.spawn(place, async move {
                let told = match accounts.tokens(key) {
                    Ok(tokens) => tokens.get_by(wait).await,
                    Err(failure) => Err(failure),
                };
                scenery.told(named, &name, &told);
            });
        }
    }
}

impl Stage for Asynchronous {
    fn start(&mut self, place: usize) {
        let named = self.scenery.start(place);
        let (scenery, stirred) = (self.scenery.clone(), self.stirred.clone());
        let way = Way { scenery, stirred, looks: self.looks.clone(), named };
        let setup = self.scenery.setup();
        let mut builder = Accounts::builder(setup.client())
            .policy(setup.policy.clone())
            .transport(way.clone())
            .clock(way.clone());
        if setup.storage != Storage::None {
            builder = builder.store(way);
        }
        let accounts = sound(builder.build());
        let changes = accounts.changes();
        self.processes[place] = Some(Process { named, accounts, changes, warm: None, acts: Vec::new() });
    }

    fn crash(&mut self, place: usize) {
        self.scenery.crash(place);
        if let Some(process) = self.processes[place].take() {
            process.acts.iter().for_each(JoinHandle::abort);
        }
        self.rest();
    }

    fn act(&mut self, place: usize, act: &Act) {
        let Some(process) = &mut self.processes[place] else { return };
        match act {
            Act::Ask(name, callers) => {
                self.ask(place, name, *callers, self.scenery.setup().policy.wait());
            }
            Act::Glance(name) => self.ask(place, name, 1, Duration::ZERO),
            Act::KeepWarm(which) => {
                let _inside = self.runtime.enter();
                process.warm = Some(process.accounts.keep_warm(*which));
                self.scenery.keep_warm();
            }
            act => {
                let (scenery, named, accounts) =
                    (self.scenery.clone(), process.named, process.accounts.clone());
                let act = act.clone();
                self.spawn(place, async move { carry_out(&scenery, named, &accounts, act).await });
            }
        }
    }

    fn rest(&mut self) {
        self.run();
    }

    fn pass(&mut self, time: Duration) {
        self.run();
        // The time of a paused runtime moves on whenever there is nothing left to do.
        let passed = async { timeout(time, std::future::pending::<()>()).await };
        let _ = self.runtime.block_on(passed);
    }

    fn hear(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            while let Some(change) = process.changes.try_next() {
                self.scenery.heard(process.named, &change);
            }
        }
    }
}

/// Does what is no asking.
async fn carry_out(scenery: &Scenery, named: Named, accounts: &Accounts, act: Act) {
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
                && let Err(error) = tokens.adopt(adopted).await
            {
                scenery.not_adopted(named, &name, &error);
            }
        }
        Act::SignOut(name) => {
            if let Ok(tokens) = tokens(&name) {
                tokens.sign_out().await;
            }
        }
        Act::Redeem(name) => redeem(scenery, named, accounts, &name).await,
        Act::ReplaceClient => sound(accounts.replace_client(scenery.setup().client())),
        Act::ShutDown => {
            scenery.let_cool();
            scenery.begin();
            accounts.shutdown_within(Duration::from_secs(5)).await;
            scenery.shut_down(named);
        }
        Act::Ask(..) | Act::Glance(_) | Act::KeepWarm(_) | Act::Crash | Act::Start => {}
    }
}

/// Exchanges a code and begins a key anew with what it brings.
async fn redeem(scenery: &Scenery, named: Named, accounts: &Accounts, name: &str) {
    let Some(exchange) = scenery.redeemed(name) else { return };
    scenery.begin();
    let result = accounts.run(exchange).await;
    scenery.done(named);
    match (result, accounts.tokens(scenery.setup().key(name))) {
        (Ok(answer), Ok(tokens)) => {
            if let Err(error) = tokens.adopt(answer.value).await {
                scenery.not_adopted(named, name, &error);
            }
        }
        (Err(error), _) => scenery.redeemed_in_vain(named, name, &error),
        (Ok(_), Err(_)) => {}
    }
}

impl Way {
    async fn call(&self, call: Call) -> Outcome {
        let open = Open(self, self.scenery.arrive(self.named, call));
        loop {
            // Made before the outcome is asked for: what stirs after that wakes.
            let stirred = self.stirred.notified();
            if let Some(outcome) = self.scenery.outcome(open.1) {
                return outcome;
            }
            stirred.await;
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.scenery.forget(self.1);
    }
}

impl Clock for Way {
    fn now(&self) -> Now {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.scenery.now()
    }
}

#[async_trait]
impl Transport for Way {
    async fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, Fault> {
        match self.call(Call::Send(request.clone(), deadline)).await {
            Outcome::Response(response) => Ok(response.map(Body::new)),
            Outcome::Fault(fault) => Err(fault),
            // Whoever carries it is gone, without a word to anybody.
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }
}

#[async_trait]
impl Store for Way {
    fn storage(&self) -> Storage {
        self.scenery.setup().storage
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        match self.call(Call::Load(name.clone())).await {
            Outcome::Loaded(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        match self.call(Call::Save(name.clone(), expected, content.clone())).await {
            Outcome::Saved(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        match self.call(Call::Claim(name.clone(), owner.to_owned(), ttl)).await {
            Outcome::Claimed(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        match self.call(Call::Release(name.clone(), owner.to_owned())).await {
            Outcome::Released(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Err(StoreError::new("a scenario lists no records"))
    }
}
