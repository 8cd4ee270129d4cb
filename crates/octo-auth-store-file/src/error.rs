//! What can go wrong in the directory of a store.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use octo_auth_core::{Diagnostic, RecordError, Remedy, StoreError};
use octo_auth_store_kit::{SealError, SecretError};

/// An error of the file store. It names the file, what is wrong with it, and what to do; it holds no content of a file.
///
/// The methods of [`Store`](octo_auth_core::Store) return it as the source of their [`StoreError`]; see
/// [`FileStoreError::of`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// The path of the directory is empty.
    #[error("the directory of the file store is the empty path: name a directory")]
    EmptyPath,
    /// There is no such directory, and it was not to be created.
    #[error("there is no directory {path:?}: correct its name, or create it with mode 0700")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system has no permissions and locks as this store needs them.
    #[error("the file store works on Unix only: use another store here")]
    Platform,
    /// The operating system refused an operation.
    #[error("{doing} {path:?} failed")]
    Io {
        /// What was done, such as `writing`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Others can replace files in the directory.
    #[error(
        "the directory {path:?} has mode {mode:04o}, so other users can replace files in it: run `chmod 700` on it, or \
         choose a directory of your own"
    )]
    DirectoryPermissions {
        /// The directory.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// The file is a symbolic link.
    #[error("{path:?} is a symbolic link, which the store does not follow: put the file itself there")]
    Symlink {
        /// The file.
        path: PathBuf,
    },
    /// The file has a second name.
    #[error(
        "{path:?} has {links} names (hard links), so its content can be read and changed elsewhere: remove the others"
    )]
    HardLink {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// It is not a file.
    #[error("{path:?} is a {kind} and not a file: remove it")]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is, such as `directory`.
        kind: &'static str,
    },
    /// The file is larger than 8 MiB.
    #[error(
        "{path:?} has {size} bytes, and a record has at most 8388608: another program wrote it, remove it"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is not a whole record. It was not changed.
    #[error(
        "{path:?} {damage}. It was left as it is: recover the record from its previous state, restore it from a \
             backup, or remove it and sign in again"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The file was written by a newer release. It was not changed.
    #[error("{path:?} has format {format}, which only a newer release reads: upgrade this program")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// Another process holds the lock of a record.
    #[error("another process has held the lock {path:?} for {waited:?}: if it is stopped or hangs, end it")]
    LockTimeout {
        /// The file that is locked.
        path: PathBuf,
        /// How long the lock was waited for.
        waited: Duration,
    },
    /// The file system cannot lock files.
    #[error("the file system of {path:?} cannot lock files: choose a directory on a local disk")]
    LockUnsupported {
        /// The file that could not be locked.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The store only reads here.
    #[error(
        "the directory {path:?} is adopt-only, because {why}: its tokens are used and not renewed. Another process, which may \
         write there, has to renew them"
    )]
    AdoptOnly {
        /// The directory.
        path: PathBuf,
        /// The reason.
        why: AdoptOnly,
    },
    /// The record cannot be sealed or opened.
    #[error("{path:?} {problem}")]
    Seal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: SealError,
    },
    /// A key or a secret cannot be obtained, a label cannot be used, or others can read or change a file.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The content of a record is not the library's, so it was not recovered.
    #[error("the record in {path:?} cannot be recovered: restore it from a backup, or sign in again")]
    Unrecoverable {
        /// The file.
        path: PathBuf,
        /// What is wrong with the content.
        source: RecordError,
    },
    /// There is no record to recover.
    #[error("there is no record {path:?}: name one that is stored")]
    NoRecord {
        /// The file that would hold it.
        path: PathBuf,
    },
    /// A record that can be read was not recovered.
    #[error("the record in {path:?} can be read, so it was left as it is")]
    NotDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Files are to be moved to where they are.
    #[error("{path:?} is the directory that the files are in already: name another")]
    SameDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Another record stands where one is to be moved to.
    #[error(
        "{path:?} is there already with another content: keep the newer of the two, and remove the other"
    )]
    Occupied {
        /// The file that is there.
        path: PathBuf,
    },
    /// There is no previous state of a record.
    #[error(
        "there is no previous state of the record in {path:?}: restore it from a backup, or sign in again"
    )]
    NoPrevious {
        /// The file that would hold it.
        path: PathBuf,
    },
}

/// Why a directory is only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdoptOnly {
    /// It belongs to the user of this number.
    OtherOwner(u32),
    /// This process may not write there.
    NotWritable,
    /// The file system is mounted read-only.
    ReadOnlyFileSystem,
    /// Symbolic links are followed there.
    FollowsSymlinks,
}

impl fmt::Display for AdoptOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOwner(owner) => write!(f, "it belongs to the user {owner}"),
            Self::NotWritable => f.write_str("this process may not write there"),
            Self::ReadOnlyFileSystem => f.write_str("its file system is mounted read-only"),
            Self::FollowsSymlinks => f.write_str("symbolic links are followed there"),
        }
    }
}

/// What is wrong with a file that is not a whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// It has no bytes.
    Empty,
    /// All its bytes are zero.
    Zeros,
    /// Its end is missing.
    Torn,
    /// It does not begin as a record does.
    Foreign,
    /// Its checksum is that of other content.
    Checksum,
    /// A line before the content is not what this release writes.
    Header,
    /// It is the record of another name.
    OtherName,
    /// It is the registration of a client in a form that this release does not write.
    Registration,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Zeros => "holds zeros only",
            Self::Torn => "ends too early",
            Self::Foreign => "was written by another program",
            Self::Checksum => "does not have the content that its checksum is of",
            Self::Header => "has a header that this program does not write",
            Self::Registration => "holds a registration that this program does not write",
            Self::OtherName => "holds the record of another name, as after a copy or a renaming",
        })
    }
}

impl FileStoreError {
    /// Returns the error of a file that a [`StoreError`] is about; `None` if it is about something else.
    #[must_use]
    pub fn of(error: &StoreError) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// Returns the error's stable word, such as `permissions`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyPath => "config",
            Self::NoDirectory { .. } => "no_directory",
            Self::Platform => "platform",
            Self::Io { .. } => "io",
            Self::DirectoryPermissions { .. } => "parent_permissions",
            Self::Symlink { .. } => "symlink",
            Self::HardLink { .. } => "hard_link",
            Self::NotRegular { .. } => "not_regular",
            Self::TooLarge { .. } => "too_large",
            Self::Corrupt { .. } => "corrupt",
            Self::NewerFormat { .. } => "newer_version",
            Self::LockTimeout { .. } => "lock_timeout",
            Self::LockUnsupported { .. } => "lock_unsupported",
            Self::AdoptOnly { .. } => "adopt_only",
            Self::Seal { problem, .. } => problem.code(),
            Self::Secret(error) => error.code(),
            Self::Unrecoverable { .. } => "unrecoverable",
            Self::NoRecord { .. } => "no_record",
            Self::NotDamaged { .. } => "not_damaged",
            Self::SameDirectory { .. } => "same_directory",
            Self::Occupied { .. } => "occupied",
            Self::NoPrevious { .. } => "no_previous",
        }
    }
}

impl Diagnostic for FileStoreError {
    fn code(&self) -> Cow<'static, str> {
        self.code().into()
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Io { .. } | Self::LockTimeout { .. } => Remedy::TryLater { after: Duration::from_secs(1) },
            _ => Remedy::FixConfiguration,
        }
    }
}

impl From<FileStoreError> for StoreError {
    fn from(error: FileStoreError) -> Self {
        Self::new("the file store failed").with_remedy(error.remedy()).with_source(error)
    }
}
