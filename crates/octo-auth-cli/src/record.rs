//! The content of a stored record itself, in addition to what the manager derives from it.

use octo_auth_core::{RecordName, Secret, Store, StoreError};
use octo_auth_store_file::{FileStore, FileStoreError};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// The content of a record.
pub(crate) struct Record(Value);

/// Reads a record; `None` if there is none.
///
/// # Errors
///
/// Returns a [`Failure`] if the record cannot be read.
pub(crate) fn read(store: &FileStore, name: &RecordName) -> Result<Option<Record>, Failure> {
    let stored = store.load(name).map_err(|error| unreadable(&error))?;
    Ok(stored.map(|stored| Record(serde_json::from_slice(stored.content.as_ref()).unwrap_or_default())))
}

impl Record {
    /// Returns the id of the sign-in or import from which the tokens come.
    pub(crate) fn family(&self) -> Option<&str> {
        self.text("family")
    }

    /// Returns the token whose revocation ends all others: the refresh token unless it is dead, otherwise the access
    /// token.
    pub(crate) fn to_revoke(&self) -> Option<Secret> {
        let is_dead = self.0.get("dead") == Some(&Value::Bool(true));
        let refresh_token = self.text("refresh_token").filter(|_| !is_dead);
        refresh_token.or_else(|| self.text("access_token")).map(Secret::from)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Returns the failure of the store: that of the file, whose message contains the remedy.
pub(crate) fn unreadable(error: &StoreError) -> Failure {
    match FileStoreError::of(error) {
        Some(error) => error.into(),
        None => Failure::of(Exit::TryLater, error),
    }
}
