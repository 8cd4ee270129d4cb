//! The backend of the asynchronous adapter: one thread, whose time advances only if the scenario says so.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_async::{
    Body, Changes, Claimed, Clock, Now, RecordBytes, RecordName, RefreshTask, Saved, Storage, Store,
    StoreError, Stored, TokenManager, Transport, TransportError, Version,
};
use octo_auth_testkit::scenario::{Act, Backend, CallId, Environment, IoCall, IoOutcome, Named};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::registration::sound;

/// How many turns in a row must pass without an event before the run counts as idle. In each turn all ready tasks run.
/// A task on its way is rescheduled only a few times before it reads the clock or makes a call.
const TURNS: usize = 64;

/// The backend of the asynchronous adapter.
pub struct Asynchronous {
    environment: Arc<Environment>,
    /// How often any task has read the clock.
    looks: Arc<AtomicU64>,
    /// Notifies open calls to check again for their result.
    stirred: Arc<Notify>,
    processes: Vec<Option<Process>>,
    runtime: Runtime,
}

/// A process.
struct Process {
    named: Named,
    manager: TokenManager,
    changes: Changes,
    refreshing: Option<RefreshTask>,
    acts: Vec<JoinHandle<()>>,
}

/// The environment of a process: a clock, a transport, a store.
#[derive(Clone)]
struct FakeIo {
    environment: Arc<Environment>,
    stirred: Arc<Notify>,
    looks: Arc<AtomicU64>,
    named: Named,
}

/// A call. Dropping this value cancels it.
struct Open<'w>(&'w FakeIo, CallId);

impl Asynchronous {
    /// Creates an empty backend.
    #[must_use]
    pub fn new(environment: &Arc<Environment>) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let processes = environment.setup().processes.iter().map(|_| None).collect();
        let environment = environment.clone();
        let (looks, stirred) = (Arc::default(), Arc::new(Notify::new()));
        Self { environment, looks, stirred, processes, runtime: sound(runtime) }
    }

    /// Runs the tasks until all of them wait. No time passes meanwhile.
    fn run(&self) {
        self.stirred.notify_waiters();
        let happened = || (self.environment.changes(), self.looks.load(Ordering::Relaxed));
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
        let Some(Process { named, manager, .. }) = &self.processes[place] else { return };
        let (named, manager, key) = (*named, manager.clone(), self.environment.setup().key(name));
        self.environment.set_out(named, name, callers);
        for _ in 0..callers {
            let (environment, manager, key) = (self.environment.clone(), manager.clone(), key.clone());
            let name = name.to_owned();
            self.spawn(place, async move {
                let told = match manager.tokens(key) {
                    Ok(tokens) => tokens.get_by(wait).await,
                    Err(failure) => Err(failure),
                };
                environment.told(named, &name, &told);
            });
        }
    }
}

impl Backend for Asynchronous {
    fn start(&mut self, place: usize) {
        let named = self.environment.start(place);
        let (environment, stirred) = (self.environment.clone(), self.stirred.clone());
        let way = FakeIo { environment, stirred, looks: self.looks.clone(), named };
        let setup = self.environment.setup();
        let mut builder = TokenManager::builder(setup.client())
            .policy(setup.policy.clone())
            .transport(way.clone())
            .clock(way.clone());
        if setup.storage != Storage::None {
            builder = builder.store(way);
        }
        let manager = sound(builder.build());
        let changes = manager.changes();
        self.processes[place] = Some(Process { named, manager, changes, refreshing: None, acts: Vec::new() });
    }

    fn crash(&mut self, place: usize) {
        self.environment.crash(place);
        if let Some(process) = self.processes[place].take() {
            process.acts.iter().for_each(JoinHandle::abort);
        }
        self.rest();
    }

    fn act(&mut self, place: usize, act: &Act) {
        let Some(process) = &mut self.processes[place] else { return };
        match act {
            Act::Ask(name, callers) => {
                self.ask(place, name, *callers, self.environment.setup().policy.wait());
            }
            Act::Glance(name) => self.ask(place, name, 1, Duration::ZERO),
            Act::RefreshAhead(which) => {
                let _inside = self.runtime.enter();
                process.refreshing = Some(process.manager.refresh_ahead(*which));
                self.environment.refresh_ahead();
            }
            act => {
                let (environment, named, manager) =
                    (self.environment.clone(), process.named, process.manager.clone());
                let act = act.clone();
                self.spawn(place, async move { carry_out(&environment, named, &manager, act).await });
            }
        }
    }

    fn rest(&mut self) {
        self.run();
    }

    fn pass(&mut self, time: Duration) {
        self.run();
        // The time of a paused runtime advances when no task is ready.
        let passed = async { timeout(time, std::future::pending::<()>()).await };
        let _ = self.runtime.block_on(passed);
    }

    fn hear(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            while let Some(change) = process.changes.try_next() {
                self.environment.heard(process.named, &change);
            }
        }
    }
}

/// Executes an act other than asking for a token.
async fn carry_out(environment: &Environment, named: Named, manager: &TokenManager, act: Act) {
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
                && let Err(error) = tokens.import(imported).await
            {
                environment.not_imported(named, &name, &error);
            }
        }
        Act::SignOut(name) => {
            if let Ok(tokens) = tokens(&name) {
                tokens.sign_out().await;
            }
        }
        Act::Redeem(name) => redeem(environment, named, manager, &name).await,
        Act::ReplaceClient => sound(manager.replace_client(environment.setup().client())),
        Act::ShutDown => {
            environment.let_cool();
            environment.begin();
            manager.shutdown_within(Duration::from_secs(5)).await;
            environment.shut_down(named);
        }
        Act::Ask(..) | Act::Glance(_) | Act::RefreshAhead(_) | Act::Crash | Act::Start => {}
    }
}

/// Exchanges a code and starts the account again with the tokens it yields.
async fn redeem(environment: &Environment, named: Named, manager: &TokenManager, name: &str) {
    let Some(exchange) = environment.redeemed(name) else { return };
    environment.begin();
    let result = manager.run(exchange).await;
    environment.done(named);
    match (result, manager.tokens(environment.setup().key(name))) {
        (Ok(answer), Ok(tokens)) => {
            if let Err(error) = tokens.import(answer.value).await {
                environment.not_imported(named, name, &error);
            }
        }
        (Err(error), _) => environment.redeemed_in_vain(named, name, &error),
        (Ok(_), Err(_)) => {}
    }
}

impl FakeIo {
    async fn call(&self, call: IoCall) -> IoOutcome {
        let open = Open(self, self.environment.arrive(self.named, call));
        loop {
            // Created before the check for the result, so that a later notification wakes it.
            let stirred = self.stirred.notified();
            if let Some(outcome) = self.environment.outcome(open.1) {
                return outcome;
            }
            stirred.await;
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.environment.forget(self.1);
    }
}

impl Clock for FakeIo {
    fn now(&self) -> Now {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.environment.now()
    }
}

#[async_trait]
impl Transport for FakeIo {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        match self.call(IoCall::Send(request.clone(), deadline)).await {
            IoOutcome::Response(response) => Ok(response.map(Body::new)),
            IoOutcome::Fault(fault) => Err(fault),
            // The task that carries the request panics and reports nothing.
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }
}

#[async_trait]
impl Store for FakeIo {
    fn storage(&self) -> Storage {
        self.environment.setup().storage
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        match self.call(IoCall::Load(name.clone())).await {
            IoOutcome::Loaded(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        match self.call(IoCall::Save(name.clone(), expected, content.clone())).await {
            IoOutcome::Saved(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        match self.call(IoCall::Claim(name.clone(), owner.to_owned(), ttl)).await {
            IoOutcome::Claimed(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        match self.call(IoCall::Release(name.clone(), owner.to_owned())).await {
            IoOutcome::Released(result) => result,
            _ => resume_unwind(Box::new("a carrier that dies")),
        }
    }

    async fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Err(StoreError::new("a scenario lists no records"))
    }
}
