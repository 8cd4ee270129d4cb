//! Moves all files to another directory.

use octo_auth_core::{RecordName, Saved};

use super::{FileStore, Unsealed};
use crate::error::FileStoreError;
use crate::file_name::{Kind, decode, encode};

/// The result of [`FileStore::migrate`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Migrated {
    /// The count of records and registrations that were moved.
    pub moved: usize,
    /// One error for each record or registration that was not moved.
    pub failed: Vec<FileStoreError>,
}

impl FileStore {
    /// Moves all records and all registrations to another directory. Previous states are not moved.
    ///
    /// Each file is written to the other directory first, then removed here. So an interrupted run is simply repeated.
    /// A file that exists there with other content stays in both directories. End the programs that use this directory
    /// first: a program that has a token in memory would write its record again.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if a directory is read-only or if this one cannot be listed. Returns
    /// [`FileStoreError::SameDirectory`] if both are the same directory, even under two names.
    pub fn migrate(&self, to: &Self) -> Result<Migrated, FileStoreError> {
        self.0.directory.writable()?;
        to.0.directory.writable()?;
        if self.0.directory.identity()? == to.0.directory.identity()? {
            return Err(FileStoreError::SameDirectory { path: to.directory().to_owned() });
        }
        let mut files = Vec::new();
        self.0.directory.list(|file| {
            let kinds = [Kind::Record, Kind::Registration];
            files.extend(kinds.into_iter().filter_map(|kind| Some((decode(file, kind)?, kind))));
        })?;
        let mut migrated = Migrated::default();
        for (name, kind) in files {
            match self.move_file(&name, kind, to) {
                Ok(is_moved) => migrated.moved += usize::from(is_moved),
                Err(error) => migrated.failed.push(error),
            }
        }
        Ok(migrated)
    }

    /// Moves one file. Returns whether the file existed.
    fn move_file(&self, name: &RecordName, kind: Kind, to: &Self) -> Result<bool, FileStoreError> {
        let lock = self.0.lock(name)?;
        let Some(found) = self.0.find(name, kind, Unsealed::Refused)? else { return Ok(false) };
        let stored = found.sound()?;
        if let Saved::Conflict(there) = to.0.swap(name, kind, None, &stored.content)? {
            let is_same = there.is_some_and(|there| there.content == stored.content);
            if !is_same {
                return Err(FileStoreError::Occupied { path: to.0.directory.path_of(&encode(name, kind)) });
            }
        }
        lock.check()?;
        self.0.directory.remove(&encode(name, kind))?;
        let previous = encode(name, Kind::Previous);
        if self.0.directory.read(&previous).is_ok_and(|read| read.is_some()) {
            self.0.directory.remove(&previous)?;
        }
        self.0.directory.sync()?;
        Ok(true)
    }
}
