//! A store in memory that can hold its calls.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use octo_auth_blocking::{
    MemoryStore, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};

/// The time limit for events that take milliseconds in a working test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The store. All clones share their state.
#[derive(Clone)]
pub(crate) struct Gate {
    memory: MemoryStore,
    door: Arc<(Mutex<Door>, Condvar)>,
}

#[derive(Default)]
struct Door {
    is_shut: bool,
    inside: usize,
    most: usize,
    calls: usize,
}

impl Gate {
    /// Returns a store that holds each call until [`Gate::open`].
    pub(crate) fn shut() -> Self {
        let door = Door { is_shut: true, ..Door::default() };
        Self { memory: MemoryStore::new(), door: Arc::new((Mutex::new(door), Condvar::new())) }
    }

    /// Holds each call from now on, until [`Gate::open`].
    pub(crate) fn close(&self) {
        self.lock().is_shut = true;
    }

    /// Releases the held calls.
    pub(crate) fn open(&self) {
        self.lock().is_shut = false;
        self.door.1.notify_all();
    }

    /// Waits until this many calls have begun in total.
    pub(crate) fn await_calls(&self, count: usize) {
        let waited = self.door.1.wait_timeout_while(self.lock(), TIMEOUT, |door| door.calls < count);
        assert!(!waited.expect("nothing panics under this lock").1.timed_out(), "no call came");
    }

    /// Returns the number of calls that have begun.
    pub(crate) fn calls(&self) -> usize {
        self.lock().calls
    }

    /// Returns the highest number of concurrent calls.
    pub(crate) fn most(&self) -> usize {
        self.lock().most
    }

    /// Makes one call, and holds it until the gate is open.
    fn pass(&self) {
        let mut door = self.lock();
        door.calls += 1;
        door.inside += 1;
        door.most = door.most.max(door.inside);
        self.door.1.notify_all();
        let waited = self.door.1.wait_timeout_while(door, TIMEOUT, |door| door.is_shut);
        let (mut door, waited) = waited.expect("nothing panics under this lock");
        assert!(!waited.timed_out(), "not opened in time");
        door.inside -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Door> {
        self.door.0.lock().expect("nothing panics under this lock")
    }
}

impl Store for Gate {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.pass();
        self.memory.load(name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        self.pass();
        self.memory.compare_and_swap(name, expected, content)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.memory.list(prefix)
    }
}
