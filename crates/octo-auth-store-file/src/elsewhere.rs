//! The store on platforms that it does not support: opening it returns an error.

use std::convert::Infallible;
use std::path::Path;

use octo_auth_core::{RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};

use crate::error::FileStoreError;

/// A store in a directory, which cannot be opened on this platform.
#[derive(Debug, Clone)]
pub struct FileStore(Infallible);

impl FileStore {
    /// Returns [`FileStoreError::Platform`].
    ///
    /// # Errors
    ///
    /// Always returns [`FileStoreError::Platform`]: the store works on Unix only.
    pub fn open(_: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        Err(FileStoreError::Platform)
    }
}

impl Store for FileStore {
    fn storage(&self) -> Storage {
        match self.0 {}
    }

    fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        match self.0 {}
    }

    fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        match self.0 {}
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        match self.0 {}
    }
}
