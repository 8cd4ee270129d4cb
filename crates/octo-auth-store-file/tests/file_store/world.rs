//! A store with one record, and its files as another program sees them.

use std::fs;
use std::path::PathBuf;

use octo_auth_core::{RecordBytes, RecordName, Saved, Store, StoreError, Version};
use octo_auth_store_file::{FileStore, FileStoreError, Options};

use crate::folder::Folder;

/// The contents of the records, which no error shows.
pub(crate) const SECRETS: [&str; 2] =
    [r#"{"v":1,"refresh_token":"rt-secret-1"}"#, r#"{"v":1,"refresh_token":"rt-secret-2"}"#];

pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) store: FileStore,
    pub(crate) name: RecordName,
}

impl World {
    /// Creates a record and changes it once.
    pub(crate) fn new() -> Self {
        Self::with(FileStore::options())
    }

    pub(crate) fn with(options: Options) -> Self {
        let folder = Folder::new();
        let store = options.open(folder.path()).unwrap();
        let world = Self { folder, store, name: name("inn") };
        assert_eq!(world.save(None, SECRETS[0]).unwrap(), Saved::Done(Version(1)));
        assert_eq!(world.save(Some(1), SECRETS[1]).unwrap(), Saved::Done(Version(2)));
        world
    }

    pub(crate) fn again(&self, options: Options) -> FileStore {
        options.open(self.folder.path()).unwrap()
    }

    pub(crate) fn save(&self, expected: Option<u64>, text: &str) -> Result<Saved, StoreError> {
        self.store.compare_and_swap(&self.name, expected.map(Version), &content(text))
    }

    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("{}.{ending}", self.name))
    }

    /// The names and contents of all files except locks, and the names of directories.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_none_or(|ending| ending != "lock"));
        files.sort();
        files.into_iter().map(|file| (file.clone(), fs::read(&file).unwrap_or_default())).collect()
    }
}

pub(crate) fn name(account: &str) -> RecordName {
    RecordName::parse(&format!("host.client.0123456789abcdef.account.{account}.{}", "0".repeat(32))).unwrap()
}

pub(crate) fn content(text: &str) -> RecordBytes {
    RecordBytes::from(text.as_bytes())
}

/// Returns the code and the text of an error, and checks that the text contains no secret.
pub(crate) fn told(error: &StoreError) -> (&'static str, String) {
    let own = FileStoreError::of(error).unwrap_or_else(|| panic!("{error:?}"));
    let text = own.to_string();
    assert!(!format!("{text} {error:?}").contains("rt-secret"), "{text}");
    (own.code(), text)
}
