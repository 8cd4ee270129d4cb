//! Checks whether the store can take the tokens, before the code is used.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::failure::{Exit, Failure, shown};

/// The largest record that a sign-in writes, in bytes: two tokens of 64 KiB and their metadata.
const LARGEST: usize = 192 * 1024;

/// Writes and removes a file as large as the largest record.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory is not writable, or has no space.
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
    // An earlier process with the same id may have left a file.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(&vec![0; LARGEST])?;
    file.sync_all()
}
