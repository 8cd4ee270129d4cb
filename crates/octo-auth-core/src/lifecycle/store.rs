//! A store as the machine sees it: what it can be asked, what it answers, and the interface of a synchronous one.
//!
//! The protocol: a claim spares work, the version keeps data safe. Nothing here does IO; a store is an argument of
//! the adapters.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Record, Stored, Version};
use crate::accounts::Key;

/// Whether records outlive the machine, and who else writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Storage {
    /// There is no store: records live and die with the machine.
    #[default]
    None,
    /// A store of this machine alone.
    Private,
    /// A store that several machines use: renewals are claimed, and records read again under the claim. A limit of
    /// requests that the provider documents or the policy sets is kept by all machines together.
    Shared,
}

/// What became of a record that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is stored, under this version.
    Done(Version),
    /// The store holds another version than was expected, or nothing: nothing was changed.
    Conflict(Option<Box<Stored>>),
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours, until released or until its time is over.
    Granted,
    /// Somebody else holds it, for so long at most.
    Held(Duration),
}

/// A store that could not do what it was asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreFault {
    what: &'static str,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// A synchronous store of records. A key has one record; its version is one more with each change.
///
/// Implementations must be able to tell a change of somebody else's by the version, and must never hand out half a
/// record. Beside the keys of tokens there is [`Key::requests`], whose record is like any other to a store.
pub trait Store: Send + Sync {
    /// Whether others use it too.
    fn storage(&self) -> Storage;

    /// Reads the record of a key.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if it cannot be read; nothing stored is no fault.
    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault>;

    /// Replaces the record of a key if its version is the expected one (nothing: if there is none).
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if it is not known to be stored.
    fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault>;

    /// Claims the renewal of a key for an owner, for so long. A store that needs no claims grants them.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if nothing is known of the claim.
    fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        let _ = (key, owner, lasting);
        Ok(Claimed::Granted)
    }

    /// Releases a claim of this owner; one that is another's or over is left alone.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`]; the claim then ends by itself.
    fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        let _ = (key, owner);
        Ok(())
    }
}

impl StoreFault {
    /// A fault in a few words for people, such as `the disk is full`.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { what, source: None }
    }

    /// This fault with its cause. The cause is shown to people: it must hold no secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Error for StoreFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn storage(&self) -> Storage {
        (**self).storage()
    }

    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        (**self).load(key)
    }

    fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        (**self).compare_and_swap(key, expected, record)
    }

    fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        (**self).claim(key, owner, lasting)
    }

    fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        (**self).release(key, owner)
    }
}
