//! Recovers a record from its previous state.

use octo_auth_core::{RecordName, Version};
use octo_auth_store_kit::SealError;

use super::{FileStore, Unsealed};
use crate::directory::random;
use crate::error::FileStoreError;
use crate::file_name::{DAMAGED, Kind, encode};

impl FileStore {
    /// Replaces a record that cannot be read by its previous state. The damaged file is kept, under a name that begins
    /// with `.damaged-`.
    ///
    /// The store never does this on its own: the refresh token of the previous state may have been replaced since, and
    /// sending it again can end the consent. So the recovered record is marked: it is unknown whether its refresh token
    /// was used. The token is sent at most once more; if the server refuses it, the user must sign in.
    ///
    /// # Errors
    ///
    /// Returns [`FileStoreError::NoRecord`] if there is no record, [`FileStoreError::NotDamaged`] if it can be read,
    /// and [`FileStoreError::NewerFormat`] if a newer release wrote it. Returns [`FileStoreError::NoPrevious`] if there
    /// is no previous state, or the error with which reading it fails.
    pub fn recover(&self, name: &RecordName) -> Result<Version, FileStoreError> {
        let store = &self.0;
        store.directory.writable()?;
        let record = encode(name, Kind::Record);
        let path = || store.directory.path_of(&record);
        // Checked before the lock, because taking the lock creates a file that is never removed.
        if store.directory.read(&record)?.is_none() {
            return Err(FileStoreError::NoRecord { path: path() });
        }
        let lock = store.lock(name)?;
        match store.load(name, Kind::Record) {
            Ok(_) => return Err(FileStoreError::NotDamaged { path: path() }),
            Err(
                FileStoreError::Corrupt { .. }
                | FileStoreError::Seal { problem: SealError::Broken { .. }, .. },
            ) => {}
            Err(error) => return Err(error),
        }
        let previous = store.find(name, Kind::Previous, Unsealed::Refused)?;
        let Some(previous) = previous else {
            return Err(FileStoreError::NoPrevious {
                path: store.directory.path_of(&encode(name, Kind::Previous)),
            });
        };
        let previous = previous.sound()?;
        let content = previous.content.in_doubt();
        let content = content.map_err(|source| FileStoreError::Unrecoverable { path: path(), source })?;
        // This must not be the version of the damaged record, which another process may have in memory.
        let version = Version(previous.version.0 + 2);
        let bytes = store.encoded(name, version, &content)?;
        // The file is copied, not renamed: a crash between the two steps must not leave the account without a record.
        if let Some(damaged) = store.directory.read(&record)? {
            let copy = store.directory.write_temporary(&damaged.bytes)?;
            copy.sync()?;
            copy.rename(&format!("{DAMAGED}{}", random()?))?;
        }
        store.replace(&lock, name, Kind::Record, &bytes, None)?;
        Ok(version)
    }
}
