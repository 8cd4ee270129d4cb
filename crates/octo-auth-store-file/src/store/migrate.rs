//! Moving all files to another directory.

use octo_auth_core::{RecordName, Saved};

use super::{FileStore, Unsealed};
use crate::error::FileStoreError;
use crate::file_name::{Kind, decode, encode};

/// What [`FileStore::migrate`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Migrated {
    /// How many records and registrations were moved.
    pub moved: usize,
    /// Why others stayed where they are, an error each.
    pub failed: Vec<FileStoreError>,
}

impl FileStore {
    /// Moves all records and all registrations to another directory. Previous states are not moved.
    ///
    /// Each is written there first, and then removed here, so a run that was interrupted is simply made again. What stands
    /// there already with another content stays in both directories. Programs that use this directory are ended before: one
    /// that has a token in memory would write its record again.
    ///
    /// # Errors
    ///
    /// A [`FileStoreError`] if a directory is only read, if this one cannot be listed, and
    /// [`FileStoreError::SameDirectory`] if both are one directory, also under two names.
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

    /// Returns whether there was a file.
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
