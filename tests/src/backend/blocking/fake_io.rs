//! The environment of a process of the blocking adapter: a clock, a transport, a store.

use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{
    Body, Claimed, Clock, ClockListener, Now, RecordBytes, RecordName, Saved, Storage, Store, StoreError,
    Stored, Transport, TransportError, Version,
};
use octo_auth_testkit::scenario::{Environment, IoCall, IoOutcome, Named};

use super::thread_pool::ThreadPool;

/// The environment of a process.
#[derive(Clone)]
pub(super) struct FakeIo {
    environment: Arc<Environment>,
    crew: Arc<ThreadPool>,
    named: Named,
}

impl FakeIo {
    pub(super) fn new(environment: &Arc<Environment>, crew: &Arc<ThreadPool>, named: Named) -> Self {
        Self { environment: environment.clone(), crew: crew.clone(), named }
    }

    /// Makes a call and waits for its result.
    fn call(&self, call: IoCall) -> IoOutcome {
        self.crew.note_call(self.named, None);
        let id = self.environment.arrive(self.named, call);
        loop {
            let seen = self.environment.changes();
            if let Some(outcome) = self.environment.outcome(id) {
                self.crew.note_call(self.named, None);
                return outcome;
            }
            self.crew.note_call(self.named, Some(seen));
            self.crew.await_scenery(seen);
        }
    }
}

/// Ends the thread that carries the request, without any report.
fn die<T>() -> T {
    resume_unwind(Box::new("a carrier that dies"))
}

impl Clock for FakeIo {
    fn now(&self) -> Now {
        self.crew.note_look(self.named);
        self.environment.now()
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        self.crew.watch(self.named, waiting);
    }
}

impl Transport for FakeIo {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        match self.call(IoCall::Send(request.clone(), deadline)) {
            IoOutcome::Response(response) => Ok(response.map(Body::new)),
            IoOutcome::Fault(fault) => Err(fault),
            _ => die(),
        }
    }
}

impl Store for FakeIo {
    fn storage(&self) -> Storage {
        self.environment.setup().storage
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        match self.call(IoCall::Load(name.clone())) {
            IoOutcome::Loaded(result) => result,
            _ => die(),
        }
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        match self.call(IoCall::Save(name.clone(), expected, content.clone())) {
            IoOutcome::Saved(result) => result,
            _ => die(),
        }
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        match self.call(IoCall::Claim(name.clone(), owner.to_owned(), ttl)) {
            IoOutcome::Claimed(result) => result,
            _ => die(),
        }
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        match self.call(IoCall::Release(name.clone(), owner.to_owned())) {
            IoOutcome::Released(result) => result,
            _ => die(),
        }
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Err(StoreError::new("a scenario lists no records"))
    }
}
