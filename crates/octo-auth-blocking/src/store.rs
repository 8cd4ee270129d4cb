//! The store of a `TokenManager` that was built without one.

use octo_auth_core::{RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};

/// Stores no records. The core then keeps them in memory and returns no jobs for this store.
pub(crate) struct NoStore;

impl Store for NoStore {
    fn storage(&self) -> Storage {
        Storage::None
    }

    fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Err(StoreError::new("there is no store"))
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(Vec::new())
    }
}
