//! A store for one process in a folder: one file per record, replaced as a whole.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use octo_auth_core::{RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};

pub(crate) struct Files(PathBuf);

/// Creates an empty folder.
pub(crate) fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}

impl Files {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Reads a record: eight bytes with its version, then its content.
    fn read(&self, name: &RecordName) -> io::Result<Option<Stored>> {
        let bytes = match fs::read(self.0.join(name.as_str())) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let (version, content) = bytes.split_first_chunk().ok_or(ErrorKind::UnexpectedEof)?;
        Ok(Some(Stored { version: Version(u64::from_be_bytes(*version)), content: content.into() }))
    }

    fn write(&self, name: &RecordName, stored: &Stored) -> io::Result<()> {
        let new = self.0.join("new");
        fs::write(&new, [&stored.version.0.to_be_bytes(), stored.content.as_ref()].concat())?;
        fs::rename(new, self.0.join(name.as_str()))
    }
}

fn failed(error: io::Error) -> StoreError {
    StoreError::new("the folder of the store failed").with_source(error)
}

impl Store for Files {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.read(name).map_err(failed)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let stored = self.read(name).map_err(failed)?;
        if stored.as_ref().map(|stored| stored.version) != expected {
            return Ok(Saved::Conflict(stored));
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        self.write(name, &Stored { version, content: content.clone() }).map_err(failed)?;
        Ok(Saved::Done(version))
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().filter(|name| name.starts_with(prefix));
            names.extend(name.and_then(|name| RecordName::parse(name).ok()));
        }
        Ok(names)
    }
}
