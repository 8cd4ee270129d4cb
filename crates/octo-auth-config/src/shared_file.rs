//! Whether other users can read or change a file that holds a secret.

use std::fs::File;
use std::io;

/// Returns the mode of an open file that other users can read or change; `None` if they cannot. Windows inherits a folder's
/// permissions, and is not asked.
///
/// # Errors
///
/// Those of the operating system.
#[cfg(unix)]
pub fn shared_mode(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let known = file.metadata()?;
    let mode = known.permissions().mode() & 0o777;
    // A terminal, which its owner shares with those who write messages to it, keeps nothing.
    let keeps = known.is_file() || known.file_type().is_fifo();
    Ok((keeps && mode & 0o066 != 0).then_some(mode))
}

/// Returns the mode of an open file that other users can read or change; `None` if they cannot. Windows inherits a folder's
/// permissions, and is not asked.
///
/// # Errors
///
/// Those of the operating system.
#[cfg(not(unix))]
pub fn shared_mode(_: &File) -> io::Result<Option<u32>> {
    Ok(None)
}
