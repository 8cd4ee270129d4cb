//! A store as the core sees it: names, versions and bytes.
//!
//! The core owns what is stored: it names each record ([`RecordName`]), encodes it ([`RecordBytes`]) and checks what it
//! reads. A store moves those bytes and compares versions, nothing else; an engine needs a table of text, integer and
//! bytes, and where several processes use the store a second one for claims.
//!
//! A claim saves requests. The version keeps data safe.

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

/// The longest that one call of a store may take.
pub(crate) const STORE_CALL: Duration = Duration::from_secs(5);

/// Whether records outlive the machine, and who else writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Storage {
    /// There is no store: records live and die with the machine.
    #[default]
    None,
    /// A store used by one process at a time.
    SingleProcess,
    /// A store used by several processes at once: renewals are claimed, and records are read again under the claim.
    MultiProcess,
}

/// A version of a stored record: a counter that starts at 1, never a time.
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
    /// The same, and the process of the owner that claimed the name before is known to have ended. A renewal that it left
    /// open need not be waited for. A store that does not know when a process ends never returns this.
    TakenOver {
        /// The owner that claimed the name before.
        from: String,
    },
    /// Another owner holds the claim, for this duration at most, which is not zero.
    Held(Duration),
}

/// Receives the names of records that another process wrote.
///
/// Calling it is cheap and never blocks. It is a hint: processes look at a shared store from time to time anyway.
pub type ChangeListener = Arc<dyn Fn(&RecordName) + Send + Sync>;

/// A synchronous store of records.
///
/// Each name has at most one record, which is never deleted. Its version grows by one with each change and fits a
/// signed 64-bit integer. An implementation must never return half a record. It can be used as `Arc<dyn Store>`, by
/// many threads at once.
///
/// All methods take at most 5 s; after that the machine counts the call as failed, though it may still take effect. An
/// engine that waits for locks is told to wait for less.
///
/// What a table needs: names are compared byte for byte, so their column has a binary collation; content is any bytes,
/// from none to some kilobytes as a rule. Claims are kept apart from records: a name can have either without the other.
///
/// The test kit, `octo-auth-testkit`, checks a store. Its example `sqlite_store` is a store over SQLite, a model for one
/// over any other database.
pub trait Store: Send + Sync {
    /// Returns whether other processes use the store too.
    fn storage(&self) -> Storage;

    /// Returns the record of a name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it cannot be read.
    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError>;

    /// Replaces the content of a record if its version is `expected`; `None` means that there must be no record.
    ///
    /// The new version is `expected` plus one, or 1. Comparing and writing are one step for all processes, such as one
    /// statement. When it has returned, the content outlives a crash of the process and of the machine, if the store is
    /// on disk. A conflict may show what is read in a second step, even if the record has changed again.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it is not known whether the content was stored.
    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError>;

    /// Claims a name for an owner until it is released or `ttl` is over; if the owner claims again, `ttl` starts again.
    ///
    /// Claims end by one clock for all processes that share the store: that of the database, or the wall clock if all
    /// are on one machine. The default grants every claim, which is right only for a store that one process uses.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the outcome is unknown.
    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let _ = (name, owner, ttl);
        Ok(Claimed::Granted)
    }

    /// Releases a claim of this owner; a claim of another owner stays. It is no error if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`]; the claim then ends when its time to live is over.
    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let _ = (name, owner);
        Ok(())
    }

    /// Returns the names of all records that begin with a prefix, in any order; an empty prefix lists all.
    ///
    /// The prefix is compared byte for byte: `_`, which names contain, is a wildcard for `LIKE` of SQL. A stored text
    /// that [`RecordName::parse`] refuses was not written by this library and is left out.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the names cannot be read.
    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError>;

    /// Calls `listener` with the name of each record that another process writes from now on, and returns `true`.
    ///
    /// It is called once for each accounts object, if [`Store::storage`] is [`Storage::MultiProcess`]; the store keeps
    /// the listener. A store that cannot tell who wrote may report this process's own writes too. The default returns
    /// `false`: the store cannot notify, and processes find changes when they look again.
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
    /// An error with a short message for people, such as `the disk is full`. It says to try again in a second.
    #[must_use]
    pub fn new(message: &'static str) -> Self {
        Self { message, remedy: Remedy::TryLater { after: Duration::from_secs(1) }, source: None }
    }

    /// Returns why the stored record cannot be used, if that is the error.
    #[must_use]
    pub fn record_error(&self) -> Option<&RecordError> {
        self.source.as_deref()?.downcast_ref()
    }

    /// The error of a record that was read and cannot be used.
    pub(crate) fn unusable(error: RecordError) -> Self {
        Self::new("the stored record cannot be used").with_remedy(error.remedy()).with_source(error)
    }

    /// This error with another remedy: [`Remedy::FixConfiguration`] where trying again alone does not help. The failure of a
    /// caller has the same.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }

    /// This error with its cause, which is shown to people and must hold no secret: no content of a record, such as the
    /// values of a failed statement.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

/// A record that cannot be used has its own word.
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
