//! Where the keys are that seal what is stored.

use std::path::PathBuf;

use octo_auth_core::Secret;

use crate::error::{ConfigError, Origin, Problem};
use crate::settings::Settings;

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// It is here. Where it was set.
    Here(Secret, Origin),
    /// It is the first line of this file.
    File(PathBuf),
    /// This program prints it; its arguments follow.
    Command(Vec<String>),
    /// It has this name in the keyring of the operating system.
    Keyring(String),
}

/// The four settings of a key.
type Names = [&'static str; 4];

impl Settings {
    /// Returns where the key is that seals what is stored; `None` if nothing is sealed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if more than one place is set.
    pub fn store_key(&self) -> Result<Option<KeySource>, ConfigError> {
        self.key_source(["store.key", "store.key_file", "store.key_command", "store.key_keyring"])
    }

    /// Returns where the key is that still opens what was sealed with it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if more than one place is set, or if there is no key that seals.
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
