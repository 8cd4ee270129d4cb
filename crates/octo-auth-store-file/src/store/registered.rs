//! The registrations in the directory.

use octo_auth_core::RecordName;
use octo_auth_core::Version;
use octo_auth_store_kit::{SecretError, label};
use sha2::{Digest, Sha256};

use super::{FileStore, Unsealed};
use crate::envelope::hex;
use crate::error::{Damage, FileStoreError};
use crate::file_name::{Kind, decode, encode};
use crate::registration::Registration;

impl FileStore {
    /// Returns the registration that is stored under a label; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if the label does not have 1 to 64 characters of `a-z`, `0-9`, `-` and `_`, or if
    /// the file cannot be read.
    pub fn registration(&self, under: &str) -> Result<Option<Registration>, FileStoreError> {
        let name = name(under)?;
        let Some(stored) = self.0.load(&name, Kind::Registration)? else { return Ok(None) };
        let damage = || FileStoreError::Corrupt { path: self.path(&name), damage: Damage::Registration };
        Registration::decode(&stored.content).ok_or_else(damage).map(Some)
    }

    /// Returns the labels of all stored registrations, sorted.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] if the directory cannot be read.
    pub fn registrations(&self) -> Result<Vec<String>, FileStoreError> {
        let mut labels = Vec::new();
        self.0.directory.list(|file| {
            let name = decode(file, Kind::Registration);
            let label = name.and_then(|name| Some(name.as_str().split_once('.')?.0.to_owned()));
            labels.extend(label);
        })?;
        labels.sort();
        Ok(labels)
    }

    /// Stores a registration under a label. Replaces an earlier one.
    ///
    /// # Errors
    ///
    /// Returns a [`FileStoreError`] for an invalid label, for a text of more than one line, and for a setting whose
    /// name contains a space. Also if the file cannot be written, or if an earlier registration cannot be read.
    pub fn save_registration(&self, under: &str, registration: &Registration) -> Result<(), FileStoreError> {
        let name = name(under)?;
        let content = registration.encode().ok_or_else(|| FileStoreError::Corrupt {
            path: self.path(&name),
            damage: Damage::Registration,
        })?;
        self.0.directory.writable()?;
        let lock = self.0.lock(&name)?;
        let earlier = self.0.find(&name, Kind::Registration, Unsealed::Refused)?;
        let version = Version(earlier.map_or(0, |earlier| earlier.version.0) + 1);
        let bytes = self.0.encoded(&name, version, &content)?;
        self.0.replace(&lock, &name, Kind::Registration, &bytes, None)
    }

    fn path(&self, name: &RecordName) -> std::path::PathBuf {
        self.0.directory.path_of(&encode(name, Kind::Registration))
    }
}

/// Returns the file name for a label.
fn name(under: &str) -> Result<RecordName, FileStoreError> {
    let under = label("label of a registration", under)?;
    let digest = hex(&Sha256::digest(&under)[..16]);
    RecordName::parse(&format!("{under}.{digest}"))
        .map_err(|_| SecretError::Label { what: "label of a registration", text: under }.into())
}
