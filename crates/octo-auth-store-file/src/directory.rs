//! The directory of a store. It is opened once, and its files are opened relative to its descriptor.
//!
//! The target of a path can change between a check and the use. So nothing is checked by its path: a file is opened
//! without following links, and its kind, owner, mode, link count and size are read from its descriptor.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use octo_auth_store_kit::SecretError;
use rustix::fs::{Access, AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::error::{AdoptOnly, FileStoreError};
use crate::file_name::TEMPORARY;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The flags for opening a lock file. Without `NONBLOCK`, opening a FIFO would wait.
const LOCK_FLAGS: OFlags =
    OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The age at which a temporary file counts as left over: no running process needs it any more.
const LEFT_OVER: Duration = Duration::from_secs(3600);

pub(crate) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
    adopt_only: Option<AdoptOnly>,
    is_shared_by_computers: bool,
    /// Whether the file system counts the links of directories. Some that are in user space do not.
    counts_links: bool,
}

/// The content of a file.
pub(crate) struct Content {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// The error that other users can read or change the file, if they can. Such a file can be replaced, but its
    /// content is not used.
    pub(crate) doubt: Option<FileStoreError>,
}

/// A new file under an unpredictable name. Dropping this value removes the file, unless it was renamed.
pub(crate) struct Temporary<'d> {
    directory: &'d Directory,
    name: String,
    file: File,
    is_renamed: bool,
}

impl Directory {
    /// Opens a directory. If it does not exist and `creates` is set, creates it with mode 0700, unless links are
    /// followed.
    pub(crate) fn open(path: &Path, follows_symlinks: bool, creates: bool) -> Result<Self, FileStoreError> {
        if path.as_os_str().is_empty() {
            return Err(FileStoreError::EmptyPath);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(CWD, path, flags, Mode::empty());
        let descriptor = match open() {
            Err(Errno::NOENT) if follows_symlinks || !creates => {
                return Err(FileStoreError::NoDirectory { path: path.to_owned() });
            }
            Err(Errno::NOENT) => {
                create(path).map_err(|source| failed("creating", path, source))?;
                open()
            }
            opened => opened,
        };
        let descriptor = descriptor.map_err(|errno| failed("opening", path, errno))?;
        let is_shared_by_computers = is_on_a_network(&descriptor);
        let mut directory = Self {
            descriptor,
            path: path.to_owned(),
            adopt_only: None,
            is_shared_by_computers,
            counts_links: false,
        };
        directory.counts_links = directory.stat()?.st_nlink > 0;
        directory.adopt_only = directory.check()?.or(follows_symlinks.then_some(AdoptOnly::FollowsSymlinks));
        Ok(directory)
    }

    /// Checks that no other user can replace files. Returns the reason if this process must not write.
    fn check(&self) -> Result<Option<AdoptOnly>, FileStoreError> {
        let stat = self.stat()?;
        let mode = mode(stat.st_mode);
        if mode & 0o022 != 0 {
            return Err(FileStoreError::DirectoryPermissions { path: self.path.clone(), mode });
        }
        if stat.st_uid != user() {
            return Ok(Some(AdoptOnly::OtherOwner(stat.st_uid)));
        }
        let access = Access::WRITE_OK | Access::EXEC_OK;
        match rustix::fs::accessat(&self.descriptor, ".", access, AtFlags::EACCESS) {
            Ok(()) => Ok(None),
            Err(Errno::ROFS) => Ok(Some(AdoptOnly::ReadOnlyFileSystem)),
            Err(Errno::ACCESS | Errno::PERM) => Ok(Some(AdoptOnly::NotWritable)),
            Err(errno) => Err(failed("reading", &self.path, errno)),
        }
    }

    /// Returns an error if the directory was removed after it was opened.
    fn check_not_removed(&self) -> Result<(), FileStoreError> {
        if self.counts_links && self.stat()?.st_nlink == 0 {
            return Err(FileStoreError::Removed { path: self.path.clone() });
        }
        Ok(())
    }

    fn stat(&self) -> Result<rustix::fs::Stat, FileStoreError> {
        rustix::fs::fstat(&self.descriptor).map_err(|errno| failed("reading", &self.path, errno))
    }

    pub(crate) fn adopt_only(&self) -> Option<AdoptOnly> {
        self.adopt_only
    }

    /// Returns an error if this process must not write here.
    pub(crate) fn writable(&self) -> Result<(), FileStoreError> {
        match self.adopt_only {
            Some(why) => Err(FileStoreError::AdoptOnly { path: self.path.clone(), why }),
            None => Ok(()),
        }
    }

    pub(crate) fn share_by_computers(&mut self) {
        self.is_shared_by_computers = true;
    }

    /// Whether other computers may use the directory. Locks may then not work.
    pub(crate) fn is_shared_by_computers(&self) -> bool {
        self.is_shared_by_computers
    }

    pub(crate) fn path_of(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the numbers of the file system and of the directory, which identify the directory.
    pub(crate) fn identity(&self) -> Result<(u64, u64), FileStoreError> {
        let known =
            File::from(self.descriptor.try_clone().map_err(|error| failed("reading", &self.path, error))?);
        let known = known.metadata().map_err(|error| failed("reading", &self.path, error))?;
        Ok((known.dev(), known.ino()))
    }

    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Reads a whole file; `None` if it does not exist. The error says why the file was not opened, or what is wrong
    /// with it.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Content>, FileStoreError> {
        // Without `NONBLOCK`, opening a FIFO would wait.
        let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        flags.set(OFlags::NOFOLLOW, self.adopt_only != Some(AdoptOnly::FollowsSymlinks));
        let Some(file) = self.open_file(name, flags)? else { return Ok(None) };
        let size = self.check_file(name, &file)?;
        if size > LARGEST {
            return Err(FileStoreError::TooLarge { path: self.path_of(name), size });
        }
        // The buffer must not grow: that would leave an unwiped copy.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
        let read = (&file).take(size).read_to_end(&mut bytes);
        read.map_err(|source| failed("reading", &self.path_of(name), source))?;
        Ok(Some(Content { bytes, doubt: self.loose_mode(name, &file)? }))
    }

    /// Opens the lock file of a record. Creates it if it does not exist; it is never removed.
    pub(crate) fn open_lock(&self, name: &str) -> Result<File, FileStoreError> {
        loop {
            if let Some(file) = self.existing_lock(name)? {
                return Ok(file);
            }
            match self.create_file(name, LOCK_FLAGS) {
                // Another process has created it meanwhile.
                Err(FileStoreError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created,
            }
        }
    }

    /// Opens the lock file of a record; `None` if it does not exist. The error says why it cannot be used.
    pub(crate) fn existing_lock(&self, name: &str) -> Result<Option<File>, FileStoreError> {
        let Some(file) = self.open_file(name, LOCK_FLAGS)? else { return Ok(None) };
        self.check_file(name, &file)?;
        self.loose_mode(name, &file)?.map_or(Ok(Some(file)), Err)
    }

    /// Creates a file, which must not exist, with mode 0600 whatever the umask of the process is.
    pub(crate) fn create_file(&self, name: &str, flags: OFlags) -> Result<File, FileStoreError> {
        let mode = Mode::RUSR | Mode::WUSR;
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let created = rustix::fs::openat(&self.descriptor, name, flags, mode);
        let descriptor = created.map_err(|errno| failed("creating", &self.path_of(name), errno))?;
        rustix::fs::fchmod(&descriptor, mode).map_err(|errno| {
            let _ = self.remove(name);
            failed("creating", &self.path_of(name), errno)
        })?;
        Ok(File::from(descriptor))
    }

    /// Writes a new temporary file.
    pub(crate) fn write_temporary(&self, content: &[u8]) -> Result<Temporary<'_>, FileStoreError> {
        let name = format!("{TEMPORARY}{}", random()?);
        let file = self.create_file(&name, OFlags::WRONLY)?;
        let mut temporary = Temporary { directory: self, name, file, is_renamed: false };
        self.write(&mut temporary.file, content, &temporary.name)?;
        Ok(temporary)
    }

    /// Writes to an empty file.
    pub(crate) fn write(&self, file: &mut File, content: &[u8], name: &str) -> Result<(), FileStoreError> {
        // Writing beyond this limit would raise a signal that ends the process.
        let most = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
        let written = match most {
            Some(most) if most < content.len() as u64 => Err(io::ErrorKind::FileTooLarge.into()),
            _ => file.write_all(content),
        };
        written.map_err(|source| failed("writing", &self.path_of(name), source))
    }

    /// Makes renames and removals in the directory outlive a crash of the machine.
    pub(crate) fn sync(&self) -> Result<(), FileStoreError> {
        rustix::fs::fsync(&self.descriptor).map_err(|errno| failed("syncing", &self.path, errno))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), FileStoreError> {
        let removed = rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty());
        removed.map_err(|errno| failed("removing", &self.path_of(name), errno))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), FileStoreError> {
        let renamed = rustix::fs::renameat(&self.descriptor, from, &self.descriptor, to);
        renamed.map_err(|errno| failed("renaming a file to", &self.path_of(to), errno))
    }

    /// Calls `found` with the name of each file, in any order.
    pub(crate) fn list(&self, mut found: impl FnMut(&[u8])) -> Result<(), FileStoreError> {
        self.check_not_removed()?;
        let failed = |errno| failed("listing", &self.path, errno);
        for entry in Dir::read_from(&self.descriptor).map_err(failed)? {
            found(entry.map_err(failed)?.file_name().to_bytes());
        }
        Ok(())
    }

    /// Opens an existing file; `None` if it does not exist.
    pub(crate) fn open_file(&self, name: &str, flags: OFlags) -> Result<Option<File>, FileStoreError> {
        match rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(File::from(descriptor))),
            // A removed directory must not look like one without this record.
            Err(Errno::NOENT) => self.check_not_removed().map(|()| None),
            // FreeBSD returns the second.
            Err(Errno::LOOP | Errno::MLINK) => Err(FileStoreError::Symlink { path: self.path_of(name) }),
            // The file is a directory opened for writing, a socket, or a device without a driver.
            Err(Errno::ISDIR) => Err(self.not_regular(name, FileType::Directory)),
            Err(Errno::NXIO | Errno::OPNOTSUPP) => Err(self.not_regular(name, FileType::Socket)),
            Err(errno) => Err(failed("opening", &self.path_of(name), errno)),
        }
    }

    /// Checks the kind, owner and link count of a file. Returns its size.
    fn check_file(&self, name: &str, file: &File) -> Result<u64, FileStoreError> {
        let path = self.path_of(name);
        let known = file.metadata().map_err(|source| failed("reading", &path, source))?;
        let kind = FileType::from_raw_mode(known.mode() as rustix::fs::RawMode);
        let user = user();
        if kind != FileType::RegularFile {
            Err(self.not_regular(name, kind))
        } else if known.uid() != user {
            Err(SecretError::Owner { path, owner: known.uid(), user }.into())
        } else if known.nlink() > 1 {
            // The link count is 0 if the file was replaced after it was opened.
            Err(FileStoreError::HardLink { path, links: known.nlink() })
        } else {
            Ok(known.len())
        }
    }

    fn loose_mode(&self, name: &str, file: &File) -> Result<Option<FileStoreError>, FileStoreError> {
        let path = self.path_of(name);
        let known = file.metadata().map_err(|source| failed("reading", &path, source))?;
        let mode = mode(known.mode() as rustix::fs::RawMode);
        Ok((mode & 0o077 != 0).then_some(SecretError::Permissions { path, mode }.into()))
    }

    fn not_regular(&self, name: &str, kind: FileType) -> FileStoreError {
        let kind = match kind {
            FileType::Directory => "directory",
            FileType::Fifo => "FIFO",
            FileType::Socket => "socket",
            FileType::CharacterDevice | FileType::BlockDevice => "device",
            _ => "special file",
        };
        FileStoreError::NotRegular { path: self.path_of(name), kind }
    }

    /// Removes temporary files that a crashed process left at least an hour ago.
    pub(crate) fn remove_left_over(&self, now: SystemTime) -> Result<(), FileStoreError> {
        let mut names = Vec::new();
        self.list(|file| {
            let is_temporary =
                |name: &&str| name.starts_with(TEMPORARY) && name.len() == TEMPORARY.len() + 16;
            let name = std::str::from_utf8(file).ok().filter(is_temporary);
            names.extend(name.map(str::to_owned));
        })?;
        for name in names {
            if self.is_left_over(&name, now) {
                // Another process may have removed it already.
                let _ = self.remove(&name);
            }
        }
        Ok(())
    }

    pub(crate) fn is_left_over(&self, name: &str, now: SystemTime) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(Some(file)) = self.open_file(name, flags) else { return false };
        let changed = file.metadata().and_then(|known| known.modified());
        changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age > LEFT_OVER))
    }
}

impl Temporary<'_> {
    /// Makes the content outlive a crash of the machine.
    pub(crate) fn sync(&self) -> Result<(), FileStoreError> {
        self.file.sync_all().map_err(|source| failed("syncing", &self.directory.path_of(&self.name), source))
    }

    /// Renames the file to `to`, which it replaces if it exists.
    pub(crate) fn rename(mut self, to: &str) -> Result<(), FileStoreError> {
        self.directory.rename(&self.name, to)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = self.directory.remove(&self.name);
        }
    }
}

/// Returns whether the file system is a network file system, or one that may be, such as FUSE.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_on_a_network(directory: &OwnedFd) -> bool {
    // AFS, 9P, Ceph, CIFS, Coda, FUSE, GFS2, Lustre, NFS, OCFS2, SMB, SMB2, as `statfs(2)` lists them.
    const NETWORKS: [u32; 12] = [
        0x5346_414F,
        0x0102_1997,
        0x00C3_6400,
        0xFF53_4D42,
        0x7375_7245,
        0x6573_5546,
        0x0116_1970,
        0x0BD0_0BD0,
        0x6969,
        0x7461_636F,
        0x517B,
        0xFE53_4D42,
    ];
    // The number has 32 bits, in a type that differs between systems.
    rustix::fs::fstatfs(directory).is_ok_and(|known| NETWORKS.contains(&(known.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_on_a_network(_: &OwnedFd) -> bool {
    false
}

/// Creates a directory and its missing parents.
fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

/// Returns 64 random bits as text.
pub(crate) fn random() -> Result<String, FileStoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| FileStoreError::Io {
        doing: "drawing a random name from",
        path: PathBuf::from("the operating system"),
        source: error.into(),
    })?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

pub(crate) fn failed(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> FileStoreError {
    FileStoreError::Io { doing, path: path.to_owned(), source: source.into() }
}

/// Returns the permission bits. The type of the raw mode has 16 bits on some systems.
#[allow(clippy::useless_conversion)]
fn mode(raw: rustix::fs::RawMode) -> u32 {
    u32::from(raw) & 0o7777
}

/// Returns the number of the user that this process runs as.
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}
