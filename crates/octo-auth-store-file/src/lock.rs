//! The lock of a record, and the lease in it.
//!
//! The lock is held while a record or its lease is changed, which takes milliseconds. It is a lock of the operating
//! system on an open file, so it ends with the process that holds it. The lock file is never removed; otherwise two
//! processes could lock two files.
//!
//! A lease says which process refreshes a record's tokens, and until when. It ends early if its process has ended,
//! which only processes of the same computer can see.

use std::fs::File;
use std::io::Seek;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use octo_auth_core::{Claimed, RecordName};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::directory::{Directory, failed, random};
use crate::envelope::{hex, unhex};
use crate::error::FileStoreError;
use crate::exclusive::Exclusive;
use crate::file_name::{Kind, PRESENCE, encode};

/// The first and the longest pause between two attempts to lock.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(16)];

/// The difference between the clocks of two computers that is tolerated.
const SKEW: Duration = Duration::from_secs(60);

/// The longest lease that is read, in bytes.
const LONGEST_LEASE: usize = 4096;

/// A held lock. Dropping this value releases it.
pub(crate) struct Lock<'d> {
    file: File,
    name: String,
    exclusive: Option<Exclusive<'d>>,
}

impl<'d> Lock<'d> {
    /// Waits for the lock of a record, for `patience` at most.
    pub(crate) fn take(
        directory: &'d Directory,
        record: &RecordName,
        patience: Duration,
    ) -> Result<Self, FileStoreError> {
        let name = encode(record, Kind::Lock);
        let (begun, mut pause) = (Instant::now(), PAUSES[0]);
        loop {
            // Each holder opens the file again: a forked process would share the lock of its parent.
            let file = directory.open_lock(&name)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let known = file.metadata();
                    let known =
                        known.map_err(|source| failed("reading", &directory.path_of(&name), source))?;
                    let mut lock = Self { file, name: name.clone(), exclusive: None };
                    // A person may have removed the file since it was opened.
                    if known.nlink() > 0 && lock.is_exclusive(directory, record)? {
                        return Ok(lock);
                    }
                }
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(refused(errno, directory, &name)),
            }
            if begun.elapsed() >= patience {
                let path = directory.path_of(&name);
                return Err(FileStoreError::LockTimeout { path, waited: patience });
            }
            thread::sleep(pause);
            pause = (2 * pause).min(PAUSES[1]);
        }
    }

    /// Returns whether this is the only lock, even if locks of the operating system do not work.
    fn is_exclusive(
        &mut self,
        directory: &'d Directory,
        record: &RecordName,
    ) -> Result<bool, FileStoreError> {
        if directory.is_shared_by_computers() {
            self.exclusive = Exclusive::take(directory, &encode(record, Kind::Exclusive))?;
            return Ok(self.exclusive.is_some());
        }
        Ok(true)
    }

    /// Returns an error if another process may soon take the lock.
    pub(crate) fn check(&self) -> Result<(), FileStoreError> {
        self.exclusive.as_ref().map_or(Ok(()), Exclusive::check)
    }

    /// Takes the lease for an owner, unless another owner holds it.
    pub(crate) fn claim(
        &mut self,
        own: &Presence,
        directory: &Directory,
        owner: &str,
        ttl: Duration,
    ) -> Result<Claimed, FileStoreError> {
        let now = now();
        let before = self.lease().filter(|lease| lease.owner != hex(owner.as_bytes()));
        let has_ended = before.as_ref().is_some_and(|lease| own.has_ended(lease, directory));
        if let Some(lease) = before.as_ref().filter(|_| !has_ended) {
            let left = Duration::from_millis(lease.until.saturating_sub(now));
            // Without this check, a lease would never end after the clock was set back.
            let is_sound = left <= Duration::from_millis(lease.ttl).saturating_add(SKEW);
            if !left.is_zero() && is_sound {
                return Ok(Claimed::Held(left.min(Duration::from_millis(lease.ttl))));
            }
        }
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = now.saturating_add(ttl);
        let (process, host) = (own.id.clone(), own.host.clone());
        let lease = Lease { until, ttl, process, host, owner: hex(owner.as_bytes()) };
        self.write(&lease, directory)?;
        let from = before.filter(|_| has_ended).and_then(|lease| unhex(&lease.owner));
        Ok(from.map_or(Claimed::Granted, |from| Claimed::TakenOver { from }))
    }

    /// Ends the lease of an owner. The file still names that owner, because it may have left a refresh unfinished.
    pub(crate) fn release(&mut self, directory: &Directory, owner: &str) -> Result<(), FileStoreError> {
        match self.lease() {
            Some(lease) if lease.owner == hex(owner.as_bytes()) => {
                self.write(&Lease { until: 0, ..lease }, directory)
            }
            _ => Ok(()),
        }
    }

    /// Reads the lease. An unreadable lease counts as none: the crash of the machine that damaged it has ended its
    /// owner too.
    fn lease(&self) -> Option<Lease> {
        let mut bytes = [0; LONGEST_LEASE];
        let count = self.file.read_at(&mut bytes, 0).ok()?;
        // The rest of a longer lease follows if a process was killed before it cut the file.
        let (text, _) = std::str::from_utf8(&bytes[..count]).ok()?.split_once('\n')?;
        let words: Vec<&str> = text.split(' ').collect();
        let ["lease", until, ttl, process, host, owner] = words[..] else { return None };
        let [process, host, owner] = [process, host, owner].map(str::to_owned);
        Some(Lease { until: until.parse().ok()?, ttl: ttl.parse().ok()?, process, host, owner })
    }

    fn write(&mut self, lease: &Lease, directory: &Directory) -> Result<(), FileStoreError> {
        let Lease { until, ttl, process, host, owner } = lease;
        let text = format!("lease {until} {ttl} {process} {host} {owner}\n");
        let failed = |source| failed("writing", &directory.path_of(&self.name), source);
        self.file.rewind().map_err(failed)?;
        // The file is not emptied first: a write that fails on a full disk must not end the lease of another process.
        directory.write(&mut self.file, text.as_bytes(), &self.name)?;
        self.file.set_len(text.len() as u64).map_err(failed)
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.exclusive = None;
        // Closing the file is not enough if the process was forked meanwhile.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// The content of a lock file.
struct Lease {
    /// The end of the lease, in milliseconds since 1970 by the wall clock.
    until: u64,
    /// The duration of the lease, in milliseconds.
    ttl: u64,
    /// The id of the process that took it.
    process: String,
    /// The computer on which that process runs.
    host: String,
    /// The owner, in hexadecimal digits.
    owner: String,
}

/// A file that stays locked while this process runs.
pub(crate) struct Presence {
    id: String,
    host: String,
    name: String,
    // Keeps the lock.
    _file: File,
}

impl Presence {
    pub(crate) fn new(directory: &Directory) -> Result<Self, FileStoreError> {
        let id = random()?;
        let name = format!("{PRESENCE}{id}");
        let mut file = directory.create_file(&name, OFlags::RDWR)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let locked = locked.map_err(|errno| refused(errno, directory, &name));
        // For a person who wants to know which process it is.
        let number = format!("{}\n", std::process::id());
        let written = locked.and_then(|()| directory.write(&mut file, number.as_bytes(), &name));
        // Otherwise each attempt on a full disk would leave a file.
        written.inspect_err(|_| drop(directory.remove(&name)))?;
        Ok(Self { id, host: host(), name, _file: file })
    }

    /// Removes the file. The process takes no lease afterwards.
    pub(crate) fn remove(&self, directory: &Directory) {
        let _ = directory.remove(&self.name);
    }

    /// Returns whether the process that took a lease has certainly ended.
    fn has_ended(&self, lease: &Lease, directory: &Directory) -> bool {
        if lease.host != self.host || self.host == UNKNOWN_HOST || lease.process == self.id {
            return false;
        }
        has_ended(&format!("{PRESENCE}{}", lease.process), directory)
    }
}

/// Returns whether a process has ended: its file is missing, or no longer locked.
fn has_ended(name: &str, directory: &Directory) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match directory.open_file(name, flags) {
        Ok(Some(file)) => flock(&file, FlockOperation::NonBlockingLockShared).is_ok(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Removes the files of processes that have ended, after an hour.
pub(crate) fn remove_ended(directory: &Directory, wall: SystemTime) -> Result<(), FileStoreError> {
    let mut names = Vec::new();
    directory.list(|file| {
        let is_presence = |name: &&str| name.starts_with(PRESENCE) && name.len() == PRESENCE.len() + 16;
        let name = std::str::from_utf8(file).ok().filter(is_presence);
        names.extend(name.map(str::to_owned));
    })?;
    for name in names {
        // A process creates its file before it locks it.
        if directory.is_left_over(&name, wall) && has_ended(&name, directory) {
            let _ = directory.remove(&name);
        }
    }
    Ok(())
}

/// The presence of a process in a directory. The first lease creates it.
#[derive(Default)]
pub(crate) struct LazyPresence(Mutex<Option<Presence>>);

impl LazyPresence {
    pub(crate) fn with<R>(
        &self,
        directory: &Directory,
        act: impl FnOnce(&Presence) -> Result<R, FileStoreError>,
    ) -> Result<R, FileStoreError> {
        let mut presence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let presence = match &mut *presence {
            Some(presence) => presence,
            none => none.insert(Presence::new(directory)?),
        };
        act(presence)
    }

    pub(crate) fn remove(&mut self, directory: &Directory) {
        if let Some(presence) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            presence.remove(directory);
        }
    }
}

fn refused(errno: Errno, directory: &Directory, name: &str) -> FileStoreError {
    let path = directory.path_of(name);
    match errno {
        Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL => {
            FileStoreError::LockUnsupported { path, source: errno.into() }
        }
        errno => failed("locking", &path, errno),
    }
}

/// The name of a computer that cannot be identified.
const UNKNOWN_HOST: &str = "unknown";

/// Returns the identity of this computer since its last start.
fn host() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    if id.is_empty() { UNKNOWN_HOST.to_owned() } else { id }
}

/// Returns the current time in milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
