//! The names of the keys.

use octo_auth_core::RecordName;

use crate::error::RedisStoreError;

/// The prefix of all keys. The part in braces puts all keys of a registration in one slot of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(String);

impl Prefix {
    pub(crate) fn new(text: &str) -> Result<Self, RedisStoreError> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_');
        if (1..=64).contains(&text.len()) && text.bytes().all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        let text = text.chars().take(64).flat_map(char::escape_debug).collect();
        Err(RedisStoreError::Prefix { text })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key of a hash: version, key id, content.
    pub(crate) fn record(&self, name: &RecordName) -> String {
        format!("{{{}:{}}}:record:{name}", self.0, name.registration())
    }

    /// Returns the key of a string with the owner. It expires.
    pub(crate) fn claim(&self, name: &RecordName) -> String {
        format!("{{{}:{}}}:claim:{name}", self.0, name.registration())
    }

    /// Returns the key of a hash with the last version of each record.
    pub(crate) fn versions(&self, name: &RecordName) -> String {
        self.versions_of(name.registration())
    }

    pub(crate) fn versions_of(&self, registration: &str) -> String {
        format!("{{{}:{registration}}}:versions", self.0)
    }

    /// Returns the key of a set with the registrations.
    pub(crate) fn registrations(&self) -> String {
        format!("{}:registrations", self.0)
    }

    pub(crate) fn channel(&self) -> String {
        format!("{}:changes", self.0)
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("octo-auth".to_owned())
    }
}
