//! What a process of the blocking adapter knows of the scenery: a clock, a way to the server, a store.

use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{
    Body, Claimed, Clock, Fault, Now, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored,
    Transport, Version, Waiting,
};
use octo_auth_testkit::scenario::{Call, Named, Outcome, Scenery};

use super::crew::Crew;

/// What a process knows of the scenery.
#[derive(Clone)]
pub(super) struct Way {
    scenery: Arc<Scenery>,
    crew: Arc<Crew>,
    named: Named,
}

impl Way {
    pub(super) fn new(scenery: &Arc<Scenery>, crew: &Arc<Crew>, named: Named) -> Self {
        Self { scenery: scenery.clone(), crew: crew.clone(), named }
    }

    /// Brings a call and waits for what comes of it.
    fn call(&self, call: Call) -> Outcome {
        self.crew.note_call(self.named, None);
        let id = self.scenery.arrive(self.named, call);
        loop {
            let seen = self.scenery.changes();
            if let Some(outcome) = self.scenery.outcome(id) {
                self.crew.note_call(self.named, None);
                return outcome;
            }
            self.crew.note_call(self.named, Some(seen));
            self.crew.await_scenery(seen);
        }
    }
}

/// Whoever carries it is gone, without a word to anybody.
fn die<T>() -> T {
    resume_unwind(Box::new("a carrier that dies"))
}

impl Clock for Way {
    fn now(&self) -> Now {
        self.crew.note_look(self.named);
        self.scenery.now()
    }

    fn on_move(&self, waiting: Weak<dyn Waiting>) {
        self.crew.watch(self.named, waiting);
    }
}

impl Transport for Way {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, Fault> {
        match self.call(Call::Send(request.clone(), deadline)) {
            Outcome::Response(response) => Ok(response.map(Body::new)),
            Outcome::Fault(fault) => Err(fault),
            _ => die(),
        }
    }
}

impl Store for Way {
    fn storage(&self) -> Storage {
        self.scenery.setup().storage
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        match self.call(Call::Load(name.clone())) {
            Outcome::Loaded(result) => result,
            _ => die(),
        }
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        match self.call(Call::Save(name.clone(), expected, content.clone())) {
            Outcome::Saved(result) => result,
            _ => die(),
        }
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        match self.call(Call::Claim(name.clone(), owner.to_owned(), ttl)) {
            Outcome::Claimed(result) => result,
            _ => die(),
        }
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        match self.call(Call::Release(name.clone(), owner.to_owned())) {
            Outcome::Released(result) => result,
            _ => die(),
        }
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Err(StoreError::new("a scenario lists no records"))
    }
}
