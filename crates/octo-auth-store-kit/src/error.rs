//! The errors of keys and secrets.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use octo_auth_core::{Diagnostic, Remedy};

/// The error of a secret or a key that cannot be obtained. It contains no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A key or a secret could not be obtained from its source.
    #[error("the secret in {from} cannot be used: {problem}")]
    Unobtainable {
        /// The source, such as `the environment variable "OCTO_KEY"`.
        from: String,
        /// What is wrong.
        problem: &'static str,
        /// The error of the operating system, if there is one.
        source: Option<io::Error>,
    },
    /// Other users can read or change the file.
    #[error("{path:?} has mode {mode:04o}, so other users can read or change it: run `chmod 600` on it")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// The file belongs to another user.
    #[error(
        "{path:?} belongs to the user {owner}, and this process runs as {user}: run `chown {user}` on it, or remove it"
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// The number of the user that the file belongs to.
        owner: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// An id or label is invalid.
    #[error("`{text}` cannot be the {what}: it has 1 to 64 characters of a-z, 0-9, '-' and '_'")]
    Label {
        /// What the text names, such as an id or a label.
        what: &'static str,
        /// The text, with control characters escaped, at most 64 characters.
        text: String,
    },
}

impl SecretError {
    /// Returns the error's stable word, such as `permissions`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unobtainable { .. } => "unobtainable",
            Self::Permissions { .. } => "permissions",
            Self::Owner { .. } => "owner",
            Self::Label { .. } => "config",
        }
    }
}

impl Diagnostic for SecretError {
    fn code(&self) -> Cow<'static, str> {
        self.code().into()
    }

    fn remedy(&self) -> Remedy {
        Remedy::FixConfiguration
    }
}

/// The error of a record that cannot be sealed or opened. Its text continues a sentence about the record: "... does not
/// open with the key `2026`".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The record is sealed with a key that the store does not have.
    #[error("is sealed with the key `{key}`, which was not given: add it to the keys that are read")]
    KeyMissing {
        /// The id of the missing key.
        key: String,
    },
    /// The record is not sealed, although the store has keys.
    #[error("is not sealed, and this store reads sealed records only: seal it with `rekey`")]
    NotSealed,
    /// A sealed record does not open: it was changed, or sealed with another key.
    #[error(
        "does not open with the key `{key}`: it was changed, it belongs to another name, or another key has that id"
    )]
    Broken {
        /// The id of the key.
        key: String,
    },
    /// The record cannot be sealed.
    #[error("cannot be sealed with the key `{key}`: {problem}")]
    Unusable {
        /// The id of the key.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl SealError {
    /// Returns the error's stable word, such as `key_missing`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing { .. } => "key_missing",
            Self::NotSealed => "not_sealed",
            Self::Broken { .. } => "seal_broken",
            Self::Unusable { .. } => "unobtainable",
        }
    }
}
