//! The sources of the keys that seal the store.

use std::path::PathBuf;

use octo_auth_core::Secret;

use crate::error::{ConfigError, Origin, Problem};
use crate::settings::Settings;

/// The source of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The key itself, with the source of the setting.
    Here(Secret, Origin),
    /// The first line of this file.
    File(PathBuf),
    /// The output of this program. The other elements are its arguments.
    Command(Vec<String>),
    /// The entry with this name in the keyring of the operating system.
    Keyring(String),
}

/// The four settings of a key.
type Names = [&'static str; 4];

impl Settings {
    /// Returns the source of the key that seals the store, or `None` if the store is not sealed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if more than one source is set.
    pub fn store_key(&self) -> Result<Option<KeySource>, ConfigError> {
        self.key_source(["store.key", "store.key_file", "store.key_command", "store.key_keyring"])
    }

    /// Returns the source of the old key, which still opens records that were sealed with it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if more than one source is set, or if there is no key that seals.
    pub fn store_old_key(&self) -> Result<Option<KeySource>, ConfigError> {
        let names = ["store.old_key", "store.old_key_file", "store.old_key_command", "store.old_key_keyring"];
        let old = self.key_source(names)?;
        if old.is_some() && self.store_key()?.is_none() {
            let remedy = "an old key goes with a key that takes its place".to_owned();
            return Err(self.fault("store.key", Problem::Missing(remedy)));
        }
        Ok(old)
    }

    fn key_source(&self, names: Names) -> Result<Option<KeySource>, ConfigError> {
        let mut set = names.into_iter().filter(|name| self.value(name).is_some());
        let (Some(name), second) = (set.next(), set.next()) else { return Ok(None) };
        if let Some(second) = second {
            return Err(self.fault(name, Problem::Twice(second)));
        }
        let [here, file, command, _] = names;
        Ok(self.value(name).map(|value| {
            let text = value.text.as_str();
            if name == here {
                KeySource::Here(Secret::from(text), value.origin.clone())
            } else if name == file {
                KeySource::File(PathBuf::from(text))
            } else if name == command {
                KeySource::Command(text.split_whitespace().map(str::to_owned).collect())
            } else {
                KeySource::Keyring(text.to_owned())
            }
        }))
    }
}
