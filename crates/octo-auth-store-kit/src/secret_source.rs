//! The places where a secret is kept.

use std::fmt;
use std::path::{Path, PathBuf};

use octo_auth_core::Secret;
use zeroize::Zeroizing;

use crate::error::SecretError;

/// The longest secret, in bytes.
#[cfg(unix)]
const LONGEST: u64 = 4096;

/// The place where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// The secret is this value.
    Stored(Secret),
    /// The secret is the value of an environment variable.
    Environment(String),
    /// The secret is the first line of a file. The file must belong to this user or to root, and no other user may be
    /// able to read it.
    File(PathBuf),
}

impl SecretSource {
    /// Returns the two words in which a store keeps the source: the kind, and the name or path. Returns `None` for a
    /// path that is not text. For [`SecretSource::Stored`] the second word is the secret itself.
    #[must_use]
    pub fn kind_and_value(&self) -> Option<(&'static str, &str)> {
        Some(match self {
            Self::Stored(secret) => ("stored", secret.expose()),
            Self::Environment(variable) => ("environment", variable),
            Self::File(path) => ("file", path.to_str()?),
        })
    }

    /// Builds the source from the two words that a store has kept; `None` for an unknown kind.
    #[must_use]
    pub fn of_kind(kind: &str, value: &str) -> Option<Self> {
        match kind {
            "stored" => Some(Self::Stored(Secret::from(value))),
            "environment" => Some(Self::Environment(value.to_owned())),
            "file" => Some(Self::File(value.into())),
            _ => None,
        }
    }

    /// Reads the secret from its source.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError::Unobtainable`] if the secret does not exist, and [`SecretError::Permissions`] or
    /// [`SecretError::Owner`] for a file that other users can read.
    pub fn obtain(&self) -> Result<Secret, SecretError> {
        let failed = |problem| SecretError::Unobtainable { from: self.to_string(), problem, source: None };
        let secret = match self {
            Self::Stored(secret) => secret.clone(),
            Self::Environment(variable) => match std::env::var(variable) {
                Ok(value) => Secret::from(value),
                Err(std::env::VarError::NotPresent) => return Err(failed("the variable is not set")),
                Err(std::env::VarError::NotUnicode(_)) => return Err(failed("its value is not UTF-8")),
            },
            Self::File(path) => {
                let bytes = self.read(path)?;
                let text = std::str::from_utf8(one_line(&bytes)).map_err(|_| failed("it is not UTF-8"))?;
                Secret::from(text)
            }
        };
        if secret.expose().is_empty() { Err(failed("it is empty")) } else { Ok(secret) }
    }

    #[cfg(not(unix))]
    fn read(&self, _: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let problem = "whether others can read a file is known on Unix only: use an environment variable";
        Err(SecretError::Unobtainable { from: self.to_string(), problem, source: None })
    }

    #[cfg(unix)]
    fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        use std::fs::File;
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        use rustix::fs::{Mode, OFlags, fcntl_setfl, open};

        let refused = |problem, source| SecretError::Unobtainable { from: self.to_string(), problem, source };
        let failed = |source| refused("the file cannot be read", Some(source));
        // Without this flag, opening a FIFO would wait for a program that writes to it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(open(path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?);
        let known = file.metadata().map_err(failed)?;
        // Checked before the mode: the remedy would change the mode of a directory or a device.
        if known.file_type().is_fifo() {
            fcntl_setfl(&file, OFlags::empty()).map_err(|errno| failed(errno.into()))?;
        } else if !known.is_file() {
            return Err(refused("it is neither a file nor a pipe", None));
        }
        let (path, user, mode) =
            (path.to_owned(), rustix::process::geteuid().as_raw(), known.mode() & 0o7777);
        if known.uid() != user && known.uid() != 0 {
            return Err(SecretError::Owner { path, owner: known.uid(), user });
        }
        if mode & 0o077 != 0 {
            return Err(SecretError::Permissions { path, mode });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(4098));
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LONGEST {
            return Err(refused("it is longer than 4096 bytes", None));
        }
        Ok(bytes)
    }
}

/// Shows the source, never the secret.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(_) => f.write_str("the store"),
            Self::Environment(variable) => write!(f, "the environment variable {variable:?}"),
            Self::File(path) => write!(f, "the file {path:?}"),
        }
    }
}

/// Returns the first line, without its line end.
#[cfg(any(unix, feature = "seal"))]
pub(crate) fn one_line(bytes: &[u8]) -> &[u8] {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Checks an id or label. The error refers to it as `what`.
///
/// # Errors
///
/// Returns [`SecretError::Label`] unless the text has 1 to 64 characters of `a-z`, `0-9`, `-` and `_`.
pub fn label(what: &'static str, text: &str) -> Result<String, SecretError> {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=64).contains(&text.len()) && text.bytes().all(is_part) {
        return Ok(text.to_owned());
    }
    let text = text.chars().take(64).flat_map(char::escape_debug).collect();
    Err(SecretError::Label { what, text })
}
