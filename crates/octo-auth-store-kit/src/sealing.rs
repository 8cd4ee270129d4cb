//! What a store does with the content of its records: it keeps them as they are, or seals them with its keys.

use octo_auth_core::{RecordBytes, Version};

use crate::error::SealError;
#[cfg(feature = "seal")]
use crate::keys::Keys;

/// How the lines that a seal authenticates begin.
pub const MAGIC: &str = "octo-auth-record ";

/// The version of the format of those lines.
pub const FORMAT: u64 = 1;

/// There are no keys without the feature `seal`.
#[cfg(not(feature = "seal"))]
#[derive(Debug, Clone)]
pub(crate) enum Keys {}

/// Seals records with keys, or leaves them as they are if there are none.
#[derive(Debug, Clone, Default)]
pub struct Sealing(Option<Keys>);

/// The content of a record as a store keeps it.
#[derive(Debug)]
pub struct Sealed {
    /// The id of the key that it is sealed with, if it is sealed.
    pub key: Option<String>,
    /// The content, or a nonce and the sealed content.
    pub bytes: RecordBytes,
}

/// Returns the lines that a seal authenticates: a record that is sealed for one name and version opens for no other.
#[must_use]
pub fn authenticated(name: &str, version: Version, key: Option<&str>) -> String {
    let key = key.map(|key| format!("key {key}\n")).unwrap_or_default();
    format!("{MAGIC}{FORMAT}\nname {name}\nversion {}\n{key}", version.0)
}

impl Sealing {
    /// Returns the id of the key that seals what is written; `None` if nothing is sealed.
    #[must_use]
    pub fn writing(&self) -> Option<&str> {
        self.0.as_ref().map(Keys::writing)
    }

    /// Seals the content of a record, or returns it as it is if there are no keys.
    ///
    /// # Errors
    ///
    /// [`SealError::Unusable`], for example if the operating system gives no random bytes.
    pub fn seal(&self, name: &str, version: Version, content: &RecordBytes) -> Result<Sealed, SealError> {
        let Some(keys) = &self.0 else { return Ok(Sealed { key: None, bytes: content.clone() }) };
        let key = Some(keys.writing().to_owned());
        let bytes = keys.seal(&authenticated(name, version, key.as_deref()), content)?;
        Ok(Sealed { key, bytes })
    }

    /// Opens the content of a record, which `key` says the key of.
    ///
    /// # Errors
    ///
    /// A [`SealError`] if it is sealed and does not open, and if it is not sealed although there are keys.
    pub fn open(
        &self,
        name: &str,
        version: Version,
        key: Option<&str>,
        content: RecordBytes,
    ) -> Result<RecordBytes, SealError> {
        match (&self.0, key) {
            (None, None) => Ok(content),
            (Some(keys), Some(id)) => keys.open(id, &authenticated(name, version, key), &content),
            (None, Some(key)) => Err(SealError::KeyMissing { key: key.to_owned() }),
            (Some(_), None) => Err(SealError::NotSealed),
        }
    }
}

#[cfg(feature = "seal")]
impl From<Keys> for Sealing {
    fn from(keys: Keys) -> Self {
        Self(Some(keys))
    }
}

#[cfg(not(feature = "seal"))]
impl Keys {
    fn writing(&self) -> &str {
        match *self {}
    }

    fn seal(&self, _: &str, _: &RecordBytes) -> Result<RecordBytes, SealError> {
        match *self {}
    }

    fn open(&self, _: &str, _: &str, _: &RecordBytes) -> Result<RecordBytes, SealError> {
        match *self {}
    }
}
