//! The form in which a store keeps the content of its records: unchanged, or sealed with its keys.

use octo_auth_core::{RecordBytes, Version};

use crate::error::SealError;
#[cfg(feature = "seal")]
use crate::keys::Keys;

/// The beginning of the lines that a seal authenticates.
pub const MAGIC: &str = "octo-auth-record ";

/// The format version of those lines.
pub const FORMAT: u64 = 1;

/// The type without the feature `seal`: there are no keys.
#[cfg(not(feature = "seal"))]
#[derive(Debug, Clone)]
pub(crate) enum Keys {}

/// Seals records with keys. Leaves them unchanged if there are no keys.
#[derive(Debug, Clone, Default)]
pub struct Sealing(Option<Keys>);

/// The content of a record in the form in which a store keeps it.
#[derive(Debug)]
pub struct Sealed {
    /// The id of the key that seals the content; `None` if it is not sealed.
    pub key: Option<String>,
    /// The content, or a nonce followed by the sealed content.
    pub bytes: RecordBytes,
}

/// Returns the lines that a seal authenticates. A record that is sealed for one name and version opens for no other.
#[must_use]
pub fn authenticated(name: &str, version: Version, key: Option<&str>) -> String {
    let key = key.map(|key| format!("key {key}\n")).unwrap_or_default();
    format!("{MAGIC}{FORMAT}\nname {name}\nversion {}\n{key}", version.0)
}

impl Sealing {
    /// Returns the id of the key that seals new content; `None` if content is not sealed.
    #[must_use]
    pub fn writing(&self) -> Option<&str> {
        self.0.as_ref().map(Keys::writing)
    }

    /// Seals the content of a record. Returns it unchanged if there are no keys.
    ///
    /// # Errors
    ///
    /// Returns [`SealError::Unusable`], for example if the operating system provides no random bytes.
    pub fn seal(&self, name: &str, version: Version, content: &RecordBytes) -> Result<Sealed, SealError> {
        let Some(keys) = &self.0 else { return Ok(Sealed { key: None, bytes: content.clone() }) };
        let key = Some(keys.writing().to_owned());
        let bytes = keys.seal(&authenticated(name, version, key.as_deref()), content)?;
        Ok(Sealed { key, bytes })
    }

    /// Opens the content of a record, with the key whose id is `key`.
    ///
    /// # Errors
    ///
    /// Returns a [`SealError`] if the content is sealed and does not open, or if it is not sealed although there are
    /// keys.
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
