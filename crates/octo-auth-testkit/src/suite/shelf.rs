//! A store of either colour, as the suite uses it.

use std::future::Future;
use std::time::Duration;

use octo_auth_core::{Claimed, Key, Record, Saved, Storage, StoreFault, Stored, Version};

/// What became of one of several changes made at once.
pub(crate) type Swap = Result<Saved, StoreFault>;

/// Keeps records. One that never waits is ready at once.
pub(crate) trait Shelf {
    fn storage(&self) -> Storage;

    fn load(&self, key: &Key) -> impl Future<Output = Result<Option<Stored>, StoreFault>> + Send;

    fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> impl Future<Output = Swap> + Send;

    /// Makes all these changes at once, each over the same version.
    fn race(
        &self,
        key: &Key,
        expected: Option<Version>,
        records: &[Record],
    ) -> impl Future<Output = Vec<Swap>> + Send;

    fn claim(
        &self,
        key: &Key,
        owner: &str,
        lasting: Duration,
    ) -> impl Future<Output = Result<Claimed, StoreFault>> + Send;

    fn release(&self, key: &Key, owner: &str) -> impl Future<Output = Result<(), StoreFault>> + Send;

    /// Lets others go on for a moment.
    fn pause(&self) -> impl Future<Output = ()> + Send;
}
