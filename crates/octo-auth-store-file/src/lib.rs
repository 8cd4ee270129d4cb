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
//! The store works on Unix and is tested on Linux. Windows is not supported: [`FileStore::open`] returns
//! [`FileStoreError::Platform`] there, and registrations and [`Options`] do not exist. The store relies on the
//! permissions, locks and renames of Unix.
//!
//! # What is in the directory
//!
//! | file | content |
//! |---|---|
//! | `NAME.record` | A record: a few lines of text with its name, version and checksum, and its content. |
//! | `NAME.previous` | The record before its last change. Only [`FileStore::recover`] reads it. |
//! | `NAME.lock` | The lock of a record, and the lease of the process that refreshes its tokens. It is never removed. |
//! | `NAME.saving` | On network file systems: a save is in progress. |
//! | `LABEL.DIGEST.client` | The [`Registration`] of a client. |
//! | `.process-RANDOM` | A process that refreshes tokens holds a lock on it while it runs. A left-over file is removed after an hour. |
//! | `.tmp-RANDOM` | A file that is being written. The next [`FileStore::open`] removes a left-over file after an hour. |
//! | `.damaged-RANDOM` | A damaged record that [`FileStore::recover`] has replaced. |
//!
//! `NAME` is the name of the record in lower case, because some file systems do not distinguish `A` from `a`. A suffix
//! says which letters were capitals. The request log of a registration is also a record. So the request limit and a
//! `Retry-After` of the server survive a restart.
//!
//! Each file is created with mode 0600. A file is opened first, then checked, then read. It must be a regular file of
//! this user, unreadable for other users, without a second hard link, and of 8 MiB at most. Symbolic links are not
//! followed, unless [`Options::follow_symlinks`] is set.
//!
//! # A crash at each step of a save
//!
//! A save holds the lock of its record. However the process is killed, its lock ends with it. The next start needs no
//! repair:
//!
//! | time of the crash | the record is | left over, and its recovery | test |
//! |---|---|---|---|
//! | before or after taking the lock | the old one | at most an unlocked lock file, which the next save locks | `fil-041`, `fil-042` |
//! | after `.tmp-RANDOM` was created, or written in part or in full | the old one | a temporary file, which [`FileStore::open`] removes after an hour | `fil-046` to `fil-048`, `fil-053` |
//! | after it was synced | the old one | the same | `fil-049` |
//! | after the old record was copied to `NAME.previous`, which is synced too | the old one | the same; the next save makes the same copy | each system call |
//! | after the rename | after a kill: the new one; after a power loss: the old or the new one, whole | nothing | `fil-050`, `fil-052` |
//! | after the directory was synced | the new one | nothing | `fil-051` |
//! | after a lease was written | unchanged | a lease: for processes of this computer it ends at once, for others after its duration | `claims.rs` |
//! | while a lease is written | unchanged | after a kill: the old lease or the new one; after a power loss also an unreadable one, which is ignored | each system call, `claims.rs` |
//!
//! `fil-...` are rows of `tests/corpus/files.json`; `claims.rs` is a test of this crate. The tests
//! `a_process_that_is_killed_at_any_system_call_of_a_save_leaves_the_old_or_the_new_record` and
//! `a_process_that_is_killed_at_any_system_call_of_a_claim_leaves_a_claim_that_names_its_owner` kill a process at each
//! system call, and `cargo xtask file-store` does so a thousand times. No test cuts the power of a machine: the tests
//! read from the system calls what is synced, and in which order. A save that fails, for example on a full disk,
//! changes nothing; its tokens are served from memory and saved later.
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
//! The processes of one computer can share a directory. One process refreshes a token; the others wait and then read it
//! from the store. A process that waits for a lock longer than [`Options::lock_patience`] gets an error that says to
//! try again, and does not refresh.
//!
//! Computers can share a directory on a network file system, with the limit stated at
//! [`FileStore::is_shared_by_computers`]. The claim of another computer ends when its duration is over, so the clocks
//! must agree to a minute.
//!
//! A directory that this process cannot write, or that belongs to another user, is read-only
//! ([`FileStore::adopt_only`]). Its tokens are served, and read again when another process refreshes them. A caller
//! that needs a refresh of an account gets an error at once. Client credentials are requested, and not stored.
#![cfg_attr(not(feature = "seal"), doc = "")]
#![cfg_attr(not(feature = "seal"), doc = "With the feature `seal`, records are encrypted.")]
#![cfg_attr(feature = "seal", doc = "")]
#![cfg_attr(feature = "seal", doc = include_str!("seal.md"))]
// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

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
