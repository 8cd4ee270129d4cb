//! A second lock, for directories that several computers use: a file that only one process can create.
//!
//! On some network file systems a lock of the operating system works only between processes of the same computer, or
//! not at all. Creating a file is exclusive everywhere. Unlike a lock, the file does not end with its process. So the
//! next process removes a file that is older than a minute, and its owner stops changing anything half a minute before
//! that.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::directory::{Directory, random};
use crate::error::FileStoreError;
use crate::file_name::TEMPORARY;

/// The age at which the owner counts as dead, by the clock of the file server.
const DEAD: Duration = Duration::from_secs(60);

/// A file that this process has created. Dropping this value removes the file.
pub(crate) struct Exclusive<'d> {
    directory: &'d Directory,
    name: String,
    begun: Instant,
}

impl<'d> Exclusive<'d> {
    /// Creates the file; `None` if another process holds it.
    pub(crate) fn take(directory: &'d Directory, name: &str) -> Result<Option<Self>, FileStoreError> {
        let begun = Instant::now();
        match directory.create_file(name, OFlags::WRONLY) {
            Ok(_) => Ok(Some(Self { directory, name: name.to_owned(), begun })),
            Err(FileStoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                remove_dead(directory, name)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns an error if another process may soon consider this one dead.
    pub(crate) fn check(&self) -> Result<(), FileStoreError> {
        let held = self.begun.elapsed();
        if held < DEAD / 2 {
            return Ok(());
        }
        Err(FileStoreError::LockTimeout { path: self.directory.path_of(&self.name), waited: held })
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        if self.check().is_ok() {
            let _ = self.directory.remove(&self.name);
        }
    }
}

/// Removes the file of a dead process.
fn remove_dead(directory: &Directory, name: &str) -> Result<(), FileStoreError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let identity = |name: &str| {
        let file = directory.open_file(name, flags).ok().flatten()?;
        let known = file.metadata().ok()?;
        Some((known.ino(), known.modified().ok()?))
    };
    let Some((seen, created)) = identity(name) else { return Ok(()) };
    // Both times come from the clock of the file server.
    let aside = format!("{TEMPORARY}{}", random()?);
    let now = directory.create_file(&aside, OFlags::WRONLY)?.metadata().and_then(|known| known.modified());
    directory.remove(&aside)?;
    let is_dead = now.is_ok_and(|now| now.duration_since(created).is_ok_and(|age| age > DEAD));
    if is_dead && directory.rename(name, &aside).is_ok() {
        // Another process has removed it meanwhile, and a third has created it again.
        match identity(&aside) {
            Some((found, _)) if found != seen => directory.rename(&aside, name)?,
            _ => directory.remove(&aside)?,
        }
    }
    Ok(())
}
