//! The token store as the core sees it: names, versions and bytes.
//!
//! The core defines the stored data: it names each record ([`RecordName`]), encodes it ([`RecordBytes`]) and
//! checks what it reads. A store only moves these bytes and compares versions. A database needs one table
//! with a text, an integer and a bytes column. If several processes use the store, it needs a second table
//! for claims.
//!
//! A claim only saves requests. The version keeps the data consistent.

mod bytes;
mod envelope;
mod hexadecimal;
mod name;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Diagnostic, Remedy};

pub use bytes::RecordBytes;
pub use envelope::RecordError;
pub(crate) use envelope::{Identity, Reader, Unknown, Writer};
pub(crate) use hexadecimal::{hex, unhex};
pub use name::{RecordName, RecordNameError};

/// The longest duration of one store call.
pub(crate) const STORE_CALL: Duration = Duration::from_secs(5);

/// Whether there is a store, and whether other processes use it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Storage {
    /// No store: records exist only in memory.
    #[default]
    None,
    /// A store used by one process at a time.
    SingleProcess,
    /// A store used by several processes at once. Renewals are claimed, and records are read again under the
    /// claim.
    MultiProcess,
}

/// The version of a stored record: a positive number that grows with each change, never a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// A record as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its version.
    pub version: Version,
    /// Its content, as the core encoded it.
    pub content: RecordBytes,
}

/// The outcome of [`Store::compare_and_swap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The content is stored, under this version.
    Done(Version),
    /// The store holds another version than expected, or no record. It changed nothing.
    Conflict(Option<Stored>),
}

/// The outcome of [`Store::claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The owner holds the claim until it is released or its time to live is over.
    Granted,
    /// As [`Claimed::Granted`], and the process of the previous owner is known to have ended. A renewal that
    /// it left open needs no waiting. A store that cannot know when a process ends never returns this.
    TakenOver {
        /// The previous owner of the claim.
        from: String,
    },
    /// Another owner holds the claim, for at most this duration, which is not zero.
    Held(Duration),
}

/// A callback for the names of records that another process wrote.
///
/// Calling it is cheap and never blocks. It is only a hint: processes read a shared store regularly anyway.
pub type ChangeListener = Arc<dyn Fn(&RecordName) + Send + Sync>;

/// A synchronous store of records.
///
/// Each name has at most one record, which is never deleted. Its version is positive, grows with each
/// change and fits a signed 64-bit integer. An implementation must never return a partial record. It is used as
/// `Arc<dyn Store>`, by many threads concurrently.
///
/// Every method must return within 5 s. After that the manager counts the call as failed, although it may
/// still take effect. Configure a database with a shorter lock time-out.
///
/// Requirements for a table: names are compared byte for byte, so their column needs a binary collation. The
/// content is arbitrary bytes, usually from none to a few kilobytes. Claims are separate from records: a name
/// can have either without the other.
///
/// The test kit `octo-auth-testkit` checks a store. Its example `sqlite_store` is a store in SQLite, and a
/// model for other databases.
pub trait Store: Send + Sync {
    /// Returns whether other processes use the store too.
    fn storage(&self) -> Storage;

    /// Returns the record of a name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it cannot be read.
    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError>;

    /// Replaces the content of a record if its version is `expected`. `None` means that the record must not
    /// exist.
    ///
    /// The new version is greater than `expected`, such as `expected` plus one. If the store can lose a write
    /// that it has confirmed, as a replicated server can, no other write may get its version: make a part of
    /// the version random. Comparing and writing must be one atomic step for all processes, such as one
    /// statement. When the call has returned and the store is on disk, the content
    /// survives a crash of the process and of the machine. A conflict may return a record read in a second
    /// step, even if it has changed again.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it is unknown whether the content was stored.
    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError>;

    /// Claims a name for an owner until the claim is released or `ttl` is over. If the same owner claims
    /// again, `ttl` starts again.
    ///
    /// Claims must end by one clock for all processes that share the store: that of the database, or the wall
    /// clock if all processes are on one machine. The default implementation grants every claim, which is
    /// correct only for a store of one process.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the outcome is unknown.
    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let _ = (name, owner, ttl);
        Ok(Claimed::Granted)
    }

    /// Releases a claim of this owner. A claim of another owner stays. It is not an error if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`]. The claim then ends when its time to live is over.
    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let _ = (name, owner);
        Ok(())
    }

    /// Returns the names of all records that begin with a prefix, in any order. An empty prefix lists all
    /// records.
    ///
    /// The prefix is compared byte for byte. Note that `_`, which names contain, is a wildcard for SQL's
    /// `LIKE`. A stored text that [`RecordName::parse`] rejects was not written by this library and must be
    /// left out.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the names cannot be read.
    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError>;

    /// Calls `listener` with the name of each record that another process writes from now on, and returns
    /// `true`.
    ///
    /// It is called once for each `TokenManager`, if [`Store::storage`] is [`Storage::MultiProcess`]. The
    /// store keeps the listener. A store that cannot distinguish writers may also report this process's own
    /// writes. The default implementation returns `false`: the store cannot notify, and processes find
    /// changes at their next reading.
    fn changes(&self, listener: ChangeListener) -> bool {
        let _ = listener;
        false
    }
}

/// An error of the token store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreError {
    message: &'static str,
    remedy: Remedy,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Returns an error with a short message for people, such as `the disk is full`. Its remedy is to try
    /// again in a second.
    #[must_use]
    pub fn new(message: &'static str) -> Self {
        Self { message, remedy: Remedy::TryLater { after: Duration::from_secs(1) }, source: None }
    }

    /// Returns why the stored record cannot be used, if that is the cause.
    #[must_use]
    pub fn record_error(&self) -> Option<&RecordError> {
        self.source.as_deref()?.downcast_ref()
    }

    /// Returns the error of a record that was read and cannot be used.
    pub(crate) fn unusable(error: RecordError) -> Self {
        Self::new("the stored record cannot be used").with_remedy(error.remedy()).with_source(error)
    }

    /// Returns the error of a record that cannot be written.
    pub(crate) fn unstorable(error: RecordError) -> Self {
        Self::new("the record cannot be stored").with_remedy(error.remedy()).with_source(error)
    }

    /// Returns this error with another remedy. Use [`Remedy::FixConfiguration`] if retrying alone does not
    /// help. The caller's `TokenError` has the same remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }

    /// Returns this error with its cause. The cause is shown to people and must not contain a secret, such as
    /// the values of a failed statement.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

/// A record that cannot be used has its own stable word.
impl Diagnostic for StoreError {
    fn code(&self) -> Cow<'static, str> {
        self.record_error().map_or("store_unavailable", RecordError::code).into()
    }

    fn remedy(&self) -> Remedy {
        self.remedy
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl From<RecordError> for StoreError {
    fn from(error: RecordError) -> Self {
        Self::unusable(error)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn storage(&self) -> Storage {
        (**self).storage()
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        (**self).load(name)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        (**self).compare_and_swap(name, expected, content)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        (**self).claim(name, owner, ttl)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        (**self).release(name, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        (**self).list(prefix)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        (**self).changes(listener)
    }
}
