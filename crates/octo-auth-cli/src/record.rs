//! What a stored record says of itself, beside what the lifecycle makes of it.

use octo_auth_core::{RecordName, Secret, Store, StoreError};
use octo_auth_store_file::{FileStore, FileStoreError};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// What a record says.
pub(crate) struct Record(Value);

/// Reads a record; `None` if there is none.
///
/// # Errors
///
/// A [`Failure`] if it cannot be read.
pub(crate) fn read(store: &FileStore, name: &RecordName) -> Result<Option<Record>, Failure> {
    let stored = store.load(name).map_err(|error| unreadable(&error))?;
    Ok(stored.map(|stored| Record(serde_json::from_slice(stored.content.as_ref()).unwrap_or_default())))
}

impl Record {
    /// Returns which sign-in or import its tokens come from.
    pub(crate) fn family(&self) -> Option<&str> {
        self.text("family")
    }

    /// Returns the token that takes all others with it: the refresh token unless it is dead, else the access token.
    pub(crate) fn to_revoke(&self) -> Option<Secret> {
        let is_dead = self.0.get("dead") == Some(&Value::Bool(true));
        let refresh_token = self.text("refresh_token").filter(|_| !is_dead);
        refresh_token.or_else(|| self.text("access_token")).map(Secret::from)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// A failure of the store: that of the file, whose message says what to do.
pub(crate) fn unreadable(error: &StoreError) -> Failure {
    match FileStoreError::of(error) {
        Some(error) => error.into(),
        None => Failure::of(Exit::TryLater, error),
    }
}
