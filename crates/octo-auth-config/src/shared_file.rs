//! Checks whether other users can read or change a file that contains a secret.

use std::fs::File;
use std::io;

/// Returns the mode of an open file if other users can read or change it, or `None` otherwise. On Windows, files
/// inherit the permissions of their folder, and this always returns `None`.
///
/// # Errors
///
/// An IO error of the operating system.
#[cfg(unix)]
pub fn shared_mode(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let known = file.metadata()?;
    let mode = known.permissions().mode() & 0o777;
    // A terminal may be writable for others, who send messages to it, but it keeps no data.
    let keeps = known.is_file() || known.file_type().is_fifo();
    Ok((keeps && mode & 0o066 != 0).then_some(mode))
}

/// Returns the mode of an open file if other users can read or change it, or `None` otherwise. On Windows, files
/// inherit the permissions of their folder, and this always returns `None`.
///
/// # Errors
///
/// An IO error of the operating system.
#[cfg(not(unix))]
pub fn shared_mode(_: &File) -> io::Result<Option<u32>> {
    Ok(None)
}
