//! The store of a registration that has none.

use octo_auth_core::{Key, Record, Saved, Storage, Store, StoreFault, Stored, Version};

/// Keeps nothing: records live and die with the registration, and the machine hands out no job for it.
pub(crate) struct NoStore;

impl Store for NoStore {
    fn storage(&self) -> Storage {
        Storage::None
    }

    fn load(&self, _: &Key) -> Result<Option<Stored>, StoreFault> {
        Ok(None)
    }

    fn compare_and_swap(&self, _: &Key, _: Option<Version>, _: &Record) -> Result<Saved, StoreFault> {
        Err(StoreFault::new("there is no store"))
    }
}
