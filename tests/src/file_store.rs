//! The file store under hostile conditions: processes that are killed, and system calls that fail.
//!
//! A process under test is the program `file_store` with other arguments. `strace` kills it at a system call, or makes
//! one fail.

pub mod child;
pub mod kills;
pub mod process;
pub mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder. Dropping this value removes it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Returns the name of a folder that does not exist yet.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("octo-auth-files-{}-{number}", std::process::id())))
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
