//! The errors of the file store.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use octo_auth_core::{Diagnostic, RecordError, Remedy, StoreError};
use octo_auth_store_kit::{SealError, SecretError};

/// An error of the file store. It names the file, the problem and the remedy; it contains no content of a file.
///
/// The methods of [`Store`](octo_auth_core::Store) return it as the source of their [`StoreError`]; see
/// [`FileStoreError::of`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// The path of the directory is empty.
    #[error("the directory of the file store is the empty path: name a directory")]
    EmptyPath,
    /// The directory does not exist, and the options forbid creating it.
    #[error("there is no directory {path:?}: correct its name, or create it with mode 0700")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was removed while the store was in use.
    #[error(
        "the directory {path:?} was removed while it was in use: restore it with its files, and start this program again"
    )]
    Removed {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system lacks the permissions and locks that this store needs.
    #[error("the file store works on Unix only: use another store here")]
    Platform,
    /// The operating system refused an operation.
    #[error("{doing} {path:?} failed")]
    Io {
        /// The operation, such as `writing`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Other users can replace files in the directory.
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
    /// The file has more than one name.
    #[error(
        "{path:?} has {links} names (hard links), so its content can be read and changed elsewhere: remove the others"
    )]
    HardLink {
        /// The file.
        path: PathBuf,
        /// The count of its names.
        links: u64,
    },
    /// The path does not lead to a regular file.
    #[error("{path:?} is a {kind} and not a file: remove it")]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// The kind of the file, such as `directory`.
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
        /// The damage.
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
        /// The locked file.
        path: PathBuf,
        /// The duration of the wait for the lock.
        waited: Duration,
    },
    /// The file system cannot lock files.
    #[error("the file system of {path:?} cannot lock files: choose a directory on a local disk")]
    LockUnsupported {
        /// The file that could not be locked.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The store is read-only here.
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
        /// The error of the seal.
        problem: SealError,
    },
    /// A key or a secret cannot be obtained, a label is invalid, or other users can read or change a file.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The content of the previous state is not a record of this library, so the record was not recovered.
    #[error("the record in {path:?} cannot be recovered: restore it from a backup, or sign in again")]
    Unrecoverable {
        /// The file.
        path: PathBuf,
        /// The error of the content.
        source: RecordError,
    },
    /// The record to recover does not exist.
    #[error("there is no record {path:?}: name one that is stored")]
    NoRecord {
        /// The file that would contain it.
        path: PathBuf,
    },
    /// The record was not recovered, because it can be read.
    #[error("the record in {path:?} can be read, so it was left as it is")]
    NotDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The source and the destination of the move are the same directory.
    #[error("{path:?} is the directory that the files are in already: name another")]
    SameDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The destination of a move already contains another record.
    #[error(
        "{path:?} is there already with another content: keep the newer of the two, and remove the other"
    )]
    Occupied {
        /// The existing file.
        path: PathBuf,
    },
    /// The record has no previous state.
    #[error(
        "there is no previous state of the record in {path:?}: restore it from a backup, or sign in again"
    )]
    NoPrevious {
        /// The file that would contain it.
        path: PathBuf,
    },
}

/// Why this process uses a directory read-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdoptOnly {
    /// The directory belongs to the user with this number.
    OtherOwner(u32),
    /// This process has no permission to write there.
    NotWritable,
    /// The file system is mounted read-only.
    ReadOnlyFileSystem,
    /// The option `follow_symlinks` was set.
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

/// The damage of a file that is not a whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The file is empty.
    Empty,
    /// All its bytes are zero.
    Zeros,
    /// The end of the file is missing.
    Torn,
    /// The file does not begin like a record.
    Foreign,
    /// The checksum does not match the content.
    Checksum,
    /// This release does not write such a header line.
    Header,
    /// The file contains the record of another name.
    OtherName,
    /// The file contains a registration in a form that this release does not write.
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
    /// Returns the file store's error inside a [`StoreError`]; `None` if it has another cause.
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
            Self::Removed { .. } => "directory_removed",
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
            // Such a path does not mend itself.
            Self::Io { source, .. }
                if matches!(source.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) =>
            {
                Remedy::FixConfiguration
            }
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
