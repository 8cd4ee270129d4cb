//! The file store.

mod migrate;
mod recover;
mod registered;
#[cfg(feature = "seal")]
mod rekey;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};
use zeroize::Zeroizing;

use crate::changes::Changes;
use crate::directory::{Content, Directory};
use crate::envelope::{self, Envelope, Unreadable};
use crate::error::{AdoptOnly, FileStoreError};
use crate::file_name::{self, Kind};
use crate::lock::{self, LazyPresence, Lock};

#[cfg(feature = "seal")]
use octo_auth_store_kit::Keys;
use octo_auth_store_kit::{Sealed, Sealing, authenticated};

pub use migrate::Migrated;
#[cfg(feature = "seal")]
pub use rekey::Rekeyed;

/// The default limit of a wait for a lock.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest wait for a lock that can be set; a call of a store takes at most 5 s.
const LONGEST_PATIENCE: Duration = Duration::from_secs(4);

/// A token store in a directory. It is cheap to clone; all clones are the same store.
///
/// The [documentation of the crate](crate) describes the files of the directory, and the behaviour in a crash.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    directory: Directory,
    patience: Duration,
    sealing: Sealing,
    presence: LazyPresence,
    changes: Changes,
}

/// The options for opening a directory.
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    patience: Duration,
    follows_symlinks: bool,
    creates: bool,
    is_shared_by_computers: bool,
    sealing: Sealing,
}

/// The content of a file.
struct Found {
    version: Version,
    /// The id of the key that seals the content.
    #[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "only `rekey` looks at it"))]
    key: Option<String>,
    content: RecordBytes,
    /// The whole file.
    bytes: Zeroizing<Vec<u8>>,
    /// The error that other users could have changed the file, if they could.
    doubt: Option<FileStoreError>,
}

/// Whether a store with keys reads content that is not sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsealed {
    Refused,
    Read,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patience: TIMEOUT,
            follows_symlinks: false,
            creates: true,
            is_shared_by_computers: false,
            sealing: Sealing::default(),
        }
    }
}

impl Options {
    /// Sets the longest wait for the lock of a record. The default is 2 s, the maximum 4 s. Another process holds the
    /// lock for some milliseconds, unless it was stopped.
    pub fn lock_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(LONGEST_PATIENCE);
        self
    }

    /// Follows symbolic links, which Kubernetes uses in mounted directories. The store is then read-only.
    pub fn follow_symlinks(mut self) -> Self {
        self.follows_symlinks = true;
        self
    }

    /// Requires that the directory exists. Otherwise opening it returns [`FileStoreError::NoDirectory`].
    pub fn must_exist(mut self) -> Self {
        self.creates = false;
        self
    }

    /// Treats the directory as one that several computers use, even if the store does not detect that. See
    /// [`FileStore::is_shared_by_computers`].
    pub fn shared_by_computers(mut self) -> Self {
        self.is_shared_by_computers = true;
        self
    }

    /// Seals each record that is written, and reads only sealed records.
    #[cfg(feature = "seal")]
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Opens a directory. Creates it with mode 0700 if it does not exist, unless the store is read-only or
    /// [`must_exist`](Self::must_exist) is set.
    ///
    /// Removes temporary files that a crashed process left at least an hour ago.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if the directory cannot be opened or created, or if other users can replace files
    /// in it.
    pub fn open(self, directory: impl AsRef<Path>) -> Result<FileStore, FileStoreError> {
        let mut directory = Directory::open(directory.as_ref(), self.follows_symlinks, self.creates)?;
        if self.is_shared_by_computers {
            directory.share_by_computers();
        }
        if directory.adopt_only().is_none() {
            directory.remove_left_over(SystemTime::now())?;
            lock::remove_ended(&directory, SystemTime::now())?;
        }
        let (presence, changes) = (LazyPresence::default(), Changes::default());
        let Self { patience, sealing, .. } = self;
        Ok(FileStore(Arc::new(Inner { directory, patience, sealing, presence, changes })))
    }
}

impl FileStore {
    /// Opens a directory with the default [`Options`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Options::open`].
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        Options::default().open(directory)
    }

    /// Returns the default options.
    pub fn options() -> Options {
        Options::default()
    }

    /// Returns why the store is read-only; `None` if it also writes.
    ///
    /// A read-only store serves the tokens that other processes write. It never refreshes the token of an account,
    /// because it could not keep the new refresh token. A caller that needs a refresh gets
    /// [`FileStoreError::AdoptOnly`] at once. Client grants work without the store.
    #[must_use]
    pub fn adopt_only(&self) -> Option<AdoptOnly> {
        self.0.directory.adopt_only()
    }

    /// Returns whether the directory is on a network file system, or [`Options::shared_by_computers`] was set.
    ///
    /// On such a file system, locks may only work between processes of one computer. So a save also creates a file that
    /// only one process can create. This costs a little time, and a process that is killed during a save blocks the
    /// record for a minute. A change is lost only if a process sleeps for half a minute in the middle of one. The store
    /// does not report changes made on other computers.
    #[must_use]
    pub fn is_shared_by_computers(&self) -> bool {
        self.0.directory.is_shared_by_computers()
    }

    /// Returns one error for each lock that cannot be used, for example because it is a link. The token of such a record
    /// is served, but not refreshed. A read-only store uses no lock.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if the directory cannot be listed.
    pub fn check_locks(&self) -> Result<Vec<FileStoreError>, FileStoreError> {
        let directory = &self.0.directory;
        let mut locks = Vec::new();
        if directory.adopt_only().is_none() {
            let is_lock = |file: &&[u8]| file_name::decode(file, Kind::Lock).is_some();
            directory.list(|file| {
                locks.extend(
                    Some(file).filter(is_lock).map(|file| String::from_utf8_lossy(file).into_owned()),
                );
            })?;
        }
        Ok(locks.iter().filter_map(|lock| directory.existing_lock(lock).err()).collect())
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.directory.path()
    }
}

impl Inner {
    fn lock(&self, name: &RecordName) -> Result<Lock<'_>, FileStoreError> {
        Lock::take(&self.directory, name, self.patience)
    }

    /// Reads a file and checks that other users cannot have changed it.
    fn load(&self, name: &RecordName, kind: Kind) -> Result<Option<Stored>, FileStoreError> {
        let found = self.find(name, kind, Unsealed::Refused)?;
        found.map(Found::sound).transpose()
    }

    /// Reads a file.
    fn find(
        &self,
        name: &RecordName,
        kind: Kind,
        unsealed: Unsealed,
    ) -> Result<Option<Found>, FileStoreError> {
        let file = file_name::encode(name, kind);
        let Some(Content { bytes, doubt }) = self.directory.read(&file)? else { return Ok(None) };
        let path = || self.directory.path_of(&file);
        let Envelope { version, key, content } =
            envelope::decode(&bytes, name.as_str()).map_err(|unreadable| match unreadable {
                Unreadable::Damaged(damage) => FileStoreError::Corrupt { path: path(), damage },
                Unreadable::NewerFormat(format) => FileStoreError::NewerFormat { path: path(), format },
            })?;
        let content = match &key {
            None if unsealed == Unsealed::Read => content,
            key => (self.sealing.open(name.as_str(), version, key.as_deref(), content))
                .map_err(|problem| FileStoreError::Seal { path: path(), problem })?,
        };
        Ok(Some(Found { version, key, content, bytes, doubt }))
    }

    fn swap(
        &self,
        name: &RecordName,
        kind: Kind,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, FileStoreError> {
        self.directory.writable()?;
        let lock = self.lock(name)?;
        let found = self.find(name, kind, Unsealed::Refused)?;
        if found.as_ref().map(|found| found.version) != expected {
            return Ok(Saved::Conflict(found.map(Found::sound).transpose()?));
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        let bytes = self.encoded(name, version, content)?;
        let before = found.as_ref().map(|found| found.bytes.as_slice());
        self.replace(&lock, name, kind, &bytes, before)?;
        Ok(Saved::Done(version))
    }

    /// Returns the bytes of a record's file.
    fn encoded(
        &self,
        name: &RecordName,
        version: Version,
        content: &RecordBytes,
    ) -> Result<Zeroizing<Vec<u8>>, FileStoreError> {
        let path = || self.directory.path_of(&file_name::encode(name, Kind::Record));
        let Sealed { key, bytes } = (self.sealing.seal(name.as_str(), version, content))
            .map_err(|problem| FileStoreError::Seal { path: path(), problem })?;
        Ok(envelope::encode(&authenticated(name.as_str(), version, key.as_deref()), bytes.as_ref()))
    }

    /// Replaces a file under its lock, and keeps its previous content.
    fn replace(
        &self,
        lock: &Lock<'_>,
        name: &RecordName,
        kind: Kind,
        bytes: &[u8],
        before: Option<&[u8]>,
    ) -> Result<(), FileStoreError> {
        let new = self.directory.write_temporary(bytes)?;
        new.sync()?;
        if let Some(before) = before {
            let previous = self.directory.write_temporary(before)?;
            // A crash of the machine that damages the record must not also leave its previous state empty.
            previous.sync()?;
            previous.rename(&file_name::encode(name, Kind::Previous))?;
        }
        lock.check()?;
        new.rename(&file_name::encode(name, kind))?;
        self.directory.sync()
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, FileStoreError> {
        self.directory.writable()?;
        let mut lock = self.lock(name)?;
        self.presence.with(&self.directory, |own| lock.claim(own, &self.directory, owner, ttl))
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), FileStoreError> {
        if self.directory.adopt_only().is_some() {
            return Ok(());
        }
        self.lock(name)?.release(&self.directory, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, FileStoreError> {
        let mut names = Vec::new();
        self.directory.list(|file| {
            let name = file_name::decode(file, Kind::Record);
            names.extend(name.filter(|name| name.as_str().starts_with(prefix)));
        })?;
        Ok(names)
    }
}

impl Found {
    /// Returns the record, or the error if other users could have changed it.
    fn sound(self) -> Result<Stored, FileStoreError> {
        let stored = Stored { version: self.version, content: self.content };
        self.doubt.map_or(Ok(stored), Err)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.presence.remove(&self.directory);
    }
}

impl Store for FileStore {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(self.0.load(name, Kind::Record)?)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Ok(self.0.swap(name, Kind::Record, expected, content)?)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        Ok(self.0.claim(name, owner, ttl)?)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        Ok(self.0.release(name, owner)?)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(self.0.list(prefix)?)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.0.changes.listen(&self.0.directory, listener)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sealed = self.0.sealing.writing().is_some();
        let mut shown = f.debug_struct("FileStore");
        shown.field("directory", &self.0.directory.path()).field("is_sealed", &is_sealed);
        shown.field("adopt_only", &self.0.directory.adopt_only()).finish_non_exhaustive()
    }
}
