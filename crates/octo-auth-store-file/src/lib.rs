//! A store of OAuth tokens in a directory: for one process or many on one computer, and safe in a crash at any moment.
//!
//! ```no_run
//! use octo_auth_core::Store;
//! use octo_auth_store_file::FileStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = FileStore::open("/var/lib/my-service/tokens")?; // created with mode 0700
//! for name in store.list("")? {
//!     println!("{name}");
//! }
//! // Blocking: octo_auth_blocking::TokenManager::builder(client).store(store)
//! // Async:    octo_auth_async::TokenManager::builder(client).store(BlockingStore::new(store))
//! # Ok(())
//! # }
//! ```
//!
//! It works on Unix, and is tested on Linux. Windows is not supported: [`FileStore::open`] returns
//! [`FileStoreError::Platform`] there, and registrations and [`Options`] are missing. The permissions, locks and renames
//! that the store relies on are those of Unix.
//!
//! # What is in the directory
//!
//! | file | what it is |
//! |---|---|
//! | `NAME.record` | A record: a few lines of text with its name, version and checksum, and its content. |
//! | `NAME.previous` | The record as it was before its last change. Only [`FileStore::recover`] reads it. |
//! | `NAME.lock` | The lock of a record, and who renews its tokens at the moment. It is never removed. |
//! | `NAME.saving` | On network file systems: a save is under way. |
//! | `LABEL.DIGEST.client` | The [`Registration`] of a client. |
//! | `.process-RANDOM` | A process that renews tokens holds a lock on it while it runs. One that is left over is removed after an hour. |
//! | `.tmp-RANDOM` | A file that is being written. One that is left over is removed after an hour, by the next [`FileStore::open`]. |
//! | `.damaged-RANDOM` | A record that could not be read, and was replaced by [`FileStore::recover`]. |
//!
//! `NAME` is the name of the record, in lower case, as some file systems do not tell `A` from
//! `a`. A suffix says which letters were capitals. The request log of a registration is a record as well, so a restart keeps the limit of requests and what
//! a server asked for by `Retry-After`.
//!
//! Each file is created with mode 0600. A file is opened first, then checked, then read: it must be a regular file
//! of this user, unreadable for others, without a second hard link, and of 8 MiB at most. No symbolic link is followed, unless
//! [`Options::follow_symlinks`] says so.
//!
//! # A crash at each step of a save
//!
//! A save holds the lock of its record. Whatever kills the process, the lock ends with it. The next start needs no repair:
//!
//! | the process or the machine ends | the record is | left over, and its recovery | test |
//! |---|---|---|---|
//! | before or after it takes the lock | the old one | at most an unlocked lock file, which the next save locks | `fil-041`, `fil-042` |
//! | after `.tmp-RANDOM` was created, was written in part, or whole | the old one | a temporary file, which [`FileStore::open`] removes after an hour | `fil-046` to `fil-048`, `fil-053` |
//! | after it was synced | the old one | the same | `fil-049` |
//! | after the old record was copied to `NAME.previous` | the old one | the same; the copy is that of the next save too | each system call |
//! | after the rename | after a kill: the new one; after a power loss: the old or the new one, whole | nothing | `fil-050`, `fil-052` |
//! | after the directory was synced | the new one | nothing | `fil-051` |
//! | after a lease was written | unchanged | a lease: over at once for processes of this computer, by its time for others | `claims.rs` |
//! | while a lease is written | unchanged | an unreadable lease, which counts as none | `claims.rs` |
//!
//! `fil-...` are rows of `tests/corpus/files.json`, and `claims.rs` is among the tests of this crate. The test
//! `a_process_that_is_killed_at_any_system_call_of_a_save_leaves_the_old_or_the_new_record` kills a process at each system call,
//! and `cargo xtask file-store` does so a thousand times. No test cuts the power of a machine: what is synced, and in which
//! order, is read from the system calls. A save that fails, as on a full disk, changes nothing; its tokens are served from memory
//! and saved later.
//!
//! # Files that cannot be used
//!
//! A record that cannot be read is neither served nor overwritten. [`FileStoreError`] names each case with its remedy: a file
//! that is [empty, torn, foreign or changed](Damage), of a [newer format](FileStoreError::NewerFormat), of
//! [another user](SecretError::Owner), [readable by others](SecretError::Permissions), a
//! [link](FileStoreError::Symlink), and so on.
//!
//! # Processes
//!
//! Processes of one computer share a directory. One renews a token, the others wait and take it over. A process that waits for
//! a lock longer than [`Options::lock_patience`] gets an error that says to try again, and renews nothing.
//!
//! Computers can share a directory on a network file system, with a limit that [`FileStore::is_shared_by_computers`] states. A
//! claim of another computer ends by its time, so their clocks must agree to a minute.
//!
//! A directory that this process cannot write, or that belongs to another user, is adopt-only ([`FileStore::adopt_only`]):
//! tokens are served, and taken over when another process renews them. A caller that needs a renewal gets an error at once.
#![cfg_attr(not(feature = "seal"), doc = "")]
#![cfg_attr(not(feature = "seal"), doc = "With the feature `seal`, records are encrypted.")]
#![cfg_attr(feature = "seal", doc = "")]
#![cfg_attr(feature = "seal", doc = include_str!("seal.md"))]

#[cfg(unix)]
mod changes;
#[cfg(unix)]
mod directory;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod envelope;
mod error;
#[cfg(unix)]
mod exclusive;
#[cfg(unix)]
mod file_name;
#[cfg(unix)]
mod lock;
#[cfg(unix)]
mod registration;
#[cfg(unix)]
mod store;

#[cfg(not(unix))]
pub use elsewhere::FileStore;
pub use error::{AdoptOnly, Damage, FileStoreError};
#[cfg(feature = "seal")]
pub use octo_auth_store_kit::{Key, Keys};
pub use octo_auth_store_kit::{SealError, SecretError, SecretSource};
#[cfg(unix)]
pub use registration::Registration;
#[cfg(all(unix, feature = "seal"))]
pub use store::Rekeyed;
#[cfg(unix)]
pub use store::{FileStore, Migrated, Options};
