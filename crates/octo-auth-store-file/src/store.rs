//! The store itself.

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

/// How long a lock is waited for.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest that a lock may be waited for, as a call of a store takes 5 s at most.
const LONGEST_PATIENCE: Duration = Duration::from_secs(4);

/// A store in a directory. It is cheap to clone; the clones are one store.
///
/// See the [documentation of the crate](crate) for what is kept in the directory, and what happens in a crash.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    directory: Directory,
    patience: Duration,
    sealing: Sealing,
    presence: LazyPresence,
    changes: Changes,
}

/// How a directory is opened.
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    patience: Duration,
    follows_symlinks: bool,
    creates: bool,
    is_shared_by_computers: bool,
    sealing: Sealing,
}

/// What a file holds.
struct Found {
    version: Version,
    /// The id of the key that it is sealed with.
    #[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "only `rekey` looks at it"))]
    key: Option<String>,
    content: RecordBytes,
    /// The file as it stands.
    bytes: Zeroizing<Vec<u8>>,
    /// What makes its content doubtful: others could have changed it.
    doubt: Option<FileStoreError>,
}

/// Whether a store with keys reads what is not sealed.
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
    /// Sets how long the lock of a record is waited for: 2 s at first, 4 s at most. Another process holds it for some
    /// milliseconds, unless it was stopped.
    pub fn lock_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(LONGEST_PATIENCE);
        self
    }

    /// Follows symbolic links, as a directory has them that Kubernetes mounts. The store then only reads.
    pub fn follow_symlinks(mut self) -> Self {
        self.follows_symlinks = true;
        self
    }

    /// Creates no directory. One that does not exist is [`FileStoreError::NoDirectory`].
    pub fn must_exist(mut self) -> Self {
        self.creates = false;
        self
    }

    /// Takes the directory for one that several computers use, also where that is not seen. See
    /// [`FileStore::is_shared_by_computers`].
    pub fn shared_by_computers(mut self) -> Self {
        self.is_shared_by_computers = true;
        self
    }

    /// Seals each record that is written, and reads sealed records only.
    #[cfg(feature = "seal")]
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Opens a directory. One that does not exist is created with mode 0700, unless the store only reads or
    /// [`must_exist`](Self::must_exist) says otherwise.
    ///
    /// Temporary files that a crashed process left an hour ago or longer are removed.
    ///
    /// # Errors
    ///
    /// A [`FileStoreError`] if the directory cannot be opened or created, or if other users can replace files in it.
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
    /// As [`Options::open`].
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        Options::default().open(directory)
    }

    /// Returns the default options.
    pub fn options() -> Options {
        Options::default()
    }

    /// Returns why the store only reads here; `None` if it also writes.
    ///
    /// A store that only reads serves what other processes write. It renews no token of an account, as the new refresh
    /// token could not be kept: a caller that needs one gets [`FileStoreError::AdoptOnly`] at once. Client grants go on without
    /// the store.
    #[must_use]
    pub fn adopt_only(&self) -> Option<AdoptOnly> {
        self.0.directory.adopt_only()
    }

    /// Returns whether the directory is on a network file system, or was [said](Options::shared_by_computers) to be.
    ///
    /// Locks may keep out the processes of one computer only there. So a save also creates a file that only one process can
    /// create. It costs a little time, and a process that is killed during a save blocks the record for a minute. A change is
    /// lost only if a process sleeps for half a minute in the middle of one. Changes made elsewhere are not notified.
    #[must_use]
    pub fn is_shared_by_computers(&self) -> bool {
        self.0.directory.is_shared_by_computers()
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

    /// Reads a file that others cannot have changed.
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

    /// Replaces a file under its lock, and keeps what it was before.
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
            // Not synced: after a crash of the machine the record itself is whole, before or after its change.
            self.directory.write_temporary(before)?.rename(&file_name::encode(name, Kind::Previous))?;
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
    /// Returns the record, unless others could have changed it.
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
