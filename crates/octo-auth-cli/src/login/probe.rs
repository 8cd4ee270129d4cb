//! Whether the store takes the tokens, before the code that brings them is spent.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::failure::{Exit, Failure, shown};

/// The largest record that a sign-in leaves, in bytes: two tokens of 64 KiB and what is said of them.
const LARGEST: usize = 192 * 1024;

/// Writes and removes a file as large as the largest record.
///
/// # Errors
///
/// A [`Failure`] if the directory is not writable, or has no room.
pub(super) fn room(directory: &Path) -> Result<(), Failure> {
    let path = directory.join(format!(".tmp-probe-{}", std::process::id()));
    let written = write(&path);
    let removed = fs::remove_file(&path);
    written.and(removed).map_err(|error| {
        Failure::new(Exit::TryLater, format!("{} does not take the tokens", shown(directory.display())))
            .because_of(Some(&error))
            .with_remedy("make room, or name another directory by --store DIR; no code was spent")
    })
}

fn write(path: &Path) -> io::Result<()> {
    // A file of an ended process with the same number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(&vec![0; LARGEST])?;
    file.sync_all()
}
