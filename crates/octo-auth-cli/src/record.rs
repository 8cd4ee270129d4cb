//! What a stored record says of itself, beside what the lifecycle makes of it.

use octo_auth_core::{RecordBytes, RecordName, Store, StoreError};
use octo_auth_store_file::{FileStore, FileStoreError};
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};

/// Returns which sign-in or import the tokens of a record come from; `None` if there is no record.
///
/// # Errors
///
/// A [`Failure`] if the record cannot be read.
pub(crate) fn family(store: &FileStore, name: &RecordName) -> Result<Option<String>, Failure> {
    let stored = store.load(name).map_err(|error| unreadable(&error))?;
    Ok(stored.and_then(|stored| members(&stored.content)?.get("family")?.as_str().map(str::to_owned)))
}

/// Returns the members of a record; `None` if it is not an object.
fn members(content: &RecordBytes) -> Option<Map<String, Value>> {
    match serde_json::from_slice(content.as_ref()) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// A failure of the store: that of the file, whose message says what to do.
pub(crate) fn unreadable(error: &StoreError) -> Failure {
    match FileStoreError::of(error) {
        Some(error) => Failure::of(octo_auth_core::Diagnostic::remedy(error).into(), error),
        None => Failure::of(Exit::TryLater, error),
    }
}
