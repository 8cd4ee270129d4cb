//! Seals all files again with the key that writes.

use octo_auth_core::RecordName;
use octo_auth_store_kit::SecretError;

use super::{FileStore, Unsealed};
use crate::error::FileStoreError;
use crate::file_name::{Kind, decode, encode};

/// The result of [`FileStore::rekey`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rekeyed {
    /// The count of files that were sealed with the key that writes.
    pub sealed: usize,
    /// The count of files that were already sealed with it.
    pub unchanged: usize,
    /// One error for each file that was left unchanged.
    pub failed: Vec<FileStoreError>,
}

impl FileStore {
    /// Seals all records, their previous states and all registrations with the key that writes, including those that
    /// are not sealed yet. Versions and contents stay the same, so other processes can continue meanwhile if they have
    /// all keys.
    ///
    /// Each file is changed in one step. An interrupted run is simply repeated; it skips the files that are done. If
    /// `failed` is empty afterwards, no file needs another key.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if the directory cannot be listed or is read-only, and
    /// [`SecretError::Unobtainable`] if the store has no keys.
    pub fn rekey(&self) -> Result<Rekeyed, FileStoreError> {
        self.0.directory.writable()?;
        let mut files = Vec::new();
        self.0.directory.list(|file| {
            let kinds = [Kind::Record, Kind::Previous, Kind::Registration];
            files.extend(kinds.into_iter().filter_map(|kind| Some((decode(file, kind)?, kind))));
        })?;
        let mut rekeyed = Rekeyed::default();
        for (name, kind) in files {
            match self.rekey_file(&name, kind) {
                Ok(true) => rekeyed.sealed += 1,
                Ok(false) => rekeyed.unchanged += 1,
                Err(error) => rekeyed.failed.push(error),
            }
        }
        Ok(rekeyed)
    }

    /// Seals one file again. Returns whether the file was changed.
    fn rekey_file(&self, name: &RecordName, kind: Kind) -> Result<bool, FileStoreError> {
        let Some(writing) = self.0.sealing.writing() else {
            let (from, problem) = ("the options".to_owned(), "the store was opened without keys");
            return Err(SecretError::Unobtainable { from, problem, source: None }.into());
        };
        let lock = self.0.lock(name)?;
        let Some(found) = self.0.find(name, kind, Unsealed::Read)? else { return Ok(false) };
        if found.key.as_deref() == Some(writing) {
            return Ok(false);
        }
        let stored = found.sound()?;
        let bytes = self.0.encoded(name, stored.version, &stored.content)?;
        let new = self.0.directory.write_temporary(&bytes)?;
        new.sync()?;
        lock.check()?;
        new.rename(&encode(name, kind))?;
        self.0.directory.sync()?;
        Ok(true)
    }
}
