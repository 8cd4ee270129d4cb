//! A store, asynchronous or blocking, as the suite uses it.

use std::future::Future;
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};

/// The result of one of several concurrent changes.
pub(crate) type Swap = Result<Saved, StoreError>;

/// A store of records. The futures of a blocking store are ready at once.
pub(crate) trait Shelf {
    fn storage(&self) -> Storage;

    fn load(&self, name: &RecordName) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    fn swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> impl Future<Output = Swap> + Send;

    /// Makes all these changes concurrently, each against the same expected version.
    fn race(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        contents: &[RecordBytes],
    ) -> impl Future<Output = Vec<Swap>> + Send;

    fn claim(
        &self,
        name: &RecordName,
        owner: &str,
        ttl: Duration,
    ) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    fn release(&self, name: &RecordName, owner: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<RecordName>, StoreError>> + Send;

    fn changes(&self, listener: ChangeListener) -> bool;

    /// Yields to other tasks for a moment.
    fn pause(&self) -> impl Future<Output = ()> + Send;
}
